//! Self-checks of HTTP-01 against small servers on the loopback, by a real client.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod looks;
mod server;
mod standing;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use acme_core::protocol::{ChallengeType, KeyAuthorization, Url};
use acme_core::transport::{ReqwestTransport, ReqwestTransportBuilder};
use acme_core::{Clock, Identifier, Timestamp};
use certwright_solvers::Presentation;
use certwright_solvers::http01::self_check::{Look, Miss, SelfCheck};

/// A look at `address`, whatever the name.
fn check(address: SocketAddr) -> SelfCheck {
    over(transport(address), address.port())
}

/// A transport for which every name leads to `address`.
fn transport(address: SocketAddr) -> ReqwestTransportBuilder {
    builder().lookup(Arc::new(server::Everywhere(address.ip())))
}

fn builder() -> ReqwestTransportBuilder {
    ReqwestTransport::builder().fresh_connections().dangerously_trust_anyone().answer_within(Duration::from_secs(10))
}

fn over(transport: ReqwestTransportBuilder, port: u16) -> SelfCheck {
    SelfCheck::new(Arc::new(transport.build().unwrap()), Arc::new(Standstill)).with_port(port)
}

fn challenge(identifier: &str) -> Presentation {
    Presentation::new(
        Identifier::parse(identifier).unwrap(),
        ChallengeType::Http01,
        KeyAuthorization::new("token", "thumbprint").unwrap(),
        Url::parse("https://ca.test/acct/1").unwrap(),
    )
}

/// Looks, and says why nothing was seen.
async fn missed(check: &SelfCheck, identifier: &str) -> Miss {
    match check.look(&challenge(identifier)).await.unwrap() {
        Look::Missed(miss) => miss,
        Look::Passed => panic!("the answer was seen"),
    }
}

async fn passes(check: &SelfCheck, identifier: &str) -> bool {
    matches!(check.look(&challenge(identifier)).await.unwrap(), Look::Passed)
}

/// A clock on which looks take no time.
struct Standstill;

impl Clock for Standstill {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH
    }
}
