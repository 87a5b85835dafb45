//! The variables by which AWS is set up.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use acme_core::{Error, ErrorKind, Secret, Timestamp};
use async_trait::async_trait;

use super::{Credentials, Region};
use crate::credentials::{Fetch, Fetched};

/// Environment variables, as the caller gives them: `AWS_ACCESS_KEY_ID`, `AWS_REGION`, and all the others that [`DefaultChain`](super::DefaultChain)
/// looks at. Empty ones count as absent.
#[derive(Default)]
pub struct Environment(BTreeMap<String, Secret<String>>);

impl Environment {
    /// These variables and no others.
    pub fn new<N: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), Secret::new(value.into())));
        Self(variables.filter(|(_, value)| !value.expose().trim().is_empty()).collect())
    }

    /// The variables of this process that concern AWS, and the home folder. Call it where the program begins.
    pub fn from_environment() -> Self {
        let concerns = |name: &str| name.starts_with("AWS_") || HOMES.contains(&name);
        Self::new(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .filter(|(name, _)| concerns(name)),
        )
    }

    /// The value of a variable, without white space around it.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.expose().trim())
    }

    /// The region: `AWS_REGION`, else `AWS_DEFAULT_REGION`.
    ///
    /// # Errors
    /// `Malformed` when it is no region.
    pub fn region(&self) -> Result<Option<Region>, Error> {
        let found = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(|name| Some((name, self.get(name)?)));
        let Some((name, text)) = found else { return Ok(None) };
        Region::parse(text).map(Some).map_err(|error| error.while_doing(name))
    }

    /// The access key, where there is one.
    ///
    /// # Errors
    /// `Malformed` when there is only half of one.
    pub fn credentials(&self) -> Result<Option<Credentials>, Error> {
        let (id, secret) = match (self.get(KEY_ID), self.get(SECRET_KEY)) {
            (Some(id), Some(secret)) => (id, secret),
            (None, None) => return Ok(None),
            (Some(_), None) => return Err(half(KEY_ID, SECRET_KEY)),
            (None, Some(_)) => return Err(half(SECRET_KEY, KEY_ID)),
        };
        let credentials = Credentials::new(id, &Secret::new(secret.to_owned()));
        Ok(Some(match self.get("AWS_SESSION_TOKEN") {
            Some(token) => credentials.with_session_token(&Secret::new(token.to_owned())),
            None => credentials,
        }))
    }

    /// Whether a variable says `true`.
    pub(super) fn says(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A file: named by `variable`, else `default` below the home folder; `None` without either.
    pub(super) fn file(&self, variable: &str, default: &str) -> Option<PathBuf> {
        let home = || HOMES.iter().find_map(|name| self.get(name)).map(PathBuf::from);
        match self.get(variable) {
            Some(path) => match path.strip_prefix("~/") {
                Some(below) => Some(home()?.join(below)),
                None => Some(path.into()),
            },
            None => Some(home()?.join(default)),
        }
    }
}

#[async_trait]
impl Fetch<Credentials> for Environment {
    async fn fetch(&self, _: Timestamp) -> Result<Fetched<Credentials>, Error> {
        match self.credentials()? {
            Some(credentials) => Ok(Fetched::new(credentials, None)),
            None => Err(Error::new(
                ErrorKind::Unauthorized,
                format!("there is no access key in the environment: set {KEY_ID} and {SECRET_KEY}"),
            )),
        }
    }
}

/// Names alone.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Environment").field(&self.0.keys()).finish()
    }
}

fn half(there: &str, missing: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("{there} is set and {missing} is not: set both or neither"))
        .with_retry(acme_core::Retry::Never)
}

const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const HOMES: &[&str] = &["HOME", "USERPROFILE"];
