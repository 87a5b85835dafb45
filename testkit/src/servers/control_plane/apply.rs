//! Manifests of any kind, applied as `kubectl apply --server-side` does.

use std::io;

use serde_json::Value;

use super::api::{Api, ApiAnswer};

/// Applies the manifest as the administrator, over what others own in it too. What names no namespace goes to `namespace`, if its kind lives in one.
pub(super) fn apply(api: &Api, manifest: &Value, namespace: &str) -> io::Result<ApiAnswer> {
    let word = |value: &Value, what: &str| {
        let word = value.as_str().map(str::to_owned);
        word.ok_or_else(|| io::Error::other(format!("a manifest without {what}: {manifest}")))
    };
    let version = word(&manifest["apiVersion"], "apiVersion")?;
    let kind = word(&manifest["kind"], "kind")?;
    let name = word(&manifest["metadata"]["name"], "metadata.name")?;
    let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };

    let known = api.call("GET", &root, None)?;
    let resources = known.body["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_it = |it: &&Value| it["kind"] == kind && !it["name"].as_str().unwrap_or_default().contains('/');
    let resource = resources.iter().find(is_it);
    let resource = resource.ok_or_else(|| io::Error::other(format!("the cluster knows no {kind} in {version}")))?;
    let plural = word(&resource["name"], "a plural of its kind")?;

    let place = if resource["namespaced"] == true {
        format!("/namespaces/{}", manifest["metadata"]["namespace"].as_str().unwrap_or(namespace))
    } else {
        String::new()
    };
    let path = format!("{root}{place}/{plural}/{name}?fieldManager={MANAGER}&force=true");
    api.send("PATCH", &path, "application/apply-patch+yaml", Some(manifest))
}

const MANAGER: &str = "testkit";
