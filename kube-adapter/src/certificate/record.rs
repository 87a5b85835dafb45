//! What is kept of a Certificate: little of one that is settled, all of one that is not, and what only this process remembers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{PrivateKey, Timestamp};

use super::shelf::{Kept, Shelf};
use super::wanted;
use crate::crd::certificate::Certificate;
use crate::crd::certificate_request::CertificateRequest;
use crate::key::{Identity, Name, Uid, Version};
use crate::moment::Moment;
use crate::plan::certificate::{Answered, Failure, Holding, KeyFacts, Place, is_lack};
use crate::secret::issuer_digest;
use crate::status::Note;
use crate::world::Record;

/// What is kept of a Certificate.
#[derive(Debug)]
pub(crate) struct CertificateRecord {
    pub(super) uid: Uid,
    /// When it was made, in seconds since 1970: the oldest claimant of a Secret owns it.
    pub(super) created: i64,
    pub(super) generation: i64,
    /// The Secret that it wants.
    pub(super) secret: Name,
    /// The Secret that it wanted before, when that changed just now.
    pub(super) left: Option<Name>,
    /// Secrets of passwords.
    pub(super) passwords: Box<[Name]>,
    /// A number that stands for its issuer.
    pub(super) issuer: u64,
    /// A number that stands for what its Secret wears beside key and certificate.
    pub(super) dress: u64,
    pub(super) revision: i64,
    pub(super) history_limit: u32,
    pub(crate) not_before: Moment,
    pub(crate) not_after: Moment,
    pub(crate) renewal: Moment,
    /// When its issuer is asked again when it should be renewed, as the status says.
    pub(super) next_check: Moment,
    /// What its issuer answered.
    pub(super) answered: Option<Box<Answered>>,
    /// Its status says that all is well, about this very generation, and that nothing is under way.
    pub(super) is_content: bool,
    /// Its status says that a certificate is to be issued.
    pub(super) is_issuing: bool,
    /// The whole object, while anything is to be done for it.
    pub(super) whole: Option<Whole>,
    /// What only this process remembers, while anything is to be done for it.
    pub(super) memory: Option<Box<Memory>>,
    /// When this process stored certificates for this generation, during the last hour.
    pub(super) issued: Issuances,
}

impl CertificateRecord {
    /// The memory of it, begun where there is none.
    pub(super) fn memory(&mut self) -> &mut Memory {
        self.memory.get_or_insert_default()
    }

    /// The whole object, where it is kept.
    pub(super) fn object(&self) -> Option<Arc<Certificate>> {
        self.whole.as_ref()?.object()
    }

    /// The whole object, which is worked on from now on.
    pub(super) fn open(&mut self) -> Option<Arc<Certificate>> {
        let object = self.whole.take()?.object()?;
        self.whole = Some(Whole::Open(Arc::clone(&object)));
        Some(object)
    }

    /// Puts what it keeps where it can wait. What there is no room for is read again when it is its turn.
    pub(super) fn shelve(&mut self, shelf: &mut Shelf) {
        if let Some(Whole::Written(text)) = &self.whole {
            self.whole = shelf.put(text).map(|it| Whole::Shelved(Box::new(it)));
        }
    }
}

impl Record for CertificateRecord {
    type Object = Certificate;

    fn name(object: &Self::Object) -> Name {
        Name::of(&object.metadata)
    }

    fn identity(object: &Self::Object) -> Option<Identity> {
        Identity::of(&object.metadata)
    }

