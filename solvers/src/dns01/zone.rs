//! Which zone a name lies in: the SOA walk, and what is remembered of it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use acme_core::{DnsName, Timestamp};
use hickory_proto::rr::RecordType;

use super::Resolver;
use crate::{Error, ErrorKind, limits};

impl Resolver {
    /// The apex of the zone that holds `name`, by asking for SOA at the name and at everything above it.
    ///
    /// A name that is an alias is passed over, and one that merely exists is no apex: below a wildcard record every name does. An apex that is an alias itself, as
    /// some services let it be, hides its SOA record; then the zone is the one in whose name something below is denied (RFC 2308 section 2). Found zones are
    /// remembered for the TTL of the SOA record, at most [`limits::ZONE_TTL`].
    ///
    /// # Errors
    /// `Unreachable` when no recursive server gave a usable answer; `NotFound` when no name above is an apex.
    pub async fn zone_of(&self, name: &DnsName) -> Result<DnsName, Error> {
        let now = self.clock().now();
        if let Some(zone) = self.zones.get(name, now) {
            return Ok(zone);
        }
        let mut denier = None;
        let mut rest = Some(name.as_str());
        while let Some(candidate) = rest {
            rest = candidate.split_once('.').map(|(_, parent)| parent);
            let candidate = DnsName::parse(candidate)?;
            let answer = self
                .ask(&candidate, RecordType::SOA)
                .await
                .map_err(|error| error.while_doing(format_args!("finding the zone of {name}")))?;
            if answer.has_alias() {
                continue;
            }
            if denier.is_none() {
                denier = answer.denier().filter(|(zone, _)| holds(zone, &candidate));
            }
            if let Some((apex, ttl)) = answer.apex().filter(|(apex, _)| holds(apex, &candidate)) {
                let zone = denier.map(|(zone, _)| zone).filter(|zone| holds(&apex, zone)).unwrap_or(apex);
                self.zones.put(name, &zone, now, ttl);
                return Ok(zone);
            }
        }
        if let Some((zone, ttl)) = denier {
            self.zones.put(name, &zone, now, ttl);
            return Ok(zone);
        }
        Err(Error::new(
            ErrorKind::NotFound,
            format!(
                "no zone holds {name}: neither it nor any name above has an SOA record; is the domain registered and delegated?"
            ),
        ))
    }
}

/// What was found earlier, by name: zones of names that were asked for, servers of zones.
pub(super) struct ZoneCache<V>(Mutex<HashMap<DnsName, (V, Timestamp)>>);

impl<V> Default for ZoneCache<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V: Clone> ZoneCache<V> {
    pub(super) fn get(&self, name: &DnsName, now: Timestamp) -> Option<V> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).filter(|(_, until)| !until.is_due(now)).map(|(value, _)| value.clone())
    }

    pub(super) fn put(&self, name: &DnsName, value: &V, now: Timestamp, ttl: Duration) {
        let until = now + ttl.min(limits::ZONE_TTL);
        if until.is_due(now) {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= limits::ZONE_CACHE {
            known.retain(|_, (_, until)| !until.is_due(now));
        }
        if known.len() >= limits::ZONE_CACHE {
            known.clear();
        }
        known.insert(name.clone(), (value.clone(), until));
    }
}

/// Whether `name` is `zone` or lies below it.
pub(super) fn holds(zone: &DnsName, name: &DnsName) -> bool {
    name.as_str().strip_suffix(zone.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DnsName {
        DnsName::parse(text).unwrap()
    }

    #[test]
    fn a_zone_is_forgotten_after_its_ttl() {
        let cache = ZoneCache::default();
        let start = Timestamp::from_unix_seconds(1_000);
        cache.put(&name("a.example.org"), &name("example.org"), start, Duration::from_secs(60));
        let later = |seconds| cache.get(&name("a.example.org"), start + Duration::from_secs(seconds));
        assert_eq!(later(59), Some(name("example.org")));
        assert_eq!(later(60), None);
        assert_eq!(cache.get(&name("b.example.org"), start), None);
    }

    #[test]
    fn the_cache_of_zones_is_bounded() {
        let cache = ZoneCache::default();
        for number in 0..=limits::ZONE_CACHE {
            cache.put(
                &name(&format!("a{number}.example.org")),
                &name("example.org"),
                Timestamp::EPOCH,
                Duration::from_secs(60),
            );
        }
        assert!(cache.0.lock().unwrap().len() <= limits::ZONE_CACHE);
    }

    #[test]
    fn zones_hold_whole_labels() {
        assert!(holds(&name("example.org"), &name("a.example.org")));
        assert!(holds(&name("example.org"), &name("example.org")));
        assert!(!holds(&name("example.org"), &name("anexample.org")));
    }
}
