//! How the tests talk to Pebble: its directory over a real connection, and accounts there.

use std::sync::Arc;

use acme_core::protocol::Url;
use acme_core::transport::ReqwestTransport;
use acme_core::{Clock, Directory, Identifier, KeyType, PrivateKey, Transport};
use issuers::TokioTimer;
use testkit::servers::Pebble;

/// The system's clock.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(TokioTimer)
}

/// Connections that trust Pebble's own root and nothing else.
pub(crate) fn transport(pebble: &Pebble) -> ReqwestTransport {
    let builder = ReqwestTransport::builder().add_root_pem(pebble.root_pem().as_bytes()).expect("a root");
    builder.only_given_roots().build().expect("a transport")
}

/// The directory of `pebble`.
pub(crate) fn directory(pebble: &Pebble) -> Directory {
    directory_over(pebble, transport(pebble))
}

/// The directory of `pebble` over another transport.
pub(crate) fn directory_over(pebble: &Pebble, transport: impl Transport + 'static) -> Directory {
    Directory::new(directory_url(pebble), Arc::new(transport), clock())
}

/// Where the directory of `pebble` is.
pub(crate) fn directory_url(pebble: &Pebble) -> Url {
    Url::parse(&pebble.directory_url()).expect("a URL")
}

/// A new key.
pub(crate) fn key(kind: KeyType) -> Arc<PrivateKey> {
    Arc::new(PrivateKey::generate(kind).expect("a key"))
}

/// What these texts name.
pub(crate) fn identifiers(names: &[&str]) -> Vec<Identifier> {
    names.iter().map(|name| Identifier::parse(name).expect("a name")).collect()
}
