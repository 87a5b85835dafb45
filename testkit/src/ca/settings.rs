//! How a model certificate authority behaves when nothing is wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use acme_core::protocol::ChallengeType;

use super::persistent::Persistence;

/// The behaviour of a [`ModelCa`](super::ModelCa); start from the default, which is Let's Encrypt's in short, and change what a test is about.
///
/// [`ModelCa::change`](super::ModelCa::change) changes it later.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What every URL begins with, without a final slash.
    pub base_url: String,
    /// Makes identifiers, tokens, serial numbers and chances; two authorities with one seed give the same.
    pub seed: u64,
    /// Where the terms are; with some, a new account must agree to them.
    pub terms_of_service: Option<String>,
    /// Whether a new account is bound to an account elsewhere.
    pub external_accounts: ExternalAccounts,
    /// MAC keys of external accounts by key id.
    pub external_keys: BTreeMap<String, Vec<u8>>,
    /// The profiles on offer; with none the directory has no word of them.
    pub profiles: BTreeMap<String, Profile>,
    /// Life of a certificate without a profile.
    pub validity: Duration,
    /// Root certificates; each beyond the first is one more alternate chain.
    pub roots: usize,
    /// Intermediate certificates between a leaf and its root, 0 to 3; without one there are no alternates.
    pub intermediates: usize,
    /// Life of an order that is not finished.
    pub order_lifetime: Duration,
    /// Life of an authorization that is not proven.
    pub pending_lifetime: Duration,
    /// Life of an authorization that is proven.
    pub valid_lifetime: Duration,
    /// How many of a hundred proven authorizations serve a later order.
    pub reuse_percent: u8,
    /// Whether the same request gets the same unfinished order again, as at Boulder.
    pub reuse_orders: bool,
    /// The challenges on offer, where the identifier allows them.
    pub challenges: Vec<ChallengeType>,
    /// What `dns-persist-01` is like, where [`challenges`](Self::challenges) names it.
    pub persistence: Persistence,
    /// Whether authorizations also offer a challenge of an unknown type and one without a token.
    pub odd_challenges: bool,
    /// Time from accepting a challenge to its verdict; with none the verdict is there at the next request.
    pub validation_delay: Duration,
    /// Time from finalizing to the certificate; with none the answer to finalize is valid already.
    pub issuance_delay: Duration,
    /// `Retry-After` of answers about things in process.
    pub poll_after: Option<Duration>,
    /// Whether accounts show a list of their orders.
    pub order_lists: bool,
    /// Orders on one page of that list.
    pub orders_per_page: usize,
    /// Whether renewal information is offered.
    pub renewal_info: bool,
    /// `Retry-After` of renewal information.
    pub renewal_poll_after: Option<Duration>,
    /// Whether orders may name dates.
    pub order_dates: bool,
    /// Most identifiers of one order.
    pub identifiers: usize,
    /// Names, and names below them, for which nothing is issued.
    pub blocked: Vec<String>,
    /// Whether leaves with Ed25519 keys are issued.
    pub ed25519_leaves: bool,
    /// The revocation reasons that are taken.
    pub revocation_reasons: Vec<u8>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "https://ca.test".to_owned(),
            seed: 1,
            terms_of_service: Some("https://ca.test/terms".to_owned()),
            external_accounts: ExternalAccounts::Optional,
            external_keys: BTreeMap::new(),
            profiles: BTreeMap::new(),
            validity: 90 * DAY,
            roots: 1,
            intermediates: 1,
            order_lifetime: 7 * DAY,
            pending_lifetime: 7 * DAY,
            valid_lifetime: 30 * DAY,
            reuse_percent: 0,
            reuse_orders: false,
            challenges: vec![
                ChallengeType::Http01,
                ChallengeType::Dns01,
                ChallengeType::TlsAlpn01,
                ChallengeType::DnsAccount01,
            ],
            persistence: Persistence::default(),
            odd_challenges: false,
            validation_delay: Duration::ZERO,
            issuance_delay: Duration::ZERO,
            poll_after: Some(Duration::from_secs(3)),
            order_lists: false,
            orders_per_page: 3,
            renewal_info: true,
            renewal_poll_after: Some(Duration::from_secs(6 * 3600)),
            order_dates: true,
            identifiers: 100,
            blocked: Vec::new(),
            ed25519_leaves: true,
            revocation_reasons: vec![0, 1, 4, 5],
        }
    }
}

/// Whether a new account is bound to an account elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum ExternalAccounts {
    /// A binding is checked where there is one.
    Optional,
    /// There is no account without one.
    Required,
}

/// A profile on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// What the directory says of it.
    pub description: String,
    /// Life of its certificates.
    pub validity: Duration,
}

impl Profile {
    /// A profile.
    pub fn new(description: &str, validity: Duration) -> Self {
        Self { description: description.to_owned(), validity }
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);
