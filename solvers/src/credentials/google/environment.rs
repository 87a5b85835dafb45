//! Application default credentials: what a platform or a person set up.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use acme_core::{Error, ErrorKind, Retry, Secret, Timestamp, Transport};
use async_trait::async_trait;
use serde::Deserialize;

use super::{Federation, Metadata, Scope};
use crate::credentials::{AccessToken, Fetch, Fetched, secret_file};

/// The variables `GOOGLE_APPLICATION_CREDENTIALS` (a file) and `GCE_METADATA_HOST`. Empty ones count as absent.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// These variables and no others.
    pub fn new<N: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into().trim().to_owned()));
        Self(variables.filter(|(name, value)| KNOWN.contains(&name.as_str()) && !value.is_empty()).collect())
    }

    /// The variables of this process. Call it where the program begins.
    pub fn from_environment() -> Self {
        Self::new(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// The identity that is set up: of the file, which is read anew for each token, else of the metadata server.
    pub fn identity(&self, scope: Scope, transport: Arc<dyn Transport>) -> Identity {
        let metadata = Metadata::new(scope, Arc::clone(&transport));
        Identity(match (self.0.get(FILE), self.0.get(HOST)) {
            (Some(file), _) => Kind::File { path: file.into(), scope, transport },
            (None, Some(host)) => Kind::Metadata(metadata.at(format!("http://{host}"))),
            (None, None) => Kind::Metadata(metadata),
        })
    }
}

/// An identity that was found.
#[derive(Debug)]
pub struct Identity(Kind);

enum Kind {
    File { path: PathBuf, scope: Scope, transport: Arc<dyn Transport> },
    Metadata(Metadata),
}

#[async_trait]
impl Fetch<AccessToken> for Identity {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<AccessToken>, Error> {
        match &self.0 {
            Kind::Metadata(metadata) => metadata.fetch(now).await,
            Kind::File { path, scope, transport } => {
                let text = secret_file::read(path)?;
                let fetched = from_file(&text, *scope, Arc::clone(transport), now).await;
                fetched.map_err(|error| error.while_doing(format_args!("the file {}", path.display())))
            }
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, .. } => f.debug_tuple("File").field(path).finish(),
            Self::Metadata(metadata) => metadata.fmt(f),
        }
    }
}

async fn from_file(
    text: &Secret<String>,
    scope: Scope,
    transport: Arc<dyn Transport>,
    now: Timestamp,
) -> Result<Fetched<AccessToken>, Error> {
    let kind = serde_json::from_str::<Typed>(text.expose()).map(|it| it.kind).unwrap_or_default();
    match kind.as_str() {
        "external_account" => Federation::from_json(text.expose(), scope, transport)?.fetch(now).await,
        #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
        "service_account" => super::ServiceAccount::from_json(text, scope, transport)?.fetch(now).await,
        _ => Err(Error::new(
            ErrorKind::Unsupported,
            "credentials of Google must be of type `service_account` or `external_account`",
        )
        .with_retry(Retry::Never)),
    }
}

#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "type")]
    kind: String,
}

const FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";
const HOST: &str = "GCE_METADATA_HOST";
const KNOWN: &[&str] = &[FILE, HOST];
