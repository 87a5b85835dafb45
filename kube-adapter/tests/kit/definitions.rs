//! The definitions of the six kinds, and what a process chooses once.

use serde_json::Value;

/// The definitions of the six kinds, as the cluster takes them.
pub fn all() -> Vec<Value> {
    let definitions = certwright_kube_adapter::crd::all().expect("the definitions");
    definitions.iter().map(|it| serde_json::to_value(it).expect("a definition")).collect()
}

/// Chooses who does cryptography for TLS in this process.
pub fn choose_provider() {
    // Somebody was first where this fails, with the same choice.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
