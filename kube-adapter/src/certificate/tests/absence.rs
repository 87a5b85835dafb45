//! In a storm no target Secret is looked for that no watch ever told of.

use std::sync::Arc;
use std::time::Duration;

use acme_core::Timestamp;
use acme_core::flow::Next;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::api::Refusal;
use crate::certificate::answer::Unwritten;
use crate::certificate::{Action, Answer, Certificates};
use crate::crd::certificate::Certificate;
use crate::key::{Name, Version};
use crate::secret;
use crate::settings::Settings;
use crate::subject::Subject as _;
use crate::watch::Event;
use crate::world::{Change, News, World};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

#[test]
fn a_secret_that_the_watch_would_have_told_of_is_not_looked_for() {
    let (mut world, web) = storm();
    assert_eq!(first(&world, &web, NOW), Some(Action::ReadTarget), "the watch may be behind");

    told(&mut world, "before", 9);
    assert_eq!(first(&world, &web, NOW), Some(Action::MakeKey));
    let later = NOW + Duration::from_secs(2);
    assert_eq!(first(&world, &web, later), Some(Action::ReadTarget), "it told something a while ago");
}

#[test]
fn a_secret_of_others_is_looked_at_though_nothing_is_kept_of_it() {
    let (mut world, web) = storm();
    told(&mut world, "web", 5);
    told(&mut world, "before", 9);
    assert!(world.tls_secrets.get(&web).is_none());
    assert_eq!(first(&world, &web, NOW), Some(Action::ReadTarget));
}

#[test]
fn what_comes_together_with_its_certificate_is_looked_for() {
    let (mut world, web) = storm();
    tell(&mut world, &web, NOW - Duration::from_secs(1));
    told(&mut world, "before", 9);
    assert_eq!(first(&world, &web, NOW), Some(Action::ReadTarget));
}

#[test]
fn what_a_write_met_is_looked_at() {
    let (mut world, web) = storm();
    told(&mut world, "before", 9);
    let refusal = Refusal::read(StatusCode::CONFLICT, &HeaderMap::new(), br#"{"reason":"Conflict"}"#);
    let written = Answer::Written(Err(Unwritten::ByServer(refusal)));
    Certificates::fold(&mut world, &web, &Action::Store("web-1".into()), written, NOW);
    assert_eq!(first(&world, &web, NOW), Some(Action::ReadObject));
    let object = Answer::Object(Ok(Some(Box::new(certificate(&web, NOW - Duration::from_secs(60))))));
    Certificates::fold(&mut world, &web, &Action::ReadObject, object, NOW);
    assert_eq!(first(&world, &web, NOW), Some(Action::ReadTarget));
}

/// A Certificate that waits for its turn, and a Secret of another that was written but not told of.
fn storm() -> (World, Name) {
    let mut world = World::new(Arc::new(Settings::default()));
    let web = Name::new("shop", "web");
    tell(&mut world, &web, NOW - Duration::from_secs(60));
    secret::sent(&mut world, &Name::new("shop", "before"), Version::parse("9"), NOW);
    (world, web)
}

fn tell(world: &mut World, name: &Name, made: Timestamp) {
    let event = Event::Apply(certificate(name, made));
    world.take(Change::Certificate(Box::new(News { scope: None, event })), NOW);
}

fn certificate(name: &Name, made: Timestamp) -> Certificate {
    let object = json!({
        "metadata": {
            "name": name.object(), "namespace": name.namespace(), "generation": 1, "uid": format!("of-{name}"), "resourceVersion": "7",
            "creationTimestamp": made.to_string(),
        },
        "spec": { "secretName": name.object(), "dnsNames": ["shop.example.com"], "issuerRef": { "name": "ca" } },
    });
    serde_json::from_value(object).expect("it is a Certificate")
}

/// The watch of TLS Secrets tells of a Secret that no controller cares for.
fn told(world: &mut World, name: &str, version: u64) {
    let object = json!({ "metadata": {
        "name": name, "namespace": "shop", "uid": format!("secret-{name}"), "resourceVersion": version.to_string(),
    } });
    let object = serde_json::from_str(&object.to_string()).expect("metadata");
    world.take(Change::TlsSecret(News { scope: None, event: Event::Apply(object) }), NOW);
}

fn first(world: &World, name: &Name, now: Timestamp) -> Option<Action> {
    match Certificates::next(world, name, now) {
        Next::Go(agenda) => agenda.ready.into_iter().next(),
        Next::Done(()) => None,
    }
}
