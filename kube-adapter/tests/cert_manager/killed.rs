//! cert-manager is killed half-way through an order, and we finish it: the same order, the same key.

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use testkit::servers::Endpoint;

use crate::kit::{Fault, conditions, eventually_within, judge, now};
use crate::scene::Scene;

#[test]
#[ignore = "minutes long, and in need of cert-manager: .ci/test --long"]
fn an_order_that_cert_manager_began_is_finished_with_its_url_and_key() {
    let struck = Mutex::new(0);
    // cert-manager sleeps for a minute in the middle: many sleep at once.
    let instants: Vec<Instant> = (1..=MOST_WRITES).map(Instant::Write).chain([Instant::Presented]).collect();
    for batch in instants.chunks(AT_ONCE) {
        thread::scope(|scope| {
            for instant in batch {
                let struck = &struck;
                scope.spawn(move || {
                    if is_finished_after(*instant) {
                        *struck.lock().expect("nobody panicked") += 1;
                    }
                });
            }
        });
    }
    let struck = struck.into_inner().expect("nobody panicked");
    eprintln!("cert-manager was killed at {struck} instants");
    assert!(struck >= LEAST_INSTANTS, "only {struck} instants were met");
}

/// When cert-manager is killed.
#[derive(Clone, Copy, Debug)]
enum Instant {
    /// After its so-manieth write from the creation of the Order on, that one included.
    Write(usize),
    /// When the record stands in the zone, of which nothing in the cluster tells yet.
    Presented,
}

/// Answers whether the instant was met.
fn is_finished_after(instant: Instant) -> bool {
    let scene = Scene::new("killed");
    scene.apply(MANIFESTS);
    let through = scene.space.proxy();
    if let Instant::Write(number) = instant {
        let mut seen = 0;
        through.fail(move |call| {
            if seen > 0 || (call.counts() && call.to_string() == "create orders") {
                seen += usize::from(call.counts());
            }
            (call.counts() && seen == number).then_some(Fault::KillAfter)
        });
    }
    let mut theirs = scene.theirs_through(&through);
    let end = now() + PATIENCE;
    let met = eventually_within(PATIENCE, &format!("cert-manager's end at {instant:?}"), || {
        assert!(now() < end, "{}", theirs.log());
        let presented = matches!(instant, Instant::Presented) && !scene.bind.txt(OWNER).is_empty();
        match () {
            () if presented || through.kills_made() > 0 => Ok(true),
            () if is_ready(&scene) => Ok(false),
            () => Err("neither a kill, nor readiness".to_owned()),
        }
    });
    theirs.stop();
    if !met {
        return false;
    }
    // What it has sent arrives, or never will.
    eventually_within(PATIENCE, "an end of its writes", || {
        if through.is_idle() { Ok(()) } else { Err("under way".to_owned()) }
    });
    let left = Left::of(&scene);
    let ours = scene.ours();
    eventually_within(PATIENCE, &format!("readiness after a kill at {instant:?}"), || {
        if is_ready(&scene) { Ok(()) } else { Err(format!("{:#?}", scene.space.list("orders"))) }
    });
    scene.space.await_quiet(&scene.proxy);
    ours.stop();
    let now = Left::of(&scene);
    let told = format!("{instant:?}: {left:?} became {now:?}\n{}", scene.proxy.ledger());
    // An Order without a URL may have been ordered: nobody can know.
    let allowed = left.ordered + usize::from(left.url.is_none());
    assert!(now.ordered <= allowed, "{told}");
    assert!(left.url.is_none() || left.url == now.url, "{told}");
    assert!(left.key.is_some() && left.key == now.key, "{told}");
    assert_eq!(scene.bind.txt(OWNER), Vec::<String>::new(), "{told}");
    assert_eq!(scene.space.list("challenges"), Vec::<Value>::new(), "{told}");
    judge::assert_settled(&scene.space, "order");
    true
}

/// What a controller leaves behind.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    url: Option<Value>,
    /// The public one: the key is written in another form in the end.
    key: Option<Vec<u8>>,
    ordered: usize,
}

impl Left {
    fn of(scene: &Scene) -> Self {
        let orders = scene.space.list("orders");
        let url = orders.first().map(|it| it["status"]["url"].clone()).filter(|it| !it.is_null());
        let secrets = scene.space.list("secrets");
        let next = secrets.iter().find(|it| it["metadata"]["labels"]["cert-manager.io/next-private-key"] == "true");
        let target = secrets.iter().find(|it| it["metadata"]["name"] == "order-tls");
        let key = next.or(target).map(|it| public_key(text(&it["data"]["tls.key"])));
        Self { url, key, ordered: scene.pebble.requests().count(Endpoint::NewOrder) }
    }
}

fn public_key(key: &str) -> Vec<u8> {
    let key = STANDARD.decode(key).expect("base64");
    let key = rcgen::KeyPair::from_pem(&String::from_utf8(key).expect("PEM")).expect("a key");
    rcgen::PublicKeyData::subject_public_key_info(&key)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn is_ready(scene: &Scene) -> bool {
    let Some(object) = scene.space.get("certificates", "order") else { return false };
    conditions(&object).iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
}

const MANIFESTS: &str = include_str!("order.yaml");
const OWNER: &str = "_acme-challenge.o.example.test";
/// From the Order's creation to the Certificate's readiness.
const MOST_WRITES: usize = 20;
const LEAST_INSTANTS: usize = 12;
const AT_ONCE: usize = 7;
const PATIENCE: Duration = Duration::from_secs(240);
