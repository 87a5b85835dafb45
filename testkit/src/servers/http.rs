//! Just enough HTTP to talk to a test server's management interface.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ConfigBuilder, RootCertStore, StreamOwned};

/// What a server answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    /// The body of a 200, or what went wrong.
    pub(super) fn ok(self, path: &str) -> io::Result<String> {
        match self.status {
            200 => Ok(self.body),
            status => Err(io::Error::other(format!("{path} answered {status}: {}", self.body))),
        }
    }
}

/// What is asked of a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a str,
}

impl<'a> Question<'a> {
    /// No body means GET.
    fn new(path: &'a str, body: Option<&'a str>) -> Self {
        let method = if body.is_some() { "POST" } else { "GET" };
        Self { method, path, headers: &[], body: body.unwrap_or_default() }
    }
}

/// One call: no body means GET.
pub(super) fn call(address: SocketAddr, path: &str, body: Option<&str>) -> io::Result<Answer> {
    ask(address, Question::new(path, body))
}

/// One question of any kind.
pub(super) fn ask(address: SocketAddr, question: Question<'_>) -> io::Result<Answer> {
    exchange(&mut connect(address)?, address, question)
}

/// The same over TLS, with one trusted root.
#[derive(Clone, Debug)]
pub(super) struct Tls(Arc<ClientConfig>);

impl Tls {
    pub(super) fn trusting(root_pem: &str) -> io::Result<Self> {
        Ok(Self(Arc::new(trust(root_pem)?.with_no_client_auth())))
    }

    /// The same, for a client with a certificate.
    pub(super) fn identified(root_pem: &str, certificate_pem: &str, key_pem: &str) -> io::Result<Self> {
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).map_err(io::Error::other)?;
        let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(io::Error::other)?;
        let config = trust(root_pem)?.with_client_auth_cert(vec![certificate], key);
        Ok(Self(Arc::new(config.map_err(io::Error::other)?)))
    }

    pub(super) fn call(&self, address: SocketAddr, path: &str, body: Option<&str>) -> io::Result<Answer> {
        self.ask(address, Question::new(path, body))
    }

    pub(super) fn ask(&self, address: SocketAddr, question: Question<'_>) -> io::Result<Answer> {
        let name = ServerName::IpAddress(address.ip().into());
        let connection = ClientConnection::new(Arc::clone(&self.0), name).map_err(io::Error::other)?;
        exchange(&mut StreamOwned::new(connection, connect(address)?), address, question)
    }
}

fn trust(root_pem: &str) -> io::Result<ConfigBuilder<ClientConfig, WantsClientCert>> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(root_pem.as_bytes()).map_err(io::Error::other)?;
    roots.add(root).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(config.with_root_certificates(roots))
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(stream)
}

// HTTP/1.0: the answer is never chunked and ends with the connection.
fn exchange(stream: &mut (impl Read + Write), host: SocketAddr, question: Question<'_>) -> io::Result<Answer> {
    let Question { method, path, headers, body } = question;
    let length = body.len();
    let mut head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: certwright-testkit\r\nContent-Length: {length}\r\n"
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    stream.flush()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) =
        answer.split_once("\r\n\r\n").ok_or_else(|| io::Error::other("an answer without an end of its head"))?;
    let status = head.split_ascii_whitespace().nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("an answer without a status"))?;
    Ok(Answer { status, body: body.to_owned() })
}

const LIMIT: Duration = Duration::from_secs(30);
