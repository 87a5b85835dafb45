//! What leads validators to the answer of HTTP-01: Ingresses, HTTPRoutes, the shared Service, and Pods where it has to be one.
//!
//! | Module | What it makes | How many |
//! |---|---|---|
//! | [`ingress`] | an Ingress | one for an Order and solver |
//! | [`in_place`] | paths in an Ingress of the user, and their removal | one patch each |
//! | [`route`] | HTTPRoutes | one for an Order and solver, for every sixteen names |
//! | [`shared`] | the Service without selector and its EndpointSlices | one for a namespace |
//! | [`pod`] | Pod and Service, as cert-manager makes them | one for a Challenge |
//! | [`lead`] | all of these, in the cluster, and takes them away again | one for an Order and solver |
//! | [`way`] | whether it is an Ingress, one of the user's, or a route; and these as values | |
//! | [`object`] | one object in the cluster: made, brought up to date, deleted | |
//! | [`class`] | which controllers pass over the shared Service, so that Pods have to answer | one for a process |
//! | [`service`] | the shared Service in the cluster, and where it leads to | one for a namespace |
//! | [`sweep`] | its end, an hour after the last work | one for a namespace |
//! | [`responder`] | the server that answers, from the watched Challenges | one for a process |

pub(crate) mod class;
pub(crate) mod in_place;
pub(crate) mod ingress;
pub(crate) mod lead;
pub(crate) mod object;
pub(crate) mod pod;
pub(crate) mod responder;
pub(crate) mod route;
pub(crate) mod service;
pub(crate) mod shared;
pub(crate) mod sweep;
mod way;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::OnceLock;

use acme_core::hash::sha256;
use acme_core::{Error, ErrorKind, Retry};
use serde_json::{Value, json};
use solvers::http01::self_check::SelfCheck;

use crate::api::{Refusal, RefusalKind};
use crate::crd::{Challenge, ChallengeSpec};
use crate::key::{Name, Uid};
use crate::names;

/// What all challenges of a process share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// The Services of namespaces.
    pub(crate) services: service::Services,
    /// Which controllers pass those over.
    pub(crate) classes: class::Classes,
    /// How it is looked whether answers get through.
    pub(crate) check: OnceLock<SelfCheck>,
}

/// One challenge, as a path that has to lead to its answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Answered {
    /// The DNS name, or the address as text.
    pub(crate) name: String,
    /// The token.
    pub(crate) token: String,
}

impl Answered {
    /// The path of a Challenge.
    pub(crate) fn of(challenge: &ChallengeSpec) -> Self {
        Self { name: challenge.dns_name.clone(), token: challenge.token.clone() }
    }

    /// The path that validators ask for (RFC 8555 section 8.3).
    pub(crate) fn path(&self) -> String {
        format!("/.well-known/acme-challenge/{}", self.token)
    }

    /// The host that rules are for; none for an address, which no rule can name.
    pub(crate) fn host(&self) -> Option<&str> {
        self.name.parse::<IpAddr>().is_err().then_some(self.name.as_str())
    }

    /// What one challenge's objects are found by.
    fn labels(&self) -> [(&'static str, String); 2] {
        [(DOMAIN, names::label(&self.name)), (TOKEN, names::label(&self.token))]
    }
}

/// A path, and the Service that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Led {
    pub(crate) answered: Answered,
    /// The name of the Service.
    pub(crate) service: String,
}

/// A challenge with what a Pod has to know that answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answering {
    pub(crate) answered: Answered,
    /// Its authorization.
    pub(crate) authorization: String,
    /// The Challenge, whose its Pod would be.
    pub(crate) challenge: Owner,
    /// The key authorization.
    pub(crate) key: String,
}

