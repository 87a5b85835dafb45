//! What another client left behind: accounts, orders and authorizations with given names, for tests of taking over.

use acme_core::protocol::{AuthorizationStatus, ChallengeStatus, ChallengeType, Url};
use acme_core::{Identifier, Timestamp};
use serde_json::Value;

use super::ModelCa;
use super::keys::PublicKey;
use super::state::{AccountEntry, AuthorizationEntry, ChallengeEntry, OrderEntry, Stage};
use crate::sync::lock;

/// An authorization that another client was about to prove.
#[derive(Debug, Clone)]
pub struct SeededAuthorization {
    /// What it is for, with the `*.` of a wildcard.
    pub identifier: Identifier,
    /// The last part of its URL.
    pub id: String,
    /// Its challenges: kind, last part of the URL, token.
    pub challenges: Vec<(ChallengeType, String, Option<String>)>,
}

impl ModelCa {
    /// Knows an account by its public key (a JWK); `id` is the last part of its URL, which is answered.
    ///
    /// # Panics
    /// When the key is none that accounts have here.
    #[track_caller]
    pub fn seed_account(&self, jwk: &Value, id: &str) -> Url {
        let key = PublicKey::from_jwk(jwk).expect("an account's public key");
        let mut state = lock(&self.0);
        state.memory.accounts_by_key.insert(key.thumbprint(), id.to_owned());
        let entry = AccountEntry {
            former_keys: Vec::new(),
            key,
            deactivated: false,
            contact: Vec::new(),
            terms_agreed: true,
            external: None,
            orders: Vec::new(),
        };
        state.memory.accounts.insert(id.to_owned(), entry);
        state.typed_url(&format!("acct/{id}"))
    }

    /// Knows a pending order of the account `account`; `id` is the last part of its URL, which is answered.
    pub fn seed_order(&self, account: &str, id: &str, authorizations: &[SeededAuthorization], now: Timestamp) -> Url {
        let mut state = lock(&self.0);
        let (order_lifetime, pending_lifetime) = (state.settings.order_lifetime, state.settings.pending_lifetime);
        for it in authorizations {
            let challenges = it.challenges.iter().map(|(kind, id, token)| ChallengeEntry {
                id: id.clone(),
                kind: kind.clone(),
                token: token.clone(),
                status: ChallengeStatus::Pending,
                validated: None,
                error: None,
                doom: None,
            });
            let entry = AuthorizationEntry {
                account: account.to_owned(),
                identifier: it.identifier.dns().map_or_else(|| it.identifier.clone(), |name| name.base().into()),
                wildcard: it.identifier.is_wildcard(),
                status: AuthorizationStatus::Pending,
                expires: now + pending_lifetime,
                challenges: challenges.collect(),
            };
            state.memory.authorizations.insert(it.id.clone(), entry);
        }
        if let Some(account) = state.memory.accounts.get_mut(account) {
            account.orders.push(id.to_owned());
        }
        let entry = OrderEntry {
            account: account.to_owned(),
            identifiers: authorizations.iter().map(|it| it.identifier.clone()).collect(),
            authorizations: authorizations.iter().map(|it| it.id.clone()).collect(),
            not_before: None,
            not_after: None,
            replaces: None,
            profile: None,
            expires: now + order_lifetime,
            stage: Stage::Open,
        };
        state.memory.orders.insert(id.to_owned(), entry);
        state.typed_url(&format!("order/{id}"))
    }

    /// Has it that a challenge of an authorization was met.
    pub fn seed_valid(&self, authorization: &str) {
        if let Some(entry) = lock(&self.0).memory.authorizations.get_mut(authorization) {
            entry.status = AuthorizationStatus::Valid;
        }
    }
}