    fn read(object: Self::Object, before: Option<Self>) -> Option<Self> {
        let metadata = &object.metadata;
        let uid = Uid::parse(metadata.uid.as_deref()?);
        let generation = metadata.generation.unwrap_or_default();
        let status = object.status.as_ref();
        let time = |it: Option<&crate::crd::time::Time>| Moment::from(it.and_then(|it| it.timestamp()));
        let renewals = status.and_then(|it| it.acme.as_ref()).and_then(|it| it.ari.as_ref());
        let is_content = is_content(&object, generation);
        let revision = status.and_then(|it| it.revision).unwrap_or_default();
        let (before_secret, memory, issued, answered) = match before {
            Some(before) => {
                let is_same = before.generation == generation;
                let mut memory = before.memory;
                if let Some(memory) = memory.as_mut().filter(|_| !is_same) {
                    memory.spec_changed();
                }
                if let Some(memory) = memory.as_mut().filter(|_| before.revision != revision) {
                    memory.attempt_over();
                }
                let issued = if is_same { before.issued } else { Issuances::default() };
                (Some(before.secret), memory, issued, before.answered)
            }
            None => (None, None, Issuances::default(), None),
        };
        let name = Name::of(metadata);
        let secret = match &before_secret {
            Some(before) if before.object() == object.spec.secret_name => before.clone(),
            Some(_) | None => name.beside(&object.spec.secret_name),
        };
        let left = before_secret.filter(|it| *it != secret);
        let mut memory = memory;
        if let Some(memory) = memory.as_mut().filter(|_| left.is_some()) {
            memory.moved();
        }
        let mut record = Self {
            left,
            uid,
            created: metadata.creation_timestamp.as_ref().map_or(0, |it| it.0.as_second()),
            generation,
            secret,
            passwords: wanted::password_secrets(&object.spec).map(|it| name.beside(it)).collect(),
            issuer: issuer_digest(&object.spec.issuer_ref),
            dress: wanted::dress(&object).digest(),
            revision,
            history_limit: wanted::history_limit(&object.spec),
            not_before: time(status.and_then(|it| it.not_before.as_ref())),
            not_after: time(status.and_then(|it| it.not_after.as_ref())),
            renewal: time(status.and_then(|it| it.renewal_time.as_ref())),
            next_check: time(renewals.and_then(|it| it.next_check.as_ref())),
            answered,
            is_content,
            is_issuing: status.is_some_and(|it| it.conditions.is_true("Issuing")),
            whole: None,
            memory,
            issued,
        };
        record.whole = match &record.memory {
            Some(_) => Some(Whole::Open(Arc::new(object))),
            None if is_content => None,
            None => Whole::written(&object),
        };
        Some(record)
    }
}

/// A whole Certificate.
#[derive(Debug)]
pub(super) enum Whole {
    /// Work on it has not begun: as JSON, which takes a fraction of the room, and before it is on the shelf.
    #[expect(clippy::box_collection, reason = "one pointer in every record")]
    Written(Box<Vec<u8>>),
    /// The same on the shelf.
    Shelved(Box<Kept>),
    /// It is worked on.
    Open(Arc<Certificate>),
}

impl Whole {
    fn written(object: &Certificate) -> Option<Self> {
        serde_json::to_vec(object).ok().map(|it| Self::Written(Box::new(it)))
    }

    fn object(&self) -> Option<Arc<Certificate>> {
        match self {
            Self::Open(object) => Some(Arc::clone(object)),
            Self::Shelved(kept) => serde_json::from_slice(kept.text()).ok().map(Arc::new),
            Self::Written(text) => serde_json::from_slice(text).ok().map(Arc::new),
        }
    }
}

/// Whether its status says that all is well, about this very generation, and that nothing is under way.
fn is_content(object: &Certificate, generation: i64) -> bool {
    let Some(status) = &object.status else { return false };
    let ready = status.conditions.get("Ready");
    let is_ready = ready.is_some_and(|it| status.conditions.is_true("Ready") && it.observed_generation == generation);
    let is_idle = !status.conditions.is_true("Issuing") && status.next_private_key_secret_name.is_none();
    let is_untroubled = status.last_failure_time.is_none() && status.failed_issuance_attempts.is_none();
    let lacks = status.conditions.get("Issuing").is_some_and(|it| is_lack(&it.reason));
    is_ready && is_idle && is_untroubled && !lacks && object.metadata.deletion_timestamp.is_none()
}

