//! Where a request that instant-acme signed is taken from, instead of being sent.
//!
//! instant-acme signs nothing for its own sake: it signs what it sends. So a call of it runs with a desk in front of its HTTP client, which
//! answers at once and locally what comes before, and keeps the signed request that was wanted. Nothing waits, so the call ends within one
//! poll, and the desk stands on the thread that polls: calls at the same time have each their own.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::Future;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Method, Response, StatusCode, request};

/// What is answered, and what is taken.
#[derive(Default)]
pub(super) struct Desk {
    nonce: String,
    directory: Bytes,
    /// Answers to the signed requests that come before the wanted one.
    before: VecDeque<Bytes>,
    taken: Option<Taken>,
}

/// A signed request, not sent.
pub(super) struct Taken {
    pub(super) url: String,
    pub(super) body: Bytes,
}

impl Desk {
    /// A desk that gives out `nonce`.
    pub(super) fn new(nonce: &str) -> Self {
        Self { nonce: nonce.to_owned(), ..Self::default() }
    }

    /// Answers a request for the directory.
    pub(super) fn with_directory(mut self, directory: Vec<u8>) -> Self {
        self.directory = Bytes::from(directory);
        self
    }

    /// Answers one more signed request, before the one that is taken.
    pub(super) fn answering(mut self, body: Vec<u8>) -> Self {
        self.before.push_back(Bytes::from(body));
        self
    }

    /// What was taken.
    pub(super) fn into_taken(self) -> Option<Taken> {
        self.taken
    }

    fn answer(&mut self, head: &request::Parts, body: &Bytes) -> Result<Response<Bytes>, instant_acme::Error> {
        if head.method == Method::HEAD {
            return Ok(Response::builder().header("replay-nonce", &self.nonce).body(Bytes::new())?);
        }
        if head.method == Method::GET {
            return Ok(Response::new(self.directory.clone()));
        }
        match self.before.pop_front() {
            Some(answer) => Ok(Response::builder().status(StatusCode::OK).body(answer)?),
            None => {
                self.taken = Some(Taken { url: head.uri.to_string(), body: body.clone() });
                Err(instant_acme::Error::Str("nothing more: the request was taken"))
            }
        }
    }
}

/// Polls `work` once with `desk` in front of its HTTP client: what it ended with, if it ended, and the desk.
pub(super) fn at<F: Future>(desk: Desk, work: F) -> (Option<F::Output>, Desk) {
    let cleared = Cleared;
    DESK.set(Some(desk));
    let ended = work.now_or_never();
    let desk = DESK.take().unwrap_or_default();
    drop(cleared);
    (ended, desk)
}

/// The answer of the desk that stands on this thread, if there is one.
pub(super) fn answer(head: &request::Parts, body: &Bytes) -> Option<Result<Response<Bytes>, instant_acme::Error>> {
    let mut desk = DESK.take()?;
    let answer = desk.answer(head, body);
    DESK.set(Some(desk));
    Some(answer)
}

/// Leaves no desk behind, even when what stood before it panicked.
struct Cleared;

impl Drop for Cleared {
    fn drop(&mut self) {
        DESK.set(None);
    }
}

thread_local! {
    static DESK: Cell<Option<Desk>> = const { Cell::new(None) };
}
