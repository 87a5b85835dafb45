//! HTTP-01 in front of a service that already listens on port 80.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use acme_core::protocol::KeyAuthorization;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::token_in;
use crate::Answers;

/// Answers validators from a table, and lets every other request through to the service behind it.
///
/// A request for a token that the table does not know goes through too, but not before a table that a fleet shares has answered: the service behind is `Clone`,
/// as those of axum and tower are. Give the same [`Answers`] to an [`Http01`](crate::Http01).
#[derive(Debug, Clone)]
pub struct AnswerLayer {
    answers: Answers,
}

impl AnswerLayer {
    /// A layer that reads `answers`.
    pub fn new(answers: Answers) -> Self {
        Self { answers }
    }
}

impl<S> Layer<S> for AnswerLayer {
    type Service = AnswerService<S>;

    fn layer(&self, inner: S) -> AnswerService<S> {
        AnswerService { answers: self.answers.clone(), inner }
    }
}

/// What [`AnswerLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct AnswerService<S> {
    answers: Answers,
    inner: S,
}

impl<S, A, B> Service<Request<A>> for AnswerService<S>
where
    S: Service<Request<A>, Response = Response<B>> + Clone,
    B: From<Bytes>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = AnswerFuture<S, A, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let Some((host, token)) = question_of(&request) else {
            return AnswerFuture(Answering::Theirs(Box::pin(self.inner.call(request))));
        };
        if self.answers.is_shared() {
            let (answers, host, token) = (self.answers.clone(), host.to_owned(), token.to_owned());
            let sought = Box::pin(async move { answers.seek_http(&host, &token).await });
            // The one that is ready waits, a copy takes its place.
            let copy = self.inner.clone();
            let ready = std::mem::replace(&mut self.inner, copy);
            return AnswerFuture(Answering::Sought(sought, Some((ready, request))));
        }
        match self.answers.http(host, token) {
            Some(answer) => AnswerFuture(Answering::Ours(Some(response(&answer)))),
            None => AnswerFuture(Answering::Theirs(Box::pin(self.inner.call(request)))),
        }
    }
}

/// The answer of [`AnswerService`]: from the table, or from the service behind, which is called only where the table has none.
pub struct AnswerFuture<S: Service<Request<A>>, A, B>(Answering<S, A, B>);

enum Answering<S: Service<Request<A>>, A, B> {
    Ours(Option<Response<B>>),
    /// Theirs when nothing is found.
    Sought(Sought, Option<(S, Request<A>)>),
    Theirs(Pin<Box<S::Future>>),
}

type Sought = Pin<Box<dyn Future<Output = Option<KeyAuthorization>> + Send>>;

// Nothing is pinned in place: the response, the service and the request are moved out, the future lies in its own box.
impl<S: Service<Request<A>>, A, B> Unpin for AnswerFuture<S, A, B> {}

impl<S, A, B> Future for AnswerFuture<S, A, B>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: From<Bytes>,
{
    type Output = Result<Response<B>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Answering::Sought(sought, theirs) = &mut self.0 {
            let found = std::task::ready!(sought.as_mut().poll(context));
            self.0 = match (found, theirs.take()) {
                (None, Some((mut theirs, request))) => Answering::Theirs(Box::pin(theirs.call(request))),
                (found, _) => Answering::Ours(found.as_ref().map(response)),
            };
        }
        match &mut self.0 {
            Answering::Ours(response) => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending,
            },
            Answering::Theirs(future) => future.as_mut().poll(context),
            Answering::Sought(..) => Poll::Pending,
        }
    }
}

impl<S: Service<Request<A>>, A, B> std::fmt::Debug for AnswerFuture<S, A, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnswerFuture").finish_non_exhaustive()
    }
}

/// Host and token, where a validator may ask.
fn question_of<A>(request: &Request<A>) -> Option<(&str, &str)> {
    if request.method() != Method::GET {
        return None;
    }
    let token = token_in(request.uri().path())?;
    let host = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => request.headers().get(HOST)?.to_str().ok()?,
    };
    Some((host, token))
}

fn response<B: From<Bytes>>(answer: &KeyAuthorization) -> Response<B> {
    let mut response = Response::new(B::from(Bytes::copy_from_slice(answer.as_str().as_bytes())));
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
