//! What Roles must say where Secrets are followed by their names ([`WatchedSecrets::Named`](crate::WatchedSecrets)).

use std::collections::{BTreeMap, BTreeSet};

use acme_core::{Error, ErrorKind};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::crd::{Certificate, CertificateRequest, ClusterIssuer, Issuer};
use crate::key::Name;
use crate::request::KEY_SECRET;
use crate::{certificate, issuer};

/// A Role and its RoleBinding for each namespace in which these objects refer to Secrets: what `holder` must be allowed there.
///
/// Give it Certificates, Issuers, ClusterIssuers and CertificateRequests as the API server lists them, and apply what it answers. Objects of other kinds
/// refer to nothing. Secrets of ClusterIssuers are those of `cluster_resource_namespace`.
///
/// # Errors
/// `Malformed` for an object that is not of the kind that it says, naming it.
pub fn secret_roles(
    objects: &[Value],
    cluster_resource_namespace: &str,
    holder: &ServiceAccount<'_>,
) -> Result<Vec<Value>, Error> {
    let mut named: BTreeMap<String, Named> = BTreeMap::new();
    for object in objects {
        let mut of = |secrets: Vec<Name>, is_owned: bool| {
            for secret in secrets {
                let named = named.entry(secret.namespace().to_owned()).or_default();
                let names = if is_owned { &mut named.kept } else { &mut named.read };
                names.insert(secret.object().to_owned());
            }
        };
        match object["kind"].as_str() {
            Some("Certificate") => {
                let object: Certificate = read(object)?;
                of(certificate::kept_secrets(&object), true);
                of(certificate::read_secrets(&object), false);
            }
            Some("Issuer") => {
                let object: Issuer = read(object)?;
                let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
                of(issuer::named_secrets(&object.spec, namespace), false);
            }
            Some("ClusterIssuer") => {
                let object: ClusterIssuer = read(object)?;
                of(issuer::named_secrets(&object.spec, cluster_resource_namespace), false);
            }
            Some("CertificateRequest") => {
                let object: CertificateRequest = read(object)?;
                let secret = object.metadata.annotations.as_ref().and_then(|it| it.get(KEY_SECRET));
                let is_bare = object.metadata.owner_references.as_ref().is_none_or(Vec::is_empty);
                let secret = secret.filter(|it| is_bare && !it.is_empty());
                of(secret.map(|it| Name::of(&object.metadata).beside(it)).into_iter().collect(), false);
            }
            Some(_) | None => {}
        }
    }
    Ok(named.iter().flat_map(|(namespace, named)| named.role(namespace, holder)).collect())
}

/// Whom a right is given to.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "complete by definition")]
pub struct ServiceAccount<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// The Secrets that objects of one namespace refer to.
#[derive(Default)]
struct Named {
    /// Those that are written.
    kept: BTreeSet<String>,
    /// Those that are read.
    read: BTreeSet<String>,
}

impl Named {
    fn role(&self, namespace: &str, holder: &ServiceAccount<'_>) -> [Value; 2] {
        let read: Vec<&String> = self.read.difference(&self.kept).collect();
        let mut rules = Vec::new();
        if !self.kept.is_empty() {
            rules.push(json!({
                "apiGroups": [""], "resources": ["secrets"], "resourceNames": self.kept, "verbs": ["get", "watch", "patch", "delete"],
            }));
        }
        if !read.is_empty() {
            rules.push(json!({
                "apiGroups": [""], "resources": ["secrets"], "resourceNames": read, "verbs": ["get", "watch"],
            }));
        }
        // No name can be asked of what does not exist yet.
        rules.push(json!({ "apiGroups": [""], "resources": ["secrets"], "verbs": ["create"] }));
        let of = |kind: &str| {
            json!({
                "apiVersion": format!("{RBAC}/v1"), "kind": kind,
                "metadata": { "name": ROLE, "namespace": namespace, "labels": { "app.kubernetes.io/part-of": "certwright" } },
            })
        };
        let (mut role, mut binding) = (of("Role"), of("RoleBinding"));
        role["rules"] = Value::Array(rules);
        binding["roleRef"] = json!({ "apiGroup": RBAC, "kind": "Role", "name": ROLE });
        binding["subjects"] = json!([{ "kind": "ServiceAccount", "name": holder.name, "namespace": holder.namespace }]);
        [role, binding]
    }
}

fn read<T: DeserializeOwned>(object: &Value) -> Result<T, Error> {
    serde_json::from_str(&object.to_string()).map_err(|source| {
        let name = &object["metadata"]["name"];
        Error::new(ErrorKind::Malformed, format!("{} {name} cannot be read", object["kind"])).with_source(source)
    })
}

const RBAC: &str = "rbac.authorization.k8s.io";
const ROLE: &str = "certwright-secrets";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ServiceAccount, secret_roles};

    const HOLDER: ServiceAccount<'_> = ServiceAccount { namespace: "certwright", name: "certwright-controller" };

    fn of(kind: &str, spec: Value) -> Value {
        json!({ "apiVersion": "cert-manager.io/v1", "kind": kind, "metadata": { "name": "a", "namespace": "shop" }, "spec": spec })
    }

    #[test]
    fn a_role_names_what_is_written_and_what_is_only_read() {
        let password = json!({ "create": true, "passwordSecretRef": { "name": "pw", "key": "p" } });
        let mut certificate = of(
            "Certificate",
            json!({ "secretName": "web", "issuerRef": { "name": "ca" }, "keystores": { "pkcs12": password } }),
        );
        certificate["status"] = json!({ "nextPrivateKeySecretName": "web-x7k2p" });
        let root = of("Certificate", json!({ "secretName": "root", "issuerRef": { "name": "ca" } }));
        let issuer = of("Issuer", json!({ "ca": { "secretName": "root" } }));
        let objects = [certificate, root, issuer, json!({ "kind": "ConfigMap" })];
        let roles = secret_roles(&objects, "certwright", &HOLDER).expect("they can be read");
        let [role, binding] = roles.as_slice() else { panic!("{roles:?}") };
        assert_eq!(role["metadata"]["namespace"], "shop");
        assert_eq!(
            role["rules"],
            json!([
                {
                    "apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "watch", "patch", "delete"],
                    "resourceNames": ["root", "root-next", "web", "web-next", "web-x7k2p"],
                },
                { "apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "watch"], "resourceNames": ["pw"] },
                { "apiGroups": [""], "resources": ["secrets"], "verbs": ["create"] },
            ])
        );
        assert_eq!(binding["subjects"][0]["name"], "certwright-controller");
    }

    #[test]
    fn secrets_of_issuers_of_the_cluster_lie_in_one_namespace() {
        let issuer = of("ClusterIssuer", json!({ "ca": { "secretName": "root" } }));
        let roles = secret_roles(&[issuer], "operators", &HOLDER).expect("they can be read");
        assert_eq!(roles[0]["metadata"]["namespace"], "operators");
        assert_eq!(roles[0]["rules"][0]["verbs"], json!(["get", "watch"]));
    }

    #[test]
    fn an_object_that_cannot_be_read_is_named() {
        let error = secret_roles(&[of("Certificate", json!(3))], "", &HOLDER).expect_err("it is none");
        assert_eq!(error.to_string(), "\"Certificate\" \"a\" cannot be read");
    }
}
