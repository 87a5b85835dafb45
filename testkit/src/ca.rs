//! A certificate authority in the process: the server side of ACME, strict, deterministic, and faulty on demand.
//!
//! RFC 8555, RFC 8737 and 8738, RFC 9773, the profiles extension, `dns-account-01`, and `dns-persist-01` in two revisions. Nothing here reads a clock, opens a socket
//! or waits: [`ModelCa::handle`] takes a request and the time, and answers. [`ModelCa::transport`] puts it behind
//! [`acme_core::Transport`] on virtual time; `https::HttpsFront` puts it behind a real socket.
//!
//! ```
//! use certwright_testkit::VirtualClock;
//! use certwright_testkit::ca::{Endpoint, Fault, ModelCa, Settings, Times, Wait};
//! use std::time::Duration;
//!
//! let clock = VirtualClock::new();
//! let ca = ModelCa::new(Settings::default());
//! ca.inject(Endpoint::NewOrder, Fault::RateLimited(Wait::Seconds(Duration::from_secs(3 * 3600))), Times::Once);
//! let transport = ca.transport(&clock).with_round_trip(Duration::from_millis(80));
//! // ... give `transport` to a client, run it with `certwright_testkit::run(&clock, ...)`, then:
//! assert_eq!(ca.requests_inside_windows(), 0);
//! # let _ = transport;
//! ```

mod account;
mod answer;
mod authorization;
mod certificate;
mod challenge;
mod csr;
mod exchange;
mod fault;
mod finalize;
mod jws;
mod keys;
mod ledger;
mod order;
mod persistent;
mod pki;
mod random;
mod seed;
mod settings;
mod state;
mod tls_alpn;
mod transport;
mod validation;

use std::sync::{Arc, Mutex};

use acme_core::protocol::{CertificateId, Url};
use acme_core::{Identifier, Timestamp};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::json;

use self::state::{Memory, Stage, State};
use crate::VirtualClock;
use crate::sync::lock;

pub use exchange::Exchange;
pub use fault::{Endpoint, Fault, FaultId, Times, Wait};
pub use ledger::{IssuedRecord, RequestRecord};
pub use persistent::{Accounts, Persistence, PersistentJob, check_persistent};
pub use pki::LeafFlaw;
pub use seed::SeededAuthorization;
pub use settings::{ExternalAccounts, Profile, Settings};
pub use tls_alpn::check_certificate as check_validation_certificate;
pub use transport::ModelTransport;
#[cfg(feature = "https")]
pub(crate) use validation::check_http_body;
pub use validation::{AlwaysValid, ByTable, Elsewhere, NeverValid, ValidationJob, Validator, Verdict, account_label};

/// A certificate authority in the process; copies are one authority.
#[derive(Clone)]
pub struct ModelCa(Arc<Mutex<State>>);

impl ModelCa {
    /// An authority that finds every challenge met.
    pub fn new(settings: Settings) -> Self {
        Self::with_validator(settings, AlwaysValid)
    }

    /// An authority that asks `validator` about challenges.
    pub fn with_validator(settings: Settings, validator: impl Validator + 'static) -> Self {
        Self(Arc::new(Mutex::new(State::new(settings, Arc::new(validator)))))
    }

