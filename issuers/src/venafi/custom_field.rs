//! Values that an administrator has given a name to.

use acme_core::{Error, ErrorKind, text};
use serde::{Deserialize, Serialize};

/// A custom field of a policy folder and its value.
///
/// As JSON it is what cert-manager's annotation `venafi.cert-manager.io/custom-fields` holds a list of: `{"name": "Cost Center", "value": "4711"}`, with
/// `"type": "Plain"` or without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
#[non_exhaustive]
pub struct CustomField {
    /// Its name.
    pub name: String,
    /// One of its values; a field that stands several times has several.
    pub value: String,
}

#[derive(Deserialize)]
struct Written {
    #[serde(rename = "type", default)]
    kind: String,
    name: String,
    value: String,
}

impl CustomField {
    /// A field.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// Reads a list of fields from JSON.
    ///
    /// # Errors
    /// `Malformed` when the text is no such list, or a field has a type other than `Plain`.
    pub fn list(json: &str) -> Result<Vec<Self>, Error> {
        serde_json::from_str(json).map_err(|source| {
            Error::new(ErrorKind::Malformed, "not a list of custom fields in JSON").with_source(source)
        })
    }
}

impl TryFrom<Written> for CustomField {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written.kind.as_str() {
            "" | "Plain" => Ok(Self::new(written.name, written.value)),
            other => {
                Err(format!("a custom field has the type {:?}, only \"Plain\" is known", text::printable(other, 40)))
            }
        }
    }
}

/// `own`, and those of `defaults` that have none of these names.
pub(super) fn merge(defaults: &[CustomField], own: &[CustomField]) -> Vec<CustomField> {
    let is_left = |it: &&CustomField| own.iter().all(|field| field.name != it.name);
    defaults.iter().filter(is_left).chain(own).cloned().collect()
}
