//! Challenges: records of them, stepped with their Order.

use std::sync::Arc;

use acme_core::Timestamp;

use crate::key::{Identity, Name};
use crate::world::{Changed, Record, World};

/// What is kept of one.
#[derive(Debug)]
pub(crate) struct ChallengeRecord {
    object: Arc<crate::crd::challenge::Challenge>,
}

impl Record for ChallengeRecord {
    type Object = crate::crd::challenge::Challenge;

    fn name(object: &Self::Object) -> Name {
        Name::of(&object.metadata)
    }

    fn identity(object: &Self::Object) -> Option<Identity> {
        Identity::of(&object.metadata)
    }

    fn read(object: Self::Object, _before: Option<Self>) -> Option<Self> {
        Some(Self { object: Arc::new(object) })
    }
}

/// One of them changed.
pub(crate) fn changed(_world: &mut World, changed: Changed<ChallengeRecord>, _now: Timestamp) {
    drop(changed);
}
