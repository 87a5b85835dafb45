//! What a controller left in a namespace, told so that two can be compared: without names, keys and times that chance or the clock made.

use std::collections::{BTreeMap, BTreeSet};

use acme_core::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::extensions::X509Extension;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, ParsedExtension};
use x509_parser::x509::{SubjectPublicKeyInfo, X509Name};

use crate::scene::{KINDS, Scene};

/// Every object, by kind and name.
pub(crate) fn objects(scene: &Scene) -> BTreeMap<String, Value> {
    let found = all(scene);
    let names = names(scene, &found);
    let mut told = BTreeMap::new();
    for (kind, object) in found {
        let mut object = renamed(&object, &names);
        let name = text(&object["metadata"]["name"]).to_owned();
        metadata(kind, &mut object);
        contents(kind, &mut object);
        times(&mut object);
        told.insert(format!("{kind}/{name}"), object);
    }
    told
}

/// About what there are Events that ask a person to act, with which reason, and their text.
pub(crate) fn warnings(scene: &Scene) -> BTreeMap<String, String> {
    let names = names(scene, &all(scene));
    let told = |it: &Value| {
        let about = &it["regarding"];
        let what = format!("{} {} .{}", text(&about["kind"]), text(&about["name"]), text(&it["reason"]));
        (what, text(&it["note"]).to_owned())
    };
    let events = scene.space.list("events").into_iter().filter(|it| it["type"] == "Warning");
    events.map(|it| told(&renamed(&it, &names))).collect()
}

fn all(scene: &Scene) -> Vec<(&'static str, Value)> {
    KINDS.into_iter().flat_map(|kind| scene.space.list(kind).into_iter().map(move |it| (kind, it))).collect()
}

/// Where two tell different things: a line for each.
pub(crate) fn differences(ours: &BTreeMap<String, Value>, theirs: &BTreeMap<String, Value>) -> Vec<String> {
    let mut lines = Vec::new();
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    for name in names {
        match (ours.get(name), theirs.get(name)) {
            (Some(ours), Some(theirs)) => compare(name, ours, theirs, &mut lines),
            (Some(_), None) => lines.push(format!("{name}: ours alone")),
            (None, _) => lines.push(format!("{name}: theirs alone")),
        }
    }
    lines
}

fn compare(path: &str, ours: &Value, theirs: &Value, lines: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(our), Value::Object(their)) => {
            let keys: BTreeSet<&String> = our.keys().chain(their.keys()).collect();
            for key in keys {
                compare(&format!("{path} .{key}"), &ours[key], &theirs[key], lines);
            }
        }
        // What we add for people follows what they know; what others said is printed in one line.
        (Value::String(our), Value::String(their)) if path.ends_with(".message") || path.ends_with(".reason") => {
            let in_one_line = |it: &str| it.replace(['\n', '\t'], " ");
            if !in_one_line(our).starts_with(&in_one_line(their)) {
                lines.push(format!("{path}:\n      ours   {our}\n      theirs {their}"));
            }
        }
        (Value::Array(our), Value::Array(their)) if our.len() == their.len() => {
            for (at, (our, their)) in our.iter().zip(their).enumerate() {
                compare(&format!("{path}[{at}]"), our, their, lines);
            }
        }
        // Five minutes for clocks that are behind.
        (Value::Number(our), Value::Number(their)) if path.ends_with(" .seconds") => {
            let apart = our.as_i64().unwrap_or_default() - their.as_i64().unwrap_or_default();
            if apart.abs() > CLOCKS_APART {
                lines.push(format!("{path}:\n      ours   {ours}\n      theirs {theirs}"));
            }
        }
        _ if ours != theirs => lines.push(format!("{path}:\n      ours   {ours}\n      theirs {theirs}")),
        _ => {}
    }
}

