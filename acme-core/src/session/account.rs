//! What an owner does with an account (RFC 8555 sections 7.3.2 to 7.3.6).

use std::sync::Arc;

use futures_util::FutureExt as _;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::Session;
use crate::directory::{Endpoint, to_json};
use crate::jose::{self, By, Jwk};
use crate::protocol::{AccountObject, Url};
use crate::{Client as _, Error, Signer};

impl Session {
    /// The account as the server shows it.
    ///
    /// # Errors
    /// As the server answers.
    pub async fn account_object(&self) -> Result<AccountObject, Error> {
        self.update(b"", "reading the account").await
    }

    /// Replaces whom the server tells: URLs such as `mailto:ops@example.com`; none to be told nothing.
    ///
    /// # Errors
    /// `Refused` when the server does not take a contact; else as it answers.
    pub async fn update_contacts(&self, contacts: &[String]) -> Result<AccountObject, Error> {
        let payload = to_json(&json!({ "contact": contacts }))?;
        self.update(&payload, "updating the account's contacts").await
    }

    /// Agrees to the terms of service once more, at servers that take an agreement to changed terms this way.
    ///
    /// RFC 8555 section 7.3.3 leaves it to the server: most keep the first agreement, or answer requests with `userActionRequired` and a
    /// problem whose `instance` is the page where a person agrees. Pebble refuses the update.
    ///
    /// # Errors
    /// As the server answers.
    pub async fn agree_to_terms(&self) -> Result<AccountObject, Error> {
        self.update(br#"{"termsOfServiceAgreed":true}"#, "agreeing to the terms of service").await
    }

    /// Gives the account up, for good. Its certificates stay valid.
    ///
    /// # Errors
    /// As the server answers.
    pub async fn deactivate(&self) -> Result<AccountObject, Error> {
        self.update(br#"{"status":"deactivated"}"#, "deactivating the account").await
    }

    /// Replaces the account's key by `new`; use the session that comes back from then on.
    ///
    /// Store `new` first. If the answer is lost, ask [`Directory::find`](crate::Directory::find) which of the two keys the server knows.
    ///
    /// # Errors
    /// `Unsupported` when the server cannot change keys, `Conflict` when `new` belongs to another account; else as it answers.
    pub async fn change_key(&self, new: Arc<dyn Signer>) -> Result<Self, Error> {
        let doing = "changing the account's key";
        let directory = self.directory();
        let changed = Self::new(directory.clone(), Arc::clone(&new), self.account().clone())?;
        let old = self.0.hand.replaceable().map_err(|error| error.while_doing(doing))?;
        if changed.thumbprint() == self.thumbprint() {
            return Ok(self.clone());
        }
        let jwk = Jwk::from_spki(new.public_key())?;
        let (signer, jwk) = (new.as_ref(), &jwk);
        let ask = |url: Url| {
            async move {
                let inner = to_json(&KeyChange { account: self.account().as_str(), old_key: old })?;
                let inner = jose::sign(signer, By::Key(jwk), None, &url, &inner).await?;
                let payload = inner.to_json()?;
                directory.post(self.request(&url, &payload)).await
            }
            .boxed()
        };
        let answer = directory.at(Endpoint::KeyChange, ask).await.map_err(|error| error.while_doing(doing))?;
        if answer.status == StatusCode::CONFLICT {
            // The server names the account that has the key (RFC 8555 section 7.3.5); ours means an earlier try succeeded.
            if answer.location.as_ref() == Some(self.account()) {
                return Ok(changed);
            }
            return answer
                .success(doing)
                .map(|_| changed)
                .map_err(|error| error.while_doing("the new key belongs to another account already"));
        }
        answer.success(doing)?;
        Ok(changed)
    }

    async fn update(&self, payload: &[u8], doing: &str) -> Result<AccountObject, Error> {
        let answer = self.post(self.account(), payload, doing).await?;
        let object: AccountObject = answer.json(doing)?;
        self.learn(&object);
        Ok(object)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyChange<'a> {
    account: &'a str,
    old_key: &'a Jwk,
}
