//! What is kept of an Order: all of it while it matters, nothing but its end after that.

use std::sync::Arc;

use acme_core::Timestamp;

use crate::codec;
use crate::codec::order::Origin;
use crate::crd::order::Order;
use crate::key::{Identity, Name};
use crate::order::observe;
use crate::world::Record;

/// What is kept of one.
#[derive(Debug)]
pub(crate) enum OrderRecord {
    /// The whole object, and who made it.
    Whole { object: Arc<Order>, origin: Origin },
    /// It is valid, and its certificate is where it belongs. Until that is taken in, who made it when.
    Settled { ordered: Option<Box<Ordered>> },
}

/// An order that was made at a server before this process looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ordered {
    /// By which issuer.
    pub(crate) issuer: Name,
    /// When its Order was made.
    pub(crate) at: Timestamp,
}

impl Ordered {
    /// What is known of an Order; `None` where it is not known when it was made, and for one that replaces a certificate: authorities do not count those.
    pub(crate) fn of(order: &Order) -> Option<Self> {
        if !order.spec.replaces.is_empty() {
            return None;
        }
        let at = order.metadata.creation_timestamp.as_ref()?;
        let at = Timestamp::from_unix_seconds(at.0.as_second());
        Some(Self { issuer: observe::issuer_of(&Name::of(&order.metadata), &order.spec.issuer_ref), at })
    }
}

/// How an Order stands, for the request that waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome<'a> {
    /// It is under way; its state and reason in the words of the status.
    Pending { state: &'a str, reason: &'a str },
    /// This is the chain in PEM; `None` when it is to be read from the Order itself.
    Issued(Option<&'a [u8]>),
    /// It ended without; its state and reason in the words of the status.
    Failed { state: &'a str, reason: &'a str },
}

impl OrderRecord {
    /// The record of an Order that this process just made: nobody has worked on it.
    pub(crate) fn made(object: Order) -> Self {
        Self::Whole { object: Arc::new(object), origin: Origin::Here }
    }

    /// The object, while it is kept.
    pub(crate) fn object(&self) -> Option<&Arc<Order>> {
        match self {
            Self::Whole { object, .. } => Some(object),
            Self::Settled { .. } => None,
        }
    }

    /// How it stands.
    pub(crate) fn outcome(&self) -> Outcome<'_> {
        let Self::Whole { object, .. } = self else { return Outcome::Issued(None) };
        let Some(status) = &object.status else { return Outcome::Pending { state: "", reason: "" } };
        let state = status.state.as_ref().map_or("", |it| it.as_str());
        match (codec::order::is_issued(status), codec::order::is_ended(status)) {
            (true, _) => Outcome::Issued(Some(status.certificate.as_slice())),
            (false, true) => Outcome::Failed { state, reason: &status.reason },
            (false, false) => Outcome::Pending { state, reason: &status.reason },
        }
    }
}

impl Record for OrderRecord {
    type Object = Order;

    fn name(object: &Self::Object) -> Name {
        Name::of(&object.metadata)
    }

    fn identity(object: &Self::Object) -> Option<Identity> {
        Identity::of(&object.metadata)
    }

    fn read(object: Self::Object, before: Option<Self>) -> Option<Self> {
        let issued = object.status.as_ref().is_some_and(codec::order::is_issued);
        Some(match before {
            Some(Self::Settled { ordered }) if issued => Self::Settled { ordered },
            // What is issued when it is seen first was, most likely, fetched long ago.
            None if issued => Self::Settled { ordered: Ordered::of(&object).map(Box::new) },
            Some(Self::Whole { origin, .. }) => Self::Whole { object: Arc::new(object), origin },
            Some(Self::Settled { .. }) | None => Self::Whole { object: Arc::new(object), origin: Origin::Elsewhere },
        })
    }
}
