//! What is known of a Certificate and of all that belongs to it, when a plan is made.

use std::sync::Arc;
use std::time::Duration;

use acme_core::Timestamp;
use acme_core::key::PublicKeyType;
use acme_core::protocol::CertificateId;
use certstore::Spec;
use certstore::policy::after_failure::Doubling;
use certstore::policy::renew::{Preferences, Validity};
use issuers::Holder;

use super::{Action, Complaint, Information, Lacking};
use crate::crd::certificate::Certificate;
use crate::crd::reference::IssuerRef;
use crate::key::Name;
use crate::request::{Prospect, Standing};
use crate::secret::Proof;
use crate::status::Note;

/// What is known of a Certificate and of all that belongs to it.
#[derive(Debug)]
pub(crate) struct Observed<'a> {
    pub(crate) name: &'a Name,
    pub(crate) object: &'a Certificate,
    pub(crate) rules: Rules,
    /// What it asks for, or why nothing can be made of that.
    pub(crate) wanted: Result<WantedFacts<'a>, String>,
    /// The Certificate that owns the Secret, when that is another.
    pub(crate) owner: Option<&'a str>,
    pub(crate) target: Target,
    /// The key of the certificate to come, as this process has it.
    pub(crate) key: Option<KeyFacts>,
    /// The Secret that a key is stored in before its request is made.
    pub(crate) key_name: String,
    /// Next keys that are stored.
    pub(crate) stored: Vec<Stored>,
    /// The requests that it owns, in no order.
    pub(crate) requests: Vec<Requested>,
    pub(crate) prospect: Prospect,
    /// What the issuer lacks, and what to do about it.
    pub(crate) hint: Option<String>,
    /// What this process found wrong with the attempt under way.
    pub(crate) failure: Option<Failure>,
    /// What may not be done, where Secrets are followed by name.
    pub(crate) lacking: Option<Lacking>,
    /// Somebody else has a request of the name that the next one would have.
    pub(crate) obstacle: Option<&'a str>,
    /// Before then no Secret is put in order that nobody asked for.
    pub(crate) fix_up_at: Timestamp,
    /// Since when the attempt is under way.
    pub(crate) begun: Option<Timestamp>,
    /// What its issuer says of the renewal.
    pub(crate) information: Information<'a>,
    /// When the certificate of the attempt under way was stored by this process.
    pub(crate) stored_at: Option<Timestamp>,
    /// What this process said as Events.
    pub(crate) announced: &'a [Note],
    /// So many certificates were issued for this very specification that somebody must look; nothing more until then.
    pub(crate) loop_until: Option<Timestamp>,
    /// Calls failed: nothing is tried before then.
    pub(crate) held_until: Option<Timestamp>,
    /// The object is known to have changed.
    pub(crate) is_stale: bool,
    /// A write of the status is under way.
    pub(crate) is_reporting: bool,
    /// A write of the Secret with another pair is under way.
    pub(crate) is_storing: bool,
    /// The process is about to end.
    pub(crate) is_closing: bool,
}

/// The thresholds.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) backoff: Doubling,
    pub(crate) visible_after: Duration,
    /// How long a request of another controller is left to it.
    pub(crate) stranger_patience: Duration,
    pub(crate) patience: Duration,
    /// Keys are stored before anything is asked for, always.
    pub(crate) stores_keys: bool,
    /// Everything is said as an Event that cert-manager says.
    pub(crate) says_all: bool,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WantedFacts<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) key: PublicKeyType,
    pub(crate) renewal: &'a Preferences,
    /// The key stays as long as it is what is wanted.
    pub(crate) keeps_key: bool,
    /// A number that stands for what the Secret wears.
    pub(crate) dress: u64,
    pub(crate) history_limit: usize,
    /// A temporary certificate is wanted until there is another.
    pub(crate) wants_temporary: bool,
}

