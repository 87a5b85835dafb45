//! Bytes in base64, as JSON carries them.

use std::sync::OnceLock;

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes, written as base64. Text that is no base64 is kept as it was read, and stands for no bytes.
///
/// What was read stays text until somebody wants the bytes: most objects stream by for the sake of other fields.
#[derive(Clone, Debug, Default)]
pub struct Base64(Form);

#[derive(Clone, Debug)]
enum Form {
    Made(Vec<u8>),
    Read { text: Box<str>, bytes: OnceLock<Option<Box<[u8]>>> },
}

impl Base64 {
    /// The bytes; none where the text could not be read.
    pub fn as_slice(&self) -> &[u8] {
        self.read().unwrap_or_default()
    }

    /// Whether nothing was given at all.
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Form::Made(bytes) => bytes.is_empty(),
            Form::Read { text, .. } => text.is_empty(),
        }
    }

    /// Whether something was given that is no base64.
    pub fn is_unreadable(&self) -> bool {
        self.read().is_none()
    }

    fn read(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Made(bytes) => Some(bytes),
            Form::Read { text, bytes } => {
                bytes.get_or_init(|| STANDARD.decode(text.as_bytes()).ok().map(Into::into)).as_deref()
            }
        }
    }
}

impl Default for Form {
    fn default() -> Self {
        Self::Made(Vec::new())
    }
}

impl PartialEq for Base64 {
    fn eq(&self, other: &Self) -> bool {
        match (self.read(), other.read(), &self.0, &other.0) {
            (None, None, Form::Read { text: mine, .. }, Form::Read { text: theirs, .. }) => mine == theirs,
            (mine, theirs, _, _) => mine == theirs,
        }
    }
}

impl Eq for Base64 {}

impl From<Vec<u8>> for Base64 {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Form::Made(bytes))
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
        match &self.0 {
            Form::Read { text, .. } => serializer.serialize_str(text),
            Form::Made(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
        }
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<Box<str>>::deserialize(deserializer)?.unwrap_or_default();
        Ok(Self(Form::Read { text, bytes: OnceLock::new() }))
    }
}
