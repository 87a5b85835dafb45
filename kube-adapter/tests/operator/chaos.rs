//! Two controllers that know nothing of each other, in bad weather: each call may be lost, refused or be the last, and people change their minds meanwhile.

use std::time::Duration;

use certwright_kube_adapter::Settings;
use serde_json::{Value, json};

use crate::kit::manifests::{authority, certificate};
use crate::kit::{Call, Fault, Operator, Proxy, Space, conditions, eventually_within, judge, now, pause};

#[test]
fn two_controllers_in_bad_weather_end_with_one_certificate_each() {
    weather(Weather { crowd: 12, lasts: Duration::from_secs(10), edits_every: Duration::from_millis(400) });
}

/// How bad it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// How many Certificates there are.
    pub(crate) crowd: usize,
    /// How long faults strike.
    pub(crate) lasts: Duration,
    /// How often somebody changes the specification of one of them.
    pub(crate) edits_every: Duration,
}

/// Fails unless every Certificate ends ready for what it says then, with a Secret that is whole.
#[expect(clippy::print_stderr, reason = "a long test says what it went through")]
pub(crate) fn weather(weather: Weather) {
    let space = Space::new("chaos");
    authority(&space);
    let proxies = [space.proxy(), space.proxy()];
    let mut operators = proxies.each_ref().map(|proxy| Operator::start(proxy, settings(&space)));
    let names: Vec<String> = (0..weather.crowd).map(|number| format!("web-{number}")).collect();
    for (proxy, every) in proxies.iter().zip(STRIKES) {
        proxy.fail(strikes(every));
    }
    for name in &names {
        space.apply(&certificate(name, "ca"));
    }
    let (begun, mut edits) = (now(), 0);
    while now() - begun < weather.lasts {
        for ((operator, proxy), every) in operators.iter_mut().zip(&proxies).zip(STRIKES) {
            if revive(operator, proxy, &space) {
                proxy.fail(strikes(every));
            }
        }
        let name = &names[edits % names.len()];
        let more = format!("{name}-{edits}.example.test");
        space.patch(
            "certificates",
            name,
            "",
            &json!({ "spec": { "dnsNames": [format!("{name}.example.test"), more] } }),
        );
        edits += 1;
        pause(weather.edits_every);
    }
    // The weather clears up: what was begun in the storm must end.
    for proxy in &proxies {
        proxy.heal_unless_dead();
    }
    eventually_within(CLEARS, "readiness of all after the storm", || {
        for (operator, proxy) in operators.iter_mut().zip(&proxies) {
            revive(operator, proxy, &space);
        }
        let unready: Vec<Value> = space.list("certificates").into_iter().filter(|it| !is_ready(it)).collect();
        match unready.first() {
            None => Ok(()),
            Some(first) => {
                let requests: Vec<Value> = space.list("certificaterequests");
                let of_first = requests
                    .iter()
                    .filter(|it| it["metadata"]["ownerReferences"][0]["uid"] == first["metadata"]["uid"]);
                let of_first: Vec<String> =
                    of_first.map(|it| format!("{}: {}", it["metadata"], it["status"]["conditions"])).collect();
                Err(format!("{} are not ready, the first is {first}; its requests: {of_first:#?}", unready.len()))
            }
        }
    });
    for proxy in &proxies {
        space.await_quiet(proxy);
    }
    for name in &names {
        judge::assert_whole(&space, name);
        let wanted = space.get("certificates", name).expect("the Certificate")["spec"]["dnsNames"].clone();
        let mut wanted: Vec<String> = serde_json::from_value(wanted).expect("names");
        wanted.sort();
        assert_eq!(judge::names_in(&space, name), wanted, "the newest specification wins");
    }
    let kills: usize = proxies.iter().map(Proxy::kills_made).sum();
    let ledgers = proxies.each_ref().map(Proxy::ledger);
    let conflicts: usize = ledgers.iter().map(|it| it.answered(409)).sum();
    let writes: usize = ledgers.iter().map(|it| it.objects().count()).sum();
    eprintln!("{weather:?}: {edits} edits, {writes} writes, {kills} kills, {conflicts} conflicts");
    assert!(kills > 0, "the storm never struck");
    for ledger in &ledgers {
        ledger.assert_never_put();
    }
}

/// Settings of a controller that does not leave the other's requests to it for a whole minute.
fn settings(space: &Space) -> Settings {
    let mut settings = space.settings();
    settings.stranger_patience = Duration::from_secs(2);
    settings
}

/// Strikes by counting writes: lost requests, lost answers, refusals, and now and then a kill.
fn strikes(every: usize) -> impl FnMut(&Call) -> Option<Fault> + Send + 'static {
    let faults = [
        Fault::LoseAnswer,
        Fault::Refuse(429, Some(1)),
        Fault::TimeOut,
        Fault::LoseRequest,
        Fault::Refuse(500, None),
        Fault::KillAfter,
        Fault::KillBefore,
    ];
    let mut struck = 0;
    move |call| {
        if call.write? % every != 0 {
            return None;
        }
        struck += 1;
        Some(faults[struck % faults.len()])
    }
}

/// Starts another controller where one died; tells whether it did.
fn revive(operator: &mut Operator, proxy: &Proxy, space: &Space) -> bool {
    let dead = !operator.is_alive() && proxy.is_idle();
    if dead {
        proxy.heal();
        *operator = Operator::start(proxy, settings(space));
    }
    dead
}

fn is_ready(certificate: &Value) -> bool {
    let all = conditions(certificate);
    let generation = &certificate["metadata"]["generation"];
    all.iter().any(|it| it["type"] == "Ready" && it["status"] == "True" && it["observedGeneration"] == *generation)
        && !all.iter().any(|it| it["type"] == "Issuing" && it["status"] == "True")
}

/// Each controller has a rhythm of its own.
const STRIKES: [usize; 2] = [11, 17];
const CLEARS: Duration = Duration::from_secs(180);
