//! Issuers and ClusterIssuers: verified, set up, and told in their status.

use std::sync::Arc;

use acme_core::Timestamp;
use acme_core::flow::Next;
use futures_util::future::BoxFuture;

use crate::context::Context;
use crate::key::{Identity, Name};
use crate::queue::Class;
use crate::subject::{Lane, Subject};
use crate::world::{Record, World};

/// The subject.
pub(crate) struct Issuers;

/// What is kept of one.
#[derive(Debug)]
pub(crate) struct IssuerRecord {
    object: Arc<crate::crd::issuer::Issuer>,
}

/// What finds one by something else than its name.
#[derive(Debug, Default)]
pub(crate) struct Index;

impl Record for IssuerRecord {
    type Object = crate::crd::issuer::Issuer;

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

/// What is kept of a ClusterIssuer: the same.
#[derive(Debug)]
pub(crate) struct ClusterIssuerRecord {
    object: Arc<crate::crd::issuer::ClusterIssuer>,
}

impl Record for ClusterIssuerRecord {
    type Object = crate::crd::issuer::ClusterIssuer;

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
pub(crate) fn changed(_world: &mut World, _name: &Name) {}

/// What it may want done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Action {}

impl Subject for Issuers {
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
