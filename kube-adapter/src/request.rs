//! CertificateRequests: the step that is the same for those of a Certificate and for others, and the subject of the others.

use std::sync::Arc;

use acme_core::Timestamp;
use acme_core::flow::{Agenda, Next};
use futures_util::future::BoxFuture;

use crate::context::Context;
use crate::key::{Identity, Name};
use crate::queue::Class;
use crate::subject::{Lane, Subject};
use crate::world::{Changed, Record, World};

/// The subject.
pub(crate) struct Requests;

/// What is kept of one.
#[derive(Debug)]
pub(crate) struct RequestRecord {
    object: Arc<crate::crd::certificate_request::CertificateRequest>,
}

/// What finds one by something else than its name.
#[derive(Debug, Default)]
pub(crate) struct Index;

impl Record for RequestRecord {
    type Object = crate::crd::certificate_request::CertificateRequest;

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

/// What becomes of a request to this issuer, as far as that is known before it is made: whether its key must be stored first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Prospect {
    /// Signer, approver and store are all this process, and nothing has to be waited for: request, approval and certificate in one pass.
    OnePass,
    /// Somebody else remembers the signing request, or something has to be waited for: the key is stored first.
    Waiting,
}

/// What would become of a request to `issuer` from this namespace.
pub(crate) fn prospect(
    _world: &World,
    _namespace: &str,
    _issuer: &crate::crd::reference::IssuerRef,
    _now: Timestamp,
) -> Prospect {
    Prospect::Waiting
}

/// How a request stands, whoever owns it.
#[derive(Debug)]
pub(crate) enum Standing {
    /// Something is to be done for it, or waited for. Who owns it does it: the subject of the Certificate, or that of requests.
    Going(Agenda<Action>),
    /// Its certificate is in its status, or, when this process just wrote it, in the record.
    Issued,
    /// It will not be issued.
    Ended(Ended),
}

/// How a request ended without a certificate: the condition that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) at: Option<Timestamp>,
}

/// How this request stands now. `None` when there is none of this name.
pub(crate) fn standing(_world: &World, _name: &Name, _now: Timestamp) -> Option<Standing> {
    None
}

/// One of them changed.
pub(crate) fn changed(_world: &mut World, changed: Changed<RequestRecord>, _now: Timestamp) {
    drop(changed);
}

/// What it may want done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Action {}

impl Subject for Requests {
    type Action = Action;
    type Answer = ();

    fn next(_world: &World, _name: &Name, _now: Timestamp) -> Next<Action, ()> {
        Next::Done(())
    }

    fn start(
        _world: &mut World,
        _context: &Arc<Context>,
        _name: &Name,
        action: &Action,
        _now: Timestamp,
    ) -> BoxFuture<'static, ()> {
        match *action {}
    }

    fn fold(_world: &mut World, _name: &Name, action: &Action, _answer: (), _now: Timestamp) {
        match *action {}
    }

    fn class(_world: &World, _name: &Name, _now: Timestamp) -> Class {
        Class::New
    }

    fn lane(action: &Action) -> Lane {
        match *action {}
    }
}
