//! All of cert-manager's Events where all are wanted: compared with what it said of the same objects, in whatever order; where they differ, a row says why.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use certwright_kube_adapter::{EventSet, SelfCheck};
use serde_json::{Value, json};
use testkit::servers::Pebble;

use crate::kit::acme::Acme;
use crate::kit::manifests::{certificate, with_spec};
use crate::kit::{Operator, Space, eventually};
use crate::recorded;

/// What cert-manager 1.21 said, each Event once: letters that it draws are in capitals.
const RECORDED: &str = include_str!("../recordings/events.jsonl");

#[test]
fn of_certificates_of_a_ca_everything_is_said_that_cert_manager_says() {
    let space = Space::new("events");
    let proxy = space.proxy();
    let mut settings = space.settings();
    settings.events = EventSet::All;
    let _operator = Operator::start(&proxy, settings);
    for manifest in recorded::manifests() {
        space.apply(&manifest);
    }
    for name in ["root-ca", "rsa-default", "everything", "never-rotate", "temp"] {
        space.await_ready(name);
    }
    space.await_quiet(&proxy);
    assert_said(&space, &recorded_of("basic"), &[]);

    let names = ["never.example.com", "never2.example.com"];
    space.patch("certificates", "never-rotate", "", &json!({ "spec": { "dnsNames": names } }));
    crate::await_revision(&space, "never-rotate", 2);
    space.await_quiet(&proxy);
    let (before, renewed) = (recorded_of("basic"), recorded_of("renewal"));
    assert_said(&space, &renewed, &before);
}

#[test]
fn of_what_fails_everything_is_said_that_cert_manager_says() {
    let (space, acme) = (Space::new("events"), Acme::start(Pebble::builder().blocked_name("google.com")));
    let proxy = space.proxy();
    acme.prepare(&space, json!({}));
    let mut settings = space.settings();
    settings.events = EventSet::All;
    let _operator = Operator::start(&proxy, settings);
    space.await_condition("issuers", "ca", "Ready", "True");
    space.apply(&with_spec(certificate("blocked", "ca"), json!({ "dnsNames": ["google.com"] })));
    let strange = json!({
        "commonName": "cn.dns01.example.com", "ipAddresses": ["10.1.1.1"], "dnsNames": ["other.dns01.example.com"],
    });
    space.apply(&with_spec(certificate("cn-not-in-dns", "ca"), strange));
    space.apply(&certificate("no-issuer", "nope"));
    assert_said(&space, &recorded_of("failures"), &[]);
}

#[test]
fn of_a_certificate_by_http_everything_is_said_that_cert_manager_says() {
    // An authority that takes every answer for right: what is looked at here is what is said.
    let (space, pebble) = (Space::new("events"), Pebble::builder().always_valid().start());
    let proxy = space.proxy();
    space.apply(&json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": "ca" },
        "spec": { "acme": {
            "server": pebble.directory_url(), "skipTLSVerify": true, "privateKeySecretRef": { "name": "account" },
            "solvers": [{ "http01": { "ingress": { "ingressClassName": "web" } } }],
        } },
    }));
    let mut settings = space.settings();
    settings.events = EventSet::All;
    settings.visible_after = Duration::from_secs(60);
    settings.acme.http01_self_check = SelfCheck::Off;
    settings.acme.solver_addresses = vec![Ipv4Addr::new(192, 0, 2, 8).into()];
    let _operator = Operator::start(&proxy, settings);
    space.await_condition("issuers", "ca", "Ready", "True");
    let names = ["h1.example.com", "h2.example.com"];
    space.apply(&with_spec(certificate("h-ingress", "ca"), json!({ "dnsNames": names })));
    space.await_ready("h-ingress");
    space.await_quiet(&proxy);
    // The recording ends before its names were proven: how that goes on it tells of another path.
    let on: Vec<Said> =
        names.iter().flat_map(|name| recorded_of("dns01").into_iter().map(|it| it.said_by_http(name))).collect();
    assert_said(&space, &recorded_of("http01"), &on);
}

#[test]
fn of_a_certificate_by_dns_everything_is_said_that_cert_manager_says() {
    let (space, acme) = (Space::new("events"), Acme::start(Pebble::builder()));
    let proxy = space.proxy();
    acme.prepare(&space, json!({}));
    let mut settings = space.settings();
    settings.events = EventSet::All;
    settings.visible_after = Duration::from_secs(60);
    settings.acme.dns01_nameservers = vec![acme.bind.address().to_string()];
    settings.acme.dns01_recursive_only = true;
    settings.check_again_after = Duration::from_millis(100);
    let _operator = Operator::start(&proxy, settings);
    space.await_condition("issuers", "ca", "Ready", "True");
    space.apply(&certificate("single", "ca"));
    space.await_ready("single");
    space.await_quiet(&proxy);
    assert_said(&space, &recorded_of("dns01"), &[]);
}

/// What cert-manager said on this path.
fn recorded_of(path: &str) -> Vec<Said> {
    let recorded = RECORDED.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    let of_path: Vec<Said> = recorded.filter(|it| it["path"] == path).map(|it| Said::recorded(&it)).collect();
    assert!(of_path.len() > 5, "{} Events were recorded", of_path.len());
    of_path
}

