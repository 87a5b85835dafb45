//! The list of an account's orders (RFC 8555 section 7.1.2.1), where the server has one.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use futures_util::future::join_all;
use serde::Deserialize;

use super::{OrderList, Session};
use crate::client::{Answer as Said, Reply};
use crate::protocol::{NewOrder, Order, OrderStatus, Url};
use crate::{Error, ErrorKind, Identifier, limits};

/// One page of an account's orders.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrderPage {
    /// Where the orders are, as the server lists them.
    pub orders: Vec<Url>,
    /// Where the next page is; ask [`Session::orders`] for it.
    pub next: Option<Url>,
}

impl Session {
    /// A page of the account's orders, the first when `page` is none; `None` where the server keeps no list.
    ///
    /// # Errors
    /// As the server answers.
    pub async fn orders(&self, page: Option<&Url>) -> Result<Option<OrderPage>, Error> {
        let doing = "reading the account's orders";
        let url = match page {
            Some(page) => page.clone(),
            None => match self.order_list().await? {
                Some(list) => list,
                None => return Ok(None),
            },
        };
        let answer = self.post(&url, b"", doing).await?;
        let Listed { orders } = answer.json(doing)?;
        let next = answer.links.iter().find(|it| it.is("next"));
        Ok(Some(OrderPage { orders, next: next.map(|it| it.target.clone()).filter(|it| *it != url) }))
    }

    /// The newest unfinished order for the same, so that an order whose URL was lost is taken up again.
    pub(super) async fn find_order(&self, wanted: &NewOrder) -> Result<Reply, Error> {
        let listed = self.all_orders().await?;
        let candidates = newest_and_oldest(&listed);
        let now = self.directory().now();
        let names: BTreeSet<&Identifier> = wanted.identifiers.iter().collect();
        let mut found: Option<Found> = None;
        for urls in candidates.chunks(AT_ONCE) {
            for read in join_all(urls.iter().map(|url| self.read_order(url))).await {
                let reply = match read {
                    Ok(reply) => reply,
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                };
                let Said::Order { url, order } = reply.answer else {
                    continue;
                };
                let unexpired = order.expires.is_none_or(|it| !it.is_due(now));
                let newer = found.as_ref().is_none_or(|it| it.order.expires < order.expires);
                if unexpired && newer && is_for(&order, wanted, &names) {
                    found = Some(Found { url, order, retry_after: reply.retry_after });
                }
            }
        }
        Ok(match found {
            Some(Found { url, order, retry_after }) => Reply::new(Said::Order { url, order }, retry_after),
            None => Reply::new(Said::Nothing, None),
        })
    }

    async fn all_orders(&self) -> Result<Vec<Url>, Error> {
        let mut listed = Vec::new();
        let mut page = None;
        for _ in 0..limits::ORDER_PAGES {
            let Some(OrderPage { orders, next }) = self.orders(page.as_ref()).await? else {
                break;
            };
            listed.extend(orders);
            if next.is_none() {
                break;
            }
            page = next;
        }
        Ok(listed)
    }

    async fn order_list(&self) -> Result<Option<Url>, Error> {
        if let OrderList::Unknown = self.known_list() {
            self.account_object().await?;
        }
        match self.known_list() {
            OrderList::At(url) => Ok(Some(url)),
            OrderList::Nowhere | OrderList::Unknown => Ok(None),
        }
    }

    fn known_list(&self) -> OrderList {
        self.0.orders.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Found {
    url: Url,
    order: Order,
    retry_after: Option<Duration>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    orders: Vec<Url>,
}

/// The orders to read: all, or of a long list both ends, since servers list either way; what came last goes first.
fn newest_and_oldest(listed: &[Url]) -> Vec<Url> {
    let half = limits::ORDERS_READ / 2;
    let backwards = listed.iter().rev();
    if listed.len() <= limits::ORDERS_READ {
        backwards.cloned().collect()
    } else {
        backwards.take(half).chain(listed.iter().take(half)).cloned().collect()
    }
}

fn is_for(order: &Order, wanted: &NewOrder, names: &BTreeSet<&Identifier>) -> bool {
    let unfinished = match order.status {
        OrderStatus::Pending | OrderStatus::Ready | OrderStatus::Processing => true,
        OrderStatus::Valid | OrderStatus::Invalid | OrderStatus::Other(_) => false,
    };
    let seconds = |at: Option<crate::Timestamp>| at.map(crate::Timestamp::unix_seconds);
    // Servers may name the profile they chose where none was asked for.
    let same_profile = wanted.profile.is_none() || wanted.profile == order.profile;
    unfinished
        && same_profile
        && seconds(order.not_before) == seconds(wanted.not_before)
        && seconds(order.not_after) == seconds(wanted.not_after)
        && order.identifiers.iter().collect::<BTreeSet<_>>() == *names
}

/// Orders read side by side.
const AT_ONCE: usize = 8;
