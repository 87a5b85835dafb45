//! What was recorded of cert-manager and another server, as if it had happened at the model of a certificate authority.

use std::collections::BTreeMap;

use acme_core::Identifier;
use acme_core::protocol::ChallengeType;
use serde_json::Value;
use testkit::ca::SeededAuthorization;

/// Moves every URL of the server that was recorded to `base`, where the model is. `authorizations` are all that the Order came to have.
pub(crate) fn moved(objects: &[Value], base: &str, order: impl Fn(&[Value]) -> Value) -> Vec<Value> {
    let mut text = serde_json::to_string(objects).expect("JSON").replace("https://127.0.0.1:14000", base);
    for (theirs, ours) in [("my-order", "order"), ("finalize-order", "finalize"), ("authZ", "authz")] {
        text = text.replace(&format!("{base}/{theirs}/"), &format!("{base}/{ours}/"));
    }
    let mut objects: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let places = places(&order(&objects)["status"]["authorizations"], base);
    objects.iter_mut().for_each(|it| relocate(it, &places));
    objects
}

/// The authorizations of an Order, for the model.
pub(crate) fn authorizations(order: &Value) -> Vec<SeededAuthorization> {
    let described = order["status"]["authorizations"].as_array().expect("authorizations");
    let seeded = described.iter().map(|it| {
        let name = it["identifier"].as_str().expect("an identifier");
        let name = if it["wildcard"] == true { format!("*.{name}") } else { name.to_owned() };
        let challenges = it["challenges"].as_array().expect("challenges").iter().map(|it| {
            let token = it["token"].as_str().filter(|it| !it.is_empty()).map(str::to_owned);
            (ChallengeType::from(it["type"].as_str().expect("a type").to_owned()), last_part(&it["url"]), token)
        });
        SeededAuthorization {
            identifier: Identifier::parse(&name).expect("an identifier"),
            id: last_part(&it["url"]),
            challenges: challenges.collect(),
        }
    });
    seeded.collect()
}

/// The last part of a URL.
pub(crate) fn last_part(url: &Value) -> String {
    url.as_str().and_then(|it| it.rsplit('/').next()).expect("a URL").to_owned()
}

/// Where each challenge is at the model: below its authorization.
fn places(authorizations: &Value, base: &str) -> BTreeMap<String, String> {
    let mut places = BTreeMap::new();
    for it in authorizations.as_array().expect("authorizations") {
        for challenge in it["challenges"].as_array().into_iter().flatten() {
            let id = last_part(&challenge["url"]);
            let place = format!("{base}/chall/{}/{id}", last_part(&it["url"]));
            places.insert(format!("{base}/chalZ/{id}"), place);
        }
    }
    places
}

fn relocate(value: &mut Value, places: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(place) = places.get(text) {
                text.clone_from(place);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|it| relocate(it, places)),
        Value::Object(fields) => fields.values_mut().for_each(|it| relocate(it, places)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
