//! One question to an issuer of the library, from a request of the cluster.

use std::sync::Arc;

use acme_core::{Error, ErrorKind, Secret, Signer, Timestamp, text};
use futures_util::FutureExt as _;
use issuers::template::Usages;
use issuers::venafi::VenafiIssuer;
use issuers::{
    CertificateRequest as Asked, InMemory, Issued, Issuer, Maker, Progress, ProgressError, Step, chain, csr,
};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;

use crate::admission;
use crate::crd::certificate_request::{CertificateRequest, CertificateRequestSpec};
use crate::engine::Remote;
use crate::limits;
use crate::workshop::Weight;

/// What an issuer gave, as the status holds it.
#[derive(Debug)]
pub(crate) struct Obtained {
    /// The leaf and what leads to a root, without it.
    pub(crate) certificate: String,
    /// The highest authority that is known.
    pub(crate) ca: Option<String>,
    /// What is not as it was asked for, for people.
    pub(crate) remarks: Vec<String>,
}

/// What became of the question.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The certificate is there.
    Obtained(Obtained),
    /// Not yet: when to ask again, and why.
    NotYet(Timestamp, String),
    /// It failed before the issuer was asked: the request itself is of no use.
    Unreadable(Error),
    /// The issuer failed.
    Failed(Error),
}

/// What is asked, as the library wants it.
pub(super) struct Question {
    object: Arc<CertificateRequest>,
    signer: Option<Arc<dyn Signer>>,
    maker: Maker,
}

impl Question {
    /// What a request asks. One that was made here need not prove its key.
    pub(super) fn new(object: Arc<CertificateRequest>, signer: Option<Arc<dyn Signer>>, made_here: bool) -> Self {
        Self { object, signer, maker: if made_here { Maker::Asker } else { Maker::Anybody } }
    }

    /// What cert-manager's webhook would have refused: a signing request that is none, is not signed by its key, or asks for something else than its resource
    /// says, which is what approvers look at. What was made here is known to be right; for what is no PEM its controller has words of its own, which are known.
    pub(super) fn refused(&self) -> Option<String> {
        match self.maker {
            Maker::Asker => None,
            Maker::Anybody if decode(&self.object.spec).is_err() => None,
            Maker::Anybody => {
                let violations = admission::certificate_request_spec(&self.object.spec);
                (!violations.is_empty()).then(|| text::printable(&admission::message(&violations), limits::TEXT))
            }
        }
    }

    /// What a signature by its own key costs.
    pub(super) fn weight(&self) -> Weight {
        self.signer.as_ref().map_or(Weight::Heavy, |it| Weight::of(it.algorithm()))
    }

    /// Asks an issuer that answers without waiting for anything.
    pub(super) fn ask_now(self, issuer: &dyn Issuer) -> Outcome {
        let waited = Error::new(ErrorKind::Internal, "an issuer of this process waits for something");
        self.ask(issuer, &mut InMemory::new()).now_or_never().unwrap_or(Outcome::Failed(waited))
    }

    /// Asks an issuer that asks somebody else, with what it remembers of this question.
    pub(super) async fn ask_remote(self, remote: &Remote, state: Option<Arc<Secret<Vec<u8>>>>) -> Answered {
        let mut progress = Remembered(state);
        let outcome = match remote {
            Remote::Vault(issuer) => self.ask(issuer.as_ref(), &mut progress).await,
            Remote::Venafi(issuer) => self.ask(issuer.as_ref(), &mut progress).await,
        };
        let pickup = match (remote, &progress.0) {
            (Remote::Venafi(_), Some(state)) => VenafiIssuer::pickup(state.expose()).unwrap_or_default(),
            (Remote::Venafi(_), None) | (Remote::Vault(_), _) => None,
        };
        Answered { outcome, state: progress.0, pickup }
    }

    async fn ask(self, issuer: &dyn Issuer, progress: &mut dyn Progress) -> Outcome {
        let spec = &self.object.spec;
        if let Some(refused) = self.refused() {
            return Outcome::Unreadable(Error::new(ErrorKind::Malformed, refused));
        }
        let (der, usages) = match read(spec) {
            Ok(read) => read,
            Err(error) => return Outcome::Unreadable(error),
        };
        let identifiers = match csr::Request::read(&der).and_then(|request| request.identifiers()) {
            Ok(identifiers) => identifiers,
            Err(error) => return Outcome::Unreadable(error),
        };
        let mut asked = Asked::new(&der, &identifiers);
        asked.maker = self.maker;
        asked.duration = spec.duration.as_ref().and_then(|it| it.duration());
        asked.is_ca = spec.is_ca;
        asked.usages = usages.as_ref();
        asked.signer = self.signer.as_deref();
        match issuer.issue(&asked, progress).await {
            Ok(Step::Issued(issued)) => Outcome::Obtained(Obtained::from(issued)),
            Ok(Step::NotYet { again, waiting }) => Outcome::NotYet(again, waiting.to_string()),
            Err(error) => Outcome::Failed(error),
        }
    }
}

/// What somebody else answered, and what is remembered of it.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(super) outcome: Outcome,
    pub(super) state: Option<Arc<Secret<Vec<u8>>>>,
    /// The name that the certificate is picked up by.
    pub(super) pickup: Option<String>,
}

/// What an issuer remembers of a question, as long as this process lives.
struct Remembered(Option<Arc<Secret<Vec<u8>>>>);

#[async_trait::async_trait]
impl Progress for Remembered {
    fn state(&self) -> Option<&[u8]> {
        self.0.as_ref().map(|state| state.expose().as_slice())
    }

    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError> {
        self.0 = Some(Arc::new(Secret::new(state.to_vec())));
        Ok(())
    }
}