/// What only this process remembers of a Certificate for which something is to be done.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// What its Secret was found to hold, and in which state of it.
    pub(super) target: Option<Seen>,
    /// What is thought of there being no Secret, where nobody looked.
    pub(super) absence: Absence,
    /// The key of the certificate to come.
    pub(super) key: Option<InHand>,
    /// Stored next keys that were read and do not serve.
    pub(super) unfit: Vec<Name>,
    /// Requests that were read whole.
    pub(super) requests: Vec<(Name, Arc<CertificateRequest>)>,
    /// What this process found wrong with the attempt under way.
    pub(super) failure: Option<Failure>,
    /// Since when the attempt is under way.
    pub(super) begun: Option<Timestamp>,
    /// The object must be read: a write met another state than expected.
    pub(super) is_stale: bool,
    /// The object, or its Secret, was read because it is its turn.
    pub(super) has_turn: bool,
    /// A write of its status is under way.
    pub(super) is_reporting: bool,
    /// A write of its Secret with another pair is under way.
    pub(super) is_storing: bool,
    /// Names of next keys that others have.
    pub(super) taken_names: u32,
    /// What went wrong last, and how often in a row.
    pub(super) trouble: Option<Trouble>,
    /// Somebody else has a request of the name that the next one would have.
    pub(super) obstacle: Option<Box<str>>,
    /// The issuer answered, and what it said may have to be told.
    pub(super) is_informed: bool,
    /// What was said as an Event, so that it is said once.
    pub(super) announced: Vec<Note>,
    /// When the certificate of the attempt under way was stored.
    pub(super) stored: Option<Timestamp>,
}

impl Memory {
    /// The specification changed: what was concluded from the former one does not hold.
    fn spec_changed(&mut self) {
        self.failure = None;
        self.trouble = None;
        self.unfit.clear();
        self.begun = None;
    }

    /// Another Secret is wanted: what was read of the former one does not hold.
    fn moved(&mut self) {
        self.target = None;
        self.absence = Absence::Credible;
        self.stored = None;
        self.key = self.key.take().filter(|it| it.facts.place != Place::Target);
    }

    /// Something was read: what is held back may go on. How often it failed is forgotten when a write succeeds, or when there is nothing left to write.
    pub(super) fn goes_on(&mut self, now: Timestamp) {
        if let Some(trouble) = &mut self.trouble {
            trouble.until = trouble.until.min(now);
            trouble.is_told = false;
        }
    }

    /// The attempt came to its end: what it needed goes.
    pub(super) fn attempt_over(&mut self) {
        self.key = None;
        self.failure = None;
        self.begun = None;
        self.taken_names = 0;
        self.requests.clear();
        self.stored = None;
        self.obstacle = None;
        self.absence = Absence::Credible;
        self.announced.clear();
    }
}

/// When certificates were stored for one specification, as far as that is not long ago: one as a rule, which has no memory of its own, since that would lie
/// among what a storm leaves behind.
#[derive(Debug, Default)]
pub(super) struct Issuances {
    last: Moment,
    #[expect(clippy::box_collection, reason = "one pointer in every record")]
    earlier: Option<Box<Vec<Timestamp>>>,
}

impl Issuances {
    /// One more.
    pub(super) fn add(&mut self, now: Timestamp) {
        if let Some(last) = self.last.get() {
            let earlier = self.earlier.get_or_insert_default();
            earlier.push(last);
            earlier.retain(|it| now.since(*it) < GUARDED);
        }
        self.last = Some(now).into();
    }

    /// Until when nothing more is issued, after too many.
    pub(super) fn held_until(&self, now: Timestamp) -> Option<Timestamp> {
        let last = self.last.get()?;
        let earlier = self.earlier.iter().flat_map(|it| it.iter());
        let recent = earlier.chain([&last]).filter(|it| now.since(**it) < GUARDED).count();
        (recent > MOST_ISSUED).then(|| last + GUARDED)
    }
}

/// What is thought of there being no target Secret, where nobody looked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Absence {
    /// Watches are believed that never told of one.
    #[default]
    Credible,
    /// The last write met something else: it must be looked for.
    Doubtful,
}

/// What a target Secret was found to hold.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// In which state of it; `None` is that it was not there.
    pub(super) version: Option<Version>,
    pub(super) holding: Option<Arc<Holding>>,
    /// Its key, where it can be used again.
    pub(super) key: Option<Arc<PrivateKey>>,
}

/// A key that this process holds.
#[derive(Clone)]
pub(crate) struct InHand {
    pub(super) key: Arc<PrivateKey>,
    pub(super) facts: KeyFacts,
}

impl fmt::Debug for InHand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InHand").field("facts", &self.facts).finish_non_exhaustive()
    }
}

/// Calls that failed in a row.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    pub(super) failures: u32,
    /// Nothing is tried before this time.
    pub(super) until: Timestamp,
    /// People are told of it, where Secrets are followed by name: a person has to act.
    pub(super) is_told: bool,
}

/// So many certificates for one specification in this time are a loop.
const MOST_ISSUED: usize = 5;
const GUARDED: Duration = Duration::from_secs(3600);
