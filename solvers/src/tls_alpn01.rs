//! TLS-ALPN-01 (RFC 8737, and RFC 8738 for addresses): a certificate on port 443, over rustls.
//!
//! [`TlsAlpn01`] is the solver; it fills [`Answers`]. Whatever accepts TLS connections asks a [`Responder`] over the same table:
//! where [`is_challenge`] says that a validator calls, continue the handshake with [`Responder::server_config`], and close the connection after it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acme_core::Identifier;
use acme_core::protocol::ChallengeType;
use async_trait::async_trait;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::{Answer, Answers, Error, ErrorKind, Presentation, Readiness, Solver, TlsAlpnAnswer, limits};

/// The protocol that a validator offers, alone (RFC 8737 section 6.2).
pub const PROTOCOL: &[u8] = b"acme-tls/1";

/// Answers TLS-ALPN-01 from a table that a [`Responder`] reads.
///
/// [`check`](Solver::check) says that the answer is in the table; it does not ask over the network.
#[derive(Debug, Clone)]
pub struct TlsAlpn01 {
    answers: Answers,
}

impl TlsAlpn01 {
    /// A solver that fills `answers`.
    pub fn new(answers: Answers) -> Self {
        Self { answers }
    }
}

#[async_trait]
impl Solver for TlsAlpn01 {
    fn challenge(&self) -> ChallengeType {
        ChallengeType::TlsAlpn01
    }

    async fn present(&self, presentation: &Presentation) -> Result<(), Error> {
        self.answers.publish(answer_to(presentation)?).await
    }

    async fn check(&self, presentation: &Presentation) -> Result<Readiness, Error> {
        Ok(if self.answers.has(&answer_to(presentation)?).await? {
            Readiness::Ready
        } else {
            Readiness::NotYet {
                again_after: Duration::from_secs(1),
                missing: format!("the certificate for {} is not in the table", presentation.identifier),
            }
        })
    }

    async fn clean_up(&self, presentation: &Presentation) -> Result<(), Error> {
        self.answers.withdraw(&answer_to(presentation)?).await
    }
}

fn answer_to(presentation: &Presentation) -> Result<Answer, Error> {
    presentation.require(&ChallengeType::TlsAlpn01)?;
    Ok(Answer::TlsAlpn {
        identifier: presentation.identifier.clone(),
        digest: presentation.key_authorization()?.digest(),
    })
}

/// Whether a validator calls: the client offers `acme-tls/1` and nothing else.
pub fn is_challenge(hello: &ClientHello<'_>) -> bool {
    let mut offered = hello.alpn().into_iter().flatten();
    offered.next() == Some(PROTOCOL) && offered.next().is_none()
}

/// Shows validators the certificates that the table asks for. Certificates are made on demand, and kept ready for the next connection.
pub struct Responder {
    answers: Answers,
    provider: Arc<CryptoProvider>,
    ready: Mutex<HashMap<TlsAlpnAnswer, Arc<CertifiedKey>>>,
}

impl Responder {
    /// A responder over `answers`; `provider` signs the handshakes.
    pub fn new(answers: Answers, provider: Arc<CryptoProvider>) -> Self {
        Self { answers, provider, ready: Mutex::default() }
    }

    /// The certificate for this client, or `None` when it is no validator or nothing is presented for the name it asks for.
    pub fn respond(&self, hello: &ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if !is_challenge(hello) {
            return None;
        }
        self.ready_for(self.answers.tls_alpn(hello.server_name()?)?)
    }

    fn ready_for(&self, answer: TlsAlpnAnswer) -> Option<Arc<CertifiedKey>> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = ready.get(&answer) {
            return Some(key.clone());
        }
        match certificate(&answer.identifier, answer.digest, &self.provider) {
            Ok(key) => {
                if ready.len() >= limits::CHALLENGE_CERTIFICATES {
                    ready.clear();
                }
                ready.insert(answer, key.clone());
                Some(key)
            }
            Err(error) => {
                tracing::error!(%error, "a validator gets no certificate");
                None
            }
        }
    }

    /// A configuration that speaks `acme-tls/1` to validators and fails every other handshake.
    ///
    /// # Errors
    /// `Unsupported` when the provider has no usable protocol version.
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, Error> {
        self.config_with(self.clone())
    }

    /// A configuration for the one validator that asks for `server_name`, whose answer may lie in a [store](Answers::shared): take it where
    /// [`is_challenge`] says that a validator calls. `None` when nothing is presented for the name.
    ///
    /// # Errors
    /// As [`server_config`](Self::server_config).
    pub async fn server_config_for(&self, server_name: &str) -> Result<Option<Arc<ServerConfig>>, Error> {
        let answer = self.answers.seek_tls_alpn(server_name).await;
        let key = answer.and_then(|answer| self.ready_for(answer));
        key.map(|key| self.config_with(Arc::new(Only(key)))).transpose()
    }

    /// Whether the answers lie in a [store](Answers::shared), where [`respond`](Self::respond) cannot look.
    pub fn is_shared(&self) -> bool {
        self.answers.is_shared()
    }

    fn config_with(&self, resolver: Arc<dyn ResolvesServerCert>) -> Result<Arc<ServerConfig>, Error> {
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|source| {
                Error::new(ErrorKind::Unsupported, "the rustls provider has no usable version of TLS")
                    .with_source(source)
            })?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Responder {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.respond(&hello)
    }
}

/// Shows one certificate to whoever offers the protocol.
#[derive(Debug)]
struct Only(Arc<CertifiedKey>);

impl ResolvesServerCert for Only {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        is_challenge(&hello).then(|| self.0.clone())
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").field("answers", &self.answers).finish_non_exhaustive()
    }
}

/// The certificate that answers TLS-ALPN-01 for `identifier` (RFC 8737 section 3), with a fresh key: self-signed, with that name or address
/// alone, and the digest in a critical `acmeIdentifier` extension.
///
/// # Errors
/// `Unsupported` when this build has no maker of keys (features `aws-lc-rs`, `ring`), or the identifier is neither a name nor an address.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub fn certificate(
    identifier: &Identifier,
    digest: [u8; 32],
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, Error> {
    use rcgen::{CertificateParams, CustomExtension, DistinguishedName, DnType, KeyPair, SanType};
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

    let failed = |what: &'static str| Error::new(ErrorKind::Internal, what);
    let name = if let Identifier::Ip(address) = identifier {
        SanType::IpAddress(*address)
    } else if let Some(name) = identifier.dns() {
        SanType::DnsName(
            name.as_str()
                .try_into()
                .map_err(|source: rcgen::Error| failed("a DNS name that is no ASCII text").with_source(source))?,
        )
    } else {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("tls-alpn-01 proves DNS names and IP addresses, not {identifier}"),
        ));
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "ACME challenge");
    params.subject_alt_names = vec![name];
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(&digest)];
    let made = KeyPair::generate().and_then(|key| Ok((params.self_signed(&key)?, key)));
    let (certificate, key) =
        made.map_err(|source| failed("a certificate for tls-alpn-01 could not be made").with_source(source))?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|source| failed("the rustls provider takes no P-256 key").with_source(source))?;
    Ok(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key)))
}

/// Always fails: this build has no maker of keys.
///
/// # Errors
/// `Unsupported`; build with feature `aws-lc-rs` or `ring`.
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
pub fn certificate(
    identifier: &Identifier,
    _digest: [u8; 32],
    _provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, Error> {
    Err(Error::new(
        ErrorKind::Unsupported,
        format!(
            "this build cannot make a key to answer tls-alpn-01 for {identifier}: enable feature `aws-lc-rs` or `ring`"
        ),
    ))
}
