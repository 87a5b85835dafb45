//! Everything the authority knows, and where things are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use acme_core::protocol::{AuthorizationStatus, CertificateId, ChallengeStatus, ChallengeType, Problem, Url};
use acme_core::{Identifier, Timestamp};
use rustls_pki_types::CertificateDer;

use super::csr::Csr;
use super::fault::{Endpoint, Faults};
use super::keys::PublicKey;
use super::ledger::Ledger;
use super::pki::{Hierarchy, LeafFlaw};
use super::random::Random;
use super::settings::Settings;
use super::validation::{ValidationJob, Validator};

pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) validator: Arc<dyn Validator>,
    pub(crate) hierarchy: Hierarchy,
    pub(crate) random: Random,
    pub(crate) faults: Faults,
    pub(crate) ledger: Ledger,
    pub(crate) memory: Memory,
    pub(crate) jobs: Vec<ValidationJob>,
    pub(crate) renewal: RenewalAnswers,
    /// How often the endpoints moved.
    pub(crate) generation: u32,
    /// What the `Date` header is off by, in milliseconds.
    pub(crate) date_offset: i64,
}

/// What amnesia takes.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) nonces: BTreeSet<String>,
    pub(crate) accounts: BTreeMap<String, AccountEntry>,
    pub(crate) accounts_by_key: BTreeMap<String, String>,
    pub(crate) orders: BTreeMap<String, OrderEntry>,
    pub(crate) authorizations: BTreeMap<String, AuthorizationEntry>,
    /// The latest authorization of an account for an identifier, by its wildcard.
    pub(crate) proven: BTreeMap<(String, Identifier), String>,
    pub(crate) certificates: BTreeMap<String, CertificateEntry>,
    pub(crate) certificates_by_id: BTreeMap<CertificateId, String>,
    pub(crate) due: BTreeSet<(Timestamp, Due)>,
}

/// What happens by itself when its time comes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    Verdict { authorization: String, challenge: String },
    Certificate { order: String },
}

pub(crate) struct AccountEntry {
    pub(crate) key: PublicKey,
    /// Thumbprints of the keys before, the newest first.
    pub(crate) former_keys: Vec<String>,
    pub(crate) deactivated: bool,
    pub(crate) contact: Vec<String>,
    pub(crate) terms_agreed: bool,
    pub(crate) external: Option<serde_json::Value>,
    pub(crate) orders: Vec<String>,
}

pub(crate) struct OrderEntry {
    pub(crate) account: String,
    pub(crate) identifiers: Vec<Identifier>,
    pub(crate) authorizations: Vec<String>,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) not_after: Option<Timestamp>,
    pub(crate) replaces: Option<CertificateId>,
    pub(crate) profile: Option<String>,
    pub(crate) expires: Timestamp,
    pub(crate) stage: Stage,
}

/// How far an order is; whether an open one is pending or ready is its authorizations' to say.
pub(crate) enum Stage {
    Open,
    Processing { csr: Box<Csr>, flaw: Option<LeafFlaw> },
    Valid { certificate: String },
    Invalid(Problem),
}

pub(crate) struct AuthorizationEntry {
    pub(crate) account: String,
    pub(crate) identifier: Identifier,
    pub(crate) wildcard: bool,
    pub(crate) status: AuthorizationStatus,
    pub(crate) expires: Timestamp,
    pub(crate) challenges: Vec<ChallengeEntry>,
}

pub(crate) struct ChallengeEntry {
    pub(crate) id: String,
    pub(crate) kind: ChallengeType,
    pub(crate) token: Option<String>,
    pub(crate) status: ChallengeStatus,
    pub(crate) validated: Option<Timestamp>,
    pub(crate) error: Option<Problem>,
    /// The verdict that a fault decided.
    pub(crate) doom: Option<Problem>,
}

pub(crate) struct CertificateEntry {
    pub(crate) account: String,
    pub(crate) identifiers: Vec<Identifier>,
    pub(crate) key: PublicKey,
    pub(crate) leaf: CertificateDer<'static>,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) revoked: Option<(Timestamp, u8)>,
    /// The order that replaces it.
    pub(crate) replaced_by: Option<String>,
}

/// What renewal information says.
#[derive(Default)]
pub(crate) struct RenewalAnswers {
    pub(crate) of: BTreeMap<CertificateId, String>,
    pub(crate) of_all: Option<String>,
}