/// Names that chance made, and what they are called here.
fn names(scene: &Scene, found: &[(&str, Value)]) -> Vec<(String, String)> {
    let directory = scene.pebble.directory_url();
    let mut names = vec![
        (scene.space.namespace.clone(), "NAMESPACE".to_owned()),
        (directory.trim_end_matches("/dir").to_owned(), "https://PEBBLE".to_owned()),
        (scene.bind.address().to_string(), "NAMESERVER".to_owned()),
        (STANDARD.encode(scene.pebble.root_pem()), "ROOT".to_owned()),
    ];
    let owner = |object: &Value| text(&object["metadata"]["ownerReferences"][0]["name"]).to_owned();
    let mut orders = BTreeMap::new();
    for (kind, object) in found {
        let name = text(&object["metadata"]["name"]).to_owned();
        match *kind {
            "orders" => {
                let canonical = format!("{}-ORDER", owner(object));
                orders.insert(name.clone(), canonical.clone());
                names.push((name, canonical));
            }
            "secrets" if object["metadata"]["labels"]["cert-manager.io/next-private-key"] == "true" => {
                names.push((name, format!("{}-NEXTKEY", owner(object))));
            }
            _ => {}
        }
    }
    for (_, object) in found.iter().filter(|(kind, _)| *kind == "challenges") {
        let name = text(&object["metadata"]["name"]).to_owned();
        let order = owner(object);
        let order = orders.get(&order).unwrap_or(&order).clone();
        let wildcard = if object["spec"]["wildcard"] == true { "-WILDCARD" } else { "" };
        names.push((name, format!("{order}-{}{wildcard}", text(&object["spec"]["dnsName"]))));
    }
    // The longer first: names of Challenges begin with those of Orders.
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    names
}

fn renamed(object: &Value, names: &[(String, String)]) -> Value {
    let mut text = object.to_string();
    for (name, canonical) in names {
        text = text.replace(name, canonical);
    }
    serde_json::from_str(&text).expect("JSON with other names in it")
}

