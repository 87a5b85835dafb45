//! What Vault answers.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use acme_core::{Clock, Error, Identifier, Secret, Timestamp, Transport, limits};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use issuers::vault::auth::{AppRole, Auth, Fixed, Token};
use issuers::vault::{Server, VaultIssuer};
use issuers::{CertificateRequest, InMemory, Issuer as _, Step, csr};
use rustls_pki_types::CertificateSigningRequestDer;

use super::sound;

/// What Vault answers to a login, of a token, to a signing request, and when it says no.
pub fn vault(bytes: &[u8]) {
    let secret = || Fixed::new(Secret::new(SECRET.to_owned()));
    ask(StatusCode::OK, bytes, AppRole::new("role", secret()));
    ask(StatusCode::OK, bytes, Token::new(secret()));
    // One way to say no for each input: what is read of it is the same.
    let refusals =
        [StatusCode::BAD_REQUEST, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE];
    ask(refusals[bytes.len() % refusals.len()], bytes, AppRole::new("role", secret()));
}

fn ask(status: StatusCode, bytes: &[u8], auth: impl Auth + 'static) {
    let says = Arc::new(Says { status, body: Bytes::copy_from_slice(bytes) });
    let Ok(server) = Server::new("https://vault.test", says.clone(), says) else { return };
    let Ok(issuer) = VaultIssuer::new("vault", server, "pki/sign/web", auth) else { return };
    let csr = CertificateSigningRequestDer::from(CSR);
    let names = names(&csr);
    let mut progress = InMemory::new();
    let outcome = at_once(issuer.issue(&CertificateRequest::new(&csr, &names), &mut progress));
    match (outcome, at_once(issuer.check())) {
        (Ok(Step::Issued(issued)), Ok(())) => {
            assert!((1..=limits::CHAIN).contains(&issued.chain.certificates().len()));
        }
        (issued, checked) => {
            for error in [issued.err(), checked.err()].into_iter().flatten() {
                sound(&error);
                assert!(!error.to_string().contains(SECRET), "{error}");
            }
        }
    }
}

/// Nothing here waits for anything.
#[expect(clippy::panic, reason = "that is how a target says no")]
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("an issuer waits, and nobody would wake it"),
    }
}

/// A server that says one thing, at one time.
struct Says {
    status: StatusCode,
    body: Bytes,
}

#[async_trait]
impl Transport for Says {
    async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let mut answer = Response::new(self.body.clone());
        *answer.status_mut() = self.status;
        Ok(answer)
    }
}

impl Clock for Says {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(1_790_000_000)
    }
}

/// What the certificate of the seed `signed.json` was made from.
const CSR: &[u8] = include_bytes!("../../seeds/csr/csr.der");
const SECRET: &str = "hvs.a-secret-that-nobody-may-see";

fn names(csr: &CertificateSigningRequestDer<'_>) -> Vec<Identifier> {
    csr::read(csr).map(|asked| asked.identifiers).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_is_a_certificate_and_a_login_is_let_in() {
        let signed = include_bytes!("../../seeds/vault/signed.json");
        let says = Arc::new(Says { status: StatusCode::OK, body: Bytes::from_static(signed) });
        let server = Server::new("https://vault.test", says.clone(), says).unwrap();
        let auth = Token::new(Fixed::new(Secret::new(SECRET.to_owned())));
        let issuer = VaultIssuer::new("vault", server, "pki/sign/web", auth).unwrap();
        let csr = CertificateSigningRequestDer::from(CSR);
        let names = names(&csr);
        let issued = at_once(issuer.issue(&CertificateRequest::new(&csr, &names), &mut InMemory::new())).unwrap();
        assert!(
            matches!(issued, Step::Issued(issued) if issued.chain.certificates().len() == 2 && issued.root.is_some())
        );
    }
}
