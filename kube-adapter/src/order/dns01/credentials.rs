//! Where a solver's credentials come from.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use acme_core::{Error, ErrorKind, Retry, Secret, Timestamp, Transport};
use async_trait::async_trait;
use solvers::credentials::{CredentialSource, Fetch, Fetched, Refreshing};

use super::services;
use crate::api::Api;
use crate::context::Context;
use crate::crd::reference::SecretKeySelector;
use crate::engine::{Secrets, Unread};
use crate::key::Name;
use crate::settings::Ambient;

/// What an issuer may authenticate with: Secrets and ServiceAccounts beside it (of a ClusterIssuer in the cluster resource namespace), and perhaps what this
/// process runs with.
pub(crate) struct Credentials<'a> {
    pub(super) context: &'a Context,
    pub(super) namespace: Arc<str>,
    pub(super) ambient: Ambient,
}

impl<'a> Credentials<'a> {
    /// Those of an issuer; one of the cluster has no namespace.
    pub(crate) fn of(context: &'a Context, issuer: &Name) -> Self {
        let namespace = match issuer.namespace() {
            "" => context.settings.cluster_resource_namespace.as_str(),
            namespace => namespace,
        };
        Self { context, namespace: namespace.into(), ambient: context.settings.ambient_credentials.of(issuer) }
    }

    /// The way to DNS services.
    ///
    /// # Errors
    /// When none can be made.
    pub(super) fn transport(&self) -> Result<Arc<dyn Transport>, Error> {
        services::transport(self.context)
    }

    /// What `make` makes of values of Secrets: read when it is needed, and again after it was refused.
    pub(super) fn source<T: Send + Sync + 'static, const N: usize>(
        &self,
        values: [Value<'_>; N],
        make: impl Fn([Secret<String>; N]) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Arc<dyn CredentialSource<T>> {
        let values = values.map(|Value(what, selector)| (what, selector.clone()));
        let (api, namespace) = (self.context.api.clone(), Arc::clone(&self.namespace));
        Arc::new(Refreshing::new(FromSecrets { api, namespace, values, make }))
    }

    /// One value of a Secret, now.
    ///
    /// # Errors
    /// `NotFound` for a Secret or a key in it that is not there, `Malformed` for what is no text, `Unreachable` when the API server does not answer.
    pub(super) async fn read(&self, Value(what, selector): Value<'_>) -> Result<Secret<String>, Error> {
        let [value] = read(&self.context.api, &self.namespace, &[(what, selector.clone())]).await?;
        Ok(value)
    }
}

/// A value of a Secret, and what it says of it when it cannot be had: cert-manager's words.
pub(super) struct Value<'a>(pub(super) &'static str, pub(super) &'a SecretKeySelector);

struct FromSecrets<F, const N: usize> {
    api: Api,
    namespace: Arc<str>,
    values: [(&'static str, SecretKeySelector); N],
    make: F,
}

#[async_trait]
impl<T, F, const N: usize> Fetch<T> for FromSecrets<F, N>
where
    T: Send + Sync,
    F: Fn([Secret<String>; N]) -> Result<T, Error> + Send + Sync,
{
    async fn fetch(&self, _: Timestamp) -> Result<Fetched<T>, Error> {
        let values = read(&self.api, &self.namespace, &self.values).await?;
        let made = (self.make)(values).map_err(|error| {
            let error = mendable(error);
            match self.values.first() {
                Some((what, selector)) => error.while_doing(format_args!("{what}: the secret {:?}", selector.name)),
                None => error,
            }
        })?;
        Ok(Fetched::new(made, None))
    }
}

/// Somebody may correct a Secret while it is asked for again.
pub(super) fn mendable(error: Error) -> Error {
    match error.retry() {
        Retry::Never => error.with_retry(Retry::Backoff),
        Retry::Backoff | Retry::After(_) => error,
    }
}

/// Reads each Secret once, however many of its values are wanted.
async fn read<const N: usize>(
    api: &Api,
    namespace: &Arc<str>,
    values: &[(&'static str, SecretKeySelector); N],
) -> Result<[Secret<String>; N], Error> {
    let mut secrets = Secrets::new(api, Arc::clone(namespace));
    let mut whole = BTreeMap::new();
    let mut out = Vec::with_capacity(N);
    for (what, selector) in values {
        let name = selector.name.as_str();
        let held = match whole.entry(name) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(place) => {
                let read = secrets.whole(name).await;
                place.insert(read.map_err(|unread| missing(what, selector, &unread, namespace))?)
            }
        };
        let value = held.find(&selector.key).ok_or_else(|| {
            let lacking = Unread::Lacking(Name::new(Arc::clone(namespace), name), selector.key.clone());
            missing(what, selector, &lacking, namespace)
        })?;
        let text = std::str::from_utf8(value.expose()).map_err(|_| {
            let what = format!("{what}: the key {:?} of the secret {name:?} is no text", selector.key);
            mendable(Error::new(ErrorKind::Malformed, what))
        })?;
        out.push(Secret::new(text.trim().to_owned()));
    }
    out.try_into().map_err(|_| Error::new(ErrorKind::Internal, "a value of a Secret got lost"))
}

fn missing(what: &str, selector: &SecretKeySelector, unread: &Unread, namespace: &str) -> Error {
    let SecretKeySelector { name, key, .. } = selector;
    let (kind, why) = match unread {
        Unread::Missing(_) => (
            ErrorKind::NotFound,
            format!("failed to get secret {name:?}: {unread}; make it in the namespace {namespace}"),
        ),
        Unread::Lacking(..) => (
            ErrorKind::NotFound,
            format!("the secret {name:?} does not have key {key:?}; add it to the Secret in the namespace {namespace}"),
        ),
        Unread::Refused(_) => (ErrorKind::Unreachable, format!("failed to get secret {name:?}: {unread}")),
    };
    mendable(Error::new(kind, format!("{what}: {why}")))
}
