//! A Certificate, its requests and its Secrets: observed, planned and written as one.

use std::sync::Arc;

use acme_core::Timestamp;
use acme_core::flow::Next;
use futures_util::future::BoxFuture;

use crate::context::Context;
use crate::key::{Identity, Name};
use crate::queue::Class;
use crate::subject::{Lane, Subject};
use crate::world::{Changed, Record, World};

/// The subject.
pub(crate) struct Certificates;

/// What is kept of one.
#[derive(Debug)]
pub(crate) struct CertificateRecord {
    object: Arc<crate::crd::certificate::Certificate>,
}

/// What finds one by something else than its name.
#[derive(Debug, Default)]
pub(crate) struct Index;

impl Record for CertificateRecord {
    type Object = crate::crd::certificate::Certificate;

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
pub(crate) fn changed(_world: &mut World, changed: Changed<CertificateRecord>, _now: Timestamp) {
    drop(changed);
}

/// Wakes every one that owes people a word.
pub(crate) fn wake_unsettled(_world: &mut World) {}

/// What it may want done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Action {}

impl Subject for Certificates {
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
