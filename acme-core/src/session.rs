//! An account at work: the calls of [`Client`], and what an owner does with the account itself.

mod account;
mod chain;
mod hand;
mod orders;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use serde_json::json;

use crate::client::{Answer as Said, Call, Client, Needs, Reply};
use crate::directory::{Answer, Author, Endpoint, Post, Revoker, to_json};
use crate::protocol::{AccountObject, NewOrder, Order, Url};
use crate::{Directory, Error, ErrorKind, Signer};

pub use orders::OrderPage;

pub(crate) use hand::Hand;

use hand::Keyed;

/// An account at a certificate authority, and the key to it. Clones share everything.
///
/// Get one from [`Directory::register`], [`Directory::find`] or [`Directory::session`]; order with it through [`Client`].
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    directory: Directory,
    hand: Box<dyn Hand>,
    account: Url,
    orders: Mutex<OrderList>,
    contact: Mutex<Option<Vec<String>>>,
}

/// Where the account's orders are listed.
#[derive(Clone)]
enum OrderList {
    Unknown,
    Nowhere,
    At(Url),
}

impl Session {
    pub(crate) fn new(directory: Directory, key: Arc<dyn Signer>, account: Url) -> Result<Self, Error> {
        Ok(Self::by_hand(directory, Box::new(Keyed::new(key)?), account))
    }

    pub(crate) fn by_hand(directory: Directory, hand: Box<dyn Hand>, account: Url) -> Self {
        Self(Arc::new(Inner {
            directory,
            hand,
            account,
            orders: Mutex::new(OrderList::Unknown),
            contact: Mutex::default(),
        }))
    }

    /// The certificate authority.
    pub fn directory(&self) -> &Directory {
        &self.0.directory
    }

    /// The account's contacts, where the answer that opened this session showed the account.
    pub fn contact(&self) -> Option<Vec<String>> {
        self.0.contact.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A request of this account, signed.
    pub(crate) async fn sign(&self, nonce: &str, url: &Url, payload: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.hand.sign(&self.0.account, nonce, url, payload).await
    }

    /// Remembers what an account object tells.
    pub(crate) fn learn(&self, object: &AccountObject) {
        let list = match &object.orders {
            Some(url) => OrderList::At(url.clone()),
            None => OrderList::Nowhere,
        };
        *self.0.orders.lock().unwrap_or_else(PoisonError::into_inner) = list;
        *self.0.contact.lock().unwrap_or_else(PoisonError::into_inner) = Some(object.contact.clone());
    }

    /// Signs with the account and sends; an empty payload is POST-as-GET.
    async fn post(&self, url: &Url, payload: &[u8], doing: &str) -> Result<Answer, Error> {
        self.0
            .directory
            .post(self.request(url, payload))
            .await
            .map_err(|error| error.while_doing(doing))?
            .success(doing)
    }

    fn request<'a>(&'a self, url: &'a Url, payload: &'a [u8]) -> Post<'a> {
        Post { author: Author::Account(self), url, payload, accept: None }
    }

    async fn new_order(&self, order: &NewOrder) -> Result<Reply, Error> {
        let doing = "making an order";
        self.offers(order).await?;
        let payload = to_json(order)?;
        let payload = payload.as_slice();
        let ask = |url: Url| async move { self.0.directory.post(self.request(&url, payload)).await }.boxed();
        let answer = self
            .0
            .directory
            .at(Endpoint::NewOrder, ask)
            .await
            .map_err(|error| error.while_doing(doing))?
            .success(doing)?;
        let url = answer.require_location(doing)?;
        order_reply(&answer, url, doing)
    }

    /// A profile that the directory does not list must not be asked for (draft-ietf-acme-profiles section 4).
    async fn offers(&self, order: &NewOrder) -> Result<(), Error> {
        let Some(profile) = &order.profile else {
            return Ok(());
        };
        let directory = &self.0.directory;
        let object = directory.load(|it| it.meta.profiles.contains_key(profile)).await?;
        if object.meta.profiles.contains_key(profile) {
            return Ok(());
        }
        let offered: Vec<&str> = object.meta.profiles.keys().map(String::as_str).collect();
        let offered =
            if offered.is_empty() { "none".to_owned() } else { crate::text::printable(&offered.join(", "), 400) };
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("{} does not offer the profile {profile:?}; it offers {offered}", directory.url()),
        ))
    }

    async fn read_order(&self, url: &Url) -> Result<Reply, Error> {
        let doing = "reading an order";
        let answer = self.post(url, b"", doing).await?;
        order_reply(&answer, url.clone(), doing)
    }

    async fn finalize(&self, url: &Url, csr: &[u8]) -> Result<Reply, Error> {
        let doing = "finalizing an order";
        let payload = to_json(&json!({ "csr": BASE64_URL_SAFE_NO_PAD.encode(csr) }))?;
        let answer = self.post(url, &payload, doing).await?;
        // RFC 8555 section 7.4 shows a Location here without demanding it; callers know their order's URL.
        let order = answer.location.clone().unwrap_or_else(|| url.clone());
        order_reply(&answer, order, doing)
    }

    async fn authorization(&self, url: &Url, payload: &[u8], doing: &str) -> Result<Reply, Error> {
        let answer = self.post(url, payload, doing).await?;
        let authorization = answer.json(doing)?;
        Ok(Reply::new(Said::Authorization(authorization), answer.retry_after))
    }

    async fn accept(&self, url: &Url) -> Result<Reply, Error> {
        let doing = "accepting a challenge";
        let answer = self.post(url, b"{}", doing).await?;
        let challenge = answer.json(doing)?;
        Ok(Reply::new(Said::Challenge(challenge), answer.retry_after))
    }
}

#[async_trait]
impl Client for Session {
    async fn call(&self, call: &Call) -> Result<Reply, Error> {
        match call {
            Call::NewOrder(order) => self.new_order(order).await,
            Call::FindOrder(order) => self.find_order(order).await,
            Call::ReadOrder(url) => self.read_order(url).await,
            Call::ReadAuthorization(url) => self.authorization(url, b"", "reading an authorization").await,
            Call::Accept(url) => self.accept(url).await,
            Call::Finalize { url, csr } => self.finalize(url, csr).await,
            Call::Download { url, alternates } => self.download(url, *alternates).await,
            Call::Deactivate(url) => {
                let payload = br#"{"status":"deactivated"}"#;
                self.authorization(url, payload, "deactivating an authorization").await
            }
        }
    }

    fn account(&self) -> &Url {
        &self.0.account
    }

    fn thumbprint(&self) -> &str {
        self.0.hand.thumbprint()
    }

    fn lacks(&self, needs: Needs) -> Needs {
        self.0.hand.lacks(needs)
    }

    fn revoker(&self) -> Option<Revoker<'_>> {
        Some(Revoker::Account(self))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({})", self.0.account)
    }
}

fn order_reply(answer: &Answer, url: Url, doing: &str) -> Result<Reply, Error> {
    let order: Order = answer.json(doing)?;
    Ok(Reply::new(Said::Order { url, order }, answer.retry_after))
}
