//! Certificates that come, by the numbers.

use std::time::Duration;

use acme_core::client::Chain;
use acme_core::{Clock as _, DnsName, Error, ErrorKind};
use async_trait::async_trait;
use certwright_issuers::{Progress, ProgressError, chain};
use testkit::ca::{Endpoint, Fault, Times};
use testkit::run;

use crate::world::{Asked, DurableProgress, World, keep_trying};

#[test]
fn requests_are_few() {
    for names in [&["a.example"][..], &["a.example", "b.example", "c.example", "d.example", "e.example"]] {
        for issuance_delay in [Duration::ZERO, Duration::from_millis(1)] {
            let world = World::with(|settings| {
                settings.issuance_delay = issuance_delay;
                settings.poll_after = None;
            });
            let issuer = world.process();
            world
                .issue(
                    &issuer,
                    &["warm-1.example", "warm-2.example", "warm-3.example", "warm-4.example", "warm-5.example"],
                )
                .unwrap();
            let before = world.ca.total();

            world.issue(&issuer, names).unwrap();

            let sent = world.ca.total() - before;
            assert!(sent <= 2 * names.len() + 5, "{} names took {sent} requests", names.len());
        }
    }
}

#[test]
fn names_that_are_proven_take_four_requests() {
    let world = World::with(|settings| settings.reuse_percent = 100);
    let issuer = world.process();
    world.issue(&issuer, &["a.example", "b.example"]).unwrap();
    let before = world.ca.total();

    world.issue(&issuer, &["a.example", "b.example"]).unwrap();

    assert!(world.ca.total() - before <= 4, "{}", world.ca.total() - before);
}

