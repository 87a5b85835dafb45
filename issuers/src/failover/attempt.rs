//! How far an attempt came: at which issuer it is, what that issuer saved, and who has failed already.

use acme_core::{Error, envelope};
use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::{IssuerId, Progress, ProgressError};

/// One attempt at a certificate, which may lead through several issuers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<IssuerId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    passed: Vec<IssuerId>,
    /// What the issuer saved, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inner: Option<String>,
}

impl Attempt {
    /// The issuer at which something may be under way.
    pub(super) fn at(&self) -> Option<&IssuerId> {
        self.at.as_ref()
    }

    pub(super) fn has_passed(&self, id: &IssuerId) -> bool {
        self.passed.contains(id)
    }

    /// Has the issuer saved a state?
    pub(super) fn is_saved(&self) -> bool {
        self.inner.is_some()
    }

    /// Asks this one from now on; what it saved stays when it is asked already.
    pub(super) fn go_to(&mut self, id: &IssuerId) {
        if self.at.as_ref() != Some(id) {
            self.at = Some(id.clone());
            self.inner = None;
        }
    }

    /// This one has failed; what it saved is void.
    pub(super) fn pass(&mut self, id: &IssuerId) {
        self.at = None;
        self.inner = None;
        self.passed.push(id.clone());
    }

    /// Forgets issuers that are not there any more.
    pub(super) fn retain(&mut self, is_known: impl Fn(&IssuerId) -> bool) {
        if self.at.as_ref().is_some_and(|id| !is_known(id)) {
            self.at = None;
            self.inner = None;
        }
        self.passed.retain(is_known);
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
        envelope::encode(WHAT, FORMAT, self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        envelope::decode(WHAT, FORMAT, bytes)
    }

    fn decoded(&self) -> Option<Vec<u8>> {
        self.inner.as_ref().and_then(|text| BASE64_STANDARD.decode(text).ok())
    }
}

/// The progress as the issuer sees it: its own state alone. What it saves is wrapped with its id.
pub(super) struct Under<'a> {
    progress: &'a mut dyn Progress,
    attempt: &'a mut Attempt,
    state: Option<Vec<u8>>,
    is_unsaved: bool,
}

impl<'a> Under<'a> {
    pub(super) fn new(progress: &'a mut dyn Progress, attempt: &'a mut Attempt) -> Self {
        let state = attempt.decoded();
        Self { progress, attempt, state, is_unsaved: false }
    }

    /// Did the last save fail?
    pub(super) fn is_unsaved(&self) -> bool {
        self.is_unsaved
    }
}

#[async_trait]
impl Progress for Under<'_> {
    fn state(&self) -> Option<&[u8]> {
        self.state.as_deref()
    }

    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError> {
        let mut wrapped = self.attempt.clone();
        wrapped.inner = Some(BASE64_STANDARD.encode(state));
        let bytes = wrapped.encode().map_err(ProgressError::Failed)?;
        let saved = self.progress.save(&bytes).await;
        self.is_unsaved = saved.is_err();
        saved?;
        *self.attempt = wrapped;
        self.state = Some(state.to_vec());
        Ok(())
    }
}

const FORMAT: u32 = 1;
const WHAT: &str = "fail-over";
