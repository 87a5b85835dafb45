//! Looks at challenges for real: HTTP-01 and TLS-ALPN-01 over loopback.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use acme_core::Identifier;
use acme_core::protocol::{ChallengeType, Problem, ProblemType};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::ca::{ValidationJob, Verdict, check_http_body, check_validation_certificate};

/// Connects to 127.0.0.1 instead of the name, as if every name led there. Redirects are not followed; DNS challenges are not met.
#[derive(Debug, Clone)]
pub struct RealValidator {
    /// Where HTTP-01 is looked for instead of port 80.
    pub http_port: u16,
    /// Where TLS-ALPN-01 is looked for instead of port 443.
    pub tls_port: u16,
    /// How long one look may take.
    pub patience: Duration,
}

impl RealValidator {
    /// Looks at these ports, for ten seconds as Let's Encrypt does.
    pub fn new(http_port: u16, tls_port: u16) -> Self {
        Self { http_port, tls_port, patience: Duration::from_secs(10) }
    }

    /// One look at one challenge.
    pub async fn look(&self, job: &ValidationJob) -> Verdict {
        let looking = async {
            if job.kind == ChallengeType::Http01 {
                self.look_at_http(job).await
            } else if job.kind == ChallengeType::TlsAlpn01 {
                self.look_at_tls(job).await
            } else {
                Err(Problem::new(ProblemType::Dns, "nobody answers for this zone").into())
            }
        };
        match tokio::time::timeout(self.patience, looking).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(problem)) => Verdict::Invalid(*problem),
            Err(_) => Verdict::Invalid(Problem::new(ProblemType::Connection, "no answer within the time limit")),
        }
    }

    async fn look_at_http(&self, job: &ValidationJob) -> Result<Verdict, Box<Problem>> {
        let stream = connect(self.http_port).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(unreachable)?;
        let host = match &job.identifier {
            Identifier::Ip(IpAddr::V6(address)) => format!("[{address}]"),
            Identifier::Ip(_) | Identifier::Dns(_) | Identifier::Other(_) | _ => job.identifier.to_string(),
        };
        let path = format!("/.well-known/acme-challenge/{}", job.key_authorization.token());
        let request = Request::get(path)
            .header(header::HOST, host)
            .header(header::USER_AGENT, "model-ca-validation")
            .header(header::ACCEPT, "*/*")
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(unreachable)?;
        // Dropped at the end, and the connection with it.
        let mut driving = JoinSet::new();
        driving.spawn(connection);
        let answer = sender.send_request(request).await.map_err(unreachable)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), BODY).collect().await.map_err(unreachable)?.to_bytes();
        if status != StatusCode::OK {
            return Err(Box::new(Problem::new(
                ProblemType::Unauthorized,
                format!("invalid response: {}", status.as_u16()),
            )));
        }
        Ok(check_http_body(&String::from_utf8_lossy(&body), job))
    }

    async fn look_at_tls(&self, job: &ValidationJob) -> Result<Verdict, Box<Problem>> {
        let failed = |why: String| Box::new(Problem::new(ProblemType::Tls, why));
        let provider = Arc::new(default_provider());
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        let name = ServerName::try_from(server_name(&job.identifier)).map_err(|error| failed(error.to_string()))?;
        let stream = connect(self.tls_port).await?;
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .map_err(|error| failed(error.to_string()))?;
        let (_, connection) = stream.get_ref();
        if connection.alpn_protocol() != Some(ALPN) {
            return Err(failed("the server did not select acme-tls/1".to_owned()));
        }
        match connection.peer_certificates() {
            Some([certificate, ..]) => {
                Ok(check_validation_certificate(certificate, &job.identifier, &job.key_authorization))
            }
            _ => Err(failed("the server showed no certificate".to_owned())),
        }
    }
}

async fn connect(port: u16) -> Result<TcpStream, Box<Problem>> {
    TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.map_err(unreachable)
}

fn unreachable(error: impl std::fmt::Display) -> Box<Problem> {
    Box::new(Problem::new(ProblemType::Connection, error.to_string()))
}

/// What the ClientHello names: the identifier, or the reverse mapping of an address (RFC 8738 section 6).
fn server_name(identifier: &Identifier) -> String {
    match identifier {
        Identifier::Ip(IpAddr::V4(address)) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        Identifier::Ip(IpAddr::V6(address)) => {
            let nibbles = u128::from(*address);
            let mut name = String::new();
            for at in 0..32 {
                name.push_str(&format!("{:x}.", nibbles >> (4 * at) & 15));
            }
            name + "ip6.arpa"
        }
        Identifier::Dns(_) | Identifier::Other(_) | _ => identifier.to_string(),
    }
}

/// Takes every certificate, so that the authority can look at it; the handshake's signature is checked.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verify(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verify(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl AnyCertificate {
    /// By hand, because the verifier at hand stops at the critical `acmeIdentifier`.
    fn verify(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let bad = |why| rustls::Error::InvalidCertificate(why);
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| bad(CertificateError::BadEncoding))?;
        let key = parsed.public_key().subject_public_key.as_ref();
        let mapping = self.0.signature_verification_algorithms.mapping;
        let verified = mapping
            .iter()
            .filter(|(scheme, _)| *scheme == signature.scheme)
            .flat_map(|(_, algorithms)| *algorithms)
            .any(|it| it.verify_signature(key, message, signature.signature()).is_ok());
        if verified { Ok(HandshakeSignatureValid::assertion()) } else { Err(bad(CertificateError::BadSignature)) }
    }
}

const ALPN: &[u8] = b"acme-tls/1";
/// Longest body that is read: a key authorization is a hundred characters.
const BODY: usize = 16 * 1024;
