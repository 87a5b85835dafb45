//! Nothing is sent inside a pause that the certificate authority asked for, at any endpoint, after any restart.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acme_core::protocol::CertificateId;
use acme_core::{Clock as _, KeyType, Retry};
use certwright_issuers::{Issuer as _, Step, chain};
use testkit::ca::{Endpoint, Fault, Times, Wait};
use testkit::crash::Effects;
use testkit::{Runtime, run};

use crate::world::{Asked, DurableProgress, World};

const HOURS: Duration = Duration::from_secs(3 * 3600);

/// The endpoints of an issuance.
const ENDPOINTS: [Endpoint; 9] = [
    Endpoint::Directory,
    Endpoint::NewNonce,
    Endpoint::NewAccount,
    Endpoint::NewOrder,
    Endpoint::Order,
    Endpoint::Authorization,
    Endpoint::Challenge,
    Endpoint::Finalize,
    Endpoint::Certificate,
];

#[test]
fn no_request_falls_into_a_pause_at_any_endpoint() {
    for endpoint in ENDPOINTS {
        for fault in [
            Fault::RateLimited(Wait::Seconds(HOURS)),
            Fault::RateLimited(Wait::Date(HOURS)),
            Fault::Unavailable(Wait::Seconds(HOURS)),
            Fault::Unavailable(Wait::Date(HOURS)),
        ] {
            let world = World::new();
            world.ca.inject(endpoint, fault.clone(), Times::Once);
            let asked = Asked::new(&["a.example", "b.example"]);
            let begun = world.clock.now();
            let mut steps = 0;

            // A process that is restarted before every step, and asks every ten minutes no matter what it was told.
            let issued = loop {
                steps += 1;
                assert!(steps < 200, "{endpoint:?} {fault:?}");
                let mut progress = world.record.open(&Effects::unharmed());
                let issuer = world.process();
                match run(&world.clock, issuer.issue(&asked.request(), &mut progress)) {
                    Ok(Step::Issued(issued)) => break issued,
                    Ok(Step::NotYet { again, .. }) => {
                        let soon = world.clock.now() + Duration::from_secs(600);
                        world.clock.set(again.min(soon));
                    }
                    Err(error) => {
                        assert_ne!(error.retry(), Retry::Never, "{endpoint:?}: {error}");
                        world.record.clear();
                        world.clock.advance(Duration::from_secs(600));
                    }
                }
            };

            asked.check(&issued, &world);
            assert_eq!(world.ca.requests_inside_windows(), 0, "{endpoint:?} {fault:?}");
            let took = world.clock.now().since(begun);
            assert!(took >= HOURS && took < HOURS + HOURS / 8, "{endpoint:?} {fault:?}: {took:?}");
            assert_eq!((world.ca.finalized_orders(), world.ca.accounts()), (1, 1), "{endpoint:?} {fault:?}");
            assert_eq!(world.network.left_behind(), 0);
        }
    }
}

#[test]
fn a_pause_of_the_server_holds_everybody_up() {
    let world = World::new();
    let issuer = world.process();
    world.issue(&issuer, &["a.example"]).unwrap();
    world.ca.inject(Endpoint::NewOrder, Fault::Unavailable(Wait::Seconds(HOURS)), Times::Once);
    let asked = Asked::new(&["b.example"]);
    let _ = run(&world.clock, issuer.issue(&asked.request(), &mut DurableProgress::default()));
    let before = world.ca.total();
    let restarted = world.process();

    world.clock.advance(HOURS - Duration::from_secs(60));
    let _ = run(&world.clock, restarted.issue(&asked.request(), &mut DurableProgress::default()));
    let renewal = run(&world.clock, restarted.renewal_info().unwrap().renewal_info(&some_id()));

    assert_eq!(world.ca.total(), before);
    assert!(matches!(renewal.unwrap_err().retry(), Retry::After(left) if left <= Duration::from_secs(61)));
}

#[test]
fn renewal_information_revocation_and_key_change_keep_their_pauses() {
    for fault in [Fault::RateLimited(Wait::Seconds(HOURS)), Fault::Unavailable(Wait::Date(HOURS))] {
        let world = World::new();
        let issuer = world.process();
        let issued = world.issue(&issuer, &["a.example"]).unwrap();
        let certificate = issued.chain.leaf().unwrap().clone();
        let id = chain::Leaf::read(&certificate).unwrap().id.unwrap();
        for endpoint in [Endpoint::RenewalInfo, Endpoint::RevokeCert, Endpoint::KeyChange] {
            world.ca.inject(endpoint, fault.clone(), Times::Once);
            for _ in 0..20 {
                let issuer = world.process();
                let _ = run(&world.clock, async {
                    if endpoint == Endpoint::RenewalInfo {
                        issuer.renewal_info().unwrap().renewal_info(&id).await.map(drop)
                    } else if endpoint == Endpoint::RevokeCert {
                        issuer.revoke().unwrap().revoke(&certificate, None).await
                    } else {
                        issuer.account().unwrap().change_key(KeyType::EcdsaP256).await
                    }
                });
                world.clock.advance(Duration::from_secs(600));
            }
            assert_eq!(world.ca.requests_inside_windows(), 0, "{endpoint:?} {fault:?}");
            let answered = world.ca.log().iter().any(|it| it.endpoint == endpoint && it.status == Some(200));
            assert!(answered, "{endpoint:?} must be asked again after the pause");
        }
    }
}

#[test]
fn questions_about_renewal_wait_for_one_another_beyond_four() {
    let mut world = World::new();
    world.round_trip = Duration::from_secs(1);
    let issuer = Arc::new(world.process());
    let issued = world.issue(&issuer, &["a.example"]).unwrap();
    let id = chain::Leaf::read(issued.chain.leaf().unwrap()).unwrap().id.unwrap();

    let runtime = Runtime::new(&world.clock);
    let questions: Vec<_> = (0..10)
        .map(|_| {
            let (issuer, id) = (Arc::clone(&issuer), id.clone());
            runtime.spawn(async move { issuer.renewal_info().unwrap().renewal_info(&id).await })
        })
        .collect();
    runtime.run(async {
        for question in questions {
            question.await.unwrap();
        }
    });

    let log = world.ca.log();
    let mut at_once = BTreeMap::<_, usize>::new();
    for asked in log.iter().filter(|it| it.endpoint == Endpoint::RenewalInfo) {
        *at_once.entry(asked.at).or_default() += 1;
    }
    assert_eq!(at_once.into_values().collect::<Vec<_>>(), [4, 4, 2]);
}

#[test]
fn a_pause_without_a_time_is_backed_off_from() {
    let world = World::new();
    world.ca.inject(Endpoint::NewOrder, Fault::RateLimited(Wait::Unsaid), Times::Next(5));

    world.issue(&world.process(), &["a.example"]).unwrap();

    let log = world.ca.log();
    let orders: Vec<_> = log.iter().filter(|it| it.endpoint == Endpoint::NewOrder).map(|it| it.at).collect();
    assert_eq!(orders.len(), 6);
    let pauses: Vec<_> = orders.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    assert!(pauses.windows(2).all(|pair| pair[1] > pair[0]), "{pauses:?}");
}

fn some_id() -> CertificateId {
    CertificateId::from_parts(&[1, 2, 3], &[4, 5, 6])
}
