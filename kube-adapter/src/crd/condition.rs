//! Conditions: what is true of an object, one of each type, from several authors.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::crd::open::{is_default, open_enum};
use crate::crd::time::Time;

/// The conditions of an object, in their order.
///
/// Those that are not [`set`](Self::set) are written back byte for byte, so that what others wrote stays theirs.
#[derive(Clone, Default)]
pub struct Conditions {
    entries: Vec<Entry>,
}

impl Conditions {
    /// The condition of type `kind`.
    pub fn get(&self, kind: &str) -> Option<&Condition> {
        self.iter().find(|condition| condition.kind == kind)
    }

    /// Whether the condition of type `kind` is there and true.
    pub fn is_true(&self, kind: &str) -> bool {
        self.get(kind).is_some_and(|condition| condition.status == ConditionStatus::True)
    }

    /// Puts `condition` in the place of the one of its type, or at the end.
    ///
    /// Nothing changes where the same condition is there already. [`Condition::at`] keeps the time of the last transition.
    pub fn set(&mut self, condition: Condition) {
        let position = self.entries.iter().position(|entry| entry.read.kind == condition.kind);
        match position {
            Some(position) if self.entries[position].read == condition => {}
            Some(position) => self.entries[position] = Entry::made(condition),
            None => self.entries.push(Entry::made(condition)),
        }
    }

    /// Takes away the condition of type `kind`; says whether there was one.
    pub fn remove(&mut self, kind: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.read.kind != kind);
        self.entries.len() != before
    }

    /// The conditions in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Condition> {
        self.entries.iter().map(|entry| &entry.read)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

/// One condition, as it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// What is spoken of, for example `Ready`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it is so.
    pub status: ConditionStatus,
    /// When the status changed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<Time>,
    /// One word for why the status is what it is, for programs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Why the status is what it is, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Generation of the object that the condition speaks of.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_generation: i64,
}

impl Condition {
    /// A condition that says `status` of `kind`, for `reason` and with `message`, and with no time or generation yet.
    pub fn new(kind: &str, status: ConditionStatus, reason: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            status,
            last_transition_time: None,
            reason: reason.to_owned(),
            message: message.into(),
            observed_generation: 0,
        }
    }

    /// The same, seen at `now`: the time of the last transition is that in `conditions` where the status is the same there, else `now`.
    #[must_use]
    pub fn at(mut self, now: acme_core::Timestamp, conditions: &Conditions) -> Self {
        let before = conditions.get(&self.kind).filter(|before| before.status == self.status);
        self.last_transition_time =
            before.and_then(|before| before.last_transition_time.clone()).or_else(|| Some(Time::from(now)));
        self
    }

    /// The same, of the object's `generation`.
    #[must_use]
    pub fn of_generation(mut self, generation: i64) -> Self {
        self.observed_generation = generation;
        self
    }
}

open_enum! {
    /// Whether something is so.
    #[derive(Default)]
    ConditionStatus {
        /// It is.
        True = "True",
        /// It is not.
        False = "False",
        /// Nobody can tell.
        #[default]
        Unknown = "Unknown",
    }
}

/// A condition, and the bytes it was read from or is written as.
#[derive(Clone)]
struct Entry {
    read: Condition,
    raw: Raw,
}

#[derive(Clone)]
enum Raw {
    Read(Box<RawValue>),
    Made,
}

impl Entry {
    fn made(condition: Condition) -> Self {
        Self { read: condition, raw: Raw::Made }
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.raw {
            Raw::Read(raw) => raw.serialize(serializer),
            Raw::Made => self.read.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        // What is no condition at all stays in the list, under no type.
        let read = serde_json::from_str(raw.get()).unwrap_or_default();
        Ok(Self { read, raw: Raw::Read(raw) })
    }
}

impl Serialize for Conditions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.entries.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Conditions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { entries: Option::<Vec<Entry>>::deserialize(deserializer)?.unwrap_or_default() })
    }
}

impl FromIterator<Condition> for Conditions {
    fn from_iter<I: IntoIterator<Item = Condition>>(conditions: I) -> Self {
        Self { entries: conditions.into_iter().map(Entry::made).collect() }
    }
}

impl PartialEq for Conditions {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
