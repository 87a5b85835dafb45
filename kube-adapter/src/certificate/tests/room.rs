//! Whole Certificates that wait for their turn have so much room, and those that find none are read again.

use std::sync::Arc;

use acme_core::Timestamp;
use acme_core::flow::Next;
use serde_json::json;

use crate::certificate::{Action, Answer, Certificates};
use crate::crd::certificate::Certificate;
use crate::key::Name;
use crate::settings::Settings;
use crate::subject::Subject as _;
use crate::watch::Event;
use crate::world::{Change, News, World};

#[test]
fn what_waits_is_kept_while_there_is_room_and_read_again_when_there_was_none() {
    let now = Timestamp::from_unix_seconds(1_800_000_000);
    let mut world = World::new(Arc::new(Settings::default()));
    let names: Vec<Name> = (0..CROWD).map(|number| Name::new("shop", format!("web-{number}"))).collect();
    for name in &names {
        tell(&mut world, Event::Apply(waiting(name)), now);
    }
    let kept = names.iter().filter(|name| is_kept(&world, name)).count();
    let packed = world.certificate_index.shelved();
    assert!(kept < CROWD && packed <= ROOM && packed + 2 * EACH > ROOM, "{kept} of {CROWD} in {packed} bytes");

    // One that found no room is read when it is asked what it wants, and wants the next thing then.
    let outside = names.iter().find(|name| !is_kept(&world, name)).expect("one without room").clone();
    assert_eq!(first(&world, &outside, now), Some(Action::ReadObject));
    let answer = Answer::Object(Ok(Some(Box::new(waiting(&outside)))));
    Certificates::fold(&mut world, &outside, &Action::ReadObject, answer, now);
    assert!(is_kept(&world, &outside));
    assert_eq!(first(&world, &outside, now), Some(Action::ReadTarget));

    // What goes makes room for what comes.
    for name in names.iter().filter(|name| **name != outside) {
        tell(&mut world, Event::Delete(waiting(name)), now);
    }
    assert_eq!(world.certificate_index.shelved(), 0);
    let late = Name::new("shop", "late");
    tell(&mut world, Event::Apply(waiting(&late)), now);
    assert!(is_kept(&world, &late));
}

fn tell(world: &mut World, event: Event<Certificate>, now: Timestamp) {
    world.take(Change::Certificate(Box::new(News { scope: None, event })), now);
}

fn is_kept(world: &World, name: &Name) -> bool {
    world.certificates.get(name).is_some_and(|it| it.object().is_some())
}

fn first(world: &World, name: &Name, now: Timestamp) -> Option<Action> {
    match Certificates::next(world, name, now) {
        Next::Go(agenda) => agenda.ready.into_iter().next(),
        Next::Done(()) => None,
    }
}

/// A large Certificate that has nothing yet.
fn waiting(name: &Name) -> Certificate {
    let object = json!({
        "metadata": {
            "name": name.object(), "namespace": name.namespace(), "generation": 1, "uid": format!("of-{name}"), "resourceVersion": "7",
            "annotations": { "example.com/notes": "x".repeat(EACH) },
        },
        "spec": { "secretName": name.object(), "dnsNames": ["shop.example.com"], "issuerRef": { "name": "ca" } },
    });
    serde_json::from_value(object).expect("it is a Certificate")
}

/// What all that wait may take.
const ROOM: usize = 16 * 1024 * 1024;
const EACH: usize = 1_100_000;
const CROWD: usize = 20;
