//! cert-manager's webhooks.

use certwright_solvers::dns::webhook::Webhook;
use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{ErrorKind, Retry};
use serde_json::{Value, json};
use testkit::conformance;
use testkit::doubles::webhook::{self, refused};
use testkit::doubles::{self, Double};

use super::*;

#[tokio::test(start_paused = true)]
async fn webhooks_keep_the_contract_of_providers() {
    let (dns, double) = service();
    let lookup = async |owner: &DnsName| texts(&dns, owner.as_str());
    conformance::dns_provider(|| provider(&double), lookup, &record("")).await.unwrap();
}

#[tokio::test]
async fn the_request_is_the_one_that_cert_manager_sends() {
    let echo = testkit::ScriptedTransport::new();
    echo.whenever(move |request| {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(body, sent("Present"));
        assert_eq!(request.uri(), "https://api.test/apis/acme.example.com/v1alpha1/my-solver");
        let answer = json!({ "apiVersion": body["apiVersion"], "kind": body["kind"], "response": { "uid": "", "success": true } });
        Some(testkit::transport::Answer::json(201, &answer))
    });
    let provider = Webhook::new("https://api.test/", "acme.example.com", "my-solver", Arc::new(echo), clock()).unwrap();
    let provider = provider.with_config(config()).in_namespace("team").with_ambient_credentials();
    provider.add_txt(&record("value")).await.unwrap();
}

#[tokio::test]
async fn what_the_webhook_could_not_do_is_told_in_its_words() {
    let (_, double) = service();
    let provider = || provider(&double).with_config(json!("wrong"));
    let error = provider().add_txt(&record("v")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Backoff));
    assert_eq!(error.what(), format!("{ADDING}: the configuration is another one"));
}

#[tokio::test]
async fn what_the_api_server_refuses_is_told() {
    for (answer, kind, retry, text) in [
        (
            refused(403, "Forbidden", "my-solver.acme.example.com is forbidden"),
            ErrorKind::Unauthorized,
            Retry::Never,
            "the API server answered Forbidden: my-solver.acme.example.com is forbidden (grant the verb create on the resources of the webhook's group)",
        ),
        (
            refused(404, "NotFound", "the server could not find the requested resource"),
            ErrorKind::NotFound,
            Retry::Backoff,
            "the API server answered NotFound: the server could not find the requested resource (is the webhook installed, and are its group and solver name right?)",
        ),
        (
            refused(503, "ServiceUnavailable", "no endpoints"),
            ErrorKind::Busy,
            Retry::Backoff,
            "the API server answered ServiceUnavailable: no endpoints",
        ),
        (
            doubles::json(
                201,
                &json!({ "apiVersion": "v1", "kind": "ChallengePayload", "response": { "success": true } }),
            ),
            ErrorKind::Malformed,
            Retry::Backoff,
            "the answer is no ChallengePayload of webhook.acme.cert-manager.io/v1alpha1",
        ),
        (
            doubles::json(
                201,
                &json!({ "apiVersion": "webhook.acme.cert-manager.io/v1alpha1", "kind": "ChallengePayload", "response": { "success": false } }),
            ),
            ErrorKind::Malformed,
            Retry::Backoff,
            "the answer is no ChallengePayload of webhook.acme.cert-manager.io/v1alpha1",
        ),
    ] {
        let (_, double) = service();
        double.fail_next(answer);
        let error = provider(&double).add_txt(&record("v")).await.unwrap_err();
        assert_eq!((error.kind(), error.retry(), error.what()), (kind, retry, format!("{ADDING}: {text}").as_str()));
    }
}

#[test]
fn a_webhook_has_a_group_and_a_name() {
    let (_, double) = service();
    let error = Webhook::new("https://api.test", "acme.example.com", "", Arc::new(double), clock()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

fn sent(action: &str) -> Value {
    json!({
        "apiVersion": "webhook.acme.cert-manager.io/v1alpha1",
        "kind": "ChallengePayload",
        "request": {
            "uid": "",
            "action": action,
            "type": "dns-01",
            "dnsName": "www.example.org",
            "key": "value",
            "resourceNamespace": "team",
            "resolvedFQDN": "_acme-challenge.www.example.org.",
            "resolvedZone": "example.org.",
            "allowAmbientCredentials": true,
            "config": config(),
        },
    })
}

fn config() -> Value {
    json!({ "host": "dns.example.com", "ttl": 60, "secretRef": { "name": "dns" } })
}

fn service() -> (SimDns, Double<webhook::Webhook>) {
    let dns = SimDns::new();
    let service = webhook::Webhook::new("acme.example.com", "my-solver", "example.org", config(), dns.clone());
    (dns, Double::new(service))
}

fn provider(double: &Double<webhook::Webhook>) -> Webhook {
    let double = Arc::new(double.clone());
    Webhook::new("https://api.test", "acme.example.com", "my-solver", double, clock()).unwrap().with_config(config())
}

const ADDING: &str = "adding a TXT value at _acme-challenge.www.example.org in the zone example.org through the webhook acme.example.com/my-solver";
