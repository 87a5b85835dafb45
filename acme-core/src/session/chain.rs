//! Certificates fetched, and chains read from PEM (RFC 8555 sections 7.4.2 and 9.1).

use futures_util::future::join_all;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::Session;
use crate::client::{Alternates, Answer as Said, Chain, Reply};
use crate::directory::{Answer, Post};
use crate::protocol::Url;
use crate::{Error, ErrorKind, limits};

impl Session {
    pub(super) async fn download(&self, url: &Url, alternates: Alternates) -> Result<Reply, Error> {
        let answer = self.certificate(url).await?;
        let mut chains = vec![chain(&answer)?];
        if alternates == Alternates::Fetch {
            let mut others: Vec<&Url> = Vec::new();
            for link in answer.links.iter().filter(|it| it.is("alternate")) {
                if link.target != *url && !others.contains(&&link.target) {
                    others.push(&link.target);
                }
            }
            others.truncate(limits::ALTERNATES);
            let fetched = join_all(others.into_iter().map(|url| self.alternate(url))).await;
            for alternate in fetched {
                chains.extend(alternate?);
            }
        }
        Ok(Reply::new(Said::Chains(chains), answer.retry_after))
    }

    /// A chain that the server offers and does not have is left out; one that is out of reach for now is not.
    async fn alternate(&self, url: &Url) -> Result<Option<Chain>, Error> {
        let fetched = self.certificate(url).await.and_then(|answer| chain(&answer));
        match fetched {
            Ok(chain) => Ok(Some(chain)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Refused | ErrorKind::Malformed) => {
                tracing::warn!(%url, %error, "an alternate chain is left out");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn certificate(&self, url: &Url) -> Result<Answer, Error> {
        let doing = "downloading a certificate";
        let post = Post { accept: Some("application/pem-certificate-chain"), ..self.request(url, b"") };
        self.directory().post(post).await.map_err(|error| error.while_doing(doing))?.success(doing)
    }
}

fn chain(answer: &Answer) -> Result<Chain, Error> {
    Chain::from_pem(&answer.body).map_err(|error| {
        error.while_doing(format_args!("downloading a certificate: the answer of {}", answer.url.authority()))
    })
}

impl Chain {
    /// Reads a chain from PEM, in the order it stands there; line ends of any kind, and text around the certificates, are fine.
    ///
    /// # Errors
    /// `Malformed` when a certificate is cut off or not base64, when there is none, or more than [`limits::CHAIN`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let mut certificates = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|source| {
                Error::new(ErrorKind::Malformed, "a certificate in PEM is cut off or damaged").with_source(source)
            })?;
            if certificates.len() == limits::CHAIN {
                return Err(Error::new(
                    ErrorKind::Malformed,
                    format!("a chain of more than {} certificates", limits::CHAIN),
                ));
            }
            certificates.push(certificate);
        }
        if certificates.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, "no certificate in PEM is there"));
        }
        Ok(Self::new(certificates))
    }
}
