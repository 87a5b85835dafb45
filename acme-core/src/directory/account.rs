//! Accounts made and found (RFC 8555 section 7.3).

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde::Serialize;

use super::{Answer, Author, Directory, Endpoint, Post};
use crate::jose::{self, Jwk, Jws};
use crate::protocol::{AccountObject, AccountStatus, ProblemType, Registration, Url};
use crate::{Error, ErrorKind, Session, Signer};

impl Directory {
    /// Makes an account for `key`; where the key has one already, that is what comes back, unchanged.
    ///
    /// Keep `key` before you call this, and the session's account URL after it.
    ///
    /// # Errors
    /// `Unauthorized` when the server wants an external account binding that is missing or wrong, `Refused` when its terms of
    /// service were not agreed to or it does not take the key; else as it answers.
    pub async fn register(&self, key: Arc<dyn Signer>, registration: &Registration) -> Result<Session, Error> {
        let doing = "making an account";
        self.check(registration).await?;
        let jwk = Jwk::from_spki(key.public_key())?;
        let signer = key.as_ref();
        let by = &jwk;
        let ask = |url: Url| {
            async move {
                let external_account_binding = registration
                    .external_account
                    .as_ref()
                    .map(|it| jose::bind_external_account(it, by, &url))
                    .transpose()?;
                let payload = NewAccount {
                    contact: &registration.contact,
                    terms_of_service_agreed: registration.terms_agreed.then_some(true),
                    external_account_binding,
                };
                let payload = to_json(&payload)?;
                let author = Author::Key(signer, by);
                self.post(Post { author, url: &url, payload: &payload, accept: None }).await
            }
            .boxed()
        };
        let answer = self.at(Endpoint::NewAccount, ask).await?;
        let answer = answer.success(doing).map_err(|error| explain(error, signer, registration))?;
        self.opened(key, &answer, doing)
    }

    /// The account of `key`, if the server knows one. Nothing is made.
    ///
    /// # Errors
    /// `Unauthorized` when the account was deactivated or revoked; else as the server answers.
    pub async fn find(&self, key: Arc<dyn Signer>) -> Result<Option<Session>, Error> {
        let doing = "looking for an account";
        let jwk = Jwk::from_spki(key.public_key())?;
        let signer = key.as_ref();
        let by = &jwk;
        let ask = |url: Url| {
            async move {
                let (author, payload) = (Author::Key(signer, by), br#"{"onlyReturnExisting":true}"#);
                self.post(Post { author, url: &url, payload, accept: None }).await
            }
            .boxed()
        };
        let answer = self.at(Endpoint::NewAccount, ask).await?;
        if answer.is_problem(&ProblemType::AccountDoesNotExist) {
            return Ok(None);
        }
        let answer = answer.success(doing)?;
        self.opened(key, &answer, doing).map(Some)
    }

    /// The account at `account`, the URL that an earlier session gave. Nothing is sent.
    ///
    /// # Errors
    /// `Malformed` when the public half of `key` is of no known type.
    pub fn session(&self, key: Arc<dyn Signer>, account: Url) -> Result<Session, Error> {
        Session::new(self.clone(), key, account)
    }

    /// What the server's metadata says it will refuse is not sent.
    async fn check(&self, registration: &Registration) -> Result<(), Error> {
        let object = self.object().await?;
        if object.meta.external_account_required && registration.external_account.is_none() {
            return Err(Error::new(
                ErrorKind::Unauthorized,
                format!(
                    "{} makes accounts only for its customers: get a key id and a MAC key (external account binding) there and pass them on",
                    self.url()
                ),
            ));
        }
        match &object.meta.terms_of_service {
            Some(terms) if !registration.terms_agreed => Err(Error::new(
                ErrorKind::Refused,
                format!(
                    "the terms of service of {} are not agreed to: read {} and agree",
                    self.url(),
                    crate::text::printable(terms, crate::limits::URL)
                ),
            )),
            _ => Ok(()),
        }
    }

    fn opened(&self, key: Arc<dyn Signer>, answer: &Answer, doing: &str) -> Result<Session, Error> {
        let session = Session::new(self.clone(), key, answer.require_location(doing)?)?;
        // The account is there, whatever the body says; some servers send none.
        if let Ok(object) = answer.json::<AccountObject>(doing) {
            match object.status {
                AccountStatus::Deactivated | AccountStatus::Revoked => {
                    return Err(Error::new(
                        ErrorKind::Unauthorized,
                        format!(
                            "{doing}: the account of this key at {} is {}: make a new key",
                            self.url(),
                            object.status
                        ),
                    ));
                }
                AccountStatus::Valid | AccountStatus::Other(_) => session.learn(&object),
            }
        }
        Ok(session)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewAccount<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    contact: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    terms_of_service_agreed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_account_binding: Option<Jws>,
}

/// Says what to do about a refusal that has to do with the key or the binding.
fn explain(error: Error, key: &dyn Signer, registration: &Registration) -> Error {
    let said = |kinds: &[ProblemType]| error.problem().is_some_and(|problem| kinds.contains(&problem.kind));
    let about_the_key = [ProblemType::BadSignatureAlgorithm, ProblemType::BadPublicKey];
    let about_the_binding = [ProblemType::Unauthorized, ProblemType::Malformed, ProblemType::ExternalAccountRequired];
    match &registration.external_account {
        _ if said(&about_the_key) => error.while_doing(format_args!(
            "the server does not take an account key that signs with {}: make one of another type",
            key.algorithm().jose()
        )),
        Some(external) if said(&about_the_binding) => error.while_doing(format_args!(
            "the binding to {external} was not taken: compare its key id and MAC key with what the server gave"
        )),
        _ => error,
    }
}

/// A payload as it is signed.
pub(crate) fn to_json(payload: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(payload)
        .map_err(|source| Error::new(ErrorKind::Internal, "a request could not be written").with_source(source))
}
