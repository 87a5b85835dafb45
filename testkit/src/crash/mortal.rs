//! A transport and a store whose calls are effects.

use acme_core::{Entry, Error, Expect, Key, Page, Prefix, Secret, Store, Transport, Version};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

use super::Effects;

/// A transport whose every request is an effect.
pub struct MortalTransport<T> {
    inner: T,
    effects: Effects,
}

impl<T: Transport> MortalTransport<T> {
    /// Counts what goes through `inner`.
    pub fn new(inner: T, effects: &Effects) -> Self {
        Self { inner, effects: effects.clone() }
    }
}

#[async_trait]
impl<T: Transport> Transport for MortalTransport<T> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let name = format!("{} {}", request.method(), request.uri());
        self.effects.perform(name, self.inner.send(request)).await
    }
}

/// A store whose every change is an effect; reads change nothing and are not counted.
pub struct MortalStore<S> {
    inner: S,
    effects: Effects,
}

impl<S: Store> MortalStore<S> {
    /// Counts the changes made to `inner`.
    pub fn new(inner: S, effects: &Effects) -> Self {
        Self { inner, effects: effects.clone() }
    }
}

#[async_trait]
impl<S: Store> Store for MortalStore<S> {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, Error> {
        self.inner.get(key).await
    }

    async fn put(&self, key: &Key, value: Secret<Vec<u8>>, expect: Expect) -> Result<Version, Error> {
        self.effects.perform(format!("put {key}"), self.inner.put(key, value, expect)).await
    }

    async fn delete(&self, key: &Key, expect: Expect) -> Result<(), Error> {
        self.effects.perform(format!("delete {key}"), self.inner.delete(key, expect)).await
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Key>) -> Result<Page, Error> {
        self.inner.list(prefix, after).await
    }
}
