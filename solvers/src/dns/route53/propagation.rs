//! Changes that Route 53 took and has not put on all its servers yet.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acme_core::{Error, ErrorKind, Retry, Timestamp};
use bytes::Bytes;
use http::Method;

use super::service::{Service, VERSION};
use super::wire::{self, ChangeInfo};
use crate::dns::http_api::bare;
use crate::{Readiness, limits};

/// Which change each value is in, while Route 53 calls it PENDING; at most [`limits::ROUTE53_CHANGES`].
#[derive(Default)]
pub(super) struct Changes(Mutex<Held>);

#[derive(Default)]
struct Held {
    changes: HashMap<String, String>,
    looked: HashMap<String, Timestamp>,
    /// The credentials may not look: the DNS alone shows.
    may_not_look: bool,
}

impl Changes {
    /// `values` (quoted) are in a change that was taken.
    pub(super) fn remember<'a>(&self, change: ChangeInfo, values: impl Iterator<Item = &'a String>) {
        let mut held = self.held();
        if change.is_in_sync || held.may_not_look {
            return;
        }
        for value in values {
            if held.changes.len() >= limits::ROUTE53_CHANGES {
                held.changes.clear();
                held.looked.clear();
            }
            held.changes.insert(bare(value).to_owned(), change.id.clone());
        }
    }

    /// One look for all the values of a change, and no more often than is of use.
    pub(super) async fn look(&self, value: &str, service: &Service) -> Result<Readiness, Error> {
        let now = service.client.clock().now();
        let Some(change) = self.due(value, now) else { return Ok(Readiness::Ready) };
        let not_yet = |again_after| Readiness::NotYet {
            again_after,
            missing: format!("Route 53 has not put the change {} on all its name servers yet", change.id),
        };
        if let Some(again_after) = change.again_after {
            return Ok(not_yet(again_after));
        }
        let path = format!("{VERSION}/change/{}", change.id);
        let answer =
            service.ask("route53:GetChange on arn:aws:route53:::change/*", Method::GET, path, Bytes::new()).await;
        match answer {
            Ok(answer) if wire::change(&answer)?.is_in_sync => {
                self.held().forget(&change.id);
                Ok(Readiness::Ready)
            }
            Ok(_) => Ok(not_yet(AGAIN)),
            Err(error) if error.kind() == ErrorKind::Unauthorized && error.retry() == Retry::Never => {
                tracing::warn!(%error, "allow route53:GetChange to see when a change is served; until then the DNS alone is asked");
                let mut held = self.held();
                *held = Held { may_not_look: true, ..Held::default() };
                Ok(Readiness::Ready)
            }
            // Changes are forgotten by Route 53, too.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.held().forget(&change.id);
                Ok(Readiness::Ready)
            }
            Err(error) if error.kind() == ErrorKind::Busy => Ok(not_yet(match error.retry() {
                Retry::After(wait) => wait,
                Retry::Backoff | Retry::Never => AGAIN,
            })),
            Err(error) => Err(error),
        }
    }

    fn due(&self, value: &str, now: Timestamp) -> Option<Due> {
        let mut held = self.held();
        let id = held.changes.get(value)?.clone();
        let again_after =
            held.looked.get(&id).map(|at| AGAIN.saturating_sub(now.since(*at))).filter(|it| !it.is_zero());
        if again_after.is_none() {
            held.looked.insert(id.clone(), now);
        }
        Some(Due { id, again_after })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn forget(&mut self, change: &str) {
        self.changes.retain(|_, it| it != change);
        self.looked.remove(change);
    }
}

struct Due {
    id: String,
    again_after: Option<Duration>,
}

/// cert-manager's and lego's interval; changes take half a minute.
const AGAIN: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_on_their_way_are_bounded_in_number() {
        let changes = Changes::default();
        for number in 0..=limits::ROUTE53_CHANGES {
            let change = ChangeInfo { id: format!("C{number}"), is_in_sync: false };
            changes.remember(change, [format!("\"v{number}\"")].iter());
            changes.due(&format!("v{number}"), Timestamp::EPOCH).unwrap();
        }
        let held = changes.held();
        assert!(held.changes.len() <= limits::ROUTE53_CHANGES);
        assert!(held.looked.len() <= limits::ROUTE53_CHANGES);
        assert!(held.changes.contains_key(&format!("v{}", limits::ROUTE53_CHANGES)), "the newest is remembered");
    }
}
