//! What waits for a person, or for somebody who is away, costs next to nothing while it waits.

use std::sync::mpsc;
use std::time::Duration;

use certwright_kube_adapter::metrics::{Inspector, Series};
use serde_json::{Value, json};
use testkit::ca::Settings as CaSettings;
use tokio::runtime::Runtime;

use crate::kit::manifests::{authority, ca_issuer, certificate, with_spec};
use crate::kit::model::Model;
use crate::kit::{Operator, Space, conditions, eventually, pause};

#[test]
fn what_waits_is_looked_at_once_in_a_while_and_not_written() {
    let (space, model) = (Space::new("patience"), Model::start(CaSettings::default()));
    authority(&space);
    space.delete("issuers", "ca");
    model.prepare(&space);
    let bad = bad_input(&space);
    let proxy = space.proxy();
    let (told, inspector) = mpsc::channel::<Inspector>();
    let _operator = Operator::start_as(&proxy, model.settings(&space), move |controller| {
        told.send(controller.inspector()).expect("who started it waits");
        controller
    });
    let inspector = inspector.recv().expect("the controller begins");
    for name in &bad {
        eventually(&format!("a word on {name}"), || {
            let object = space.get("certificates", name).ok_or("there is none")?;
            let is_ready = |it: &Value| it["type"] == "Ready" && it["status"] == "True";
            match conditions(&object) {
                told if told.iter().any(is_ready) => panic!("{name} is ready"),
                told if told.is_empty() => Err("nothing is told".to_owned()),
                _ => Ok(()),
            }
        });
    }
    // What is shown after two seconds is shown by then.
    pause(Duration::from_secs(3));
    space.await_quiet(&proxy);
    proxy.forget();
    let before = syncs(&inspector);
    pause(Duration::from_secs(6));
    let (after, ledger) = (syncs(&inspector), proxy.ledger());
    assert_eq!(ledger.objects().count(), 0, "{ledger}");
    // Of each Certificate its issuer, request, Order and self may look again, as what is away is asked for.
    assert!(after - before <= 4 * bad.len(), "{} looks of {} in six seconds", after - before, bad.len());
    let asked = proxy.calls().len();
    assert!(asked <= 4 * bad.len(), "{asked} calls in six seconds: {:?}", proxy.calls());
}

/// Certificates of which none can become one, each for a reason of its own.
fn bad_input(space: &Space) -> Vec<String> {
    let secret = |name: &str, data: Value, immutable: bool| {
        let kind = "kubernetes.io/tls";
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "type": kind, "data": data, "immutable": immutable })
    };
    let empty = json!({ "tls.crt": "", "tls.key": "" });
    space.apply(&secret("garbage", json!({ "tls.crt": "eHg=", "tls.key": "eHg=" }), false));
    space.apply(&secret("immutable", empty.clone(), true));
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "tsig" }, "stringData": { "key": "d3Jvbmctd3Jvbmctd3Jvbmc=" } }));
    space.apply(&ca_issuer("without-secret", "nowhere"));
    space.apply(&ca_issuer("garbage", "garbage"));
    space.apply(&ca_issuer("good", "authority"));
    let acme = space.get("issuers", "ca").expect("the Issuer of the model")["spec"]["acme"].clone();
    let issuer = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut acme = acme.clone();
        change(&mut acme);
        let metadata = json!({ "name": name });
        space.apply(&json!({ "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": metadata, "spec": { "acme": acme } }));
    };
    issuer("away", &|acme| acme["server"] = json!("https://127.0.0.1:1/directory"));
    issuer("picky", &|acme| acme["solvers"][0]["selector"] = json!({ "dnsNames": ["only.example.test"] }));
    issuer("unsolved", &|acme| acme["solvers"] = json!([]));
    issuer("wrong-credentials", &|acme| {
        let rfc2136 = &mut acme["solvers"][0]["dns01"]["rfc2136"];
        rfc2136["tsigKeyName"] = json!("nobody");
        rfc2136["tsigSecretSecretRef"] = json!({ "name": "tsig", "key": "key" });
    });
    let mut names = Vec::new();
    let mut apply = |name: &str, issuer: &str, fields: Value| {
        space.apply(&with_spec(certificate(name, issuer), fields));
        names.push(name.to_owned());
    };
    for issuer in ["without-secret", "garbage", "away", "picky", "unsolved", "wrong-credentials", "nobody"] {
        apply(&format!("of-{issuer}"), issuer, json!({}));
    }
    apply("no-name", "good", json!({ "dnsNames": ["\\*.example.test"] }));
    apply("immutable", "good", json!({}));
    apply(
        "no-password",
        "good",
        json!({ "keystores": { "jks": { "create": true, "passwordSecretRef": { "name": "nowhere", "key": "p" } } } }),
    );
    apply(
        "elsewhere",
        "good",
        json!({ "secretName": "authority", "privateKey": { "rotationPolicy": "Never", "size": 384 } }),
    );
    names
}

/// How often the controller looked at anything.
fn syncs(inspector: &Inspector) -> usize {
    let text = Runtime::new().expect("a runtime").block_on(inspector.metrics(Series::Sums)).expect("it runs");
    let counts = text.lines().filter(|it| it.starts_with("certmanager_controller_sync_call_count{"));
    counts.filter_map(|it| it.rsplit(' ').next()?.parse::<usize>().ok()).sum()
}
