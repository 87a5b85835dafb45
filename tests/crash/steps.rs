//! The child's side of the pipe: each step is told before and after it is done, and waits for leave.

use std::io::{BufRead as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use acme_core::protocol::ChallengeType;
use acme_core::transport::ReqwestTransport;
use acme_core::{Entry, Error, Expect, Key, Page, Prefix, Secret, Store, Transport, Version};
use async_trait::async_trait;
use bytes::Bytes;
use certstore::FileStore;
use solvers::http01::webroot::Webroot;
use solvers::{Presentation, Readiness, Solver};

/// Tells the parent of each step on standard output, and goes on after a line on standard input, or when that is closed.
#[derive(Clone)]
pub(crate) struct Steps {
    turn: Arc<Mutex<()>>,
    list: List,
}

/// Whether the CA seems to list an account's orders. Pebble always does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Shown,
    Hidden,
}

impl Steps {
    /// Steps of a process that sees the CA's list, or does not.
    pub(crate) fn new(list: List) -> Self {
        Self { turn: Arc::default(), list }
    }

    /// Stops the whole process until the parent has seen the step: it may kill us right here.
    #[expect(clippy::print_stdout, reason = "how the parent learns where we are")]
    pub(crate) fn reach(&self, step: &str) {
        let _one_at_a_time = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // The test harness may have begun a line.
        println!("\nstep {step}");
        let _ = std::io::stdout().flush();
        let _ = std::io::stdin().lock().read_line(&mut String::new());
    }
}

/// Anything whose effects are steps.
pub(crate) struct Told<T> {
    inner: T,
    steps: Steps,
}

impl<T> Told<T> {
    /// Tells of what `inner` does.
    pub(crate) fn new(inner: T, steps: &Steps) -> Self {
        Self { inner, steps: steps.clone() }
    }

    async fn step<O>(&self, name: String, done: impl Future<Output = O>) -> O {
        self.steps.reach(&format!("before {name}"));
        let outcome = done.await;
        self.steps.reach(&format!("after {name}"));
        outcome
    }
}

#[async_trait]
impl Transport for Told<ReqwestTransport> {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Error> {
        // Pebble's paths are a word, and then an id for most.
        let word = request.uri().path().split('/').nth(1).unwrap_or_default().to_owned();
        let mut answer = self.step(format!("{} {word}", request.method()), self.inner.send(request)).await?;
        if self.steps.list == List::Hidden && ["sign-me-up", "my-account"].contains(&word.as_str()) {
            *answer.body_mut() = without_orders(answer.body());
        }
        Ok(answer)
    }
}

#[async_trait]
impl Store for Told<FileStore> {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, Error> {
        self.inner.get(key).await
    }

    async fn put(&self, key: &Key, value: Secret<Vec<u8>>, expect: Expect) -> Result<Version, Error> {
        self.step(format!("put {}", folder(key)), self.inner.put(key, value, expect)).await
    }

    async fn delete(&self, key: &Key, expect: Expect) -> Result<(), Error> {
        self.step(format!("delete {}", folder(key)), self.inner.delete(key, expect)).await
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Key>) -> Result<Page, Error> {
        self.inner.list(prefix, after).await
    }
}

#[async_trait]
impl Solver for Told<Webroot> {
    fn challenge(&self) -> ChallengeType {
        self.inner.challenge()
    }

    async fn present(&self, presentation: &Presentation) -> Result<(), Error> {
        self.step("present".to_owned(), self.inner.present(presentation)).await
    }

    async fn check(&self, presentation: &Presentation) -> Result<Readiness, Error> {
        self.inner.check(presentation).await
    }

    async fn clean_up(&self, presentation: &Presentation) -> Result<(), Error> {
        self.step("clean up".to_owned(), self.inner.clean_up(presentation)).await
    }
}

/// An account as a CA without lists shows it.
fn without_orders(body: &Bytes) -> Bytes {
    match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(serde_json::Value::Object(mut account)) => {
            account.remove("orders");
            serde_json::Value::Object(account).to_string().into()
        }
        _ => body.clone(),
    }
}

/// The folder that a key lies in: which of several certificates or accounts it is plays no part here.
fn folder(key: &Key) -> &str {
    key.as_str().split('/').next().unwrap_or_default()
}
