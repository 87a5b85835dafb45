//! Requests and their answers: user agent, nonces, `badNonce`, and endpoints that move.

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{Method, Request};

use super::Directory;
use super::answer::Answer;
use super::endpoint::Endpoint;
use crate::jose::{self, By, Jwk};
use crate::protocol::{ProblemType, Url};
use crate::{Error, ErrorKind, Session, Signer, limits};

/// A signed request.
#[derive(Clone, Copy)]
pub(crate) struct Post<'a> {
    pub(crate) author: Author<'a>,
    pub(crate) url: &'a Url,
    /// Empty for POST-as-GET.
    pub(crate) payload: &'a [u8],
    pub(crate) accept: Option<&'static str>,
}

/// Who signs a request.
#[derive(Clone, Copy)]
pub(crate) enum Author<'a> {
    /// A key that has no account yet, or needs none.
    Key(&'a dyn Signer, &'a Jwk),
    /// An account.
    Account(&'a Session),
}

impl Author<'_> {
    /// The signed request, as it travels.
    async fn sign(self, nonce: &str, url: &Url, payload: &[u8]) -> Result<Vec<u8>, Error> {
        match self {
            Self::Key(key, jwk) => jose::sign(key, By::Key(jwk), Some(nonce), url, payload).await?.to_json(),
            Self::Account(session) => session.sign(nonce, url, payload).await,
        }
    }
}

impl Directory {
    /// Signs and sends; `badNonce` is retried, every other status is an answer.
    pub(crate) async fn post(&self, post: Post<'_>) -> Result<Answer, Error> {
        let mut given = None;
        let mut retries = 0;
        loop {
            let nonce = match given.take().or_else(|| self.inner.nonces.take()) {
                Some(nonce) => nonce,
                None => self.new_nonce().await?,
            };
            let signed = post.author.sign(&nonce, post.url, post.payload).await?;
            let mut request = self.request(Method::POST, post.url).header(CONTENT_TYPE, "application/jose+json");
            if let Some(accept) = post.accept {
                request = request.header(ACCEPT, accept);
            }
            let mut answer = self.send(post.url, request, signed).await?;
            if !answer.is_problem(&ProblemType::BadNonce) {
                if let Some(nonce) = answer.nonce.take() {
                    self.inner.nonces.put(nonce);
                }
                return Ok(answer);
            }
            self.inner.nonces.clear();
            if retries == limits::BAD_NONCE_RETRIES {
                return Ok(answer);
            }
            retries += 1;
            given = answer.nonce.take();
        }
    }

    /// Asks without a signature.
    pub(crate) async fn get(&self, url: &Url) -> Result<Answer, Error> {
        let request = self.request(Method::GET, url);
        self.unsigned(url, request).await
    }

    /// Asks at an endpoint; when the directory turns out to have moved it, once more at the new place.
    pub(crate) async fn at<'a, F>(&'a self, endpoint: Endpoint, ask: F) -> Result<Answer, Error>
    where
        F: Fn(Url) -> BoxFuture<'a, Result<Answer, Error>> + Send,
    {
        let url = self.endpoint(endpoint).await?;
        let first = ask(url.clone()).await?;
        if first.may_have_moved()
            && let Some(moved) = self.moved(endpoint, &url).await?
        {
            return ask(moved).await;
        }
        Ok(first)
    }

    async fn new_nonce(&self) -> Result<String, Error> {
        let doing = "asking for a nonce";
        // The directory, where it is read first, may come with one.
        self.object().await?;
        if let Some(nonce) = self.inner.nonces.take() {
            return Ok(nonce);
        }
        let ask = |url: Url| {
            async move {
                let request = self.request(Method::HEAD, &url);
                self.send(&url, request, Vec::new()).await
            }
            .boxed()
        };
        let answer = self.at(Endpoint::NewNonce, ask).await?.success(doing)?;
        answer.nonce.ok_or_else(|| {
            let host = answer.url.authority();
            Error::new(ErrorKind::Malformed, format!("{doing}: the answer of {host} holds none"))
        })
    }

    async fn unsigned(&self, url: &Url, request: http::request::Builder) -> Result<Answer, Error> {
        let mut answer = self.send(url, request, Vec::new()).await?;
        if let Some(nonce) = answer.nonce.take() {
            self.inner.nonces.put(nonce);
        }
        Ok(answer)
    }

    fn request(&self, method: Method, url: &Url) -> http::request::Builder {
        Request::builder().method(method).uri(url.as_str()).header(USER_AGENT, self.user_agent.clone())
    }

    async fn send(&self, url: &Url, request: http::request::Builder, body: Vec<u8>) -> Result<Answer, Error> {
        let request = request.body(Bytes::from(body)).map_err(|source| {
            Error::new(ErrorKind::Malformed, format!("{url} cannot be asked: it is no URL of HTTP")).with_source(source)
        })?;
        let method = request.method().clone();
        let response = self.inner.transport.send(request).await?;
        let now = self.inner.clock.now();
        let answer = Answer::read(url, response, now);
        self.observe(&answer, now);
        tracing::debug!(%method, %url, status = answer.status.as_u16(), "answered");
        Ok(answer)
    }
}