impl Answering {
    /// That of a Challenge.
    pub(crate) fn of(challenge: &Challenge) -> Self {
        let uid = Uid::parse(challenge.metadata.uid.as_deref().unwrap_or_default());
        Self {
            answered: Answered::of(&challenge.spec),
            authorization: challenge.spec.authorization_url.clone(),
            challenge: Owner { kind: "Challenge", name: Name::of(&challenge.metadata), uid },
            key: challenge.spec.key.clone(),
        }
    }
}

/// Who owns the objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    /// `Order` or `Challenge`.
    pub(crate) kind: &'static str,
    /// Its name; the objects are beside it.
    pub(crate) name: Name,
    /// Its uid.
    pub(crate) uid: Uid,
}

impl Owner {
    fn reference(&self) -> Value {
        json!([{
            "apiVersion": "acme.cert-manager.io/v1", "kind": self.kind, "name": self.name.object(), "uid": self.uid.to_string(),
            "controller": true, "blockOwnerDeletion": true,
        }])
    }
}

/// What the API server said to a write about `what`, for the flow of a challenge.
fn refused(what: &str, refusal: &Refusal) -> Error {
    let kind = match refusal.kind() {
        RefusalKind::Forbidden => ErrorKind::Unauthorized,
        RefusalKind::Exists | RefusalKind::Conflict => ErrorKind::Conflict,
        RefusalKind::Gone => ErrorKind::NotFound,
        RefusalKind::Invalid => ErrorKind::Refused,
        RefusalKind::Busy => ErrorKind::Busy,
        RefusalKind::Lost => ErrorKind::Unreachable,
    };
    let retry = refusal.after().map_or(Retry::Backoff, Retry::After);
    Error::new(kind, format!("{what}: {refusal}")).with_retry(retry)
}

/// A name that is known before the object is made: the usual beginning, and five characters that follow from `parts`.
pub(crate) fn object_name(parts: &[&str]) -> String {
    format!("{PREFIX}{}", suffix(parts))
}

/// Five characters as the API server makes them up, that follow from `parts`.
fn suffix(parts: &[&str]) -> String {
    let digest = sha256(parts.join("\0").as_bytes());
    digest.iter().take(5).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect()
}

/// The labels of every solver object: those of the settings first, which cannot replace the fixed ones.
fn labels(extra: &[(String, String)], of: Option<&Answered>) -> BTreeMap<String, String> {
    let fixed = of.into_iter().flat_map(Answered::labels).chain([(SOLVER, "true".to_owned())]);
    extra.iter().cloned().chain(fixed.map(|(key, value)| (key.to_owned(), value))).collect()
}

/// Marks every solver object.
pub(crate) const SOLVER: &str = "acme.cert-manager.io/http01-solver";
const DOMAIN: &str = "acme.cert-manager.io/http-domain";
const TOKEN: &str = "acme.cert-manager.io/http-token";

/// The port that the solver listens on, and that Services offer.
pub(crate) const PORT: u16 = 8089;

const PREFIX: &str = "cm-acme-http-solver-";