/// The target Secret.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// It has to be read.
    Unread,
    /// It was looked for, and is not there.
    Absent,
    /// Its metadata prove that it holds what its Certificate's status speaks of.
    Proven { validity: Validity, is_dressed: bool },
    /// It was read.
    There(Arc<Holding>),
}

/// What a target Secret holds.
#[derive(Debug, Clone)]
pub(crate) struct Holding {
    /// The Certificate that it says it is for.
    pub(crate) certificate: Option<String>,
    /// The issuer that it says it is from.
    pub(crate) issuer: Option<IssuerRef>,
    pub(crate) is_immutable: bool,
    /// Who wrote it last.
    pub(crate) writer: Option<String>,
    /// What its metadata prove.
    pub(crate) proof: Proof,
    /// Of the leaf, whatever else is wrong.
    pub(crate) validity: Option<Validity>,
    /// Of the key, whatever else is wrong.
    pub(crate) key: Option<KeyFacts>,
    pub(crate) contents: Contents,
}

/// Key and certificate of a target Secret.
#[derive(Debug, Clone)]
pub(crate) enum Contents {
    /// They are missing, unreadable, or not for each other.
    Flawed(Complaint),
    /// They are for each other.
    Sound(Sound),
}

/// A certificate that belongs to the key beside it.
#[derive(Debug, Clone)]
pub(crate) struct Sound {
    pub(crate) holder: Holder,
    /// SHA-256 of the leaf.
    pub(crate) leaf: [u8; 32],
    /// What its authority calls it.
    pub(crate) id: Option<CertificateId>,
    /// It only stands for one that is to come.
    pub(crate) is_temporary: bool,
}

/// A key, as far as plans need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyFacts {
    /// SHA-256 of its public half.
    pub(crate) digest: [u8; 32],
    pub(crate) kind: PublicKeyType,
    pub(crate) place: Place,
}

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In this process alone.
    Memory,
    /// In a Secret of its own.
    Stored(Arc<str>),
    /// In the target Secret.
    Target,
}

/// A next key that is stored.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) name: Arc<str>,
    /// It was read and serves for nothing.
    pub(crate) is_unfit: bool,
}

/// A request of the Certificate.
#[derive(Debug)]
pub(crate) struct Requested {
    pub(crate) name: Arc<str>,
    /// Which certificate it asks for, where that is readable.
    pub(crate) revision: Option<i64>,
    pub(crate) created: Timestamp,
    /// When it appeared while this process was planning, and had not made it.
    pub(crate) appeared: Option<Timestamp>,
    /// What it asks for and what it was given; `None` until it is read.
    pub(crate) facts: Option<RequestFacts>,
    pub(crate) standing: Option<Standing>,
}

/// What a request asks for, and what it was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequestFacts {
    /// The fields in which it is not what is asked for now.
    pub(crate) unlike: Vec<&'static str>,
    /// SHA-256 of the public key that it is for.
    pub(crate) key: Option<[u8; 32]>,
    /// Why its signing request cannot be read.
    pub(crate) broken: Option<String>,
    /// SHA-256 of the leaf that it was given.
    pub(crate) leaf: Option<[u8; 32]>,
}

/// What was found wrong with an attempt beside what its request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: String,
    pub(crate) message: String,
}

impl KeyFacts {
    /// The members of a specification that a key is not as `wanted` says.
    pub(crate) fn unlike(&self, wanted: PublicKeyType) -> Vec<&'static str> {
        if self.kind.algorithm() != wanted.algorithm() {
            vec!["spec.privateKey.algorithm"]
        } else if self.kind.bits() != wanted.bits() {
            vec!["spec.privateKey.size"]
        } else {
            Vec::new()
        }
    }
}

