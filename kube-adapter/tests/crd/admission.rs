//! What is refused: text for text what cert-manager's webhook answers.

use certwright_kube_adapter::admission::{self, Violation};
use certwright_kube_adapter::crd::{
    Certificate, CertificateRequest, CertificateSpec, Challenge, Issuer, IssuerSpec, Order,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

#[test]
fn every_object_is_judged_as_the_webhook_judges_it() {
    let vectors: Vec<Vector<'_>> = VECTORS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut differences = Vec::new();
    for vector in &vectors {
        let violations = vector.judge();
        let judged = (texts(&violations), admission::message(&violations));
        let expected = (vector.violations.clone(), vector.message.clone());
        if judged != expected {
            differences.push((&vector.case, judged.0, expected.0));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
    assert!(vectors.len() > 250, "only {} objects were judged", vectors.len());
}

#[test]
fn a_deprecated_algorithm_is_warned_of_as_the_webhook_warns() {
    for line in VECTORS.lines() {
        let vector: Vector<'_> = serde_json::from_str(line).unwrap();
        if vector.kind == "Issuer" {
            let warnings = admission::issuer_warnings(&read::<Issuer>(vector.object).spec);
            assert_eq!(warnings, vector.warnings.unwrap_or_default(), "{}", vector.case);
        }
    }
}

#[test]
fn nothing_that_cert_manager_issued_is_refused() {
    for text in crate::recorded::recorded("CertificateRequest") {
        let request: CertificateRequest = serde_json::from_str(text).unwrap();
        assert_eq!(admission::certificate_request(&request), []);
    }
    for text in crate::recorded::recorded("Certificate") {
        let certificate: Certificate = serde_json::from_str(text).unwrap();
        assert_eq!(admission::certificate(&certificate), []);
        assert_eq!(admission::names(&certificate.spec), []);
    }
    for text in crate::recorded::recorded("Issuer") {
        assert_eq!(admission::issuer(&serde_json::from_str::<Issuer>(text).unwrap().spec), []);
    }
}

#[test]
fn an_order_that_loses_what_it_had_is_refused() {
    let full: Order = read_value(json!({"spec": {"request": "cg=="}, "status": {
        "url": "u",
        "authorizations": [{"url": "a", "challenges": [{"url": "c", "token": "t", "type": "http-01"}]}],
    }}));
    let emptied: Order = read_value(json!({"spec": {}, "status": {}}));
    let without_challenges: Order = read_value(json!({"spec": {"request": "cg=="}, "status": {
        "url": "u",
        "authorizations": [{"url": "a"}],
    }}));
    assert_eq!(
        texts(&admission::order_change(&full, &emptied)),
        [
            "spec.request: Forbidden: field is immutable once set",
            "status.url: Forbidden: field is immutable once set",
            "status.authorizations: Forbidden: field is immutable once set",
        ]
    );
    assert_eq!(
        texts(&admission::order_change(&full, &without_challenges)),
        ["status.authorizations[0].challenges: Forbidden: field is immutable once set"]
    );
}

#[test]
fn annotations_beyond_what_an_object_may_have_are_refused() {
    let certificate: Certificate = read_value(json!({"spec": {
        "secretName": "tls",
        "issuerRef": {"name": "i"},
        "commonName": "a",
        "secretTemplate": {"annotations": {"a": "x".repeat(256 * 1024)}},
    }}));
    let expected = "spec.secretTemplate.annotations: Too long: may not be more than 262144 bytes";
    assert_eq!(texts(&admission::certificate(&certificate)), [expected]);
}

#[test]
fn rules_of_the_release_after_1_21_are_known() {
    let constrained: Certificate = read_value(json!({"spec": {
        "secretName": "tls",
        "issuerRef": {"name": "i"},
        "commonName": "a",
        "nameConstraints": {
            "permitted": {"ipRanges": ["192.0.2.0/24", "192.0.2.0", "192.0.2.0/33", "2001:db8::/129"]},
            "excluded": {"ipRanges": ["2001:db8::/32", "a/8"]},
        },
    }}));
    let shown = r#"{"Critical":false,"Permitted":{"DNSDomains":null,"IPRanges":["192.0.2.0/24","192.0.2.0","192.0.2.0/33","2001:db8::/129"],"EmailAddresses":null,"URIDomains":null},"Excluded":{"DNSDomains":null,"IPRanges":["2001:db8::/32","a/8"],"EmailAddresses":null,"URIDomains":null}}"#;
    assert_eq!(
        texts(&admission::certificate(&constrained)),
        [
            format!("spec.nameConstraints: Invalid value: {shown}: isCA should be true when nameConstraints is set"),
            invalid("spec.nameConstraints.permitted.ipRanges[1]", "192.0.2.0", "invalid CIDR address"),
            invalid("spec.nameConstraints.permitted.ipRanges[2]", "192.0.2.0/33", "invalid CIDR address"),
            invalid("spec.nameConstraints.permitted.ipRanges[3]", "2001:db8::/129", "invalid CIDR address"),
            invalid("spec.nameConstraints.excluded.ipRanges[1]", "a/8", "invalid CIDR address"),
        ]
    );

    let issuer: IssuerSpec = read_value(json!({"acme": {
        "server": "https://acme.example",
        "privateKeySecretRef": {"name": "k"},
        "solvers": [{"dns01": {
            "digitalocean": {"tokenSecretRef": {"name": "s", "key": "k"}},
            "nameservers": ["192.0.2.1:53", "https://dns.example/dns-query", "192.0.2.1", "https://"],
        }}],
    }}));
    let path = "spec.acme.solvers[0].dns01.nameservers";
    assert_eq!(
        texts(&admission::issuer(&issuer)),
        [
            invalid(&format!("{path}[2]"), "192.0.2.1", "must be in the format <ip address>:<port>"),
            invalid(&format!("{path}[3]"), "https://", "must be in the format https://<DoH RFC 8484 server address>"),
        ]
    );
}

#[test]
fn names_that_are_none_are_found_though_the_webhook_lets_them_pass() {
    let spec: CertificateSpec = read_value(json!({
        "dnsNames": ["example.com", "*.example.com", "\\*.example.com", "a.*.example.com", "", "a b.example"],
        "uris": ["spiffe://example/a", "no uri"],
    }));
    let violations = admission::names(&spec);
    let paths: Vec<&str> = violations.iter().map(|violation| violation.path.as_str()).collect();
    assert_eq!(paths, ["spec.dnsNames[2]", "spec.dnsNames[3]", "spec.dnsNames[4]", "spec.dnsNames[5]", "spec.uris[1]"]);
    assert!(violations[0].to_string().starts_with(r#"spec.dnsNames[2]: Invalid value: "\\*.example.com": "#));
}

fn invalid(path: &str, value: &str, detail: &str) -> String {
    format!("{path}: Invalid value: \"{value}\": {detail}")
}

fn texts(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(ToString::to_string).collect()
}

fn read<K: DeserializeOwned>(json: &RawValue) -> K {
    serde_json::from_str(json.get()).expect("objects are read")
}

fn read_value<K: DeserializeOwned>(json: Value) -> K {
    serde_json::from_str(&json.to_string()).expect("objects are read")
}

#[derive(Deserialize)]
struct Vector<'a> {
    case: String,
    kind: String,
    #[serde(borrow)]
    object: &'a RawValue,
    #[serde(borrow)]
    old: Option<&'a RawValue>,
    violations: Vec<String>,
    message: String,
    warnings: Option<Vec<String>>,
}

impl Vector<'_> {
    fn judge(&self) -> Vec<Violation> {
        match (self.kind.as_str(), self.old) {
            ("Certificate", None) => admission::certificate(&read::<Certificate>(self.object)),
            ("Issuer", None) => admission::issuer(&read::<Issuer>(self.object).spec),
            ("CertificateRequest", None) => admission::certificate_request(&read(self.object)),
            ("CertificateRequest", Some(old)) => admission::certificate_request_change(&read(old), &read(self.object)),
            ("Order", Some(old)) => admission::order_change(&read(old), &read(self.object)),
            ("Challenge", Some(old)) => {
                admission::challenge_change(&read::<Challenge>(old), &read::<Challenge>(self.object))
            }
            (other, _) => panic!("{other} is not judged"),
        }
    }
}

/// What the validation of cert-manager 1.21 answered for these objects.
const VECTORS: &str = include_str!("../recordings/admission.jsonl");
