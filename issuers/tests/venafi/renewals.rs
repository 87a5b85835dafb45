//! The object of a renewal shows the old certificate until the new one is there: also when both are for one key.

use acme_core::Clock as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use certwright_issuers::venafi::VenafiIssuer;
use certwright_issuers::{InMemory, Issued, Issuer as _, Progress as _, Step, chain, drive};
use serde_json::{Value, json};
use testkit::crash::{Replay, World as Outlives};
use testkit::venafi::{Fault, tpp};
use testkit::{VirtualClock, run};

use crate::world::{ALL, Asked, DurableProgress, Kind, World};

/// A platform that issued for the key of [`Asked::new`] already.
struct Renewal {
    world: World,
    first: Issued,
}

impl Renewal {
    fn new() -> Self {
        let world = World::new(Kind::Tpp);
        let first = world.issue(&world.process(), &["a.example"]).unwrap();
        Self { world, first }
    }

    fn assert_new(&self, issued: &Issued) {
        assert_ne!(issued.chain.leaf(), self.first.chain.leaf(), "the old certificate");
    }
}

impl Outlives for Renewal {
    fn clock(&self) -> &VirtualClock {
        &self.world.clock
    }
}

#[test]
fn a_request_that_never_arrived_is_made_again() {
    let renewal = Renewal::new();
    renewal.world.double.fault("/certificates/request", Fault::DropBefore, 1);

    let renewed = renewal.world.issue(&renewal.world.process(), &["a.example"]).unwrap();

    assert_eq!(renewal.world.double.state().taken, 2);
    renewal.assert_new(&renewed);
}

#[test]
fn the_old_certificate_shown_after_the_request_is_waited_out() {
    for lost in [0, 1] {
        let renewal = Renewal::new();
        let world = &renewal.world;
        let (issuer, asked, mut progress) = (world.process(), Asked::new(&["a.example"]), InMemory::new());
        world.double.fault("/certificates/request", Fault::DropAfter, lost);
        run(&world.clock, issuer.issue(&asked.request(), &mut progress)).unwrap();
        let old = json!({"CertificateData": BASE64_STANDARD.encode(chain::to_pem(&renewal.first.chain))});
        let old: &'static str = Box::leak(old.to_string().into_boxed_str());
        world.double.fault("/certificates/retrieve", Fault::Answer(200, old), 5);

        let renewed = run(&world.clock, drive(&issuer, &asked.request(), &mut progress, &world.clock)).unwrap();

        assert_eq!(world.double.state().taken, 2, "{lost} answers lost");
        renewal.assert_new(&renewed);
    }
}

#[test]
fn no_kill_makes_the_old_certificate_the_renewal() {
    let asked = Asked::new(&["a.example"]);
    let asked = &asked;

    let summary = Replay::every_effect().and_every_pair().run(
        Renewal::new,
        |renewal, effects| {
            let issuer = renewal.world.process_with(&effects);
            let mut progress = renewal.world.record.open(&effects);
            let (clock, old) = (renewal.world.clock.clone(), renewal.first.chain.leaf().cloned());
            async move {
                let issued = drive(&issuer, &asked.request(), &mut progress, &clock).await;
                let issued = issued.unwrap_or_else(|error| panic!("a life ended in an error: {error}"));
                assert_ne!(issued.chain.leaf(), old.as_ref(), "the old certificate");
            }
        },
        |renewal, _| assert_eq!(renewal.world.double.state().taken, 2),
    );

    assert!(summary.effects >= 6 && summary.stories > 100, "{summary:?}");
}

#[test]
fn states_of_earlier_releases_are_gone_on_with() {
    let object = format!("{}\\a.example", tpp::FOLDER);
    for state in [json!({"submitting": {}}), json!({"pending": {"pickup": object}})] {
        let renewal = Renewal::new();

        let issued = go_on(&renewal.world, state).unwrap();

        assert_eq!(renewal.world.double.state().taken, 1);
        assert_eq!(issued.chain.leaf(), renewal.first.chain.leaf());
    }

    let world = World::new(Kind::Cloud);
    world.double.fault("/certificaterequests", Fault::DropAfter, 1000);
    go_on(&world, json!({"submitting": {}})).unwrap_err();
    assert_eq!(world.double.state().taken, 1, "the earlier process had requested once");
}

/// Goes on with a saved state, its time added.
fn go_on(world: &World, mut state: Value) -> Result<Issued, certwright_issuers::Error> {
    for members in state.as_object_mut().unwrap().values_mut() {
        members["since"] = json!(world.clock.now());
    }
    let (asked, mut progress) = (Asked::new(&["a.example"]), InMemory::new());
    let bytes = json!({"format": 1, "state": state}).to_string();
    run(&world.clock, progress.save(bytes.as_bytes())).unwrap();
    run(&world.clock, drive(&world.process(), &asked.request(), &mut progress, &world.clock))
}

#[test]
fn a_request_that_is_known_by_its_name_alone_is_picked_up_by_another_process() {
    for kind in ALL {
        let world = World::new(kind);
        let asked = Asked::new(&["a.example"]);
        let (issuer, mut progress) = (world.process().handing_in_alone(), InMemory::new());

        let step = run(&world.clock, issuer.issue(&asked.request(), &mut progress)).unwrap();

        assert!(matches!(step, Step::NotYet { again, .. } if again == world.clock.now()), "{kind:?}: {step:?}");
        let pickup = VenafiIssuer::pickup(progress.state().unwrap()).unwrap().expect("a name");
        let state = VenafiIssuer::state_of(&pickup, world.clock.now()).unwrap();
        let mut progress = DurableProgress::default();
        run(&world.clock, progress.save(&state)).unwrap();
        let issued = run(&world.clock, drive(&world.process(), &asked.request(), &mut progress, &world.clock));
        assert_eq!(issued.unwrap().chain.certificates().len(), 2, "{kind:?}");
        assert_eq!(world.double.state().taken, 1, "{kind:?}");
    }
}

#[test]
fn a_name_that_cannot_be_one_is_not_picked_up() {
    for name in ["", "  ", "a\nb", &"x".repeat(3000)] {
        let error = VenafiIssuer::state_of(name, acme_core::Timestamp::MAX).unwrap_err();
        assert_eq!(error.kind(), acme_core::ErrorKind::Malformed, "{error}");
    }
    assert!(VenafiIssuer::pickup(b"no state").is_err());
}
