//! A zone whose apex is an alias, as some services let it be: the alias hides the SOA and NS records that stand there.

use std::time::Duration;

use async_trait::async_trait;
use certwright_solvers::dns01::{Delegation, DnsProvider, Propagation};
use certwright_solvers::{Error, ErrorKind, Readiness, Solver as _};
use testkit::SimDns;
use testkit::doubles::NameServer;
use testkit::servers::{Bind, Zone};

use super::*;

const OWNER: &str = "_acme-challenge.example.org";

#[tokio::test]
async fn the_zone_and_its_servers_are_those_that_the_zone_above_names() {
    let world = World::start();
    for (domain, owner) in [("example.org", OWNER), ("www.example.org", "_acme-challenge.www.example.org")] {
        for propagation in [Propagation::Authoritative, Propagation::Resolver] {
            let writer = Arc::new(Writer { dns: world.inside.clone() });
            let solver = Dns01::shared(writer, world.resolver()).with_propagation(propagation);
            let challenge = challenge(domain, "token");
            let Readiness::NotYet { missing, .. } = solver.check(&challenge).await.unwrap() else {
                panic!("nothing is there")
            };
            assert_eq!(missing, format!("ns.example.org shows no TXT record at {owner}"));
            solver.present(&challenge).await.unwrap();
            assert_eq!(world.inside.lookup_txt(owner).unwrap().len(), 1);
            assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
            solver.clean_up(&challenge).await.unwrap();
            assert!(world.inside.lookup_txt(owner).unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn who_cannot_ask_the_zone_above_finds_the_zone_by_who_denies_a_name_below_it() {
    let world = World::start();
    // Nobody listens there.
    let resolver = world.resolver_with(([127, 0, 0, 1], 9).into());
    for below in [OWNER, "www.example.org", "a.b.example.org"] {
        assert_eq!(resolver.zone_of(&name(below)).await.unwrap(), name("example.org"), "{below}");
    }
    let writer = Arc::new(Writer { dns: world.inside.clone() });
    let solver = Dns01::shared(writer, resolver).with_delegation(Delegation::None);
    let challenge = challenge("example.org", "token");
    solver.present(&challenge).await.unwrap();
    assert_eq!(world.inside.lookup_txt(OWNER).unwrap().len(), 1);
    let error = solver.check(&challenge).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let told = "the zone example.org names no name servers, and none is named above it: its NS records are missing, or hidden by a CNAME record at its apex";
    assert!(error.to_string().starts_with(told), "{error}");
    let solver = solver.with_propagation(Propagation::Resolver);
    assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
}

/// BIND holds org and refers to example.org, whose only server holds an alias at the apex; a recursive server in front of both.
struct World {
    above: Bind,
    inside: SimDns,
    server: NameServer,
}

impl World {
    fn start() -> Self {
        let above = Zone::new("org").record("example IN NS ns.example").record("ns.example IN A 127.0.0.1");
        let inside = SimDns::new();
        inside.add_zone("org", &["ns.org"]);
        inside.add_zone("example.org", &["ns.example.org"]);
        inside.add_cname("example.org", "web.example.net");
        let server = NameServer::start(inside.clone());
        Self { above: Bind::builder().zone(above).start(), inside, server }
    }

    fn resolver(&self) -> Resolver {
        self.resolver_with(self.above.address())
    }

    fn resolver_with(&self, above: std::net::SocketAddr) -> Resolver {
        let resolver = Resolver::new([self.server.address()], wall()).unwrap().with_time_limit(Duration::from_secs(2));
        resolver.with_address_of(name("ns.org"), above).with_address_of(name("ns.example.org"), self.server.address())
    }
}

/// Writes into example.org, and nowhere else.
struct Writer {
    dns: SimDns,
}

#[async_trait]
impl DnsProvider for Writer {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        assert_eq!(record.needed_zone()?.name, name("example.org"));
        self.dns.add_txt(record.owner.as_str(), &record.value);
        Ok(())
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        assert_eq!(record.needed_zone()?.name, name("example.org"));
        self.dns.remove_txt(record.owner.as_str(), &record.value);
        Ok(())
    }
}
