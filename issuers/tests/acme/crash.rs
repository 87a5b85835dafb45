//! Killed before and after every effect, and once more in the second life.

use std::sync::Arc;
use std::time::Duration;

use acme_core::protocol::Registration;
use acme_core::{Client as _, KeyType, Retry};
use certwright_issuers::acme::{AccountSettings, Readiness};
use certwright_issuers::drive;
use testkit::ca::{Endpoint, Fault, Times};
use testkit::crash::{Effects, Kill, Replay, Summary, World as Outlives};
use testkit::{Runtime, VirtualClock, run};

use crate::world::{Asked, DurableProgress, World, keep_trying};

impl Outlives for World {
    fn clock(&self) -> &VirtualClock {
        &self.clock
    }
}

#[test]
fn an_issuance_survives_every_kill_and_every_second_one() {
    let summary = survive(&Asked::new(&["a.example"]), Replay::every_effect().and_every_pair());

    assert!(summary.effects >= 18 && summary.stories > 1000, "{summary:?}");
}

#[test]
fn wildcard_and_apex_survive_every_kill() {
    let summary = survive(&Asked::new(&["a.example", "*.a.example"]), Replay::every_effect().and_pairs_every(11));

    assert!(summary.effects >= 25, "{summary:?}");
}

/// At most one order and one finalization, one account, and nothing left behind, wherever the process is killed.
fn survive(asked: &Asked, replay: Replay) -> Summary {
    replay.run(
        || {
            World::with(|settings| {
                settings.order_lists = true;
                settings.validation_delay = Duration::from_secs(1);
                settings.issuance_delay = Duration::from_secs(1);
                settings.poll_after = None;
            })
        },
        |world, effects| {
            let issuer = world.process_with(&effects, |builder| builder);
            let mut progress = world.record.open(&effects);
            let clock = world.clock.clone();
            async move {
                let issued = drive(&issuer, &asked.request(), &mut progress, &clock).await;
                issued.unwrap_or_else(|error| panic!("a life ended in an error: {error}"));
            }
        },
        |world, _| {
            assert_eq!(world.ca.finalized_orders(), 1, "finalized orders");
            assert_eq!(world.ca.orders(), 1, "orders");
            assert_eq!(world.ca.accounts(), 1, "accounts");
            assert_eq!(world.network.left_behind(), 0, "answers left behind");
        },
    )
}

#[test]
fn a_process_that_was_not_killed_knows_that_its_answers_are_new() {
    let world = World::new();

    world.issue(&world.process(), &["a.example", "b.example"]).unwrap();

    assert_eq!(world.network.known_as_new(), 2);
}

#[test]
fn without_a_list_of_orders_a_kill_costs_an_idle_order_at_the_most() {
    let asked = Asked::new(&["a.example"]);
    let asked = &asked;

    Replay::every_effect().run(
        World::new,
        |world, effects| {
            let issuer = world.process_with(&effects, |builder| builder);
            let mut progress = world.record.open(&effects);
            let clock = world.clock.clone();
            async move {
                drive(&issuer, &asked.request(), &mut progress, &clock).await.unwrap();
            }
        },
        |world, story| {
            assert_eq!(world.ca.finalized_orders(), 1, "finalized orders");
            // Only a kill between sending new-order and having saved its URL may cost one.
            let unknown = |it: &&Kill| it.effect.contains("/new-order") || it.effect == "save progress";
            let idle = story.kills.iter().filter(unknown).count();
            assert!(world.ca.orders() <= 1 + idle, "orders");
            assert_eq!(world.network.left_behind(), 0, "answers left behind");
        },
    );
}

#[test]
fn a_failed_validation_leaves_nothing_behind_after_any_kill() {
    let asked = Asked::new(&["a.example", "b.example"]);
    let asked = &asked;

    Replay::every_effect().and_pairs_every(7).run(
        || {
            let world = World::with(|settings| settings.order_lists = true);
            world.network.hide(true);
            world
        },
        |world, effects| {
            let issuer = world.process_with(&effects, |builder| builder);
            let mut progress = world.record.open(&effects);
            let clock = world.clock.clone();
            async move {
                let error = drive(&issuer, &asked.request(), &mut progress, &clock).await.unwrap_err();
                assert_ne!(error.retry(), Retry::Never);
            }
        },
        |world, _| {
            assert_eq!(world.ca.finalized_orders(), 0);
            assert_eq!(world.network.left_behind(), 0, "answers left behind");
        },
    );
}

