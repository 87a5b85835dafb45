//! The directory object: fetched once, shared, fetched again when an endpoint moved.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::Directory;
use crate::protocol::{DirectoryObject, Problem, Url};
use crate::{Error, ErrorKind, Retry};

#[derive(Clone, Copy)]
pub(crate) enum Endpoint {
    NewNonce,
    NewAccount,
    NewOrder,
    RevokeCert,
    KeyChange,
    RenewalInfo,
}

impl Endpoint {
    fn of(self, object: &DirectoryObject) -> Option<&Url> {
        match self {
            Self::NewNonce => Some(&object.new_nonce),
            Self::NewAccount => Some(&object.new_account),
            Self::NewOrder => Some(&object.new_order),
            Self::RevokeCert => object.revoke_cert.as_ref(),
            Self::KeyChange => object.key_change.as_ref(),
            Self::RenewalInfo => object.renewal_info.as_ref(),
        }
    }

    fn lacking(self) -> &'static str {
        match self {
            Self::NewNonce => "nonces",
            Self::NewAccount => "new accounts",
            Self::NewOrder => "new orders",
            Self::RevokeCert => "revocation",
            Self::KeyChange => "changes of account keys",
            Self::RenewalInfo => "renewal information",
        }
    }
}

impl Directory {
    /// The directory as the server shows it: fetched at the first call, then remembered. Callers at the same time share one request.
    ///
    /// # Errors
    /// As the transport says; `Malformed` when what lies at the URL is no directory.
    pub async fn object(&self) -> Result<Arc<DirectoryObject>, Error> {
        self.load(|_| true).await
    }

    /// Where an endpoint is.
    pub(crate) async fn endpoint(&self, endpoint: Endpoint) -> Result<Url, Error> {
        let object = self.object().await?;
        endpoint.of(&object).cloned().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, format!("{} does not offer {}", self.inner.url, endpoint.lacking()))
        })
    }

    /// Where `endpoint` is now, when the server no longer lists it at `from`.
    ///
    /// # Errors
    /// That the server asks for a pause; any other failure to read the directory again says nothing about where the endpoint is.
    pub(crate) async fn moved(&self, endpoint: Endpoint, from: &Url) -> Result<Option<Url>, Error> {
        let elsewhere = |object: &DirectoryObject| endpoint.of(object).filter(|it| *it != from).cloned();
        match self.load(|object| elsewhere(object).is_some()).await {
            Ok(object) => Ok(elsewhere(&object)),
            Err(error) if matches!(error.retry(), Retry::After(_)) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// The object in memory if it is `usable`, else a new one.
    pub(crate) async fn load(
        &self,
        usable: impl Fn(&DirectoryObject) -> bool + Send,
    ) -> Result<Arc<DirectoryObject>, Error> {
        if let Some(known) = self.known().filter(|it| usable(it)) {
            return Ok(known);
        }
        let before = self.inner.rounds.load(Ordering::Acquire);
        let mut last = self.inner.fetching.lock().await;
        if let Some(known) = self.known().filter(|it| usable(it)) {
            return Ok(known);
        }
        if self.inner.rounds.load(Ordering::Acquire) != before {
            // Somebody fetched while we waited: theirs is as new as ours would be, and so is their failure.
            if let Some(failure) = last.as_ref() {
                return Err(failure.again());
            }
            if let Some(known) = self.known() {
                return Ok(known);
            }
        }
        let fetched = self.fetch().await;
        *last = fetched.as_ref().err().map(Failure::of);
        if let Ok(object) = &fetched {
            *self.inner.object.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(object));
        }
        self.inner.rounds.fetch_add(1, Ordering::AcqRel);
        fetched
    }

    /// What is in memory, without asking.
    pub(crate) fn known(&self) -> Option<Arc<DirectoryObject>> {
        self.inner.object.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch(&self) -> Result<Arc<DirectoryObject>, Error> {
        let doing = format!("reading the directory {}", self.inner.url);
        let answer = self.get(&self.inner.url).await?.success(&doing)?;
        answer.json(&doing).map(Arc::new).map_err(|error| error.while_doing("not an ACME directory (check its URL)"))
    }
}

/// A failed fetch, for those who waited for it.
pub(crate) struct Failure {
    kind: ErrorKind,
    what: String,
    retry: Retry,
    problem: Option<Problem>,
}

impl Failure {
    fn of(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            what: error.what().to_owned(),
            retry: error.retry(),
            problem: error.problem().cloned(),
        }
    }

    fn again(&self) -> Error {
        let error = Error::new(self.kind, self.what.clone()).with_retry(self.retry);
        match &self.problem {
            Some(problem) => error.with_problem(problem.clone()),
            None => error,
        }
    }
}
