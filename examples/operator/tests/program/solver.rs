//! The role `solver`, and the command for a solver Pod.

use serde_json::json;

use crate::cluster::{cluster, namespace};
use crate::operator::{Operator, free_address, get};

const TOKEN: &str = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";

#[test]
fn a_solver_answers_from_the_challenges_of_the_cluster_and_leads_nothing() {
    let space = namespace("solving");
    let operator = Operator::start(&["--roles=solver"]);
    let solver = operator.solver();
    operator.wait("it listens", || get(solver, "/healthz", "kubelet").0 == 200);
    let path = format!("/.well-known/acme-challenge/{TOKEN}");
    let name = "web.solving.example";
    assert_eq!(get(solver, "/.well-known/acme-challenge/unknown", name).0, 404);

    let key = format!("{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI");
    let challenge = json!({
        "apiVersion": "acme.cert-manager.io/v1", "kind": "Challenge",
        "metadata": { "name": "web", "namespace": space },
        "spec": {
            "type": "HTTP-01", "dnsName": name, "token": TOKEN, "key": key, "wildcard": false,
            "url": "https://acme.example/challenge/1", "authorizationURL": "https://acme.example/authorization/1",
            "issuerRef": { "name": "acme" }, "solver": { "http01": { "ingress": {} } },
        },
    });
    cluster().write("POST", &format!("/apis/acme.cert-manager.io/v1/namespaces/{space}/challenges"), &challenge);
    operator.wait("it answers", || get(solver, &path, name) == (200, key.clone()));
    assert_eq!(get(solver, &path, "other.example").0, 404, "only under the name that is validated");

    let mut operator = operator;
    assert!(!operator.metrics().contains("certmanager_leader"));
    operator.signal("TERM");
    assert_eq!(operator.end().code(), Some(0));
}

#[test]
fn a_solver_pod_answers_the_one_challenge_it_is_told() {
    let address = free_address();
    let key = format!("{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI");
    let arguments = [
        "solver".to_owned(),
        format!("--listen-port={}", address.port()),
        "--domain=pod.example".to_owned(),
        format!("--token={TOKEN}"),
        format!("--key={key}"),
    ];
    let mut pod = Operator::command(&arguments.each_ref().map(String::as_str));
    let path = format!("/.well-known/acme-challenge/{TOKEN}");
    pod.wait("it answers", || get(address, &path, "pod.example") == (200, key.clone()));
    assert_eq!(get(address, &path, "other.example").0, 404);
    pod.signal("TERM");
    assert_eq!(pod.end().code(), Some(0));
}