/// What the API server makes up names from: no vowels, so no words.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Answered, Led, Owner, in_place, ingress, object_name, pod, route, shared};
    use crate::crd::Challenge;
    use crate::crd::acme::http01::IngressSolver;
    use crate::key::{Name, Uid};
    use crate::settings::{PathType, SolverPods};

    /// What cert-manager made, and the Challenge it made it for.
    fn recorded(what: &str) -> (Value, Option<Challenge>) {
        let lines = include_str!("../tests/recordings/solver-objects.jsonl").lines();
        let line =
            lines.map(|line| serde_json::from_str::<Value>(line).unwrap()).find(|line| line["what"] == what).unwrap();
        let challenge =
            (!line["challenge"].is_null()).then(|| serde_json::from_str(&line["challenge"].to_string()).unwrap());
        (line["object"].clone(), challenge)
    }

    fn owner_of(object: &Value) -> Owner {
        let reference = &object["metadata"]["ownerReferences"][0];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Owner {
            kind: "Challenge",
            name: Name::new(text(&object["metadata"]["namespace"]), text(&reference["name"])),
            uid: Uid::parse(&text(&reference["uid"])),
        }
    }

    fn led(answered: Answered, service: &str) -> Led {
        Led { answered, service: service.to_owned() }
    }

    /// Everything in `ours` is in `theirs`, which the API server has filled up with defaults.
    fn within(ours: &Value, theirs: &Value, path: &str) {
        match (ours, theirs) {
            (Value::Object(ours), Value::Object(theirs)) => {
                for (key, value) in ours {
                    within(value, theirs.get(key).unwrap_or(&Value::Null), &format!("{path}.{key}"));
                }
            }
            (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
                for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                    within(ours, theirs, &format!("{path}[{at}]"));
                }
            }
            (ours, theirs) => assert_eq!(ours, theirs, "{path}"),
        }
    }

    fn solver(challenge: &Challenge) -> IngressSolver {
        challenge.spec.solver.http01.as_ref().unwrap().ingress.clone().unwrap()
    }

    #[test]
    fn an_ingress_is_the_one_that_cert_manager_makes() {
        let (theirs, challenge) = recorded("Ingress");
        let challenge = challenge.unwrap();
        let service = theirs["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"].as_str().unwrap();
        let led = [led(Answered::of(&challenge.spec), service)];
        let name = theirs["metadata"]["name"].as_str().unwrap();
        let ours = ingress::ingress(name, &owner_of(&theirs), &led, &solver(&challenge), PathType::Exact, &[]);
        within(&ours, &theirs, "");
        assert_eq!(ours["metadata"]["labels"], theirs["metadata"]["labels"]);
        assert_eq!(ours["spec"], theirs["spec"]);
    }

    #[test]
    fn the_shape_of_a_pod_is_that_of_the_settings_and_a_template_goes_before_it() {
        let (theirs, challenge) = recorded("Pod");
        let answered = Answered::of(&challenge.unwrap().spec);
        let mut shape = SolverPods { runtime_class: "gvisor".to_owned(), ..SolverPods::default() };
        shape.cpu_limit = "2".to_owned();
        shape.run_as_non_root = false;
        let template =
            serde_json::from_value(json!({ "spec": { "resources": { "limits": { "memory": "1Gi" } } } })).unwrap();
        let pod = pod::pod("a", &owner_of(&theirs), &answered, "key", &shape, Some(&template), &[]);
        assert_eq!(pod["spec"]["runtimeClassName"], "gvisor");
        assert_eq!(pod["spec"]["securityContext"]["runAsNonRoot"], false);
        assert_eq!(pod["spec"]["containers"][0]["resources"]["limits"], json!({ "cpu": "2", "memory": "1Gi" }));
    }

    #[test]
    fn a_pod_and_its_service_are_those_that_cert_manager_makes() {
        let (theirs, challenge) = recorded("Pod");
        let challenge = challenge.unwrap();
        let answered = Answered::of(&challenge.spec);
        let (name, owner) = (theirs["metadata"]["name"].as_str().unwrap(), owner_of(&theirs));
        let image = theirs["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
        let shape = SolverPods { image, ..SolverPods::default() };
        let mut ours = pod::pod(name, &owner, &answered, &challenge.spec.key, &shape, None, &[]);
        let arguments = ours["spec"]["containers"][0]["args"].as_array_mut().unwrap();
        assert_eq!(arguments.remove(0), "solver", "one binary, whose role is named");
        within(&ours, &theirs, "");
        let (theirs, _) = recorded("Service");
        let name = theirs["metadata"]["name"].as_str().unwrap();
        within(&pod::service(name, &owner_of(&theirs), &answered, "", &[]), &theirs, "");
    }

    #[test]
    fn a_route_is_the_one_that_cert_manager_makes() {
        let (theirs, challenge) = recorded("HTTPRoute");
        let challenge = challenge.unwrap();
        let settings = challenge.spec.solver.http01.as_ref().unwrap().gateway_http_route.clone().unwrap();
        let backend = &theirs["spec"]["rules"][0]["backendRefs"][0];
        let name = theirs["metadata"]["name"].as_str().unwrap();
        let led = [led(Answered::of(&challenge.spec), backend["name"].as_str().unwrap())];
        let ours = route::route(name, &owner_of(&theirs), &led, &settings, &[]);
        within(&ours["spec"]["rules"], &theirs["spec"]["rules"], "rules");
        assert_eq!(ours["spec"]["hostnames"], theirs["spec"]["hostnames"]);
        assert_eq!(ours["metadata"]["labels"], theirs["metadata"]["labels"]);
    }

    #[test]
    fn an_ingress_of_the_user_is_edited_as_cert_manager_edits_it() {
        let (before, _) = recorded("existing");
        let (after, _) = recorded("edited");
        let added = &after["spec"]["rules"][0]["http"]["paths"][0];
        let token = added["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let answered = [Answered { name: "edit.example.com".to_owned(), token }];
        let service = added["backend"]["service"]["name"].as_str().unwrap();
        let rules = before["spec"]["rules"].as_array().unwrap();
        let ours = in_place::insert(rules, &[led(answered[0].clone(), service)], PathType::Exact).unwrap();
        assert_eq!(Value::Array(ours.clone()), after["spec"]["rules"]);
        assert_eq!(in_place::remove(&ours, &answered).as_ref(), Some(rules));
    }

    #[test]
    fn an_order_of_many_names_has_one_ingress() {
        let answered = |at| Answered { name: format!("{at}.example.com"), token: format!("token-{at}") };
        let led: Vec<Led> = (0..100).map(|at| led(answered(at), shared::NAME)).collect();
        let owner = Owner {
            kind: "Order",
            name: Name::new("shop", "order"),
            uid: Uid::parse("3f1f9f0e-55a3-4b43-9d0f-0a43b1a0f5b1"),
        };
        let object = ingress::ingress("name", &owner, &led, &IngressSolver::default(), PathType::Exact, &[]);
        assert_eq!(object["spec"]["rules"].as_array().unwrap().len(), 100);
        assert_eq!(object["metadata"]["labels"], json!({ "acme.cert-manager.io/http01-solver": "true" }));
    }

    #[test]
    fn endpoints_say_that_they_are_ready() {
        let addresses = ["10.0.0.2".parse().unwrap(), "fd00::2".parse().unwrap(), "10.0.0.1".parse().unwrap()];
        let listens = shared::Listens { addresses: &addresses, port: 8089 };
        let slices = shared::endpoint_slices(
            &Name::new("shop", shared::NAME),
            &Uid::parse("3f1f9f0e-55a3-4b43-9d0f-0a43b1a0f5b1"),
            listens,
            &[],
        );
        assert_eq!(slices.len(), 2);
        assert_eq!(
            slices[0]["endpoints"][0],
            json!({
                "addresses": ["10.0.0.1"], "conditions": { "ready": true, "serving": true, "terminating": false },
            })
        );
        assert_eq!(slices[1]["addressType"], "IPv6");
    }

    #[test]
    fn a_name_follows_from_what_the_object_is_for() {
        let name = object_name(&["uid", "solver"]);
        assert_eq!(name, object_name(&["uid", "solver"]));
        assert_ne!(name, object_name(&["uid", "other"]));
        assert_eq!(name.len(), "cm-acme-http-solver-".len() + 5);
    }

    #[test]
    fn labels_of_the_settings_cannot_replace_the_fixed_ones() {
        let extra =
            [("acme.cert-manager.io/http01-solver".to_owned(), "no".to_owned()), ("team".to_owned(), "pki".to_owned())];
        let service = shared::service("shop", "", 8089, &extra);
        assert_eq!(
            service["metadata"]["labels"],
            json!({ "acme.cert-manager.io/http01-solver": "true", "team": "pki" })
        );
    }
}
