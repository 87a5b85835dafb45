//! The files `~/.aws/config` and `~/.aws/credentials`: profiles and what they say.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use acme_core::{Error, ErrorKind, Retry, Secret, text};

use super::plan::Plan;
use super::{Credentials, Region};
use crate::limits;

/// Profiles, read from the shared files. What the credentials file says of a profile goes before what the config file says.
#[derive(Default)]
pub struct Profiles(BTreeMap<String, Profile>);

/// One profile: the properties that matter here.
#[derive(Default)]
pub(super) struct Profile {
    /// Each with the name of the file that it is in.
    properties: BTreeMap<&'static str, (Secret<String>, String)>,
}

/// Which of the two files: they write the names of profiles differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "AWS has these two")]
pub enum ProfileFile {
    /// `~/.aws/config`: `[default]`, `[profile NAME]`.
    Config,
    /// `~/.aws/credentials`: `[NAME]`.
    Credentials,
}

impl Profiles {
    /// No profiles yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the text of a file. `name` is the file's, for errors. Add the config file first: of a property that is in both, the later stays.
    ///
    /// # Errors
    /// `Malformed`, with file and line and never a value.
    pub fn add(&mut self, kind: ProfileFile, text: &str, name: &str) -> Result<(), Error> {
        if text.len() > limits::AWS_PROFILES {
            return Err(malformed(format!("{name} is longer than {} bytes", limits::AWS_PROFILES)));
        }
        let mut section = Section::None;
        let mut holds_nested = false;
        for (number, line) in (1..).zip(text.strip_prefix('\u{feff}').unwrap_or(text).lines()) {
            let content = line.trim();
            if content.is_empty() || content.starts_with(['#', ';']) {
                continue;
            }
            if let Some(rest) = content.strip_prefix('[') {
                let title = rest.split_once(']').map(|(title, _)| title.trim());
                let title = title.ok_or_else(|| malformed(format!("{name}, line {number}: a section without `]`")))?;
                section = Section::of(kind, title);
                holds_nested = false;
                continue;
            }
            // `s3 =` and lines below it that are indented: settings of a service.
            if holds_nested && line.starts_with([' ', '\t']) {
                continue;
            }
            let Some((key, value)) = content.split_once('=') else {
                return Err(malformed(format!(
                    "{name}, line {number}: neither a section nor a property (key = value)"
                )));
            };
            let value = without_comment(value).trim();
            holds_nested = value.is_empty();
            match &section {
                Section::None => {
                    return Err(malformed(format!("{name}, line {number}: a property before the first section")));
                }
                Section::Other => {}
                Section::Profile(profile) => {
                    let profile = self.0.entry(profile.clone()).or_default();
                    let key = key.trim();
                    if let Some(known) = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(key)) {
                        profile.properties.insert(known, (Secret::new(value.to_owned()), name.to_owned()));
                    }
                }
            }
        }
        Ok(())
    }

    /// The names of all profiles.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The region that a profile names.
    ///
    /// # Errors
    /// `Malformed` when it is no region.
    pub fn region(&self, profile: &str) -> Result<Option<Region>, Error> {
        match self.0.get(profile) {
            Some(found) => found.parsed("region", profile),
            None => Ok(None),
        }
    }

    /// How to come by the credentials of a profile; `None` when there is no such profile, or it says nothing of credentials.
    pub(super) fn plan(&self, profile: &str) -> Result<Option<Plan>, Error> {
        Plan::of(self, profile)
    }

    pub(super) fn get(&self, profile: &str) -> Option<&Profile> {
        self.0.get(profile)
    }
}

impl Profile {
    pub(super) fn get(&self, property: &str) -> Option<&str> {
        let (value, _) = self.properties.get(property)?;
        Some(value.expose().as_str()).filter(|it| !it.is_empty())
    }

