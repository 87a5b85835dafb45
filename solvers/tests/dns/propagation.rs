//! Which servers show a record, and which lacks it.

use std::time::Duration;

use async_trait::async_trait;
use certwright_solvers::dns01::{Delegation, DnsProvider, Propagation, Zones};
use certwright_solvers::{Error, Readiness, Solver as _};
use testkit::VirtualClock;
use testkit::servers::{Bind, Knot, Zone, free_port};

use super::*;

#[tokio::test]
async fn the_server_that_lacks_the_record_is_named() {
    let zone = || example().record("@ IN NS second.other.test.");
    let first = Bind::builder().zone(zone()).start();
    let stale = Bind::builder().zone(zone()).start();
    let resolver = resolver(&first).with_address_of(name("second.other.test"), stale.address());
    let solver = Dns01::new(provider(&first, &key()), resolver);
    let challenge = challenge("example.org", "token");
    solver.present(&challenge).await.unwrap();

    let missing = missing(&solver, &challenge).await;
    assert!(missing.contains("second.other.test does not know _acme-challenge.example.org"), "{missing}");
    assert!(!missing.contains("ns.example.org"), "{missing}");

    // The second one catches up.
    let catching_up = Dns01::new(provider(&stale, &key()), super::resolver(&stale));
    catching_up.present(&challenge).await.unwrap();
    assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
}

#[tokio::test]
async fn a_server_that_shows_other_values_lacks_the_record() {
    let server = Bind::builder().zone(example().record("_acme-challenge IN TXT \"foreign\"")).start();
    let missing = missing(&solver(&server), &challenge("example.org", "token")).await;
    assert_eq!(missing, "ns.example.org shows 1 other TXT value(s) at _acme-challenge.example.org");
}

#[tokio::test]
async fn a_name_server_that_is_away_is_named() {
    let server = Bind::builder().zone(example().record("@ IN NS away.other.test.")).start();
    let away = ([127, 0, 0, 1], free_port()).into();
    let resolver =
        resolver(&server).with_address_of(name("away.other.test"), away).with_time_limit(Duration::from_millis(400));
    let solver = Dns01::new(provider(&server, &key()), resolver);
    let challenge = challenge("example.org", "token");
    solver.present(&challenge).await.unwrap();
    let missing = missing(&solver, &challenge).await;
    assert!(missing.starts_with("away.other.test cannot be asked"), "{missing}");
}

#[tokio::test]
async fn a_lame_delegation_is_told() {
    let server = Bind::builder().zone(example().record("@ IN NS lame.other.test.")).start();
    // It serves another zone.
    let lame = Knot::start(&[Zone::new("example.com")]);
    let solver = Dns01::new(
        provider(&server, &key()),
        resolver(&server).with_address_of(name("lame.other.test"), lame.address()),
    );
    let challenge = challenge("example.org", "token");
    solver.present(&challenge).await.unwrap();
    let missing = missing(&solver, &challenge).await;
    assert!(missing.starts_with("lame.other.test cannot be asked"), "{missing}");
    assert!(missing.contains("answered REFUSED; it does not hold the zone, which names it all the same"), "{missing}");
}

#[tokio::test]
async fn given_recursive_servers_are_asked_alone() {
    let server = Bind::builder().zone(example().record("@ IN NS away.other.test.")).start();
    let stale = Bind::builder().zone(example()).start();
    let challenge = challenge("example.org", "token");
    let asking = |servers: &[&Bind]| {
        let servers = servers.iter().map(|it| it.address()).collect();
        solver(&server).with_propagation(Propagation::Recursive(servers))
    };
    let solver = asking(&[&server]);
    assert!(missing(&solver, &challenge).await.contains("does not know"));
    solver.present(&challenge).await.unwrap();
    assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
    let missing = missing(&asking(&[&server, &stale]), &challenge).await;
    assert!(missing.starts_with(&stale.address().to_string()), "{missing}");
}

#[tokio::test]
async fn recursive_servers_follow_a_delegation() {
    let from = Zone::new("example.com").record("_acme-challenge IN CNAME here.example.org.");
    let server = Bind::builder().zone(from).zone(example()).recursive().start();
    let solver = solver(&server).with_propagation(Propagation::Recursive(vec![server.address()]));
    let challenge = challenge("example.com", "token");
    solver.present(&challenge).await.unwrap();
    assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
}

#[tokio::test]
async fn strings_of_a_record_are_joined_and_long_answers_come_over_tcp() {
    let challenge = challenge("example.org", "token");
    let value = challenge.key_authorization().unwrap().dns_value();
    let (front, back) = value.split_at(20);
    let zone = (0..60).fold(example(), |zone, at| {
        zone.record(&format!("_acme-challenge IN TXT \"filler filler filler filler {at}\""))
    });
    let zone = zone.record(&format!("_acme-challenge IN TXT \"{front}\" \"{back}\""));
    let server = Bind::builder().zone(zone).start();
    assert_eq!(solver(&server).check(&challenge).await.unwrap(), Readiness::Ready);
    let over_tcp = server.queries().into_iter().any(|it| it.kind == "TXT" && it.flags.contains('T'));
    assert!(over_tcp, "{:?}", server.queries());
}

#[tokio::test]
async fn a_fixed_time_is_waited_where_that_is_asked_for() {
    let clock = VirtualClock::new();
    // Nobody answers there, and nobody is asked.
    let resolver = Resolver::new([([127, 0, 0, 1], 9).into()], Arc::new(clock.clone())).unwrap();
    let delay = Duration::from_secs(90);
    let solver = Dns01::new(Nowhere, resolver).with_delegation(Delegation::None);
    let solver = solver.with_propagation(Propagation::After(delay));
    let challenge = challenge("example.org", "token");
    solver.present(&challenge).await.unwrap();
    assert!(
        matches!(solver.check(&challenge).await.unwrap(), Readiness::NotYet { again_after, .. } if again_after == delay)
    );
    clock.advance(Duration::from_secs(60));
    solver.present(&challenge).await.unwrap();
    let left = Duration::from_secs(30);
    assert!(
        matches!(solver.check(&challenge).await.unwrap(), Readiness::NotYet { again_after, .. } if again_after == left)
    );
    clock.advance(left);
    assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
    solver.clean_up(&challenge).await.unwrap();
    assert!(matches!(solver.check(&challenge).await.unwrap(), Readiness::NotYet { .. }));
}

struct Nowhere;

#[async_trait]
impl DnsProvider for Nowhere {
    async fn add_txt(&self, _: &TxtRecord) -> Result<(), Error> {
        Ok(())
    }

    async fn remove_txt(&self, _: &TxtRecord) -> Result<(), Error> {
        Ok(())
    }

    fn zones(&self) -> Zones<'_> {
        Zones::Unneeded
    }
}

async fn missing(solver: &Dns01, challenge: &Presentation) -> String {
    match solver.check(challenge).await.unwrap() {
        Readiness::NotYet { missing, .. } => missing,
        Readiness::Ready => panic!("nothing is missing"),
    }
}
