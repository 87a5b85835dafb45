//! The test that most Certificates pass most of the time: nothing is to be done, by what the tables say alone.

use acme_core::Timestamp;
use acme_core::flow::Next;

use super::{Action, wait};

/// What the tables say of a Certificate without its specification.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Content {
    /// Its status says that all is well, about this very generation, and that nothing is under way.
    pub(crate) is_content: bool,
    /// The metadata of its Secret prove key, certificate, and all that belongs beside them.
    pub(crate) is_proven: bool,
    /// It owns the Secret.
    pub(crate) is_owner: bool,
    /// It has requests or next keys that it should not have.
    pub(crate) has_leftovers: bool,
    pub(crate) not_after: Option<Timestamp>,
    pub(crate) renewal: Option<Timestamp>,
    /// When its issuer is asked when it should be renewed.
    pub(crate) asked_at: Option<Timestamp>,
}

/// Until when nothing is to be done; `None` when a plan is needed.
pub(crate) fn rest(content: &Content, now: Timestamp) -> Option<Next<Action, ()>> {
    let Content { is_content, is_proven, is_owner, has_leftovers, not_after, renewal, asked_at } = *content;
    let end = not_after?;
    let at = renewal.into_iter().chain(asked_at).fold(end, Timestamp::min);
    let rests = is_content && is_proven && is_owner && !has_leftovers && !at.is_due(now);
    rests.then(|| wait(at, "the certificate is renewed"))
}