    /// Answers `request`, whose URI is absolute, at `now`.
    ///
    /// A connection that a fault drops is a 502 without a body here, as from a gateway in front; see [`exchange`](Self::exchange) for the whole truth.
    pub fn handle(&self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        match self.exchange(request, now) {
            Exchange::Answered { response, .. } => response,
            Exchange::Dropped => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = http::StatusCode::BAD_GATEWAY;
                response
            }
        }
    }

    /// What becomes of `request`, whose URI is absolute, at `now`: drops and delays included.
    pub fn exchange(&self, request: &Request<Bytes>, now: Timestamp) -> Exchange {
        lock(&self.0).exchange(request, now)
    }

    /// The authority as a transport on virtual time.
    pub fn transport(&self, clock: &VirtualClock) -> ModelTransport {
        ModelTransport::new(self.clone(), clock.clone())
    }

    /// The URL of the directory.
    pub fn directory_url(&self) -> Url {
        lock(&self.0).typed_url("directory")
    }

    /// The root certificate of a chain in PEM: 0 is the default chain's, the others are the alternates'.
    pub fn root_pem(&self, number: usize) -> Option<String> {
        lock(&self.0).hierarchy.root(number).map(|it| certificate::pem(it))
    }

    /// Changes the behaviour from now on; seed, roots and intermediates stay as they began.
    pub fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut lock(&self.0).settings);
    }

    /// Asks another validator from now on.
    pub fn set_validator(&self, validator: impl Validator + 'static) {
        lock(&self.0).validator = Arc::new(validator);
    }

    /// Lets `fault` strike at `endpoint`. Where several wait for a request, the one injected first strikes.
    pub fn inject(&self, endpoint: Endpoint, fault: Fault, times: Times) -> FaultId {
        lock(&self.0).faults.inject(Some(endpoint), fault, times)
    }

    /// Lets `fault` strike at every endpoint.
    pub fn inject_everywhere(&self, fault: Fault, times: Times) -> FaultId {
        lock(&self.0).faults.inject(None, fault, times)
    }

    /// How often an injected fault struck.
    pub fn struck(&self, fault: FaultId) -> usize {
        lock(&self.0).faults.struck(fault)
    }

    /// Ends every fault; windows that were opened stay.
    pub fn heal(&self) {
        lock(&self.0).faults.end_all();
    }

    /// Forgets accounts, orders, authorizations, certificates and nonces; counters, logs and keys stay.
    pub fn forget_everything(&self) {
        lock(&self.0).memory = Memory::default();
    }

    /// Moves the endpoints of the directory elsewhere; the old ones lead nowhere. URLs of objects stay.
    pub fn move_endpoints(&self) {
        lock(&self.0).generation += 1;
    }

    /// Lets the `Date` header be off by so many seconds.
    pub fn set_date_offset(&self, seconds: i64) {
        lock(&self.0).date_offset = seconds.saturating_mul(1000);
    }

    /// Programs the renewal window of every certificate, even one that ends before it starts.
    pub fn set_renewal_window(&self, start: Timestamp, end: Timestamp) {
        self.set_renewal_body(window(start, end));
    }

    /// Programs the renewal window of one certificate.
    pub fn set_renewal_window_of(&self, certificate: &CertificateId, start: Timestamp, end: Timestamp) {
        lock(&self.0).renewal.of.insert(certificate.clone(), window(start, end));
    }

    /// Programs the whole body of renewal information for every certificate, JSON or not.
    pub fn set_renewal_body(&self, body: impl Into<String>) {
        lock(&self.0).renewal.of_all = Some(body.into());
    }

    /// Forgets every programmed window.
    pub fn clear_renewal_windows(&self) {
        lock(&self.0).renewal = state::RenewalAnswers::default();
    }

    /// Marks a certificate as revoked, as after an incident at the authority; its renewal window is in the past.
    pub fn revoke(&self, certificate: &CertificateId, now: Timestamp) {
        let mut state = lock(&self.0);
        let memory = &mut state.memory;
        if let Some(id) = memory.certificates_by_id.get(certificate)
            && let Some(entry) = memory.certificates.get_mut(id)
        {
            entry.revoked = Some((now, 0));
        }
    }

    /// Whether a certificate is revoked, and for which reason.
    pub fn revocation(&self, certificate: &CertificateId) -> Option<u8> {
        let state = lock(&self.0);
        let id = state.memory.certificates_by_id.get(certificate)?;
        Some(state.memory.certificates.get(id)?.revoked?.1)
    }

    /// Lets everything happen whose time has come at `now`; every request does so by itself.
    pub fn settle(&self, now: Timestamp) {
        lock(&self.0).settle(now);
    }

    /// The challenges that wait for somebody else's look ([`Verdict::Elsewhere`]); each is handed out once.
    pub fn take_jobs(&self) -> Vec<ValidationJob> {
        std::mem::take(&mut lock(&self.0).jobs)
    }

    /// Takes the verdict on a job; one that comes too late changes nothing.
    pub fn conclude(&self, job: &ValidationJob, verdict: Verdict, now: Timestamp) {
        lock(&self.0).conclude(job, verdict, now);
    }

    /// How many requests arrived at an endpoint.
    pub fn requests(&self, endpoint: Endpoint) -> usize {
        let state = lock(&self.0);
        let at = |it: &&RequestRecord| it.endpoint == endpoint;
        state.ledger.requests.iter().filter(at).count()
    }

    /// How many requests arrived.
    pub fn total(&self) -> usize {
        lock(&self.0).ledger.requests.len()
    }

    /// How many requests arrived at an order's URL and its finalize URL.
    pub fn requests_of_order(&self, order: &Url) -> usize {
        let state = lock(&self.0);
        let route = state.route(order.as_str());
        route.order().and_then(|id| state.ledger.orders.get(id).copied()).unwrap_or(0)
    }

    /// Every request, in order of arrival.
    pub fn log(&self) -> Vec<RequestRecord> {
        lock(&self.0).ledger.requests.clone()
    }

    /// How many requests arrived before the time that a 429 or 503 had named for their endpoint and account.
    pub fn requests_inside_windows(&self) -> usize {
        lock(&self.0).ledger.inside_windows
    }

    /// Every certificate that was issued, in order.
    pub fn issued(&self) -> Vec<IssuedRecord> {
        lock(&self.0).ledger.issued.clone()
    }

    /// How many orders were finalized: a signing request was taken, whatever came of it.
    pub fn finalized_orders(&self) -> usize {
        lock(&self.0).ledger.finalized
    }

    /// How many orders are neither valid nor invalid at `now`.
    pub fn pending_orders(&self, now: Timestamp) -> usize {
        let mut state = lock(&self.0);
        state.settle(now);
        let ids: Vec<String> = state.memory.orders.keys().cloned().collect();
        ids.iter().for_each(|id| state.refresh_order(id, now));
        let open = |it: &&state::OrderEntry| matches!(it.stage, Stage::Open | Stage::Processing { .. });
        state.memory.orders.values().filter(open).count()
    }

    /// How many orders were made and are remembered.
    pub fn orders(&self) -> usize {
        lock(&self.0).memory.orders.len()
    }

    /// How many accounts were made and are remembered.
    pub fn accounts(&self) -> usize {
        lock(&self.0).memory.accounts.len()
    }

    /// Makes the account prove `identifier` at once, so that a later order may find it proven; see [`Settings::reuse_percent`].
    pub fn prove(&self, account: &Url, identifier: &Identifier, now: Timestamp) {
        let mut state = lock(&self.0);
        if let state::Route::Account(account) = state.route(account.as_str()) {
            state.prove(&account, identifier, now);
        }
    }
}

fn window(start: Timestamp, end: Timestamp) -> String {
    json!({ "suggestedWindow": { "start": start, "end": end } }).to_string()
}
