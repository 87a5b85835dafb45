//! What is planned for what is observed: every path of the ledger, and every place where a process may have died.

mod crashes;
mod failures;
mod information;
mod lacking;
mod paths;
mod readiness;

use std::sync::Arc;
use std::time::Duration;

use acme_core::flow::{Agenda, Next};
use acme_core::key::PublicKeyType;
use acme_core::{KeyType, Timestamp};
use certstore::policy::after_failure::Doubling;
use certstore::policy::renew::Validity;
use issuers::Holder;
use serde_json::{Value, json};

use super::observed::Rules;
use super::{
    Action, Answered, Contents, Failure, Holding, Information, KeyFacts, Lacking, Observed, Place, RequestFacts,
    Requested, Sound, Source, Stored, Target, WantedFacts, plan,
};
use crate::certificate::Wanted;
use crate::crd::certificate::Certificate;
use crate::key::Name;
use crate::request::{self, Ended, Prospect, Standing};
use crate::secret::{Dress, Proof};
use crate::status::{Note, Report};

/// A Certificate `web` for `a.example` from `ca`, and what there is of it. What a test does not touch is as it is before anything was done.
struct Case {
    name: Name,
    object: Certificate,
    wanted: Wanted,
    target: Target,
    key: Option<KeyFacts>,
    stored: Vec<Stored>,
    requests: Vec<Request>,
    prospect: Prospect,
    owner: Option<&'static str>,
    begun: Option<Timestamp>,
    loop_until: Option<Timestamp>,
    keeps_key: bool,
    wants_temporary: bool,
    is_storing: bool,
    is_closing: bool,
    information: Information<'static>,
    stored_at: Option<Timestamp>,
    announced: Vec<Note>,
    hint: Option<String>,
    failure: Option<Failure>,
    lacking: Option<Lacking>,
    held_until: Option<Timestamp>,
    obstacle: Option<&'static str>,
    fix_up_at: Timestamp,
    says_all: bool,
}

/// A request, in few words.
#[derive(Clone)]
struct Request {
    revision: i64,
    key: [u8; 32],
    leaf: Option<[u8; 32]>,
    unlike: Vec<&'static str>,
    state: State,
    created: Timestamp,
    appeared: Option<Timestamp>,
}

#[derive(Clone)]
enum State {
    Going,
    Issued,
    Failed(Timestamp),
}

const NOW: i64 = 1_800_000_000;
const KEY: [u8; 32] = [1; 32];
const OTHER_KEY: [u8; 32] = [2; 32];
const LEAF: [u8; 32] = [3; 32];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(NOW + seconds)
}

fn hours(hours: i64) -> Timestamp {
    at(hours * 3600)
}

impl Case {
    fn new() -> Self {
        Self::with_spec(&json!({}))
    }

    fn with_spec(fields: &Value) -> Self {
        let mut spec = json!({
            "secretName": "web-tls", "dnsNames": ["a.example"], "issuerRef": { "name": "ca" },
            "privateKey": { "algorithm": "ECDSA" },
        });
        for (field, value) in fields.as_object().into_iter().flatten() {
            spec[field] = value.clone();
        }
        let object = json!({ "metadata": { "name": "web", "namespace": "shop", "generation": 2 }, "spec": spec });
        let object: Certificate = serde_json::from_str(&object.to_string()).expect("it is a Certificate");
        let wanted = Wanted::of(&object).expect("nothing is wrong with it");
        Self {
            name: Name::new("shop", "web"),
            object,
            wanted,
            target: Target::Absent,
            key: None,
            stored: Vec::new(),
            requests: Vec::new(),
            prospect: Prospect::OnePass,
            owner: None,
            begun: None,
            loop_until: None,
            wants_temporary: false,
            is_storing: false,
            keeps_key: fields["privateKey"]["rotationPolicy"] == "Never",
            is_closing: false,
            information: Information::default(),
            stored_at: None,
            announced: Vec::new(),
            hint: None,
            failure: None,
            lacking: None,
            held_until: None,
            obstacle: None,
            fix_up_at: Timestamp::EPOCH,
            says_all: false,
        }
    }

    fn status(mut self, status: &Value) -> Self {
        self.object.status = Some(serde_json::from_str(&status.to_string()).expect("it is a status"));
        self
    }

    fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    fn key(mut self, place: Place) -> Self {
        self.key = Some(key(KEY, place));
        self
    }

    fn stored(mut self, name: &str) -> Self {
        self.stored.push(Stored { name: name.into(), is_unfit: false });
        self
    }

    fn request(mut self, request: Request) -> Self {
        self.requests.push(request);
        self
    }

    fn prospect(mut self, prospect: Prospect) -> Self {
        self.prospect = prospect;
        self
    }

    /// A Certificate that was issued once, with what belongs to it.
    fn issued() -> Self {
        Self::issued_with(&json!({}))
    }

    fn issued_with(fields: &Value) -> Self {
        let case = Self::with_spec(fields).target(Target::There(Arc::new(holding(KEY, LEAF))));
        case.status(&settled()).request(Request::issued(1, KEY, LEAF))
    }

    fn next_at(&self, now: Timestamp) -> Next<Action, ()> {
        let is_going = |it: &Request| it.revision > self.object.status.as_ref().and_then(|it| it.revision).unwrap_or(0);
        let requests = self.requests.iter().enumerate().map(|(number, it)| Requested {
            name: format!("web-{}{}", it.revision, "x".repeat(usize::from(number > 1))).into(),
            revision: (it.revision > 0).then_some(it.revision),
            created: it.created,
            appeared: it.appeared,
            facts: Some(RequestFacts { unlike: it.unlike.clone(), key: Some(it.key), broken: None, leaf: it.leaf }),
            standing: is_going(it).then(|| it.state.standing()),
        });
        let dress = Dress::default().digest();
        plan(
            &Observed {
                name: &self.name,
                object: &self.object,
                rules: Rules {
                    backoff: Doubling::default(),
                    visible_after: Duration::from_secs(2),
                    stranger_patience: Duration::from_secs(60),
                    patience: Duration::from_secs(30),
                    stores_keys: false,
                    says_all: self.says_all,
                },
                wanted: Ok(WantedFacts {
                    spec: &self.wanted.spec,
                    key: self.wanted.spec.key_type.into(),
                    renewal: &self.wanted.renewal,
                    keeps_key: self.keeps_key,
                    dress,
                    history_limit: 1,
                    wants_temporary: self.wants_temporary,
                }),
                owner: self.owner,
                target: self.target.clone(),
                key: self.key.clone(),
                key_name: "web-abcde".to_owned(),
                stored: self.stored.clone(),
                requests: requests.collect(),
                prospect: self.prospect,
                hint: self.hint.clone(),
                failure: self.failure.clone(),
                lacking: self.lacking.clone(),
                obstacle: self.obstacle,
                fix_up_at: self.fix_up_at,
                begun: self.begun,
                information: self.information.clone(),
                stored_at: self.stored_at,
                announced: &self.announced,
                loop_until: self.loop_until,
                held_until: self.held_until,
                is_stale: false,
                is_reporting: false,
                is_storing: self.is_storing,
                is_closing: self.is_closing,
            },
            now,
        )
    }

    /// What is to be done now.
    #[track_caller]
    fn actions(&self) -> Vec<Action> {
        match self.next_at(at(0)) {
            Next::Go(Agenda { ready, .. }) => ready,
            Next::Done(()) => Vec::new(),
        }
    }

    /// The one thing that is to be done now.
    #[track_caller]
    fn action(&self) -> Action {
        let actions = self.actions();
        assert_eq!(actions.len(), 1, "{actions:?}");
        actions.into_iter().next().expect("there is one")
    }

    /// What is to be told now.
    #[track_caller]
    fn report(&self) -> Report {
        reports(self.actions()).pop().expect("something is told")
    }

    /// Nothing is to be done before this time.
    #[track_caller]
    fn rests_until(&self, until: Timestamp) {
        match self.next_at(at(0)) {
            Next::Go(Agenda { ready, wake, .. }) => {
                assert_eq!(ready, []);
                assert_eq!(wake.map(|it| it.at), Some(until));
            }
            Next::Done(()) => panic!("it would never be looked at again"),
        }
    }
}