#[test]
fn fifty_names_take_seven_and_a_half_round_trips() {
    let mut world = World::with(|settings| settings.poll_after = None);
    world.round_trip = Duration::from_millis(100);
    let names: Vec<String> = (0..50).map(|number| format!("n{number}.example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let warm: Vec<String> = (0..50).map(|number| format!("w{number}.example")).collect();
    let warm: Vec<&str> = warm.iter().map(String::as_str).collect();
    let issuer = world.process();
    world.issue(&issuer, &warm).unwrap();
    let (begun, requests) = (world.clock.now(), world.ca.log().len());

    world.issue(&issuer, &names).unwrap();

    let took = world.clock.now().since(begun);
    assert!(took <= world.round_trip.mul_f64(7.5), "{took:?}");
    let log = &world.ca.log()[requests..];
    let at = |endpoint| log.iter().filter(move |it| it.endpoint == endpoint).map(|it| it.at);
    for endpoint in [Endpoint::Authorization, Endpoint::Challenge] {
        let (first, last) = (at(endpoint).min().unwrap(), at(endpoint).max().unwrap());
        assert!(last.since(first) < world.round_trip, "requests at {endpoint:?} do not overlap");
    }
    assert_eq!(at(Endpoint::Authorization).count(), 50);
    assert_eq!(at(Endpoint::NewNonce).count(), 0);
}

#[test]
fn wildcard_and_apex_share_an_order() {
    let world = World::new();
    let issuer = world.process();
    let asked = Asked::new(&["a.example", "*.a.example"]);

    let issued = world.issue(&issuer, &["a.example", "*.a.example"]).unwrap();

    asked.check(&issued, &world);
    assert_eq!(world.network.left_behind(), 0);
    assert_eq!(world.ca.finalized_orders(), 1);
}

#[test]
fn nine_nonces_in_ten_refused() {
    let world = World::new();
    world.ca.inject_everywhere(Fault::BadNonce, Times::Percent(90));
    let issuer = world.process();

    for number in 0..20 {
        world.issue(&issuer, &[&format!("n{number}.example")]).unwrap();
    }

    assert_eq!(world.ca.finalized_orders(), 20);
    assert_eq!(world.ca.orders(), 20);
}

#[test]
fn every_nonce_refused_ends_within_bounds_and_loses_no_key() {
    let world = World::new();
    let fault = world.ca.inject_everywhere(Fault::BadNonce, Times::Always);
    let asked = Asked::new(&["a.example"]);

    let error = world.issue(&world.process(), &["a.example"]).unwrap_err();
    let struck = world.ca.struck(fault);
    world.ca.heal();
    let issued = world.issue(&world.process(), &["a.example"]).unwrap();

    assert_ne!(error.retry(), acme_core::Retry::Never, "{error}");
    assert!(struck < 20_000, "{struck} requests");
    asked.check(&issued, &world);
    assert_eq!(world.ca.accounts(), 1);
}

#[test]
fn a_certificate_that_takes_hours_comes() {
    let world = World::with(|settings| {
        settings.issuance_delay = Duration::from_secs(5 * 3600);
        settings.validation_delay = Duration::from_secs(120);
        settings.poll_after = Some(Duration::from_secs(60));
    });
    let issuer = world.process();

    let issued = world.issue(&issuer, &["a.example"]).unwrap();

    Asked::new(&["a.example"]).check(&issued, &world);
    assert!(world.count(Endpoint::Order) < 320, "{}", world.count(Endpoint::Order));
}

#[test]
fn a_lost_answer_to_finalize_costs_nothing() {
    for fault in
        [Fault::DropAfter, Fault::DropBefore, Fault::CutOff, Fault::Garbage, Fault::ServerError(500), Fault::Html(502)]
    {
        let world = World::new();
        world.ca.inject(Endpoint::Finalize, fault.clone(), Times::Once);

        let issued = world.issue(&world.process(), &["a.example"]).unwrap();

        Asked::new(&["a.example"]).check(&issued, &world);
        assert_eq!((world.ca.finalized_orders(), world.ca.orders()), (1, 1), "{fault:?}");
    }
}

#[test]
fn any_answer_may_be_lost_once() {
    for endpoint in [
        Endpoint::Directory,
        Endpoint::NewNonce,
        Endpoint::NewAccount,
        Endpoint::NewOrder,
        Endpoint::Order,
        Endpoint::Authorization,
        Endpoint::Challenge,
        Endpoint::Finalize,
        Endpoint::Certificate,
    ] {
        for fault in [Fault::DropAfter, Fault::DropBefore, Fault::ServerError(500), Fault::CutOff, Fault::Html(503)] {
            let world = World::with(|settings| settings.order_lists = true);
            world.ca.inject(endpoint, fault.clone(), Times::Once);
            let issuer = world.process();
            let asked = Asked::new(&["a.example", "b.example"]);

            let issued = run(&world.clock, keep_trying(&world, &issuer, &asked, &mut DurableProgress::default()));

            let issued = issued.unwrap_or_else(|error| panic!("{endpoint:?} {fault:?}: {error}"));
            asked.check(&issued, &world);
            assert_eq!(world.ca.finalized_orders(), 1, "{endpoint:?} {fault:?}");
            assert_eq!(world.network.left_behind(), 0, "{endpoint:?} {fault:?}");
        }
    }
}

#[test]
fn a_server_that_forgets_everything_gets_the_same_key_again() {
    for endpoint in [
        Endpoint::NewOrder,
        Endpoint::Authorization,
        Endpoint::Challenge,
        Endpoint::Order,
        Endpoint::Finalize,
        Endpoint::Certificate,
    ] {
        let world = World::new();
        let issuer = world.process();
        world.issue(&issuer, &["warm.example"]).unwrap();
        world.ca.inject(endpoint, Fault::Amnesia, Times::Once);
        let asked = Asked::new(&["a.example"]);

        let issued = run(&world.clock, keep_trying(&world, &issuer, &asked, &mut DurableProgress::default()));

        asked.check(&issued.unwrap_or_else(|error| panic!("{endpoint:?}: {error}")), &world);
        assert_eq!(world.ca.accounts(), 1, "{endpoint:?}");
        assert_eq!(world.network.left_behind(), 0, "{endpoint:?}");
    }
}

#[test]
fn an_order_that_turns_invalid_cleans_up_and_says_why() {
    let world = World::new();
    world.network.hide(true);

    let error = world.issue(&world.process(), &["a.example", "b.example"]).unwrap_err();

    assert!(error.to_string().contains("nobody answers for"), "{error}");
    assert_ne!(error.retry(), acme_core::Retry::Never);
    assert_eq!(world.network.left_behind(), 0);
    world.network.hide(false);
    world.issue(&world.process(), &["a.example", "b.example"]).unwrap();
}

#[test]
fn the_preferred_chain_is_taken() {
    let world = World::with(|settings| settings.roots = 3);
    let effects = testkit::crash::Effects::unharmed();
    let issuer = world.process_with(&effects, |builder| builder.preferred_chain("Model Root 2"));
    let other = world.process_with(&effects, |builder| builder.preferred_chain("Nobody"));

    let preferred = world.issue(&issuer, &["a.example"]).unwrap();
    let default = world.issue(&other, &["a.example"]).unwrap();

    let top = |chain: &Chain| chain::topmost_issuer(chain).unwrap();
    assert_eq!(top(&preferred.chain), "Model Root 2");
    assert_eq!(top(&default.chain), "Model Root 0");
}

#[test]
fn renewal_information_is_clamped_and_revocation_repeats() {
    use certwright_issuers::Issuer as _;
    let world = World::with(|settings| settings.renewal_poll_after = Some(Duration::from_secs(3)));
    let issuer = world.process();
    let issued = world.issue(&issuer, &["a.example"]).unwrap();
    let leaf = chain::Leaf::read(issued.chain.leaf().unwrap()).unwrap();
    let id = leaf.id.unwrap();

    let answer = run(&world.clock, issuer.renewal_info().unwrap().renewal_info(&id)).unwrap();
    let again = answer.again;
    for _ in 0..2 {
        let certificate = issued.chain.leaf().unwrap();
        run(&world.clock, issuer.revoke().unwrap().revoke(certificate, None)).unwrap();
    }

    assert_eq!(again, world.clock.now() + Duration::from_secs(60));
    assert!(answer.info.suggested_window.start > world.clock.now());
    assert!(world.ca.revocation(&id).is_some());
}

#[test]
fn a_renewal_names_what_it_replaces_and_does_without_when_refused() {
    let world = World::new();
    let issuer = world.process();
    let first = world.issue(&issuer, &["a.example"]).unwrap();
    let id = chain::Leaf::read(first.chain.leaf().unwrap()).unwrap().id;
    for _ in 0..2 {
        let asked = Asked::new(&["a.example"]);
        let mut request = asked.request();
        request.replaces = id.clone();
        let renewed = run(
            &world.clock,
            certwright_issuers::drive(&issuer, &request, &mut DurableProgress::default(), &world.clock),
        );
        asked.check(&renewed.unwrap(), &world);
    }

    let issued = world.ca.issued();

    assert_eq!(issued.iter().map(|it| it.replaces.clone()).collect::<Vec<_>>(), [None, id, None]);
    let name: DnsName = "a.example".parse().unwrap();
    assert_eq!(issued[2].identifiers, [name.into()]);
}

#[test]
fn a_record_that_cannot_be_written_for_a_while_costs_no_order() {
    let world = World::new();
    let issuer = world.process();
    let asked = Asked::new(&["a.example"]);
    for failing in 0..6 {
        let before = (world.ca.orders(), world.ca.finalized_orders());
        let mut progress = Failing { inner: DurableProgress::default(), saves: 0, failing };

        let request = asked.request();
        let driving = certwright_issuers::drive(&issuer, &request, &mut progress, &world.clock);
        let issued = run(&world.clock, driving);

        asked.check(&issued.unwrap_or_else(|error| panic!("save {failing}: {error}")), &world);
        assert_eq!(world.ca.finalized_orders() - before.1, 1, "save {failing}");
        // A failed save right after new-order is the one place where an order's URL can be lost.
        assert!(world.ca.orders() - before.0 <= 2, "save {failing}");
        assert_eq!(world.network.left_behind(), 0, "save {failing}");
    }
}

/// Fails once, at one save.
struct Failing {
    inner: DurableProgress,
    saves: usize,
    failing: usize,
}

#[async_trait]
impl Progress for Failing {
    fn state(&self) -> Option<&[u8]> {
        self.inner.state()
    }

    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError> {
        self.saves += 1;
        if self.saves == self.failing + 1 {
            return Err(ProgressError::Failed(Error::new(ErrorKind::Unreachable, "the disk is away")));
        }
        self.inner.save(state).await
    }
}