impl Observed<'_> {
    /// Whether keys are stored before their request is made.
    pub(super) fn stores_keys(&self) -> bool {
        self.rules.stores_keys || self.prospect != Prospect::OnePass
    }

    /// A temporary certificate is wanted, and there is no certificate yet.
    pub(super) fn wants_temporary(&self) -> bool {
        let is_wanted = self.wanted.as_ref().is_ok_and(|it| it.wants_temporary);
        let has_none = match &self.target {
            Target::Absent => true,
            Target::There(holding) => matches!(holding.contents, Contents::Flawed(_)),
            Target::Unread | Target::Proven { .. } => false,
        };
        is_wanted && has_none
    }

    /// The revision of the certificate that is in use.
    pub(super) fn revision(&self) -> i64 {
        self.object.status.as_ref().and_then(|it| it.revision).unwrap_or_default()
    }

    /// The request that led to the certificate in use.
    pub(super) fn current(&self) -> Option<&Requested> {
        let revision = self.revision();
        self.requests.iter().find(|it| it.revision == Some(revision))
    }

    /// Whether the current request must be known: nothing is compared with it where the Secret is proven, or nothing is in it.
    pub(super) fn needs_current(&self) -> bool {
        matches!(&self.target, Target::There(holding) if matches!(holding.contents, Contents::Sound(_)))
    }

    /// The requests for the next certificate, the newest last.
    pub(super) fn successors(&self) -> Vec<&Requested> {
        let next = self.revision() + 1;
        let mut successors: Vec<_> = self.requests.iter().filter(|it| it.revision == Some(next)).collect();
        successors.sort_by(|one, other| one.created.cmp(&other.created).then_with(|| one.name.cmp(&other.name)));
        successors
    }

    /// Until when a request is left to another controller, which made it by all that this process knows.
    pub(super) fn left_until(&self, request: &Requested, now: Timestamp) -> Option<Timestamp> {
        let until = request.appeared? + self.rules.stranger_patience;
        let own = self.key.as_ref().map(|it| it.digest);
        // An answer may have been lost: what is for the key at hand is ours.
        let is_ours = own.is_some() && request.facts.as_ref().and_then(|it| it.key) == own;
        (!is_ours && !until.is_due(now)).then_some(until)
    }

    /// Requests that nobody needs any more: those beyond the limit, the oldest first.
    pub(super) fn old_requests(&self) -> impl Iterator<Item = Arc<str>> {
        let limit = self.wanted.as_ref().map_or(usize::MAX, |it| it.history_limit);
        let mut requests: Vec<_> = self.requests.iter().filter_map(|it| Some((it.revision?, &it.name))).collect();
        requests.sort();
        let beyond = requests.len().saturating_sub(limit);
        requests.into_iter().take(beyond).map(|(_, name)| Arc::clone(name))
    }

    /// Next keys for which nothing is under way.
    pub(super) fn left_over_keys(&self) -> impl Iterator<Item = Arc<str>> {
        self.stored.iter().map(|it| Arc::clone(&it.name))
    }

    /// This as an Event, unless it was said already.
    pub(super) fn unannounced(&self, note: Note) -> Option<Action> {
        (!self.announced.contains(&note)).then_some(Action::Announce(note))
    }

    /// Whether the Secret wears something else than it shall.
    pub(super) fn is_undressed(&self) -> bool {
        match (&self.target, &self.wanted) {
            (Target::There(holding), Ok(wanted)) => {
                let issuer = crate::secret::issuer_digest(&self.object.spec.issuer_ref);
                !holding.proof.holds(self.name.object(), issuer) || !holding.proof.is_dressed(wanted.dress)
            }
            (Target::Proven { is_dressed, .. }, _) => !is_dressed,
            (Target::Unread | Target::Absent | Target::There(_), _) => false,
        }
    }

    /// Whether somebody changed the specification, and waits for what becomes of it.
    pub(super) fn is_asked_for(&self) -> bool {
        let ready = self.object.status.as_ref().and_then(|it| it.conditions.get("Ready"));
        ready.is_none_or(|it| Some(it.observed_generation) != self.object.metadata.generation)
    }

    /// What the Secret holds, where it was read.
    pub(super) fn holding(&self) -> Option<&Holding> {
        match &self.target {
            Target::There(holding) => Some(holding),
            Target::Unread | Target::Absent | Target::Proven { .. } => None,
        }
    }
}