/// Where a URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Directory,
    NewNonce,
    NewAccount,
    Account(String),
    Orders(String, usize),
    NewOrder,
    Order(String),
    Authorization(String),
    Challenge(String, String),
    Finalize(String),
    Certificate(String, usize),
    RenewalInfo(String),
    RevokeCert,
    KeyChange,
    Nowhere,
}

impl Route {
    pub(crate) fn endpoint(&self) -> Endpoint {
        match self {
            Self::Directory => Endpoint::Directory,
            Self::NewNonce => Endpoint::NewNonce,
            Self::NewAccount => Endpoint::NewAccount,
            Self::Account(_) => Endpoint::Account,
            Self::Orders(..) => Endpoint::Orders,
            Self::NewOrder => Endpoint::NewOrder,
            Self::Order(_) => Endpoint::Order,
            Self::Authorization(_) => Endpoint::Authorization,
            Self::Challenge(..) => Endpoint::Challenge,
            Self::Finalize(_) => Endpoint::Finalize,
            Self::Certificate(..) => Endpoint::Certificate,
            Self::RenewalInfo(_) => Endpoint::RenewalInfo,
            Self::RevokeCert => Endpoint::RevokeCert,
            Self::KeyChange => Endpoint::KeyChange,
            Self::Nowhere => Endpoint::Nowhere,
        }
    }

    /// The id of the order that a request is about.
    pub(crate) fn order(&self) -> Option<&str> {
        if let Self::Order(id) | Self::Finalize(id) = self { Some(id) } else { None }
    }
}

impl State {
    pub(crate) fn new(settings: Settings, validator: Arc<dyn Validator>) -> Self {
        Self {
            hierarchy: Hierarchy::new(settings.roots, settings.intermediates),
            random: Random::new(settings.seed),
            settings,
            validator,
            faults: Faults::default(),
            ledger: Ledger::default(),
            memory: Memory::default(),
            jobs: Vec::new(),
            renewal: RenewalAnswers::default(),
            generation: 0,
            date_offset: 0,
        }
    }

    /// Reads an absolute URL.
    pub(crate) fn route(&self, url: &str) -> Route {
        let Some(rest) = url.strip_prefix(&self.settings.base_url).and_then(|it| it.strip_prefix('/')) else {
            return Route::Nowhere;
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let parts: Vec<&str> = path.split('/').collect();
        let own = |text: &str| text.to_owned();
        match parts.as_slice() {
            ["directory"] => Route::Directory,
            [generation, endpoint] if *generation == self.endpoints() => match *endpoint {
                "new-nonce" => Route::NewNonce,
                "new-account" => Route::NewAccount,
                "new-order" => Route::NewOrder,
                "revoke-cert" => Route::RevokeCert,
                "key-change" => Route::KeyChange,
                _ => Route::Nowhere,
            },
            ["acct", id] => Route::Account(own(id)),
            ["orders", id] => {
                let page = query.strip_prefix("page=").and_then(|it| it.parse().ok()).unwrap_or(0);
                Route::Orders(own(id), page)
            }
            ["order", id] => Route::Order(own(id)),
            ["authz", id] => Route::Authorization(own(id)),
            ["chall", authorization, id] => Route::Challenge(own(authorization), own(id)),
            ["finalize", id] => Route::Finalize(own(id)),
            ["cert", id] => Route::Certificate(own(id), 0),
            ["cert", id, number] => match number.parse() {
                Ok(number) => Route::Certificate(own(id), number),
                Err(_) => Route::Nowhere,
            },
            ["renewal-info", id] if self.settings.renewal_info => Route::RenewalInfo(own(id)),
            _ => Route::Nowhere,
        }
    }

    /// An absolute URL within the authority.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.settings.base_url)
    }

    pub(crate) fn endpoint_url(&self, endpoint: &str) -> String {
        self.url(&format!("{}/{endpoint}", self.endpoints()))
    }

    pub(crate) fn typed_url(&self, path: &str) -> Url {
        Url::parse(&self.url(path)).expect("the authority's base is a URL")
    }

    /// A random-looking name.
    pub(crate) fn new_id(&mut self) -> String {
        self.random.word(9)
    }

    fn endpoints(&self) -> String {
        format!("acme-{}", self.generation)
    }
}
