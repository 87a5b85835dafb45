//! What is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use acme_core::{Error, ErrorKind, Identifier, Key, KeyType, hash};
use issuers::IssuerId;
use issuers::csr::Draft;
use serde::{Deserialize, Serialize};

mod contents;

pub use contents::{Authority, Contents, OtherName, Strings, Telling};

/// One certificate that shall exist. Give it to `Keeper::ensure`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Spec {
    /// What it is called in statuses, events and the store.
    pub name: String,
    /// The names and addresses it is for.
    pub identifiers: Vec<Identifier>,
    /// The kind of its key.
    #[serde(default)]
    pub key_type: KeyType,
    /// Whether a renewal gets a key of its own.
    #[serde(default)]
    pub keys: Keys,
    /// Who issues it; `None` is the keeper's first issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<IssuerId>,
    /// Labels by which solvers are chosen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// How long it shall be valid; `None` leaves it to the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// The profile, where the issuer offers several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// What stands in it beside names and addresses.
    #[serde(default, skip_serializing_if = "Contents::is_empty")]
    pub contents: Contents,
}

/// Whether a renewal gets a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Keys {
    /// Every certificate has a new key.
    #[default]
    Fresh,
    /// The key stays until another kind of key is wanted: for those who pin it.
    Reused,
    /// The key stays whatever is wanted; one that does not fit is an error until a human has said which of both counts.
    Pinned,
}

impl Spec {
    /// A certificate for these names and addresses, as humans type them; it is called like the first.
    ///
    /// # Errors
    /// `Malformed` when there is none, one is named twice, or one is neither a DNS name nor an IP address.
    pub fn new<I>(names: I) -> Result<Self, Error>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut identifiers = Vec::new();
        for name in names {
            let identifier = Identifier::parse(name.as_ref())?;
            if !identifiers.contains(&identifier) {
                identifiers.push(identifier);
            }
        }
        let Some(first) = identifiers.first() else {
            return Err(Error::new(ErrorKind::Malformed, "a certificate needs at least one name or address"));
        };
        let name = first.to_string();
        Ok(Self { identifiers, ..Self::called(name) })
    }

    /// A certificate of this name, for no DNS name and no address: for people, devices and certificate authorities. Say whom it is for with
    /// [`with_contents`](Self::with_contents).
    pub fn called(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            identifiers: Vec::new(),
            key_type: KeyType::default(),
            keys: Keys::default(),
            issuer: None,
            labels: BTreeMap::new(),
            duration: None,
            profile: None,
            contents: Contents::default(),
        }
    }

    /// Calls it something else than its first name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Asks for a key of this kind.
    #[must_use]
    pub fn with_key_type(mut self, key_type: KeyType) -> Self {
        self.key_type = key_type;
        self
    }

    /// Says whether a renewal gets a key of its own.
    #[must_use]
    pub fn with_keys(mut self, keys: Keys) -> Self {
        self.keys = keys;
        self
    }

    /// Names who issues it.
    #[must_use]
    pub fn with_issuer(mut self, issuer: IssuerId) -> Self {
        self.issuer = Some(issuer);
        self
    }

    /// Adds a label by which solvers are chosen.
    #[must_use]
    pub fn with_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Asks for a validity.
    #[must_use]
    pub fn with_duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// Asks for a profile.
    #[must_use]
    pub fn with_profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Says what stands in it beside names and addresses.
    #[must_use]
    pub fn with_contents(mut self, contents: Contents) -> Self {
        self.contents = contents;
        self
    }

    /// The signing request that asks for it.
    ///
    /// # Errors
    /// As [`Contents::draft`].
    pub fn draft(&self) -> Result<Draft, Error> {
        self.contents.draft(&self.identifiers)
    }

    /// Where the record of the certificate called `name` is in a store.
    ///
    /// # Errors
    /// `Malformed` when the name is empty.
    pub fn key_of(name: &str) -> Result<Key, Error> {
        if name.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, "a certificate needs a name"));
        }
        Key::new(format!("{FOLDER}/{}", Key::segment(name)))
    }

    /// A name for the set of identifiers, whatever their order: a hash, as [`Issuance::set`](crate::record::Issuance::set) has it.
    pub fn set(&self) -> String {
        let sorted: BTreeSet<String> = self.identifiers.iter().map(Identifier::to_string).collect();
        let text = sorted.into_iter().collect::<Vec<_>>().join(",");
        let mut set = String::with_capacity(32);
        for byte in &hash::sha256(text.as_bytes())[..16] {
            let _ = write!(set, "{byte:02x}");
        }
        set
    }
}

/// The folder of the records in a store.
pub(crate) const FOLDER: &str = "certificates";
