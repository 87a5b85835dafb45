//! A small server on the loopback that answers everything the same, and a client's question to it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use bytes::Bytes;
use certwright_acme_core::Error;
use certwright_acme_core::transport::{ReqwestTransport, Transport};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

pub(super) const ROOT: &[u8] = include_bytes!("../tls/root.pem");
pub(super) const KEY: &[u8] = include_bytes!("../tls/localhost.key");
pub(super) const LOCALHOST: &[u8] = include_bytes!("../tls/localhost.pem");
pub(super) const EXPIRED: &[u8] = include_bytes!("../tls/expired.pem");
pub(super) const OTHER: &[u8] = include_bytes!("../tls/other.pem");
pub(super) const OTHER_KEY: &[u8] = include_bytes!("../tls/other.key");

/// Answers every connection with the same bytes, once a request's head is in.
pub(super) fn serve(answer: Vec<u8>, tls: Option<(&'static [u8], &'static [u8])>) -> SocketAddr {
    serve_and_tell(answer, tls).0
}

/// As [`serve`], and tells of each connection: the name that TLS asked for, if any, and the head of the request.
pub(super) fn serve_and_tell(
    answer: Vec<u8>,
    tls: Option<(&'static [u8], &'static [u8])>,
) -> (SocketAddr, Receiver<Seen>) {
    let (tell, told) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let tls = tls.map(|(chain, key)| Arc::new(server_config(chain, key)));
    thread::spawn(move || {
        for stream in listener.incoming().take(4) {
            let Ok(stream) = stream else { continue };
            let answer = answer.clone();
            match &tls {
                None => respond(stream, &answer, &tell, |_| None),
                Some(tls) => {
                    let session = ServerConnection::new(Arc::clone(tls)).unwrap();
                    let name = |it: &StreamOwned<ServerConnection, TcpStream>| it.conn.server_name().map(str::to_owned);
                    respond(StreamOwned::new(session, stream), &answer, &tell, name);
                }
            }
        }
    });
    (address, told)
}

/// What a server saw of a connection.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) name: Option<String>,
    pub(super) head: String,
}

fn respond<S: Read + Write>(mut stream: S, answer: &[u8], tell: &Sender<Seen>, name: impl Fn(&S) -> Option<String>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            // A client that speaks TLS where none is.
            Ok(1) if byte == [0x16] => break,
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let _ = tell.send(Seen { name: name(&stream), head: String::from_utf8_lossy(&head).into_owned() });
    let _ = stream.write_all(answer);
    let _ = stream.flush();
}

fn server_config(chain: &[u8], key: &[u8]) -> ServerConfig {
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            CertificateDer::pem_slice_iter(chain).map(Result::unwrap).collect(),
            PrivateKeyDer::from_pem_slice(key).unwrap(),
        )
        .unwrap()
}

pub(super) fn get(transport: &ReqwestTransport, url: &str) -> Result<http::Response<Bytes>, Error> {
    let request = http::Request::get(url).header("user-agent", "test").body(Bytes::new()).unwrap();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(transport.send(request))
}

pub(super) fn ok() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nreplay-nonce: abc\r\n\r\nhello".to_vec()
}
