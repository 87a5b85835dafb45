//! Names of requests, Orders and Challenges: byte for byte those that cert-manager gives.

use certwright_kube_adapter::crd::{CertificateRequest, Challenge, ChallengeSpec, Order, OrderSpec};
use certwright_kube_adapter::names;
use kube::ResourceExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::recorded::recorded;

#[test]
fn every_recorded_request_has_the_name_of_its_certificate_and_revision() {
    for text in recorded("CertificateRequest") {
        let request: CertificateRequest = serde_json::from_str(text).unwrap();
        let revision = request.annotations()["cert-manager.io/certificate-revision"].parse().unwrap();
        assert_eq!(names::request(&owner(&request), revision), request.name_any());
    }
}

#[test]
fn every_recorded_order_has_the_name_of_its_request_and_spec() {
    for text in recorded("Order") {
        let order: Order = serde_json::from_str(text).unwrap();
        assert_eq!(names::order(&owner(&order), &order.spec), order.name_any());
    }
}

#[test]
fn every_recorded_challenge_has_the_name_of_its_order_and_spec() {
    for text in recorded("Challenge") {
        let challenge: Challenge = serde_json::from_str(text).unwrap();
        assert_eq!(names::challenge(&owner(&challenge), &challenge.spec), challenge.name_any());
    }
}

#[test]
fn every_solver_and_every_length_of_name_gives_the_name_that_cert_manager_gives() {
    for line in VECTORS.lines() {
        let vector: Vector<'_> = serde_json::from_str(line).unwrap();
        let name = match vector.kind.as_str() {
            "Certificate" => names::request(&vector.owner, 7),
            "Order" => names::order(&vector.owner, &serde_json::from_str::<OrderSpec>(vector.spec.get()).unwrap()),
            "Challenge" => {
                names::challenge(&vector.owner, &serde_json::from_str::<ChallengeSpec>(vector.spec.get()).unwrap())
            }
            "Label" => names::label(&vector.owner),
            other => panic!("{other} has no names"),
        };
        assert_eq!(name, vector.name, "{} {}", vector.kind, vector.case);
    }
}

#[test]
fn the_key_of_a_challenge_is_no_part_of_its_name() {
    let challenge: Challenge = serde_json::from_str(recorded("Challenge")[0]).unwrap();
    let other = ChallengeSpec { key: "another".to_owned(), ..challenge.spec.clone() };
    assert_eq!(names::challenge("order", &other), names::challenge("order", &challenge.spec));
}

#[test]
fn a_field_that_nobody_here_knows_gives_another_name() {
    let known: ChallengeSpec = serde_json::from_str(r#"{"solver":{"http01":{"ingress":{}}}}"#).unwrap();
    let unknown: ChallengeSpec = serde_json::from_str(r#"{"solver":{"http01":{"ingress":{},"tunnel":{}}}}"#).unwrap();
    assert_ne!(names::challenge("order", &unknown), names::challenge("order", &known));
}

fn owner<K: kube::Resource>(object: &K) -> String {
    object.owner_references()[0].name.clone()
}

#[derive(Deserialize)]
struct Vector<'a> {
    kind: String,
    case: String,
    owner: String,
    #[serde(borrow)]
    spec: &'a RawValue,
    name: String,
}

/// What cert-manager 1.21's own functions answered for these owners and specs.
const VECTORS: &str = include_str!("../recordings/names.jsonl");
