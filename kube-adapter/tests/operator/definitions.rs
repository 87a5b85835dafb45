//! The definitions on a real API server: every field is taken and stored, and nothing else is.

use serde_json::{Value, json};

use crate::every_field::{Enumerated, object, with_unknown_fields};
use crate::kit::Space;

#[test]
fn every_field_is_stored_as_it_was_written() {
    let space = Space::new("definitions");
    for kind in KINDS {
        let wanted = storable(kind, Enumerated::Known);
        let made = space.plane.call("POST", &collection(&space, kind), Some(&wanted));
        assert_eq!(made.status, 201, "{kind}: {}", made.body);
        let path = format!("{}/every-field", collection(&space, kind).trim_end_matches(STRICTLY));
        let patched =
            space.plane.call("PATCH", &format!("{path}/status{STRICTLY}"), Some(&json!({"status": wanted["status"]})));
        assert_eq!(patched.status, 200, "{kind}: {}", patched.body);
        let stored = space.plane.read(&path);
        assert_eq!((&stored["spec"], &stored["status"]), (&wanted["spec"], &wanted["status"]), "{kind}");
        space.plane.write("DELETE", &path, &json!({}));
    }
}

#[test]
fn values_and_fields_that_are_none_are_refused() {
    let space = Space::new("definitions");
    for kind in KINDS {
        let unheard_of = storable(kind, Enumerated::Unknown);
        if unheard_of["spec"] != storable(kind, Enumerated::Known)["spec"] {
            let answer = space.plane.call("POST", &collection(&space, kind), Some(&unheard_of));
            assert_eq!(answer.status, 422, "{kind}: {}", answer.body);
        }
        let mut surplus = storable(kind, Enumerated::Known);
        with_unknown_fields(&mut surplus["spec"]);
        let answer = space.plane.call("POST", &collection(&space, kind), Some(&surplus));
        assert_eq!(answer.status, 400, "{kind}: {}", answer.body);
    }
}

#[test]
fn two_forms_of_venafi_are_refused_by_the_definition_itself() {
    let space = Space::new("definitions");
    let issuer = object("Issuer", Enumerated::Known);
    let answer = space.plane.call("POST", &collection(&space, "Issuer"), Some(&issuer));
    assert_eq!(answer.status, 422);
    let message = answer.body["message"].as_str().unwrap();
    assert!(message.contains("exactly one of tpp, cloud, or ngts must be configured"), "{message}");
}

#[test]
fn objects_are_selected_by_their_issuer() {
    let space = Space::new("definitions");
    for kind in ["Certificate", "CertificateRequest", "Order", "Challenge"] {
        let made = space.plane.call("POST", &collection(&space, kind), Some(&storable(kind, Enumerated::Known)));
        assert_eq!(made.status, 201, "{kind}: {}", made.body);
        let path = collection(&space, kind).trim_end_matches(STRICTLY).to_owned();
        let count = |selector: &str| {
            let found = space.plane.read(&format!("{path}?fieldSelector={selector}"));
            found["items"].as_array().map(Vec::len)
        };
        assert_eq!(count("spec.issuerRef.kind%3Dtext%20at%20.spec.issuerRef.kind"), Some(1), "{kind}");
        assert_eq!(count("spec.issuerRef.name%3Dsomebody"), Some(0), "{kind}");
    }
}

/// An object that the API server takes: of the forms of Venafi, one.
fn storable(kind: &str, enumerated: Enumerated) -> Value {
    let mut object = object(kind, enumerated);
    if let Some(venafi) = object.pointer_mut("/spec/venafi").and_then(Value::as_object_mut) {
        venafi.retain(|form, _| form != "cloud" && form != "ngts");
    }
    object
}

/// The collection of a kind, for writes that name no field that is none.
fn collection(space: &Space, kind: &str) -> String {
    let plural = format!("{}s", kind.to_lowercase());
    match kind {
        "ClusterIssuer" => format!("/apis/cert-manager.io/v1/{plural}{STRICTLY}"),
        _ => format!("{}{STRICTLY}", space.path(&plural, "")),
    }
}

const STRICTLY: &str = "?fieldValidation=Strict";
const KINDS: [&str; 6] = ["Certificate", "CertificateRequest", "Issuer", "ClusterIssuer", "Order", "Challenge"];
