//! The SOA walk.

use std::sync::Mutex;

use async_trait::async_trait;
use certwright_solvers::dns01::{Delegation, DnsProvider, ZoneIndex, Zones};
use certwright_solvers::{Error, ErrorKind, Readiness, Solver as _};
use testkit::servers::{Bind, Zone, free_port};

use super::*;

#[tokio::test]
async fn the_nearest_apex_is_the_zone() {
    let server =
        Bind::builder().zone(example().record("deep.er IN A 127.0.0.1")).zone(Zone::new("sub.example.org")).start();
    let resolver = resolver(&server);
    for (asked, zone) in [
        ("_acme-challenge.example.org", "example.org"),
        ("_acme-challenge.deep.er.example.org", "example.org"),
        ("_acme-challenge.not.there.example.org", "example.org"),
        ("_acme-challenge.a.sub.example.org", "sub.example.org"),
        ("example.org", "example.org"),
    ] {
        assert_eq!(resolver.zone_of(&name(asked)).await.unwrap(), name(zone), "{asked}");
    }
}

#[tokio::test]
async fn the_innermost_of_several_cuts_holds_long_names_and_those_of_any_script() {
    let zones = ["b.example.org", "a.b.example.org", "xn--bcher-kva.example.org", "xn--p1ai.xn--bcher-kva.example.org"];
    let server = zones.into_iter().fold(Bind::builder().zone(example()), |it, zone| it.zone(Zone::new(zone))).start();
    let resolver = resolver(&server);
    let label = "l".repeat(63);
    // With its first label it is as long as a name may be.
    let long = format!("_acme-challenge.{}.{label}.{label}.{label}.a.b.example.org", "m".repeat(29));
    assert_eq!(long.len(), 253);
    for (asked, zone) in [
        (long.as_str(), "a.b.example.org"),
        ("_acme-challenge.c.b.example.org", "b.example.org"),
        ("_acme-challenge.xn--bcher-kva.example.org", "xn--bcher-kva.example.org"),
        ("_acme-challenge.XN--P1AI.xn--bcher-kva.example.org", "xn--p1ai.xn--bcher-kva.example.org"),
        ("_acme-challenge.xn--p1ai.example.org", "example.org"),
    ] {
        assert_eq!(resolver.zone_of(&name(asked)).await.unwrap(), name(zone), "{asked}");
    }
}

#[tokio::test]
async fn wildcard_records_do_not_end_the_walk() {
    let server =
        Bind::builder().zone(example().record("* IN A 127.0.0.1").record("*.alias IN CNAME example.org.")).start();
    let resolver = resolver(&server);
    for asked in ["_acme-challenge.www.example.org", "_acme-challenge.www.alias.example.org"] {
        assert_eq!(resolver.zone_of(&name(asked)).await.unwrap(), name("example.org"), "{asked}");
    }
    let solver = solver(&server);
    let challenge = challenge("www.example.org", "token");
    solver.present(&challenge).await.unwrap();
    assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
    solver.clean_up(&challenge).await.unwrap();
}

#[tokio::test]
async fn an_alias_is_no_apex() {
    let server = Bind::builder()
        .zone(example().record("www IN CNAME other.test."))
        .zone(Zone::new("other.test"))
        .recursive()
        .start();
    let zone = resolver(&server).zone_of(&name("www.example.org")).await.unwrap();
    assert_eq!(zone, name("example.org"));
}

#[tokio::test]
async fn a_name_without_a_zone_is_told() {
    let server = Bind::builder().zone(example()).start();
    let error = resolver(&server).zone_of(&name("a.nowhere.test")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("no zone holds a.nowhere.test"), "{error}");
}

#[tokio::test]
async fn a_providers_own_list_of_zones_is_taken_where_it_has_one() {
    // Nobody answers there, and nobody is asked.
    let resolver = || Resolver::new([([127, 0, 0, 1], 9).into()], wall()).unwrap();
    let listing = Arc::new(Listing::default());
    let solver = Dns01::shared(listing.clone(), resolver()).with_delegation(Delegation::None);
    for (asked, zone) in
        [("a.sub.example.org", Some("sub")), ("example.org", Some("apex")), ("asub.example.org", Some("apex"))]
    {
        solver.present(&challenge(asked, "token")).await.unwrap();
        assert_eq!(listing.written.lock().unwrap().take().unwrap().id.as_deref(), zone, "{asked}");
    }
    let error = solver.present(&challenge("anexample.org", "token")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let told = "the DNS service lists no zone that holds _acme-challenge.anexample.org";
    assert!(error.to_string().starts_with(told), "{error}");
}

/// A provider that knows its zones, and notes into which one was written.
#[derive(Default)]
struct Listing {
    written: Mutex<Option<Apex>>,
}

#[async_trait]
impl DnsProvider for Listing {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        self.written.lock().unwrap().clone_from(&record.zone);
        Ok(())
    }

    async fn remove_txt(&self, _: &TxtRecord) -> Result<(), Error> {
        Ok(())
    }

    fn zones(&self) -> Zones<'_> {
        Zones::Listed(self)
    }
}

#[async_trait]
impl ZoneIndex for Listing {
    async fn zones(&self, _: &DnsName) -> Result<Vec<Apex>, Error> {
        let zones = [("example.org", "apex"), ("sub.example.org", "sub"), ("example.com", "other")];
        Ok(zones.iter().map(|(zone, id)| Apex::new(name(zone)).with_id(*id)).collect())
    }
}

#[tokio::test]
async fn the_next_recursive_server_is_asked_when_one_is_away() {
    let server = Bind::builder().zone(example()).start();
    let away = ([127, 0, 0, 1], free_port()).into();
    let resolver = Resolver::new([away, server.address()], wall()).unwrap();
    assert_eq!(resolver.zone_of(&name("a.example.org")).await.unwrap(), name("example.org"));
}

#[tokio::test]
async fn a_found_zone_is_asked_for_once() {
    let server = Bind::builder().zone(example()).start();
    let resolver = resolver(&server);
    for _ in 0..3 {
        resolver.zone_of(&name("a.example.org")).await.unwrap();
    }
    let asked = server.queries();
    assert_eq!(asked.iter().filter(|it| it.kind == "SOA").count(), 2, "{asked:?}");
}
