//! Authorizations (RFC 8555 section 7.5, RFC 8738).

use acme_core::protocol::{AuthorizationStatus, ChallengeStatus, ChallengeType, Problem, ProblemType};
use acme_core::{Identifier, Timestamp};
use http::header;
use serde_json::{Value, json};

use super::answer::{Refusal, Reply};
use super::jws::Signed;
use super::state::{AuthorizationEntry, ChallengeEntry, State};

impl State {
    /// An authorization for `identifier`: one that is proven, by chance, or a new one.
    pub(crate) fn authorize(&mut self, account: &str, identifier: &Identifier, now: Timestamp) -> String {
        let proven = self.memory.proven.get(&(account.to_owned(), identifier.clone())).cloned();
        if let Some(id) = proven {
            self.refresh_authorization(&id, now);
            let valid = self.memory.authorizations.get(&id).is_some_and(|it| it.status == AuthorizationStatus::Valid);
            let percent = self.settings.reuse_percent;
            if valid && self.random.chance(percent) {
                return id;
            }
        }
        let wildcard = identifier.is_wildcard();
        let base = match identifier.dns() {
            Some(name) => Identifier::Dns(name.base()),
            None => identifier.clone(),
        };
        let challenges = self.offer(&base, wildcard);
        let id = self.new_id();
        self.memory.authorizations.insert(
            id.clone(),
            AuthorizationEntry {
                account: account.to_owned(),
                identifier: base,
                wildcard,
                status: AuthorizationStatus::Pending,
                expires: now + self.settings.pending_lifetime,
                challenges,
            },
        );
        id
    }

    fn offer(&mut self, identifier: &Identifier, wildcard: bool) -> Vec<ChallengeEntry> {
        let is_address = identifier.dns().is_none();
        let mut kinds: Vec<ChallengeType> = self
            .settings
            .challenges
            .iter()
            .filter(|kind| {
                let over_dns =
                    matches!(kind, ChallengeType::Dns01 | ChallengeType::DnsAccount01 | ChallengeType::DnsPersist01);
                if over_dns { !is_address } else { !wildcard }
            })
            .cloned()
            .collect();
        if self.settings.odd_challenges {
            kinds.insert(0, ChallengeType::from(UNKNOWN.to_owned()));
            kinds.push(ChallengeType::from(TOKENLESS.to_owned()));
        }
        kinds
            .into_iter()
            .map(|kind| ChallengeEntry {
                id: self.new_id(),
                token: (kind.as_str() != TOKENLESS).then(|| self.random.word(32)),
                kind,
                status: ChallengeStatus::Pending,
                validated: None,
                error: None,
                doom: None,
            })
            .collect()
    }

    pub(crate) fn authorization(&mut self, request: &Signed, id: &str, now: Timestamp) -> Result<Reply, Refusal> {
        self.own_authorization(request, id, now)?;
        if !request.is_look() {
            let wish = request.json()?;
            if wish.get("status").and_then(Value::as_str) != Some("deactivated") {
                return Err(Refusal::malformed("an authorization can only be set to deactivated"));
            }
            let authorization = self.memory.authorizations.get_mut(id);
            match authorization {
                Some(it) if matches!(it.status, AuthorizationStatus::Pending | AuthorizationStatus::Valid) => {
                    it.status = AuthorizationStatus::Deactivated;
                }
                _ => return Err(Refusal::malformed("the authorization is final already")),
            }
        }
        let shown = self.show_authorization(id);
        let reply = Reply::json(200, &shown).with(header::CACHE_CONTROL, "no-store");
        let busy = self.memory.authorizations.get(id).is_some_and(|it| it.status == AuthorizationStatus::Pending);
        Ok(if busy { reply.retry_after(self.settings.poll_after) } else { reply })
    }

    /// Makes an authorization that is proven already.
    pub(crate) fn prove(&mut self, account: &str, identifier: &Identifier, now: Timestamp) {
        let id = self.authorize(account, identifier, now);
        let expires = now + self.settings.valid_lifetime;
        if let Some(entry) = self.memory.authorizations.get_mut(&id) {
            entry.status = AuthorizationStatus::Valid;
            entry.expires = expires;
        }
        self.memory.proven.insert((account.to_owned(), identifier.clone()), id);
    }

    /// Lets an authorization run out.
    pub(crate) fn refresh_authorization(&mut self, id: &str, now: Timestamp) {
        if let Some(entry) = self.memory.authorizations.get_mut(id)
            && entry.expires.is_due(now)
        {
            if entry.status == AuthorizationStatus::Pending {
                entry.status = AuthorizationStatus::Invalid;
            } else if entry.status == AuthorizationStatus::Valid {
                entry.status = AuthorizationStatus::Expired;
            }
        }
    }

    /// Why an authorization cannot be proven any more, with its identifier; `None` while it can, or is.
    pub(crate) fn why_lost(&self, id: &str) -> Option<Problem> {
        let Some(entry) = self.memory.authorizations.get(id) else {
            return Some(Problem::new(ProblemType::Malformed, "an authorization is gone"));
        };
        if matches!(entry.status, AuthorizationStatus::Pending | AuthorizationStatus::Valid) {
            return None;
        }
        let failed = entry.challenges.iter().find_map(|it| it.error.clone());
        let mut problem = failed.unwrap_or_else(|| {
            Problem::new(ProblemType::Unauthorized, format!("the authorization is {}", entry.status))
        });
        problem.identifier = Some(entry.identifier.clone());
        Some(problem)
    }

    pub(crate) fn own_authorization(&mut self, request: &Signed, id: &str, now: Timestamp) -> Result<(), Refusal> {
        self.refresh_authorization(id, now);
        let entry = self.memory.authorizations.get(id).ok_or_else(|| Refusal::missing("authorization"))?;
        if request.account()? == entry.account {
            Ok(())
        } else {
            Err(Refusal::unauthorized("the authorization belongs to another account"))
        }
    }

    fn show_authorization(&self, id: &str) -> Value {
        let Some(entry) = self.memory.authorizations.get(id) else {
            return Value::Null;
        };
        let challenges: Vec<Value> =
            entry.challenges.iter().map(|it| self.show_challenge(id, &entry.account, it)).collect();
        let mut shown = json!({
            "identifier": entry.identifier,
            "status": entry.status,
            "expires": entry.expires,
            "challenges": challenges,
        });
        if entry.wildcard {
            shown["wildcard"] = true.into();
        }
        shown
    }
}

const UNKNOWN: &str = "carrier-pigeon-01";
const TOKENLESS: &str = "smoke-signal-01";
