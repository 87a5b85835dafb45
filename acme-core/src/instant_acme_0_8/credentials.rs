//! The credentials that instant-acme stores.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};

use crate::protocol::Url;
use crate::{Directory, Error, ErrorKind, PrivateKey, Retry, Secret, Session};

/// An account as instant-acme stores it: the JSON of `instant_acme::AccountCredentials`.
///
/// Open it with [`session`](Self::session), or hand it to the ACME issuer, which keeps it from then on; neither registers anything. The former program must not change the key any more.
#[derive(Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// The account's URL.
    pub account: Url,
    /// The account's key.
    pub key: PrivateKey,
    /// The directory of its certificate authority; releases before 0.4 stored none.
    pub directory: Option<Url>,
}

impl Credentials {
    /// Reads what `serde_json` made of `instant_acme::AccountCredentials`, of any release up to 0.8.
    ///
    /// # Errors
    /// `Malformed` when it is something else, or damaged; it says which member. As [`PrivateKey::from_pkcs8_der`] for the key.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        // The source's text may quote the input, which holds a key: it stays out.
        let stored: Stored = serde_json::from_slice(json)
            .map_err(|_| malformed("they are no JSON object with `id`, `key_pkcs8` and `directory`"))?;
        let account = Url::parse(&stored.id).map_err(|_| malformed("`id` is not the URL of an account"))?;
        let directory = stored
            .directory
            .map(|it| Url::parse(&it).map_err(|_| malformed("`directory` is not the URL of a directory")))
            .transpose()?;
        let key = BASE64_URL_SAFE_NO_PAD.decode(stored.key_pkcs8.expose()).map(Secret::new);
        let key = key.map_err(|_| malformed("`key_pkcs8` is not base64url: it was cut off or changed"))?;
        let damaged = |error: Error| error.while_doing(format_args!("{UNREADABLE}: `key_pkcs8`"));
        let key = PrivateKey::from_pkcs8_der(key).map_err(damaged)?;
        Ok(Self { account, key, directory })
    }

    /// A session of the account, with its key and without instant-acme. Nothing is sent.
    ///
    /// # Errors
    /// `Conflict` when the account is one of another directory.
    pub fn session(self, directory: &Directory) -> Result<Session, Error> {
        match &self.directory {
            Some(own) if own != directory.url() => Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "the account {} is one of {own}, and not of {}: use its own directory",
                    self.account,
                    directory.url()
                ),
            )
            .with_retry(Retry::Never)),
            Some(_) | None => directory.session(Arc::new(self.key), self.account),
        }
    }
}

#[derive(Deserialize)]
struct Stored {
    id: String,
    #[serde(deserialize_with = "secret")]
    key_pkcs8: Secret<String>,
    #[serde(default)]
    directory: Option<String>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret<String>, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

fn malformed(why: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("{UNREADABLE}: {why}"))
}

const UNREADABLE: &str = "the credentials of instant-acme cannot be read";
