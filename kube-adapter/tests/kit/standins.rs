//! People and programs that a path waits for: who approves, and who signs for a foreign issuer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::space::{Space, conditions};

/// Approves every request that nobody approved or denied.
pub fn approve(space: &Space) {
    decide(space, "Approved", "ApprovedByATest");
}

/// Denies every request that nobody approved or denied.
pub fn deny(space: &Space) {
    decide(space, "Denied", "DeniedByATest");
}

/// Signs every approved request for an issuer of a foreign group, as that issuer's controller does.
pub fn sign(space: &Space, authority: &ForeignAuthority) {
    for request in space.list("certificaterequests") {
        let has = |condition: &str| conditions(&request).iter().any(|it| it["type"] == condition);
        if request["spec"]["issuerRef"]["group"] != FOREIGN_GROUP || !has("Approved") || has("Ready") {
            continue;
        }
        let csr = STANDARD.decode(request["spec"]["request"].as_str().expect("a request")).expect("base64");
        let certificate = authority.sign(&String::from_utf8(csr).expect("PEM"));
        let mut kept = conditions(&request);
        kept.push(json!({
            "type": "Ready", "status": "True", "reason": "Issued", "message": "signed by a test", "lastTransitionTime": "2026-11-25T00:00:00Z",
        }));
        let status = json!({ "conditions": kept, "certificate": STANDARD.encode(certificate), "ca": STANDARD.encode(authority.0.pem()) });
        put(space, &request, status);
    }
}

/// An authority that the controller knows nothing of.
pub struct ForeignAuthority(rcgen::CertifiedIssuer<'static, rcgen::KeyPair>);

impl ForeignAuthority {
    pub fn new() -> Self {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().expect("a key");
        Self(rcgen::CertifiedIssuer::self_signed(params, key).expect("a root"))
    }

    fn sign(&self, csr: &str) -> String {
        let csr = rcgen::CertificateSigningRequestParams::from_pem(csr).expect("a signing request");
        csr.signed_by(&self.0).expect("a certificate").pem()
    }
}

fn decide(space: &Space, condition: &str, reason: &str) {
    for request in space.list("certificaterequests") {
        let mut kept = conditions(&request);
        if kept.iter().any(|it| it["type"] == "Approved" || it["type"] == "Denied") {
            continue;
        }
        kept.push(json!({
            "type": condition, "status": "True", "reason": reason, "message": "decided by a test", "lastTransitionTime": "2026-11-25T00:00:00Z",
        }));
        put(space, &request, json!({ "conditions": kept }));
    }
}

/// Writes a status, unless the request changed meanwhile: then the next look sees to it.
fn put(space: &Space, request: &Value, status: Value) {
    let name = request["metadata"]["name"].as_str().expect("a name");
    let patch = json!({ "metadata": { "resourceVersion": request["metadata"]["resourceVersion"] }, "status": status });
    let answer =
        space.plane.call("PATCH", &format!("{}/status", space.path("certificaterequests", name)), Some(&patch));
    assert!(matches!(answer.status, 200 | 404 | 409), "{}", answer.body);
}

/// The group of the foreign issuer.
pub const FOREIGN_GROUP: &str = "issuers.example.test";