fn metadata(kind: &str, object: &mut Value) {
    let metadata = &mut object["metadata"];
    // Who owns which field of a status is nobody's business; what the target Secret's are owned by decides who may change them.
    let is_target = kind == "secrets" && metadata["labels"]["cert-manager.io/next-private-key"].is_null();
    let managed: Map<String, Value> = metadata["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|it| text(&it["manager"]) != "certwright-testkit")
        .map(|it| {
            let who = format!("{} {} {}", text(&it["manager"]), text(&it["operation"]), text(&it["subresource"]));
            let mut fields = Vec::new();
            owned("", &it["fieldsV1"], &mut fields);
            (who, json!(fields))
        })
        .collect();
    metadata["managedFields"] = if is_target { Value::Object(managed) } else { Value::Null };
    for owner in metadata["ownerReferences"].as_array_mut().into_iter().flatten() {
        owner["uid"] = json!("UID");
    }
    for name in ["uid", "resourceVersion", "creationTimestamp", "generateName"] {
        if let Some(fields) = metadata.as_object_mut() {
            fields.remove(name);
        }
    }
    if metadata["annotations"]["cert-manager.io/private-key-secret-name"].is_string() {
        metadata["annotations"]["cert-manager.io/private-key-secret-name"] = json!("NEXTKEY");
    }
}

/// The paths that somebody owns.
fn owned(path: &str, fields: &Value, into: &mut Vec<String>) {
    match fields.as_object() {
        Some(fields) if !fields.is_empty() => {
            for (name, below) in fields {
                let name = name.trim_start_matches("f:");
                // Whose condition it is, and that it is one, says enough.
                if name.starts_with("k:{\"uid\"") {
                    into.push(format!("{path}/UID"));
                } else {
                    owned(&format!("{path}/{name}"), below, into);
                }
            }
        }
        _ => into.push(path.to_owned()),
    }
    into.sort();
}

/// Tells certificates, requests and keys by what is in them.
fn contents(kind: &str, object: &mut Value) {
    match kind {
        "secrets" => {
            let Some(data) = object["data"].as_object_mut() else { return };
            for (name, value) in data.iter_mut() {
                let bytes = STANDARD.decode(text(value)).unwrap_or_default();
                *value = match name.as_str() {
                    "tls.crt" | "ca.crt" => chain(&bytes),
                    "tls.key" | "tls-combined.pem" => labels(&bytes),
                    _ => json!("something"),
                };
            }
        }
        "certificaterequests" | "orders" => {
            // Theirs is left blank without their webhook.
            for name in ["username", "groups", "uid", "extra"] {
                if let Some(spec) = object["spec"].as_object_mut() {
                    spec.remove(name);
                }
            }
            let request = STANDARD.decode(text(&object["spec"]["request"])).unwrap_or_default();
            object["spec"]["request"] = request_contents(&request);
            for name in ["certificate", "ca"] {
                if object["status"][name].is_string() {
                    object["status"][name] = chain(&STANDARD.decode(text(&object["status"][name])).unwrap_or_default());
                }
            }
            for name in ["url", "finalizeURL"] {
                if object["status"][name].is_string() {
                    object["status"][name] = json!("URL");
                }
            }
            for authorization in object["status"]["authorizations"].as_array_mut().into_iter().flatten() {
                authorization["url"] = json!("URL");
                for challenge in authorization["challenges"].as_array_mut().into_iter().flatten() {
                    challenge["url"] = json!("URL");
                    challenge["token"] = json!("TOKEN");
                }
                if let Some(challenges) = authorization["challenges"].as_array_mut() {
                    challenges.sort_by_key(|it| it["type"].to_string());
                }
            }
        }
        "challenges" => {
            for name in ["authorizationURL", "url", "token", "key"] {
                object["spec"][name] = json!("CHANCE");
            }
        }
        "certificates" => {
            let status = &mut object["status"];
            if status["nextPrivateKeySecretName"].is_string() {
                status["nextPrivateKeySecretName"] = json!("NEXTKEY");
            }
            // Two that were issued at different moments can be compared by how long before their end they are renewed.
            let at =
                |it: &Value| it.as_str().and_then(|it| Timestamp::parse_rfc3339(it).ok()).map(Timestamp::unix_seconds);
            if let (Some(end), Some(renewal)) = (at(&status["notAfter"]), at(&status["renewalTime"])) {
                status["renewalTime"] = json!({ "before notAfter": { "seconds": end - renewal } });
            }
        }
        "issuers" => {
            let acme = &mut object["status"]["acme"];
            for name in ["uri", "lastPrivateKeyHash"] {
                if acme[name].is_string() {
                    acme[name] = json!("SOMETHING");
                }
            }
        }
        _ => {}
    }
    // Conditions by their type, in whatever order.
    if let Some(conditions) = object["status"]["conditions"].as_array() {
        let by_type: Map<String, Value> =
            conditions.iter().map(|it| (text(&it["type"]).to_owned(), it.clone())).collect();
        object["status"]["conditions"] = Value::Object(by_type);
    }
}

fn times(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(times),
        Value::Array(items) => items.iter_mut().for_each(times),
        Value::String(text) if text.len() == 20 && Timestamp::parse_rfc3339(text).is_ok() => *text = "TIME".to_owned(),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn labels(pem: &[u8]) -> Value {
    json!(Pem::iter_from_buffer(pem).flatten().map(|it| it.label).collect::<Vec<_>>())
}

fn chain(pem: &[u8]) -> Value {
    let told = |it: Pem| {
        let certificate = it.parse_x509().expect("a certificate");
        let life = certificate.validity();
        json!({
            "subject": name(certificate.subject()), "issuer": name(certificate.issuer()),
            "life": { "seconds": life.not_after.timestamp() - life.not_before.timestamp() }, "key": key(certificate.public_key()),
            "signature": certificate.signature_algorithm.algorithm.to_string(), "extensions": extensions(certificate.extensions()),
        })
    };
    json!(Pem::iter_from_buffer(pem).flatten().map(told).collect::<Vec<_>>())
}

fn request_contents(pem: &[u8]) -> Value {
    let Some(Ok(pem)) = Pem::iter_from_buffer(pem).next() else { return json!("no PEM") };
    let Ok((_, csr)) = X509CertificationRequest::from_der(&pem.contents) else { return json!("no request") };
    let info = &csr.certification_request_info;
    let wanted = info.iter_attributes().flat_map(|it| {
        if let ParsedCriAttribute::ExtensionRequest(wanted) = it.parsed_attribute() {
            wanted.extensions.clone()
        } else {
            Vec::new()
        }
    });
    json!({
        "subject": name(&info.subject), "key": key(&info.subject_pki), "signature": csr.signature_algorithm.algorithm.to_string(),
        "extensions": extensions(&wanted.collect::<Vec<_>>()),
    })
}

/// A name as it is encoded; Pebble's differ in each that runs.
fn name(name: &X509Name<'_>) -> String {
    match name.to_string() {
        told if told.starts_with("CN=Pebble") => "Pebble".to_owned(),
        _ => hex(name.as_raw()),
    }
}

fn key(key: &SubjectPublicKeyInfo<'_>) -> String {
    let size = key.parsed().map_or(0, |it| it.key_size());
    format!("{} {size}", key.algorithm.algorithm)
}

fn extensions(extensions: &[X509Extension<'_>]) -> Value {
    // Of keys, which chance made; cert-manager leaves them out of leaves and of roots.
    let is_of_key = |it: &&X509Extension<'_>| {
        let extension = it.parsed_extension();
        matches!(extension, ParsedExtension::SubjectKeyIdentifier(_) | ParsedExtension::AuthorityKeyIdentifier(_))
    };
    let told = |it: &X509Extension<'_>| {
        (it.oid.to_string(), json!(format!("{}{}", hex(it.value), if it.critical { ", critical" } else { "" })))
    };
    Value::Object(extensions.iter().filter(|it| !is_of_key(it)).map(told).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

const CLOCKS_APART: i64 = 300;
