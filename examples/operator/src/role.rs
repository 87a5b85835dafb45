//! The command `role`: which Secrets a Role must name, from the objects that refer to them.

use kube_adapter::rights::{ServiceAccount, secret_roles};
use serde_json::{Value, json};

use crate::{Error, ErrorKind, usage};

/// What the command was told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Role {
    /// Where the Secrets of ClusterIssuers are.
    pub cluster_resource_namespace: String,
    /// Whom the rights are for: namespace and name.
    pub service_account: (String, String),
}

impl Default for Role {
    fn default() -> Self {
        let (namespace, name) = ("certwright".to_owned(), "certwright-controller".to_owned());
        Self { cluster_resource_namespace: "kube-system".to_owned(), service_account: (namespace, name) }
    }
}

impl Role {
    /// Reads the arguments after the command.
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<Self, Error> {
        let mut role = Self::default();
        for argument in arguments {
            match argument.split_once('=') {
                Some(("--cluster-resource-namespace", namespace)) => {
                    namespace.clone_into(&mut role.cluster_resource_namespace);
                }
                Some(("--service-account", account)) => {
                    let Some((namespace, name)) = account.split_once('/') else {
                        return Err(usage(format!("--service-account: {account:?} is not NAMESPACE/NAME")));
                    };
                    role.service_account = (namespace.to_owned(), name.to_owned());
                }
                Some(_) | None => {
                    return Err(usage(
                        "role takes --cluster-resource-namespace= and --service-account=, and objects from the standard input",
                    ));
                }
            }
        }
        Ok(role)
    }

    /// The Roles and RoleBindings for objects in JSON or YAML, as one list in JSON.
    ///
    /// # Errors
    /// `Malformed` for what is neither, or an object that is not of its kind.
    pub fn write(&self, objects: &str) -> Result<String, Error> {
        let (namespace, name) = &self.service_account;
        let holder = ServiceAccount { namespace, name };
        let roles = secret_roles(&all(objects)?, &self.cluster_resource_namespace, &holder)?;
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": roles });
        Ok(format!("{list:#}\n"))
    }
}

/// The objects one by one, out of lists and documents.
fn all(text: &str) -> Result<Vec<Value>, Error> {
    let documents = match serde_json::from_str::<Value>(text) {
        Ok(document) => vec![document],
        Err(_) => serde_saphyr::from_multiple::<Value>(text).map_err(|source| {
            Error::new(ErrorKind::Malformed, "the standard input is neither JSON nor YAML").with_source(source)
        })?,
    };
    let items = |mut document: Value| match document.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        Some(_) | None => vec![document],
    };
    Ok(documents.into_iter().flat_map(items).collect())
}
