//! Issues, renews, keeps and serves X.509 certificates.
//!
//! `Https` is the front door: names, a certificate authority, a folder for the state, and a service has HTTPS.
//! Everything behind it can be had by itself:
//!
//! - [`certstore`] keeps, renews and serves: `Keeper`, `FileStore`, `Resolver`, `Acceptor`, `Listener`.
//! - [`issuers`] turns signing requests into chains: the trait `Issuer`, issuers for ACME, authorities in the process, Vault, Venafi and AWS Private CA, and `drive`, the loop around one issuance.
//! - [`solvers`] makes challenges answerable: HTTP-01, TLS-ALPN-01, DNS-01.
//! - `kube_adapter`, behind the feature `kube`, is the controller of cert-manager's resources on all of these.
//! - [`acme_core`] is the protocol: state machines without a socket or a clock, and a client over a port called `Transport`.
//!
//! # Features
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `acme` | yes | the ACME issuer, account keeping, embargoes |
//! | `instant-acme-0-8` | | sessions through accounts of instant-acme 0.8 |
//! | `http-01` | yes | the HTTP-01 listener |
//! | `tls-alpn-01` | yes | TLS-ALPN-01 on the port that is served |
//! | `file` | yes | `FileStore`: compare-and-swap in a folder |
//! | `rustls` | yes | resolver, acceptor and listener |
//! | `tokio` | yes | the timer, and spawned drivers |
//! | `reqwest` | yes | HTTPS to the certificate authority |
//! | `idna` | yes | names typed in any script |
//! | `aws-lc-rs` | yes | keys and signatures by aws-lc-rs; used where both providers are compiled |
//! | `ring` | | keys and signatures by ring: no RSA generation, no P-521 |
//! | `ca` | | a certificate authority in the process |
//! | `self-signed` | | certificates that sign for themselves |
//! | `axum` | | the listener can be given to `axum::serve` |
//! | `tower` | | HTTP-01 answers in front of any tower service |
//! | `dns-01` | | zones, delegation, propagation, `DnsProvider` |
//! | `http-01-self-check` | | looking at answers to HTTP-01 as validators do |
//! | `rfc2136` | | DNS UPDATE with TSIG |
//! | `http-api` | | what DNS services over HTTP share, for providers of one's own |
//! | `acme-dns`, `akamai`, `azure-dns`, `cloud-dns`, `cloudflare`, `desec`, `digitalocean`, `exec`, `gandi`, `hetzner`, `httpreq`, `linode`, `route53`, `vultr`, `webhook` | | DNS providers, one feature each |
//! | `aws` | | AWS credentials, and requests signed with them |
//! | `vault` | | certificates from the PKI engine of HashiCorp Vault |
//! | `venafi` | | certificates from Venafi's platforms: Trust Protection Platform, TLS Protect Cloud, Next-Gen Trust Security |
//! | `pkcs12`, `jks` | | key stores that Java and others read, under a password |
//! | `windows` | | renewal inside windows that a cron expression and a time zone name |
//! | `kube` | | the controller of cert-manager's resources; a program that uses it names the Kubernetes API by a feature of `k8s-openapi` |
//! | `aws-pca` | | certificates from AWS Private CA |
//! | `placeholder` | | a self-signed certificate until the first one is there |
//!
//! `Https` exists with all of the default features, where `ring` may stand for `aws-lc-rs`.

#[cfg(all(
    feature = "acme",
    feature = "http-01",
    feature = "tls-alpn-01",
    feature = "file",
    feature = "rustls",
    feature = "tokio",
    feature = "reqwest",
    any(feature = "aws-lc-rs", feature = "ring")
))]
mod https;

pub use acme_core::{self, DnsName, Error, ErrorKind, Identifier, KeyType, Retry, Timestamp};
pub use certstore::{self, Spec};
pub use issuers;
#[cfg(feature = "kube")]
pub use kube_adapter;
pub use solvers;

#[cfg(all(
    feature = "acme",
    feature = "http-01",
    feature = "tls-alpn-01",
    feature = "file",
    feature = "rustls",
    feature = "tokio",
    feature = "reqwest",
    any(feature = "aws-lc-rs", feature = "ring")
))]
pub use https::{CertificateAuthority, Https, Running, Terms};
#[cfg(feature = "acme")]
pub use issuers::acme::directories;

/// What the README says compiles.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