impl From<Issued> for Obtained {
    fn from(issued: Issued) -> Self {
        let certificates = issued.chain.certificates();
        // Without a root, the topmost certificate above the leaf is the highest that is known.
        let ca = issued.root.as_ref().or_else(|| certificates.get(1..)?.last());
        Self {
            certificate: chain::to_pem(&issued.chain),
            ca: ca.map(|ca| acme_core::pem::encode("CERTIFICATE", ca)),
            remarks: issued.remarks.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Whether a chain in PEM begins with a certificate for the key of a signing request.
pub(super) fn fits(pem: &[u8], spec: &CertificateRequestSpec) -> bool {
    let Ok((der, _)) = read(spec) else { return false };
    let (Ok(asked), Ok(certificates)) = (csr::Request::read(&der), chain::bundle_from_pem(pem)) else { return false };
    let leaf = certificates.first().and_then(|leaf| chain::public_key(leaf).ok());
    leaf.is_some_and(|key| key == *asked.public_key())
}

/// The signing request of a spec, and the usages that it names beside it.
fn read(spec: &CertificateRequestSpec) -> Result<(CertificateSigningRequestDer<'static>, Option<Usages>), Error> {
    let der = decode(spec)?;
    let usages = match spec.usages.as_slice() {
        [] => None,
        usages => Some(Usages::parse(usages.iter().map(|usage| usage.as_str()))?),
    };
    Ok((der, usages))
}

fn decode(spec: &CertificateRequestSpec) -> Result<CertificateSigningRequestDer<'static>, Error> {
    CertificateSigningRequestDer::from_pem_slice(spec.request.as_slice())
        .map_err(|source| Error::new(ErrorKind::Malformed, NO_PEM).with_source(source))
}

/// What cert-manager says of a signing request that is no PEM.
pub(super) const NO_PEM: &str = "error decoding certificate request PEM block: no PEM data was found in given input";

#[cfg(test)]
mod tests {
    use acme_core::{KeyType, PrivateKey};
    use serde_json::json;

    use super::*;
    use crate::certificate::Wanted;
    use crate::crd::certificate::Certificate;

    /// A request for a Certificate with these usages, and what is said of one that anybody may have made.
    fn request(certificate: serde_json::Value) -> CertificateRequest {
        let certificate: Certificate = serde_json::from_value(certificate).expect("it is a Certificate");
        let wanted = Wanted::of(&certificate).expect("it can be asked for");
        let key = PrivateKey::generate(KeyType::EcdsaP256).expect("a key");
        let csr = wanted.spec.draft().and_then(|it| it.sign_now(&key)).expect("a signing request");
        let pem = acme_core::pem::encode("CERTIFICATE REQUEST", &csr);
        let mut request = CertificateRequest::default();
        request.spec.request = pem.as_bytes().into();
        request.spec.issuer_ref = certificate.spec.issuer_ref;
        request.spec.usages = certificate.spec.usages;
        request.spec.is_ca = certificate.spec.is_ca;
        request
    }

    fn certificate(fields: serde_json::Value) -> serde_json::Value {
        let mut object = json!({ "metadata": { "name": "web" }, "spec": {
            "secretName": "web", "dnsNames": ["www.example.com"], "issuerRef": { "name": "ca" }, "privateKey": { "algorithm": "ECDSA" },
        } });
        for (name, value) in fields.as_object().into_iter().flatten() {
            object["spec"][name] = value.clone();
        }
        object
    }

    fn refused(request: CertificateRequest, made_here: bool) -> Option<String> {
        Question::new(Arc::new(request), None, made_here).refused()
    }

    #[test]
    fn requests_of_ours_would_pass_the_webhook() {
        for fields in [
            json!({}),
            json!({ "isCA": true }),
            json!({ "usages": ["client auth", "server auth", "digital signature"] }),
            json!({ "usages": ["code signing", "any", "server auth", "cert sign"], "isCA": true }),
            json!({ "usages": ["s/mime"], "encodeUsagesInRequest": false }),
        ] {
            assert_eq!(refused(request(certificate(fields.clone())), false), None, "{fields}");
        }
    }

    #[test]
    fn of_a_text_that_is_no_signing_request_the_words_of_cert_managers_controller_are_said() {
        let mut text = request(certificate(json!({})));
        text.spec.request = b"xx".as_slice().into();
        let error = read(&text.spec).expect_err("it is none");
        assert_eq!(error.to_string(), NO_PEM);
        assert_eq!(refused(text, false), None, "the webhook's would stand before them");
    }

    #[test]
    fn a_signing_request_is_held_to_what_approvers_see() {
        let mut other = request(certificate(json!({ "usages": ["code signing"] })));
        other.spec.usages = serde_json::from_value(json!(["server auth"])).expect("usages");
        let told = refused(other.clone(), false).expect("it is refused");
        assert!(
            told.contains(
                "the ExtKeyUsages [ 'code signing' ] do not match the expected ExtKeyUsages [ 'server auth' ]"
            ),
            "{told}"
        );
        assert_eq!(refused(other, true), None, "what was made here is known");
        let mut days = request(certificate(json!({})));
        for text in ["30d", "-1h"] {
            days.spec.duration = Some(text.into());
            let told = refused(days.clone(), false).expect("nobody knows how long is meant");
            assert!(told.contains("spec.duration: Invalid value: ") && told.contains("as in 2160h"), "{told}");
        }
        let mut authority = request(certificate(json!({ "isCA": true })));
        authority.spec.is_ca = false;
        let told = refused(authority, false).expect("it is refused");
        assert!(told.contains("encoded CSR error: "), "{told}");
    }
}