/// Fails unless all of `theirs` was said, but for the rows, and nothing else than that and `known`.
#[track_caller]
fn assert_said(space: &Space, theirs: &[Said], known: &[Said]) {
    let is_row = |said: &Said| DELIBERATE.iter().any(|(parts, _)| parts.iter().all(|it| said.line().contains(it)));
    // The last ones are on their way when everything else is done.
    let differences = eventually("all Events", || {
        let ours: BTreeSet<Said> = space.list("events").iter().map(|it| Said::of(it, &space.namespace)).collect();
        let missing = theirs.iter().filter(|it| !ours.iter().any(|ours| ours.says(it)) && !is_row(it));
        let missing: Vec<String> = missing.map(Said::line).collect();
        if !missing.is_empty() {
            return Err(format!("theirs alone:\n{}", missing.join("\n")));
        }
        let is_theirs = |it: &Said| theirs.iter().chain(known).any(|theirs| it.says(theirs));
        let more = ours.iter().filter(|it| !is_theirs(it) && !is_row(it));
        Ok(more.map(Said::line).collect::<Vec<_>>())
    });
    assert!(differences.is_empty(), "ours alone:\n{}", differences.join("\n"));
}

/// What an Event says, and of what.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    about: String,
    severity: String,
    reason: String,
    controller: String,
    note: String,
}

impl Said {
    fn recorded(event: &Value) -> Self {
        let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
        let about = format!("{} {}", text("kind"), text("name"));
        Self {
            about,
            severity: text("type"),
            reason: text("reason"),
            controller: text("controller"),
            note: text("note"),
        }
    }

    /// One of ours, with the names that nobody chose in capitals.
    fn of(event: &Value, namespace: &str) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let object = text(&event["regarding"]["name"]);
        Self {
            about: format!("{} {}", text(&event["regarding"]["kind"]), plain(&object)),
            severity: text(&event["type"]),
            reason: text(&event["reason"]),
            controller: text(&event["reportingController"]),
            note: plain(&text(&event["note"]).replace(&format!("{namespace}/"), "NAMESPACE/")),
        }
    }

    /// What is said of a Certificate `single` by DNS-01, said of `h-ingress`, which proves this name by HTTP-01.
    fn said_by_http(self, name: &str) -> Self {
        let of = |text: &str| {
            let text = text.replace("single.example.test", name).replace("single", "h-ingress");
            text.replace("DNS-01", "HTTP-01")
        };
        Self { about: of(&self.about), note: of(&self.note), ..self }
    }

    /// Does this say what the other one says, and maybe more?
    fn says(&self, theirs: &Self) -> bool {
        let of = |it: &Self| (it.about.clone(), it.severity.clone(), it.reason.clone(), it.controller.clone());
        of(self) == of(theirs) && self.note.starts_with(&theirs.note)
    }

    fn line(&self) -> String {
        let Self { about, severity, reason, controller, note } = self;
        format!("{about} {severity} {reason} {controller}: {note}")
    }
}

/// A text with the hashes in names of Orders and Challenges, and the letters of next keys, replaced.
fn plain(text: &str) -> String {
    let words = text.split_inclusive([' ', '"', '/']).map(|word| {
        let name = word.trim_end_matches([' ', '"', '/', ':']);
        let end = &word[name.len()..];
        let mut parts: Vec<&str> = name.split('-').collect();
        let is_hash = |it: &&str| it.len() > 2 && it.bytes().all(|byte| byte.is_ascii_digit());
        let hashes = parts.iter().skip(1).rev().take_while(|it| is_hash(it)).count();
        if hashes > 0 {
            let at = parts.len() - hashes;
            parts.truncate(at);
            parts.extend(["ORDER", "CHALLENGE"].iter().take(hashes));
        }
        format!("{}{end}", parts.join("-"))
    });
    let text: String = words.collect();
    let Some((before, key)) = text.split_once("temporary Secret resource \"") else { return text };
    let name = key.trim_end_matches('"').rsplit_once('-').map_or(key, |(name, _)| name);
    format!("{before}temporary Secret resource \"{name}-NEXTKEY\"")
}

/// What is in an Event, and why only one of both says it.
const DELIBERATE: &[(&[&str], &str)] = &[
    (
        &["WaitingForApproval"],
        "who approves by himself waits for nobody; theirs says it five times, in front of its own approval",
    ),
    (&["Certificate root-ca Normal Generated"], "in one pass no key is stored before its certificate"),
    (&["Certificate rsa-default Normal Generated"], "the same"),
    (&["Certificate everything Normal Generated"], "the same"),
    (&["Certificate never-rotate Normal Generated"], "the same"),
    (&["Certificate temp Normal Generated"], "the temporary certificate keeps the key"),
    (&["Issuer ca Warning ErrGetKeyPair"], "it was made before its Secret: who looks a moment later finds that"),
    (
        &["Issuer ca Warning ErrInitIssuer"],
        "the same; and one Event says what the matter is, not a second one that there is one",
    ),
    (&["CertificateRequest never-rotate-1 Normal IssuerNotReady"], "the same moment"),
    (
        &["CertificateRequest blocked-1 Normal OrderPending"],
        "ours alone: said when the Order is made; theirs looked again when that had failed",
    ),
    (
        &["CertificateRequest no-issuer-1 Normal IssuerNotFound"],
        "theirs says it once for each kind of issuer that there is",
    ),
    (
        &["Warning BadConfig", "ends with its certificate authority"],
        "ours alone: that it lasts shorter than was asked for",
    ),
];
