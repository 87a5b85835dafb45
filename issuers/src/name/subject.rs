//! A subject by its parts, as cert-manager's `spec.subject` has them.

use acme_core::Error;
use serde::{Deserialize, Serialize};

use super::{Attribute, AttributeType, DistinguishedName, RelativeName};

/// The parts of a subject beside its common name: the members of cert-manager's `spec.subject`.
///
/// Turn it into a name with [`to_name`](Self::to_name).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Subject {
    /// `O`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<String>,
    /// `C`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
    /// `OU`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub organizational_units: Vec<String>,
    /// `L`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub localities: Vec<String>,
    /// `ST`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub provinces: Vec<String>,
    /// `STREET`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub street_addresses: Vec<String>,
    /// `postalCode`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub postal_codes: Vec<String>,
    /// `SERIALNUMBER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
}

impl Subject {
    /// Whether nothing is said in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The name that cert-manager makes of it, to the byte, when Go 1.26 built it: country, province, locality, street address, postal code,
    /// organization, organizational unit, common name, serial number; several values of one part share a relative name.
    ///
    /// Those who want one relative name for each value, in their own order, put a [`DistinguishedName`] together.
    ///
    /// # Errors
    /// As [`Attribute::new`].
    pub fn to_name(&self, common_name: Option<&str>) -> Result<DistinguishedName, Error> {
        let common_name: Vec<&str> = common_name.into_iter().collect();
        let serial_number: Vec<&str> = self.serial_number.as_deref().into_iter().collect();
        let mut name = DistinguishedName::new();
        for (kind, values) in [
            (AttributeType::COUNTRY, borrowed(&self.countries)),
            (AttributeType::PROVINCE, borrowed(&self.provinces)),
            (AttributeType::LOCALITY, borrowed(&self.localities)),
            (AttributeType::STREET_ADDRESS, borrowed(&self.street_addresses)),
            (AttributeType::POSTAL_CODE, borrowed(&self.postal_codes)),
            (AttributeType::ORGANIZATION, borrowed(&self.organizations)),
            (AttributeType::ORGANIZATIONAL_UNIT, borrowed(&self.organizational_units)),
            (AttributeType::COMMON_NAME, common_name),
            (AttributeType::SERIAL_NUMBER, serial_number),
        ] {
            let attributes: Result<Vec<_>, _> =
                values.into_iter().map(|value| Attribute::new(kind.clone(), value)).collect();
            let attributes = attributes?;
            if !attributes.is_empty() {
                name = name.with_relative(RelativeName::new(attributes)?)?;
            }
        }
        Ok(name)
    }
}

fn borrowed(values: &[String]) -> Vec<&str> {
    values.iter().map(String::as_str).collect()
}
