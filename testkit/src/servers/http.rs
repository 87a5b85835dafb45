//! Just enough HTTP to talk to a test server's management interface.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

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

/// One call: no body means GET.
pub(super) fn call(address: SocketAddr, path: &str, body: Option<&str>) -> io::Result<Answer> {
    exchange(&mut connect(address)?, address, path, body)
}

/// The same over TLS, with one trusted root.
#[derive(Clone, Debug)]
pub(super) struct Tls(Arc<ClientConfig>);

impl Tls {
    pub(super) fn trusting(root_pem: &str) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(root_pem.as_bytes()).map_err(io::Error::other)?;
        roots.add(root).map_err(io::Error::other)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        Ok(Self(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
    }

    pub(super) fn call(&self, address: SocketAddr, path: &str, body: Option<&str>) -> io::Result<Answer> {
        let name = ServerName::IpAddress(address.ip().into());
        let connection = ClientConnection::new(Arc::clone(&self.0), name).map_err(io::Error::other)?;
        exchange(&mut StreamOwned::new(connection, connect(address)?), address, path, body)
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(stream)
}

// HTTP/1.0: the answer is never chunked and ends with the connection.
fn exchange(stream: &mut (impl Read + Write), host: SocketAddr, path: &str, body: Option<&str>) -> io::Result<Answer> {
    let method = if body.is_some() { "POST" } else { "GET" };
    let body = body.unwrap_or_default();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: certwright-testkit\r\nContent-Length: {length}\r\n\r\n"
    );
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

const LIMIT: Duration = Duration::from_secs(10);