fn reports(actions: Vec<Action>) -> Vec<Report> {
    let report = |it| if let Action::Report(report) = it { Some(*report) } else { None };
    actions.into_iter().filter_map(report).collect()
}

impl Request {
    fn going(revision: i64, key: [u8; 32]) -> Self {
        Self { revision, key, leaf: None, unlike: Vec::new(), state: State::Going, created: at(0), appeared: None }
    }

    fn issued(revision: i64, key: [u8; 32], leaf: [u8; 32]) -> Self {
        Self { leaf: Some(leaf), state: State::Issued, ..Self::going(revision, key) }
    }

    fn failed(revision: i64, when: Timestamp) -> Self {
        Self { state: State::Failed(when), created: when, ..Self::going(revision, KEY) }
    }

    fn unlike(self, field: &'static str) -> Self {
        Self { unlike: vec![field], ..self }
    }
}

impl State {
    fn standing(&self) -> Standing {
        match self {
            Self::Going => Standing::Going(Agenda::new(vec![request::Action::Sign], None)),
            Self::Issued => Standing::Issued,
            Self::Failed(when) => Standing::Ended(Ended {
                reason: "Failed".to_owned(),
                message: "no such zone".to_owned(),
                at: Some(*when),
            }),
        }
    }
}

fn key(digest: [u8; 32], place: Place) -> KeyFacts {
    KeyFacts { digest, kind: KeyType::EcdsaP256.into(), place }
}

fn rsa(place: Place) -> KeyFacts {
    KeyFacts { digest: KEY, kind: PublicKeyType::from(KeyType::Rsa2048), place }
}

/// What a Secret holds that was written for `web`, valid for 90 days from 30 days ago.
fn holding(of: [u8; 32], leaf: [u8; 32]) -> Holding {
    let mut holder = Holder::default();
    holder.dns_names.insert("a.example".to_owned());
    let issuer = crate::crd::reference::IssuerRef { name: "ca".to_owned(), ..Default::default() };
    Holding {
        certificate: Some("web".to_owned()),
        issuer: Some(issuer.clone()),
        is_immutable: false,
        writer: Some("kubectl-edit".to_owned()),
        proof: Proof::applied(&Name::new("shop", "web"), &issuer, &Dress::default()),
        validity: Some(validity()),
        key: Some(key(of, Place::Target)),
        contents: Contents::Sound(Sound { holder, leaf, id: None, is_temporary: false }),
    }
}

fn validity() -> Validity {
    Validity::new(hours(-30 * 24), hours(60 * 24))
}

/// A status that says all that there is to say of [`holding`].
fn settled() -> Value {
    json!({
        "revision": 1,
        "notBefore": hours(-30 * 24).to_string(), "notAfter": hours(60 * 24).to_string(),
        "renewalTime": hours(30 * 24).to_string(),
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "Ready", "observedGeneration": 2,
            "message": "Certificate is up to date and has not expired", "lastTransitionTime": hours(-30 * 24).to_string(),
        }],
    })
}

/// A status after failed attempts, the last of them at `when`.
fn failed(attempts: i64, when: Timestamp) -> Value {
    json!({
        "failedIssuanceAttempts": attempts, "lastFailureTime": when.to_string(),
        "conditions": [
            { "type": "Issuing", "status": "False", "reason": "Failed", "message": "m", "lastTransitionTime": when.to_string(), "observedGeneration": 2 },
            {
                "type": "Ready", "status": "False", "reason": "DoesNotExist", "observedGeneration": 2,
                "message": "Issuing certificate as Secret does not exist", "lastTransitionTime": when.to_string(),
            },
        ],
    })
}

/// The condition that `cmctl renew` sets.
fn renewed_by_hand(mut status: Value, when: Timestamp) -> Value {
    let conditions = status["conditions"].as_array_mut().expect("there are conditions");
    conditions.retain(|it| it["type"] != "Issuing");
    conditions.push(json!({
        "type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "observedGeneration": 2,
        "message": "Certificate re-issuance manually triggered", "lastTransitionTime": when.to_string(),
    }));
    status
}

fn drop_request(name: &str) -> Action {
    Action::DropRequest(name.into())
}

fn step(request: &str) -> Action {
    Action::Step { request: request.into(), action: request::Action::Sign }
}
