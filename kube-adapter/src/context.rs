//! What actions act with.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use acme_core::Timestamp;
use issuers::Timer;

use crate::api::Api;
use crate::engine::Servers;
use crate::events::Events;
use crate::http01;
use crate::leader::Leadership;
use crate::order::DnsServices;
use crate::request::Requester;
use crate::settings::Settings;
use crate::workshop::Workshop;

/// What actions act with: everything that is not knowledge.
pub(crate) struct Context {
    pub(crate) api: Api,
    pub(crate) events: Events,
    pub(crate) settings: Arc<Settings>,
    /// Asked before every act that cannot be repeated freely: is the Lease good for as long as it may take?
    pub(crate) leadership: Leadership,
    pub(crate) timer: Arc<dyn Timer>,
    pub(crate) workshop: Workshop,
    pub(crate) requester: Requester,
    pub(crate) servers: Servers,
    /// What all challenges of HTTP-01 share.
    pub(crate) http01: http01::Shared,
    /// What all challenges of DNS-01 share.
    pub(crate) dns_services: DnsServices,
    pub(crate) queue_length: AtomicUsize,
}

impl Context {
    /// How many keys wait for a step, for the metrics.
    pub(crate) fn queued(&self, length: usize) {
        self.queue_length.store(length, Ordering::Relaxed);
        self.api.room().crowd(length > 0);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.timer.now()
    }
}
