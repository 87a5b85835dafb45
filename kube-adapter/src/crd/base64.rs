//! Bytes in base64, as JSON carries them.

use std::borrow::Cow;

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes, written as base64. Text that is no base64 is kept as it was read, and stands for no bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base64 {
    bytes: Vec<u8>,
    unreadable: Option<String>,
}

impl Base64 {
    /// The bytes; none where the text could not be read.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether nothing was given at all.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.unreadable.is_none()
    }

    /// Whether something was given that is no base64.
    pub fn is_unreadable(&self) -> bool {
        self.unreadable.is_some()
    }
}

impl From<Vec<u8>> for Base64 {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, unreadable: None }
    }
}

impl From<&[u8]> for Base64 {
    fn from(bytes: &[u8]) -> Self {
        Self::from(bytes.to_vec())
    }
}

impl AsRef<[u8]> for Base64 {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.unreadable {
            Some(text) => serializer.serialize_str(text),
            None => serializer.serialize_str(&STANDARD.encode(&self.bytes)),
        }
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<Cow<'de, str>>::deserialize(deserializer)?.unwrap_or_default();
        Ok(match STANDARD.decode(text.as_bytes()) {
            Ok(bytes) => Self::from(bytes),
            Err(_) => Self { bytes: Vec::new(), unreadable: Some(text.into_owned()) },
        })
    }
}

/// Bytes that were passed over: only how long their base64 is stays known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    length: usize,
}

impl Skipped {
    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Skipped;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes in base64")
            }

            fn visit_str<E>(self, text: &str) -> Result<Skipped, E> {
                Ok(Skipped { length: text.len() })
            }

            fn visit_unit<E>(self) -> Result<Skipped, E> {
                Ok(Skipped::default())
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
