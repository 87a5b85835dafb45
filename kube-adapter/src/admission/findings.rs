//! Violations, and where in an object they are, as Kubernetes writes them.

use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::names::go_json;

/// One thing that is refused. Printed as Kubernetes prints errors of fields, for example
/// `spec.secretName: Required value: must be specified`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Where it is, for example `spec.dnsNames[0]`.
    pub path: String,
    /// What kind of thing it is.
    pub reason: Reason,
    /// What is wrong, or what to write instead; empty where the reason says it all.
    pub detail: String,
}

/// What kind of thing is refused. Values are as they are shown: texts in quotes, the rest as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Something is missing.
    Required,
    /// Something must not be there.
    Forbidden,
    /// Something is too long.
    TooLong,
    /// A value is none.
    Invalid(String),
    /// A value is not one of those that are taken.
    Unsupported(String),
    /// A value is there twice.
    Duplicate(String),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        match &self.reason {
            Reason::Required => f.write_str("Required value")?,
            Reason::Forbidden => f.write_str("Forbidden")?,
            Reason::TooLong => f.write_str("Too long")?,
            Reason::Invalid(value) => write!(f, "Invalid value: {value}")?,
            Reason::Unsupported(value) => write!(f, "Unsupported value: {value}")?,
            Reason::Duplicate(value) => write!(f, "Duplicate value: {value}")?,
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

/// A place in an object.
#[derive(Clone)]
pub(super) struct Path(String);

impl Path {
    pub(super) fn new(root: &str) -> Self {
        Self(root.to_owned())
    }

    pub(super) fn child(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    pub(super) fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Violations, in the order in which they are found.
#[derive(Default)]
pub(super) struct Findings {
    violations: Vec<Violation>,
}

impl Findings {
    pub(super) fn required(&mut self, path: &Path, detail: &str) {
        self.push(path, Reason::Required, detail);
    }

    pub(super) fn forbidden(&mut self, path: &Path, detail: &str) {
        self.push(path, Reason::Forbidden, detail);
    }

    pub(super) fn too_long(&mut self, path: &Path, most: usize) {
        self.push(path, Reason::TooLong, &format!("may not be more than {most} bytes"));
    }

    /// `value` is shown as a text.
    pub(super) fn invalid(&mut self, path: &Path, value: &str, detail: &str) {
        self.push(path, Reason::Invalid(quoted(value)), detail);
    }

    /// `value` is shown as JSON.
    pub(super) fn invalid_json<T: Serialize>(&mut self, path: &Path, value: &T, detail: &str) {
        self.push(path, Reason::Invalid(go_json::text(value)), detail);
    }

    /// `value` is shown as JSON, and what is taken behind it.
    pub(super) fn unsupported<T: Serialize>(&mut self, path: &Path, value: &T, supported: &[&str]) {
        let supported: Vec<String> = supported.iter().map(|value| quoted(value)).collect();
        let detail = format!("supported values: {}", supported.join(", "));
        self.push(path, Reason::Unsupported(go_json::text(value)), &detail);
    }

    pub(super) fn duplicate(&mut self, path: &Path, value: &str) {
        self.push(path, Reason::Duplicate(quoted(value)), "");
    }

    pub(super) fn into_violations(self) -> Vec<Violation> {
        self.violations
    }

    fn push(&mut self, path: &Path, reason: Reason, detail: &str) {
        self.violations.push(Violation { path: path.as_str().to_owned(), reason, detail: detail.to_owned() });
    }
}

/// Fields of which one alone may be given: the first is judged, the others are refused.
pub(super) struct OneOf {
    given: usize,
    refusal: &'static str,
}

impl OneOf {
    pub(super) fn new(refusal: &'static str) -> Self {
        Self { given: 0, refusal }
    }

    /// Counts the field at `path`; whether it is the first and may be judged.
    pub(super) fn admits(&mut self, path: &Path, findings: &mut Findings) -> bool {
        self.given += 1;
        if self.given > 1 {
            findings.forbidden(path, self.refusal);
        }
        self.given == 1
    }

    /// Counts a field that stands beside others.
    pub(super) fn count(&mut self) {
        self.given += 1;
    }

    pub(super) fn is_none(&self) -> bool {
        self.given == 0
    }
}

/// `text` in quotes, as Go's `%q` writes it.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            other if other.is_ascii_control() => _ = write!(quoted, "\\x{:02x}", u32::from(other)),
            other if other.is_control() => _ = write!(quoted, "\\u{:04x}", u32::from(other)),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