    /// The access key in the profile itself.
    pub(super) fn keys(&self, profile: &str) -> Result<Option<Credentials>, Error> {
        let (id, secret) = match (self.get("aws_access_key_id"), self.get("aws_secret_access_key")) {
            (Some(id), Some(secret)) => (id, secret),
            (None, None) => return Ok(None),
            (Some(_), None) => {
                return Err(self.fault("aws_access_key_id", profile, "stands without aws_secret_access_key"));
            }
            (None, Some(_)) => {
                return Err(self.fault("aws_secret_access_key", profile, "stands without aws_access_key_id"));
            }
        };
        let credentials = Credentials::new(id, &Secret::new(secret.to_owned()));
        Ok(Some(match self.get("aws_session_token") {
            Some(token) => credentials.with_session_token(&Secret::new(token.to_owned())),
            None => credentials,
        }))
    }

    pub(super) fn seconds(&self, property: &'static str, profile: &str) -> Result<Option<Duration>, Error> {
        let Some(text) = self.get(property) else { return Ok(None) };
        let seconds = text.parse().map_err(|_| self.fault(property, profile, "is no number of seconds"))?;
        Ok(Some(Duration::from_secs(seconds)))
    }

    pub(super) fn parsed<T: FromStr<Err = Error>>(
        &self,
        property: &'static str,
        profile: &str,
    ) -> Result<Option<T>, Error> {
        let Some(text) = self.get(property) else { return Ok(None) };
        let parsed = text.parse().map(Some);
        parsed
            .map_err(|error: Error| error.while_doing(format_args!("{property} of {}", self.place(property, profile))))
    }

    /// What is wrong with a property, and where it is.
    pub(super) fn fault(&self, property: &'static str, profile: &str, what: &str) -> Error {
        malformed(format!("{property} of {} {what}", self.place(property, profile)))
    }

    fn place(&self, property: &str, profile: &str) -> String {
        let profile = text::printable(profile, NAME);
        match self.properties.get(property) {
            Some((_, file)) => format!("profile {profile:?} in {file}"),
            None => format!("profile {profile:?}"),
        }
    }
}

/// Names alone.
impl fmt::Debug for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Profiles").field(&self.0.keys()).finish()
    }
}

enum Section {
    None,
    Other,
    Profile(String),
}

impl Section {
    fn of(kind: ProfileFile, title: &str) -> Self {
        let unquoted = |name: &str| name.trim().trim_matches(['"', '\'']).to_owned();
        match kind {
            ProfileFile::Credentials => Self::Profile(unquoted(title)),
            ProfileFile::Config if title == "default" => Self::Profile(title.to_owned()),
            ProfileFile::Config => match title.strip_prefix("profile") {
                Some(name) if name.starts_with([' ', '\t']) => Self::Profile(unquoted(name)),
                _ => Self::Other,
            },
        }
    }
}

/// A comment begins with `#` or `;` after white space.
fn without_comment(value: &str) -> &str {
    let begins = value.char_indices().zip(value.chars().skip(1));
    let at = begins.into_iter().find(|((_, before), char)| before.is_whitespace() && matches!(char, '#' | ';'));
    at.map_or(value, |((at, _), _)| &value[..at])
}

/// The error of a file at fault, by what is wrong with it.
pub(super) fn malformed(what: String) -> Error {
    Error::new(ErrorKind::Malformed, what).with_retry(Retry::Never)
}

/// The bytes of a small file as text; `None` when it does not exist.
pub(super) fn read_file(path: &Path) -> Result<Option<Secret<String>>, Error> {
    let failed = |kind, what: &str| Error::new(kind, format!("{} {what}", path.display()));
    let length = match std::fs::metadata(path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(ErrorKind::Internal, "cannot be read").with_source(source)),
    };
    if length > limits::AWS_PROFILES as u64 {
        return Err(failed(ErrorKind::Malformed, "is too long to be what AWS keeps in files"));
    }
    match std::fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(Secret::new(text))),
            Err(_) => Err(failed(ErrorKind::Malformed, "is no text in UTF-8")),
        },
        Err(source) => Err(failed(ErrorKind::Internal, "cannot be read").with_source(source)),
    }
}

const NAME: usize = 80;
const KNOWN: &[&str] = &[
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "credential_process",
    "credential_source",
    "duration_seconds",
    "endpoint_url",
    "external_id",
    "login_session",
    "mfa_serial",
    "region",
    "role_arn",
    "role_session_name",
    "source_profile",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
];
