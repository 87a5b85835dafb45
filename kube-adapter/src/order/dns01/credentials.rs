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
    /// The flag that would let the issuer use what this process runs with.
    pub(super) ambient_flag: &'static str,
}

impl<'a> Credentials<'a> {
    /// Those of an issuer; one of the cluster has no namespace.
    pub(crate) fn of(context: &'a Context, issuer: &Name) -> Self {
        let namespace = match issuer.namespace() {
            "" => context.settings.cluster_resource_namespace.as_str(),
            namespace => namespace,
        };
        let ambient_flag = match issuer.namespace() {
            "" => "--cluster-issuer-ambient-credentials",
            _ => "--issuer-ambient-credentials",
        };
        let ambient = context.settings.ambient_credentials.of(issuer);
        Self { context, namespace: namespace.into(), ambient, ambient_flag }
    }

    /// How two of cert-manager's solvers say that a Secret lacks a key.
    pub(super) fn not_found(&self, selector: &SecretKeySelector) -> String {
        format!("specified key {:?} not found in secret {}/{}", selector.key, self.namespace, selector.name)
    }

    /// The way to DNS services.
    ///
    /// # Errors
    /// When none can be made.
    pub(super) fn transport(&self) -> Result<Arc<dyn Transport>, Error> {
        services::transport(self.context)
    }

    /// What `make` makes of values of Secrets: read at once, so that what is wrong with them is told before a service is asked, and again after it was refused.
    ///
    /// # Errors
    /// As [`read`](Self::read), and what `make` says.
    pub(super) async fn source<T: Send + Sync + 'static, const N: usize>(
        &self,
        values: [Value; N],
        make: impl Fn([Secret<String>; N]) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Result<Arc<dyn CredentialSource<T>>, Error> {
        let (api, namespace) = (self.context.api.clone(), Arc::clone(&self.namespace));
        let source = Refreshing::new(FromSecrets { api, namespace, values, make });
        source.credential(self.context.now()).await?;
        Ok(Arc::new(source))
    }

    /// One value of a Secret, now.
    ///
    /// # Errors
    /// `NotFound` for a Secret or a key in it that is not there, `Malformed` for what is no text, `Unreachable` when the API server does not answer.
    pub(super) async fn read(&self, value: Value) -> Result<Secret<String>, Error> {
        let [value] = read(&self.context.api, &self.namespace, &[value]).await?;
        Ok(value)
    }
}

/// A value of a Secret, and cert-manager's words for when it cannot be had: each of its solvers has its own.
pub(super) struct Value {
    selector: SecretKeySelector,
    unread: String,
    lacking: String,
}

impl Value {
    /// The value that `selector` names. `unread` goes in front of why the Secret cannot be read, `lacking` is said when it lacks the key.
    pub(super) fn new(selector: &SecretKeySelector, unread: impl Into<String>, lacking: impl Into<String>) -> Self {
        Self { selector: selector.clone(), unread: unread.into(), lacking: lacking.into() }
    }

    fn missing(&self, unread: &Unread, namespace: &str) -> Error {
        let SecretKeySelector { name, key, .. } = &self.selector;
        let Self { unread: said, lacking, .. } = self;
        let (kind, what) = match unread {
            Unread::Missing(_) => {
                (ErrorKind::NotFound, format!("{said}{unread}; make it in the namespace {namespace}"))
            }
            Unread::Lacking(..) => (
                ErrorKind::NotFound,
                format!("{lacking}; add the key {key:?} to the Secret {name:?} in the namespace {namespace}"),
            ),
            Unread::Refused(_) => (ErrorKind::Unreachable, format!("{said}{unread}")),
        };
        mendable(Error::new(kind, what))
    }
}

struct FromSecrets<F, const N: usize> {
    api: Api,
    namespace: Arc<str>,
    values: [Value; N],
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
        let made = (self.make)(values).map_err(|error| match self.values.first() {
            Some(Value { selector, .. }) => {
                let (what, name, namespace) = (error.what(), &selector.name, &self.namespace);
                let what = format!("{what}; correct the Secret {name:?} in the namespace {namespace}");
                mendable(Error::new(error.kind(), what).with_retry(error.retry()))
            }
            None => mendable(error),
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
    values: &[Value; N],
) -> Result<[Secret<String>; N], Error> {
    let mut secrets = Secrets::new(api, Arc::clone(namespace));
    let mut whole = BTreeMap::new();
    let mut out = Vec::with_capacity(N);
    for value in values {
        let SecretKeySelector { name, key, .. } = &value.selector;
        let held = match whole.entry(name.as_str()) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(place) => {
                let read = secrets.whole(name).await;
                place.insert(read.map_err(|unread| value.missing(&unread, namespace))?)
            }
        };
        let found = held.find(key).ok_or_else(|| {
            let lacking = Unread::Lacking(Name::new(Arc::clone(namespace), name.as_str()), key.clone());
            value.missing(&lacking, namespace)
        })?;
        let text = std::str::from_utf8(found.expose()).map_err(|_| {
            let what = format!("{}the key {key:?} of the secret {name:?} is no text", value.unread);
            mendable(Error::new(ErrorKind::Malformed, what))
        })?;
        out.push(Secret::new(text.trim().to_owned()));
    }
    out.try_into().map_err(|_| Error::new(ErrorKind::Internal, "a value of a Secret got lost"))
}
