//! Events that wait to be written: a bounded number of them, for a bounded time.

use std::collections::VecDeque;
use std::time::Duration;

use acme_core::Timestamp;

use super::{Event, Severity};

/// Events that wait to be written, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Backlog(VecDeque<(Timestamp, Event)>);

impl Backlog {
    /// Puts an Event behind the others, and answers the one that has to go for it: in a storm those that ask nobody to act, then the oldest.
    pub(super) fn push(&mut self, event: Event, now: Timestamp) -> Option<Event> {
        let mut dropped = None;
        if self.0.len() >= MOST {
            let calm = self.0.iter().position(|(_, it)| it.severity == Severity::Normal);
            dropped = match (calm, event.severity) {
                (None, Severity::Normal) => return Some(event),
                (Some(at), Severity::Normal | Severity::Warning) => self.0.remove(at),
                (None, Severity::Warning) => self.0.pop_front(),
            };
        }
        self.0.push_back((now, event));
        dropped.map(|(_, event)| event)
    }

    /// The next one.
    pub(super) fn pop(&mut self) -> Option<Event> {
        self.0.pop_front().map(|(_, event)| event)
    }

    /// The next one that asks somebody to act: in a storm the others wait.
    pub(super) fn pop_urgent(&mut self) -> Option<Event> {
        let at = self.0.iter().position(|(_, it)| it.severity == Severity::Warning)?;
        self.0.remove(at).map(|(_, event)| event)
    }

    /// One that waited for so long that it is no news any more.
    pub(super) fn pop_old(&mut self, now: Timestamp) -> Option<Event> {
        let (since, _) = self.0.front()?;
        if now.since(*since) > LONGEST_WAIT { self.pop() } else { None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Events that wait to be written.
const MOST: usize = 1000;

/// How long one may wait.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Regarding;
    use crate::key::{Name, Uid};

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn event(severity: Severity, at: usize) -> Event {
        let name = Name::new("shop", format!("web-{at}"));
        let regarding =
            Regarding { api_version: "cert-manager.io/v1", kind: "Certificate", name, uid: Uid::parse("u") };
        Event { regarding, severity, reason: "Issuing".into(), note: String::new(), controller: "certificates-issuing" }
    }

    fn left(backlog: &mut Backlog) -> Vec<Event> {
        std::iter::from_fn(|| backlog.pop()).collect()
    }

    #[test]
    fn in_a_storm_what_asks_nobody_to_act_goes_first() {
        let (mut backlog, warning) = (Backlog::default(), event(Severity::Warning, 0));
        backlog.push(warning.clone(), NOW);
        for at in 1..MOST {
            assert_eq!(backlog.push(event(Severity::Normal, at), NOW), None);
        }
        let another = event(Severity::Warning, MOST);
        assert_eq!(backlog.push(another.clone(), NOW), Some(event(Severity::Normal, 1)));
        let left = left(&mut backlog);
        assert_eq!((left.len(), left.first(), left.last()), (MOST, Some(&warning), Some(&another)));
    }

    #[test]
    fn where_all_ask_somebody_to_act_the_oldest_goes() {
        let mut backlog = Backlog::default();
        for at in 0..MOST {
            backlog.push(event(Severity::Warning, at), NOW);
        }
        let calm = event(Severity::Normal, MOST);
        assert_eq!(backlog.push(calm.clone(), NOW), Some(calm));
        assert_eq!(backlog.push(event(Severity::Warning, MOST), NOW), Some(event(Severity::Warning, 0)));
        assert_eq!(left(&mut backlog).len(), MOST);
    }

    #[test]
    fn what_asks_somebody_to_act_does_not_wait_with_the_others() {
        let mut backlog = Backlog::default();
        for (at, severity) in [Severity::Normal, Severity::Warning, Severity::Normal].into_iter().enumerate() {
            backlog.push(event(severity, at), NOW);
        }
        assert_eq!(backlog.pop_urgent(), Some(event(Severity::Warning, 1)));
        assert_eq!(backlog.pop_urgent(), None);
        assert_eq!(left(&mut backlog), [event(Severity::Normal, 0), event(Severity::Normal, 2)]);
        assert!(backlog.is_empty());
    }

    #[test]
    fn what_waited_for_ten_minutes_is_no_news() {
        let mut backlog = Backlog::default();
        backlog.push(event(Severity::Warning, 0), NOW);
        let (last, later) = (event(Severity::Warning, 1), NOW + Duration::from_secs(1));
        backlog.push(last.clone(), later);
        assert_eq!(backlog.pop_old(later + LONGEST_WAIT), Some(event(Severity::Warning, 0)));
        assert_eq!(backlog.pop_old(later + LONGEST_WAIT), None);
        assert_eq!(left(&mut backlog), [last]);
    }
}
