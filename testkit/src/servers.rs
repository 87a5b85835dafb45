//! Real servers for tests, on free loopback ports: Pebble, its challenge test server, step-ca, BIND, Knot, Vault, moto, a Kubernetes
//! control plane, cert-manager's controller.
//!
//! Starting blocks until the server answers; dropping kills it and waits, also while a test panics. On Linux the
//! kernel kills it when the test process dies by whatever means. A missing program is a panic that says how to get
//! it, never a skipped test: Pebble, step-ca, Vault, moto and the control plane are built by `testkit/servers/build.sh` into `${CARGO_TARGET_DIR:-target}/servers`, BIND
//! and Knot come from the system's packages (`apt-get install bind9 bind9-dnsutils knot`), and `CERTWRIGHT_PEBBLE`,
//! `CERTWRIGHT_CHALLTESTSRV`, `CERTWRIGHT_STEP_CA`, `CERTWRIGHT_NAMED`, `CERTWRIGHT_KNOT`, `CERTWRIGHT_VAULT`,
//! `CERTWRIGHT_CONTROL_PLANE` and `CERTWRIGHT_MOTO_PYTHON` may each name a ready program instead. cert-manager's controller takes minutes to
//! build and serves long tests alone: `benches/peers/build.sh cert-manager` puts it into `target/peers`, and `CERTWRIGHT_CERT_MANAGER` may name it.
//!
//! [`judges`] are no servers but are started like them: foreign programs that verify and lint certificates; [`foreign_csrs`] are what
//! foreign programs ask for.
//!
//! Everything here is blocking and short; call it from a test, a bench or `spawn_blocking`.
//!
//! ```no_run
//! use certwright_testkit::servers::{Bind, Endpoint, Pebble, TsigAlgorithm, TsigKey, Zone};
//!
//! let key = TsigKey::new("acme-key", TsigAlgorithm::HmacSha256, "0123456789abcdef");
//! let bind = Bind::builder().zone(Zone::new("example.test").update_with(&key)).recursive().start();
//! let pebble = Pebble::builder().strict().dns_server(bind.address()).start();
//! println!("{} trusts {}", pebble.directory_url(), pebble.root_pem());
//! assert_eq!(pebble.requests().count(Endpoint::NewOrder), 0);
//! ```

mod bind;
mod cert_manager;
mod chall_test_srv;
mod control_plane;
mod endpoint;
pub mod foreign_csrs;
mod http;
pub mod judges;
mod knot;
mod lego;
mod moto;
mod pebble;
mod ports;
mod process;
mod programs;
mod requests;
mod step_ca;
mod vault;
mod zone;

pub use bind::{Bind, BindBuilder, Query, Trust};
pub use cert_manager::CertManager;
pub use chall_test_srv::{ChallTestSrv, DnsQuestion};
pub use control_plane::{ApiAnswer, AuditEvent, AuditPosition, Backup, ControlPlane, ControlPlaneBuilder};
pub use knot::Knot;
pub use lego::Lego;
pub use moto::{Moto, MotoBuilder};
pub use pebble::{CaKey, Pebble, PebbleBuilder};
pub use ports::free_port;
pub use programs::{gateway_api_crds, lent_kubeconfig};
pub use requests::{Endpoint, Request, Requests};
pub use step_ca::StepCa;
pub use vault::{Vault, VaultAnswer, VaultBuilder, VaultRequest};
pub use zone::{TsigAlgorithm, TsigKey, Zone};
