//! What is kept of requests.

use std::fmt;
use std::num::NonZeroI64;
use std::sync::{Arc, LazyLock};

use acme_core::{Secret, Signer, Timestamp};

use crate::crd::certificate_request::{CertificateRequest, CertificateRequestStatus};
use crate::key::{Identity, Name, Uid};
use crate::plan::request::{Settled, settled};
use crate::request::listed;
use crate::request::signing::Obtained;
use crate::world::Record;

/// What is kept of a request: all of it while it goes on, and of a settled one how it ended.
#[derive(Debug)]
pub(crate) struct RequestRecord {
    /// Whole while it goes on; afterwards, for the Certificate that waits for it, until that calls [`settle`](Self::settle).
    object: Option<Arc<CertificateRequest>>,
    /// The Certificate that owns it: its name, and its uid.
    owner: Option<(Name, Uid)>,
    revision: Option<NonZeroI64>,
    /// How it ended.
    ended: Option<Settled>,
    /// What only this process remembers, while it goes on.
    memory: Option<Box<Memory>>,
}

/// What only this process remembers of a request.
#[derive(Default)]
pub(crate) struct Memory {
    /// The key it is for: lent by the Certificate that made it in this process, or read from the Secret that it names.
    pub(crate) signer: Option<Arc<dyn Signer>>,
    /// Whether this process made the signing request, so that it need not prove its key.
    pub(crate) made_here: bool,
    /// Since when it is known and goes on.
    pub(crate) seen: Option<Timestamp>,
    /// When it appeared while this process was planning, and had not made it.
    pub(crate) appeared: Option<Timestamp>,
    /// What was found where the annotation says that its key is.
    pub(crate) key: KeyRead,
    /// Whether that Secret changed since it was read.
    pub(crate) key_is_news: bool,
    /// How asking the issuer went so far.
    pub(crate) tries: Tries,
    /// The certificate that somebody else signed, before it is written.
    pub(crate) obtained: Option<Arc<Obtained>>,
    /// What the issuer remembers of the question.
    pub(crate) progress: Option<Arc<Secret<Vec<u8>>>>,
    /// The name that the certificate is picked up by, as far as this process knows.
    pub(crate) pickup: Option<String>,
    /// Whether nothing is to be picked up by the name that the annotation has.
    pub(crate) pickup_is_void: bool,
    /// Whether its Order is of no use: the certificate that it gave, or that it came to nothing through no fault of the request.
    pub(crate) order_is_unfit: bool,
    /// Whether it was said that somebody else has to approve it.
    pub(crate) wait_is_said: bool,
    /// Why it failed, before that is written.
    pub(crate) failure: Option<Failure>,
    /// No write before this time: the last one was refused.
    pub(crate) quiet_until: Option<Timestamp>,
    /// How many writes were refused in a row.
    pub(crate) refusals: u32,
}

/// What was found where the annotation says that its key is.
#[derive(Debug, Default)]
pub(crate) enum KeyRead {
    /// Nobody looked.
    #[default]
    Unread,
    /// No key that fits: what people are told, and when it is looked at again without a change.
    Waiting { text: String, again: Option<Timestamp> },
}

/// How asking the issuer went so far.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    /// How often it failed in a row.
    pub(crate) failures: u32,
    /// When it failed first.
    pub(crate) since: Option<Timestamp>,
    /// When it is asked again.
    pub(crate) again: Option<Timestamp>,
    /// What was said the last time.
    pub(crate) said: String,
}

/// Why a request failed for good.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Failure {
    /// One word for the Event, as cert-manager has it.
    pub(crate) reason: &'static str,
    /// What the condition says.
    pub(crate) message: String,
}

impl Failure {
    /// A failure, with its word for the Event and its sentence for the condition.
    pub(crate) fn new(reason: &'static str, message: String) -> Self {
        Self { reason, message }
    }
}

/// How a request ended without a certificate: the condition that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) at: Option<Timestamp>,
}

impl RequestRecord {
    /// What is kept of a request that this process just made, with the key that it lends to the issuer.
    pub(crate) fn made(object: CertificateRequest, signer: Option<Arc<dyn Signer>>) -> Self {
        let memory = Memory { made_here: signer.is_some(), signer, ..Memory::default() };
        Self::keep(object, Some(Box::new(memory)))
    }

    /// What is kept of a request that this process found where it wanted to make its own.
    pub(crate) fn found(object: CertificateRequest, now: Timestamp) -> Self {
        Self::keep(object, Some(Box::new(Memory { appeared: Some(now), ..Memory::default() })))
    }

    /// Remembers what the record of this process knows of the request, which the watch told of first.
    pub(crate) fn take_over(&mut self, made: Self) {
        let Some(made) = made.memory.filter(|it| it.appeared.is_none()) else { return };
        let memory = self.memory_mut();
        memory.signer = made.signer.or(memory.signer.take());
        memory.made_here |= made.made_here;
        memory.appeared = None;
    }

    /// The whole object, where it is kept. For want of it, it has to be read.
    pub(crate) fn whole(&self) -> Option<&Arc<CertificateRequest>> {
        self.object.as_ref()
    }

