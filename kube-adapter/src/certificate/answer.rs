//! How the actions of a Certificate went.

use std::sync::Arc;

use acme_core::protocol::CertificateId;
use acme_core::{Error, PrivateKey, Timestamp};
use issuers::RenewalAnswer;

use super::record::InHand;
use crate::api::Refusal;
use crate::crd::certificate::{Certificate, CertificateStatus};
use crate::crd::certificate_request::CertificateRequest;
use crate::key::{Identity, Name};
use crate::plan::certificate::{Failure, Holding};
use crate::request;
use crate::secret::Proof;
use crate::status::Note;

/// How an action went.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The Certificate as it is; `None` is that it is gone.
    Object(Result<Option<Box<Certificate>>, Refusal>),
    /// What the target Secret of this name holds.
    Target(Name, Result<Option<Box<Read>>, Refusal>),
    /// A stored key; `None` is that it is not there, or none.
    Key(Name, Result<Option<InHand>, Refusal>),
    /// A request as it is; `None` is that it is gone.
    Whole(Name, Result<Option<Box<CertificateRequest>>, Refusal>),
    /// A new key.
    Made(Result<InHand, Failure>),
    /// The key was to be stored, in a Secret of this name.
    KeyStored(Name, Result<Stored, Refusal>),
    /// A request was to be made, under this name.
    Requested(Name, Result<Box<Asked>, Refused>),
    /// A request was stepped.
    Stepped(Name, request::Answer),
    /// The target Secret was to be written.
    Written(Result<Box<Written>, Unwritten>),
    /// The status was to be written.
    Told(Result<Box<(Identity, CertificateStatus)>, Refusal>),
    /// A request was to be deleted.
    RequestDropped(Name, Result<(), Refusal>),
    /// A stored key was to be deleted.
    KeyDropped(Name, Result<(), Refusal>),
    /// The issuer was asked when this certificate, of this revision, should be renewed.
    Informed { certificate: CertificateId, revision: i64, answer: Result<RenewalAnswer, Error> },
    /// This was said.
    Announced(Note),
    /// It went before the action began.
    Gone,
}

/// A target Secret as it was read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) identity: Identity,
    pub(crate) holding: Holding,
    pub(crate) key: Option<Arc<PrivateKey>>,
}

/// What became of a key that was to be stored.
#[derive(Debug)]
pub(crate) enum Stored {
    /// It is stored.
    Now(Identity),
    /// One that this Certificate stored earlier is there.
    Earlier(Identity),
    /// Somebody else has a Secret of this name.
    Taken,
}

/// A request that is there now.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) identity: Identity,
    pub(crate) object: CertificateRequest,
    /// It was made just now, with the key at hand.
    pub(crate) is_new: bool,
}

/// Why no request was made.
#[derive(Debug)]
pub(crate) enum Refused {
    /// No signing request can be made.
    Unsigned(Error),
    /// The API server did not take it.
    ByServer(Refusal),
    /// Somebody else has a request of this name.
    Taken,
}

/// A target Secret as it was written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) secret: Name,
    pub(crate) identity: Identity,
    /// When the write was sent.
    pub(crate) sent: Timestamp,
    pub(crate) proof: Proof,
    pub(crate) holding: Holding,
    pub(crate) key: Option<Arc<PrivateKey>>,
    /// It has the type of TLS Secrets.
    pub(crate) is_tls: bool,
    /// It is another certificate than before.
    pub(crate) is_issued: bool,
}

/// Why a target Secret was not written.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// What the issuer gave is of no use, or nothing can be made of it.
    Unusable(Failure),
    /// Something else must be there first: for people, and when to look again without a change.
    Lacking(&'static str, String),
    /// The API server did not take it.
    ByServer(Refusal),
}
