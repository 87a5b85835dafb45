//! Servers that answer as they are told, and a table of names.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use acme_core::transport::Lookup;
use async_trait::async_trait;
use certwright_solvers::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Every name has this address.
pub(super) struct Everywhere(pub(super) IpAddr);

#[async_trait]
impl Lookup for Everywhere {
    async fn addresses(&self, _: &str) -> Result<Vec<IpAddr>, Error> {
        Ok(vec![self.0])
    }
}

/// Answers each request with what `answer` makes of its head.
pub(super) async fn serve(answer: impl Fn(&str) -> String + Clone + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(respond(stream, answer.clone()));
        }
    });
    address
}

/// The same over TLS, with a certificate that nobody trusts.
pub(super) async fn serve_tls(answer: impl Fn(&str) -> String + Clone + Send + Sync + 'static) -> SocketAddr {
    let made = rcgen::generate_simple_self_signed(["somebody.invalid".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(respond(stream, answer.clone()));
            }
        }
    });
    address
}

async fn respond(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: impl Fn(&str) -> String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let answer = answer(&String::from_utf8_lossy(&head));
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// A 200 with this body.
pub(super) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

/// A redirect.
pub(super) fn to(status: u16, target: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}
