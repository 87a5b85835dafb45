//! What is said of Orders and Challenges as Events.

use crate::context::Context;
use crate::events::{Event, Regarding, Severity};
use crate::key::{Identity, Name};
use crate::settings::EventSet;

/// What an Event is about.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) kind: &'static str,
    pub(crate) name: Name,
    pub(crate) identity: Option<Identity>,
}

/// Something that a person has to act on.
pub(crate) fn warn(context: &Context, about: &About, reason: &'static str, note: String) {
    publish(context, about, Severity::Warning, reason, note);
}

/// Something of cert-manager's whole set.
pub(crate) fn mention(context: &Context, about: &About, reason: &'static str, note: String) {
    if context.settings.events == EventSet::All {
        publish(context, about, Severity::Normal, reason, note);
    }
}

fn publish(context: &Context, about: &About, severity: Severity, reason: &'static str, note: String) {
    let Some(identity) = &about.identity else { return };
    let regarding = Regarding {
        api_version: "acme.cert-manager.io/v1",
        kind: about.kind,
        name: about.name.clone(),
        uid: identity.uid.clone(),
    };
    let controller = if about.kind == "Order" { "orders" } else { "challenges" };
    context.events.publish(Event { regarding, severity, reason: reason.into(), note, controller });
}
