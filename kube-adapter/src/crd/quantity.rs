//! Amounts of a resource, as Kubernetes writes them.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount of a resource, for example `100m` or `64Mi`, kept as it was read: a number or a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    text: String,
    number: Option<serde_json::Number>,
}

impl Quantity {
    /// The amount as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl From<&str> for Quantity {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), number: None }
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.number {
            Some(number) => number.serialize(serializer),
            None => serializer.serialize_str(&self.text),
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either<'a> {
            Text(Cow<'a, str>),
            Number(serde_json::Number),
        }

        Ok(match Either::deserialize(deserializer)? {
            Either::Text(text) => Self { text: text.into_owned(), number: None },
            Either::Number(number) => Self { text: number.to_string(), number: Some(number) },
        })
    }
}
