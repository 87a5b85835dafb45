//! Make ACME challenges answerable: HTTP-01, TLS-ALPN-01, DNS-01 and its providers.
//!
//! A [`Solver`] puts an answer where the certificate authority looks, says whether it can be seen, and takes it away.
//! [`Solvers`] chooses one for each name. What validators ask over HTTP and TLS is one table, [`Answers`], which
//! solvers fill and listeners read.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use acme_core::Identifier;
//! use acme_core::protocol::ChallengeType;
//! use certwright_solvers::{Answers, Http01, Selector, Solvers, http01::webroot::Webroot};
//!
//! let intranet = Selector::any().zones(["corp.example".parse()?]);
//! let solvers = Solvers::new()
//!     .with("everywhere", Http01::new(Answers::new()), Selector::any())
//!     .with("intranet", Webroot::new("/srv/www"), intranet);
//!
//! let name = Identifier::parse("wiki.corp.example")?;
//! let offered = [ChallengeType::Http01, ChallengeType::Dns01];
//! let choice = solvers.choose(&name, false, &offered, &BTreeMap::new())?;
//! assert_eq!(choice.id.as_str(), "intranet");
//!
//! // A wildcard needs dns-01, and the error says so.
//! let error = solvers.choose(&name, true, &offered, &BTreeMap::new()).unwrap_err();
//! assert!(error.to_string().contains("*.wiki.corp.example needs dns-01"));
//! # Ok::<(), certwright_solvers::Error>(())
//! ```
//!
//! | feature | what it makes exist |
//! |---|---|
//! | `http-01-listener` | `http01::listener`: a small server that answers HTTP-01 and nothing else |
//! | `tower` | `http01::tower`: the same answers in front of any `tower` service |
//! | `http-01-self-check` | `http01::self_check`: looking at an answer over the network, as validators do |
//! | `tls-alpn-01` | `tls_alpn01`: the certificate that answers TLS-ALPN-01, over rustls |
//! | `dns-01` | `dns01`: zones, delegation, propagation, and the solver over any `DnsProvider`; `DnsPersist01`, for records that stay |
//! | `rfc2136` | `dns::rfc2136`: DNS UPDATE with TSIG (BIND, Knot, PowerDNS) |
//! | `http-api` | `dns::http_api`: what DNS services over HTTP share, for providers of one's own too |
//! | `acme-dns` | `dns::acme_dns`: acme-dns, with registration |
//! | `akamai` | `dns::akamai`: Akamai Edge DNS |
//! | `azure-dns` | `dns::azure_dns`: Azure DNS, public and private zones |
//! | `cloud-dns` | `dns::cloud_dns`: Google Cloud DNS |
//! | `cloudflare` | `dns::cloudflare`: Cloudflare |
//! | `desec` | `dns::desec`: deSEC |
//! | `digitalocean` | `dns::digitalocean`: DigitalOcean |
//! | `exec` | `dns::exec`: a program of one's own, called as lego's exec calls it |
//! | `gandi` | `dns::gandi`: Gandi LiveDNS |
//! | `hetzner` | `dns::hetzner`: Hetzner DNS, in the Hetzner Console |
//! | `httpreq` | `dns::httpreq`: an HTTP service of one's own, in the format of lego's httpreq |
//! | `linode` | `dns::linode`: Linode (Akamai Connected Cloud) |
//! | `route53` | `dns::route53`: Amazon Route 53 |
//! | `vultr` | `dns::vultr`: Vultr |
//! | `webhook` | `dns::webhook`: webhooks that were written for cert-manager |
//! | `aws` | `credentials::aws`: AWS credentials from everywhere, and requests signed with them |
//! | `azure` | `credentials::azure`: Microsoft Entra by client secret, workload identity or managed identity |
//! | `google` | `credentials::google`: Google Cloud by service account, workload identity or metadata server |
//! | `aws-lc-rs`, `ring` | who makes the keys of TLS-ALPN-01's certificates, and reads the keys of Google's service accounts |

mod answers;
pub mod credentials;
#[cfg(feature = "dns-01")]
pub mod dns;
#[cfg(feature = "dns-01")]
pub mod dns01;
#[cfg(feature = "dns-01")]
mod dns_persist01;
pub mod http01;
pub mod limits;
mod select;
mod solver;
#[cfg(feature = "tls-alpn-01")]
pub mod tls_alpn01;
#[cfg(any(feature = "azure", feature = "google", feature = "http-api"))]
mod uri;

pub use acme_core::flow::SolverId;
pub use acme_core::{Error, ErrorKind, Retry};
pub use answers::{Answer, Answers, TlsAlpnAnswer};
pub use credentials::CredentialSource;
#[cfg(feature = "dns-01")]
pub use dns_persist01::DnsPersist01;
pub use http01::Http01;
pub use select::{Choice, Explanation, Miss, NearMiss, Selector, Solvers};
pub use solver::{Presentation, Proof, Readiness, Solver};