#[test]
fn a_change_of_keys_survives_every_kill() {
    Replay::every_effect().and_every_pair().run(
        || {
            let world = World::new();
            world.issue(&world.process(), &["a.example"]).unwrap();
            world
        },
        |world, effects| {
            let issuer = world.process_with(&effects, |builder| builder);
            async move {
                issuer.account().unwrap().change_key(KeyType::EcdsaP384).await.unwrap();
            }
        },
        |world, _| {
            let issuer = world.process();
            run(&world.clock, async {
                let Readiness::Ready(session) = issuer.account().unwrap().open().await.unwrap() else {
                    panic!("the account is not ready")
                };
                session.client().account_object().await.unwrap();
            });
            world.issue(&issuer, &["b.example"]).unwrap();
            assert_eq!(world.ca.accounts(), 1, "accounts");
            let key = world.store.keys().into_iter().find(|key| key.as_str().contains("accounts")).unwrap();
            let record = String::from_utf8(world.store.bytes(&key).unwrap()).unwrap();
            assert!(!record.contains("next_key"), "the old key must be gone");
        },
    );
}

#[test]
fn processes_that_race_make_one_account() {
    let world = World::new();
    let runtime = Runtime::new(&world.clock);
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let issuer = world.process();
            let clock = world.clock.clone();
            runtime.spawn(async move {
                let asked = Asked::new(&[&format!("n{number}.example")]);
                let outcome = drive(&issuer, &asked.request(), &mut DurableProgress::default(), &clock).await;
                outcome.unwrap();
                let Readiness::Ready(session) = issuer.account().unwrap().open().await.unwrap() else {
                    panic!("the account is not ready")
                };
                session.account().to_string()
            })
        })
        .collect();

    let accounts = runtime.run(async {
        let mut accounts = Vec::new();
        for task in tasks {
            accounts.push(task.await);
        }
        accounts
    });

    assert_eq!(world.ca.accounts(), 1);
    assert!(accounts.windows(2).all(|pair| pair[0] == pair[1]), "{accounts:?}");
    assert_eq!(world.ca.finalized_orders(), 8);
}

#[test]
fn changed_contacts_are_sent_once() {
    let world = World::new();
    world.issue(&world.process(), &["a.example"]).unwrap();
    let before = world.count(Endpoint::Account);
    for number in 0..3 {
        let registration = Registration::agreeing_to_terms().with_email("new@example.com");
        let issuer = world.process_with(&Effects::unharmed(), |it| {
            it.account(Arc::new(world.store.clone()), AccountSettings::new(registration))
        });
        world.issue(&issuer, &[&format!("n{number}.example")]).unwrap();
    }

    assert_eq!(world.count(Endpoint::Account) - before, 1);
    assert_eq!(world.ca.accounts(), 1);
}

#[test]
fn account_keys_of_every_type_order() {
    for kind in [KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::Rsa2048, KeyType::Ed25519] {
        let world = World::new();
        let issuer = world.process_with(&Effects::unharmed(), |it| {
            let settings = AccountSettings::new(Registration::agreeing_to_terms()).with_key_type(kind);
            it.account(Arc::new(world.store.clone()), settings)
        });

        let issued = world.issue(&issuer, &["a.example"]).unwrap();

        Asked::new(&["a.example"]).check(&issued, &world);
    }
}

#[test]
fn a_change_of_keys_whose_answer_is_lost_is_found_out() {
    for fault in [Fault::DropAfter, Fault::DropBefore, Fault::ServerError(500)] {
        let world = World::new();
        let issuer = world.process();
        world.issue(&issuer, &["a.example"]).unwrap();
        world.ca.inject(Endpoint::KeyChange, fault, Times::Once);

        for _ in 0..3 {
            if run(&world.clock, issuer.account().unwrap().change_key(KeyType::EcdsaP256)).is_ok() {
                break;
            }
            world.clock.advance(Duration::from_secs(5));
        }

        let asked = Asked::new(&["b.example"]);
        let restarted = world.process();
        run(&world.clock, keep_trying(&world, &restarted, &asked, &mut DurableProgress::default())).unwrap();
        assert_eq!(world.ca.accounts(), 1);
    }
}

#[test]
fn a_key_that_another_process_changed_is_taken_up() {
    let world = World::new();
    let (first, second) = (world.process(), world.process());
    world.issue(&first, &["a.example"]).unwrap();
    world.issue(&second, &["b.example"]).unwrap();
    run(&world.clock, first.account().unwrap().change_key(KeyType::EcdsaP384)).unwrap();

    world.issue(&second, &["c.example"]).unwrap();
    world.issue(&first, &["d.example"]).unwrap();

    assert_eq!(world.ca.accounts(), 1);
}
