//! `spec.ca`: an authority whose key lies in a Secret.

use std::sync::Arc;

use acme_core::client::Chain;
use acme_core::{Clock, Error, PrivateKey, Retry, Signer as _, Timestamp};
use issuers::ca::{Authority, CaIssuer};
use issuers::chain::{self, Leaf, Path};
use rustls_pki_types::CertificateDer;

use super::secrets::{Contents, Unread};
use super::{Engine, Found, Of, Secrets, Verdict, read_key};
use crate::crd::issuer::CaIssuer as Spec;
use crate::workshop::Weight;

/// Reads the Secret, and makes an issuer of what it holds.
pub(super) async fn set_up(
    secrets: &mut Secrets<'_>,
    of: &Of,
    spec: &Spec,
    clock: Arc<dyn Clock>,
    now: Timestamp,
) -> (Found, Retry) {
    let failed = |reason, what: String, retry| {
        (Found::Verdict(Verdict::unready(reason, format!("Error getting keypair for CA issuer: {what}"))), retry)
    };
    let pair = match secrets.whole(&spec.secret_name).await {
        Ok(contents) => Pair::read(contents),
        Err(unread) => Err(unread.to_string()),
    };
    let pair = match pair {
        Ok(pair) => pair,
        // Whatever is wrong with the Secret, its change is seen; the pause is for an API server that did not answer.
        Err(what) => return failed("ErrGetKeyPair", what, Retry::Backoff),
    };
    if !pair.is_authority() {
        return failed("ErrInvalidKeyPair", "certificate is not a CA".to_owned(), Retry::Never);
    }
    match pair.authority(spec, now) {
        Ok(authority) => {
            // Its end is looked at again when it comes.
            let left = authority.not_after().since(now);
            let weight = Weight::of(authority.signer().algorithm());
            let issuer = CaIssuer::new(of.issuer.to_string(), authority, clock);
            let verdict =
                Verdict::ready(Engine::Authority(Arc::new(issuer), weight), "KeyPairVerified", "Signing CA verified");
            (Found::Verdict(verdict), Retry::After(left))
        }
        Err(error) => failed("ErrInvalidKeyPair", error.to_string(), error.retry()),
    }
}

/// What the Secret of an authority holds.
struct Pair {
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKey,
}

impl Pair {
    /// Takes the certificates and the key out of a Secret, or says what is wrong with it in cert-manager's words.
    fn read(mut contents: Contents) -> Result<Self, String> {
        let take = |contents: &mut Contents, key| contents.take(key).map_err(|unread: Unread| unread.to_string());
        let chain = take(&mut contents, "tls.crt")?;
        let key = take(&mut contents, "tls.key")?;
        let mut certificates = chain::bundle_from_pem(chain.expose()).unwrap_or_default();
        if certificates.is_empty() {
            return Err("error decoding certificate PEM block: no valid certificates found".to_owned());
        }
        if let Some(above) = contents.find("ca.crt") {
            certificates.extend(chain::bundle_from_pem(above.expose()).unwrap_or_default());
        }
        let key = read_key(&key).ok_or("error decoding private key PEM block")?;
        Ok(Self { certificates, key })
    }

    fn is_authority(&self) -> bool {
        self.certificates.first().is_some_and(|own| Leaf::read(own).is_ok_and(|own| own.is_ca))
    }

    /// The authority that signs with the key, under the chain that leads from its certificate upwards.
    fn authority(self, spec: &Spec, now: Timestamp) -> Result<Authority, Error> {
        let path = Path::of_key(&self.certificates, self.key.public_key(), now)
            .map_err(|error| error.while_doing("tls.crt and tls.key of the secret"))?;
        let mut chain = path.chain().certificates().to_vec();
        chain.extend(path.root().filter(|root| !chain.contains(root)).cloned());
        let mut authority = Authority::new(Chain::new(chain), self.key, now)?;
        if !spec.crl_distribution_points.is_empty() {
            authority = authority.with_crl_distribution_points(&spec.crl_distribution_points)?;
        }
        if !(spec.ocsp_servers.is_empty() && spec.issuing_certificate_urls.is_empty()) {
            authority = authority.with_information(&spec.ocsp_servers, &spec.issuing_certificate_urls)?;
        }
        Ok(authority)
    }
}
