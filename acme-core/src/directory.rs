//! One certificate authority: its endpoints, its nonces, its clock, and what can be asked of it without an account.

mod account;
mod answer;
mod endpoint;
mod exchange;
pub mod headers;
mod nonces;
mod revocation;
mod skew;
pub(crate) mod verdict;

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use http::HeaderValue;

use crate::protocol::{CertificateId, DirectoryObject, RenewalInfo, Url};
use crate::{Clock, Error, Timestamp, Transport};

pub use revocation::Revoker;
pub use skew::Skew;

pub(crate) use account::to_json;
pub(crate) use answer::Answer;
pub(crate) use endpoint::Endpoint;
pub(crate) use exchange::{Author, Post};

use endpoint::Failure;
use nonces::Nonces;

/// A certificate authority that speaks ACME: one per URL and trust settings, shared by all accounts of a process. Clones share everything.
///
/// Make an account with [`register`](Self::register), find one with [`find`](Self::find), or take up one whose URL
/// was kept with [`session`](Self::session).
#[derive(Clone)]
pub struct Directory {
    inner: Arc<Inner>,
    user_agent: HeaderValue,
}

struct Inner {
    url: Url,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    object: RwLock<Option<Arc<DirectoryObject>>>,
    /// Held by the one who fetches; holds what came of the last attempt, when it failed.
    fetching: futures_util::lock::Mutex<Option<Failure>>,
    /// Fetches that ended.
    rounds: AtomicU64,
    nonces: Nonces,
    skew: Mutex<Option<Skew>>,
}

impl Directory {
    /// The directory at `url`. Nothing is sent before something is asked.
    pub fn new(url: Url, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner: Arc::new(Inner {
                url,
                transport,
                clock,
                object: RwLock::new(None),
                fetching: futures_util::lock::Mutex::new(None),
                rounds: AtomicU64::new(0),
                nonces: Nonces::default(),
                skew: Mutex::new(None),
            }),
            user_agent: HeaderValue::from_static(OURS),
        }
    }

    /// Puts the name of the program in front of ours in `User-Agent` (RFC 8555 section 6.1): `shop/1.2`. What no header may hold is left out.
    #[must_use]
    pub fn with_user_agent(mut self, program: &str) -> Self {
        let program: String = program.chars().filter(|it| it.is_ascii_graphic() || *it == ' ').take(256).collect();
        let text = format!("{} {OURS}", program.trim());
        if let Ok(value) = HeaderValue::try_from(text.trim()) {
            self.user_agent = value;
        }
        self
    }

    /// Where it is.
    pub fn url(&self) -> &Url {
        &self.inner.url
    }

    /// This machine's clock and the server's, as the last answer showed them; none before the first.
    pub fn skew(&self) -> Option<Skew> {
        *self.inner.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error to report when this machine's clock is off by an hour or more; none before the first answer.
    pub fn clock_fault(&self) -> Option<Error> {
        self.skew()?.fault(self.inner.url.authority())
    }

    /// When the server would like `certificate` renewed (RFC 9773 section 4). Asked without an account.
    ///
    /// # Errors
    /// `Unsupported` when the server has no renewal information, `NotFound` when it does not know the certificate, else as it answers.
    pub async fn renewal_info(&self, certificate: &CertificateId) -> Result<RenewalReply, Error> {
        let doing = "reading renewal information";
        let id = certificate.as_str().to_owned();
        let ask = |base: Url| {
            let url = format!("{}/{id}", base.as_str().trim_end_matches('/'));
            async move { self.get(&Url::parse(&url)?).await }.boxed()
        };
        let answer = self.at(Endpoint::RenewalInfo, ask).await?.success(doing)?;
        Ok(RenewalReply { info: answer.json(doing)?, retry_after: answer.retry_after })
    }

    /// What it sends over.
    #[cfg(all(feature = "instant-acme-0-8", any(feature = "aws-lc-rs", feature = "ring")))]
    pub(crate) fn transport(&self) -> Arc<dyn Transport> {
        Arc::clone(&self.inner.transport)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    fn observe(&self, answer: &Answer, now: Timestamp) {
        if let Some(there) = answer.date {
            *self.inner.skew.lock().unwrap_or_else(PoisonError::into_inner) = Some(Skew::new(now, there));
        }
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Directory({})", self.inner.url)
    }
}

/// Renewal information, and when to ask again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenewalReply {
    /// What was answered.
    pub info: RenewalInfo,
    /// How long the server wants us to wait before we ask again.
    pub retry_after: Option<Duration>,
}

impl RenewalReply {
    /// A reply, for tests of those who ask.
    pub fn new(info: RenewalInfo, retry_after: Option<Duration>) -> Self {
        Self { info, retry_after }
    }
}

const OURS: &str = concat!("certwright/", env!("CARGO_PKG_VERSION"));
