//! Where a solver's credentials come from.

use acme_core::{Error, ErrorKind, Retry, Secret};
use k8s_openapi::api::core::v1::Secret as SecretObject;

use crate::api::Resource;
use crate::context::Context;
use crate::crd::reference::SecretKeySelector;
use crate::key::Name;

/// The Secrets beside an issuer; for a ClusterIssuer those of the cluster resource namespace.
pub(crate) struct Credentials<'a> {
    pub(crate) context: &'a Context,
    pub(crate) namespace: &'a str,
}

impl Credentials<'_> {
    /// Reads one value of a Secret as text.
    ///
    /// # Errors
    /// `NotFound` for a Secret or a key in it that is not there, `Malformed` for what is no text, `Unreachable` when the API server does not answer.
    pub(super) async fn read(&self, selector: &SecretKeySelector) -> Result<Secret<String>, Error> {
        let SecretKeySelector { name, key, .. } = selector;
        let at = Name::new(self.namespace, name.as_str());
        let found = self.context.api.read::<SecretObject>(Resource::SECRETS, &at).await.map_err(|refusal| {
            Error::new(ErrorKind::Unreachable, format!("the Secret {at} could not be read: {refusal}"))
        })?;
        let missing = |what: String| Error::new(ErrorKind::NotFound, what).with_retry(Retry::Backoff);
        let secret = found.ok_or_else(|| {
            missing(format!("failed to get secret {name:?}: there is none of this name in {}", self.namespace))
        })?;
        let value = secret.data.and_then(|mut data| data.remove(key));
        let value = value.ok_or_else(|| missing(format!("the secret {name:?} does not have key {key:?}")))?;
        let text = String::from_utf8(value.0).map_err(|_| {
            Error::new(ErrorKind::Malformed, format!("the key {key:?} of the secret {name:?} is no text"))
        })?;
        Ok(Secret::new(text.trim().to_owned()))
    }
}