    /// Which certificate of its Certificate it asks for; `None` where the annotation says nothing readable.
    pub(crate) fn revision(&self) -> Option<i64> {
        self.revision.map(NonZeroI64::get)
    }

    /// The Certificate that owns it: its name, and its uid.
    pub(crate) fn owner(&self) -> Option<&(Name, Uid)> {
        self.owner.as_ref()
    }

    /// What only this process remembers of it.
    pub(crate) fn memory(&self) -> &Memory {
        static NOTHING: LazyLock<Memory> = LazyLock::new(Memory::default);
        self.memory.as_deref().unwrap_or(&NOTHING)
    }

    /// The memory of it, begun where there is none.
    pub(super) fn memory_mut(&mut self) -> &mut Memory {
        self.memory.get_or_insert_default()
    }

    /// Names its owner by a name that others hold as well.
    pub(super) fn share(&mut self, name: &Name) {
        if let Some((owner, _)) = self.owner.as_mut().filter(|(owner, _)| owner == name) {
            *owner = name.clone();
        }
    }

    /// How it ended; `None` while it goes on.
    pub(super) fn ended(&self) -> Option<&Settled> {
        self.ended.as_ref()
    }

    /// Nobody needs more of it than how it ended. One that goes on stays whole.
    pub(crate) fn settle(&mut self) {
        if self.ended.is_some() {
            self.object = None;
            self.memory = None;
        }
    }

    /// Takes in the status that this process just wrote; tells what the object is now, where it is kept.
    pub(super) fn wrote(&mut self, status: CertificateRequestStatus) -> Option<Arc<CertificateRequest>> {
        let object = self.object.as_mut()?;
        Arc::make_mut(object).status = Some(status);
        self.ended = ending(object);
        let object = Arc::clone(object);
        if let Some(memory) = &mut self.memory {
            memory.quiet_until = None;
            memory.refusals = 0;
            memory.failure = None;
            memory.obtained = None;
        }
        if self.owner.is_none() {
            self.settle();
        }
        Some(object)
    }

    /// Takes in that the name that its certificate is picked up by is written down.
    pub(super) fn noted(&mut self, pickup: String) {
        let Some(object) = &mut self.object else { return };
        let annotations = Arc::make_mut(object).metadata.annotations.get_or_insert_default();
        annotations.insert(PICKUP.to_owned(), pickup);
        if let Some(memory) = &mut self.memory {
            memory.quiet_until = None;
            memory.refusals = 0;
        }
    }

    fn keep(object: CertificateRequest, memory: Option<Box<Memory>>) -> Self {
        let annotations = object.metadata.annotations.as_ref();
        let revision =
            annotations.and_then(|it| it.get(REVISION)?.parse().ok()).filter(|it: &NonZeroI64| it.get() >= 1);
        let ended = ending(&object);
        Self { owner: owner(&object), revision, ended, object: Some(Arc::new(object)), memory }
    }
}

impl Record for RequestRecord {
    type Object = CertificateRequest;

    fn name(object: &Self::Object) -> Name {
        Name::of(&object.metadata)
    }

    fn identity(object: &Self::Object) -> Option<Identity> {
        Identity::of(&object.metadata)
    }

    fn read(object: Self::Object, before: Option<Self>) -> Option<Self> {
        // Who saw it going on may want what it ended with; who never did reads it when it matters.
        let is_awaited = before.as_ref().is_some_and(|it| it.object.is_some() && it.owner.is_some());
        let is_whole = listed::is_whole(&object);
        let mut memory = before.and_then(|it| it.memory);
        if let Some(memory) = &mut memory {
            memory.quiet_until = None;
        }
        let mut record = Self::keep(object, memory);
        if !is_awaited || !is_whole {
            record.settle();
        }
        Some(record)
    }
}

impl Tries {
    /// What people are told of it.
    pub(crate) fn because(&self) -> String {
        self.said.clone()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("tries", &self.tries).field("failure", &self.failure).finish_non_exhaustive()
    }
}

/// How the status says that it ended.
fn ending(object: &CertificateRequest) -> Option<Settled> {
    let status = object.status.as_ref()?;
    let failed_at = status.failure_time.as_ref().and_then(|time| time.timestamp());
    settled(&status.conditions, failed_at)
}

/// The Certificate that owns a request.
fn owner(object: &CertificateRequest) -> Option<(Name, Uid)> {
    let references = object.metadata.owner_references.as_deref().unwrap_or_default();
    let owner = references.iter().find(|it| {
        it.controller == Some(true) && it.kind == "Certificate" && it.api_version.starts_with("cert-manager.io/")
    })?;
    Some((Name::of(&object.metadata).beside(owner.name.as_str()), Uid::parse(&owner.uid)))
}

/// The annotation that says which certificate of its Certificate a request asks for.
pub(crate) const REVISION: &str = "cert-manager.io/certificate-revision";

/// The annotation that names what the certificate is picked up by at CyberArk Certificate Manager.
pub(crate) const PICKUP: &str = "venafi.cert-manager.io/pickup-id";
