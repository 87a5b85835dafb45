//! Authorizations and their challenges (RFC 8555 section 7.5, RFC 8738).

use std::sync::Arc;

use acme_core::protocol::{
    AuthorizationStatus, ChallengeStatus, ChallengeType, KeyAuthorization, Problem, ProblemType,
};
use acme_core::{Identifier, Timestamp};
use http::header;
use serde_json::{Value, json};

use super::answer::{Refusal, Reply};
use super::fault::Fault;
use super::jws::Signed;
use super::state::{AuthorizationEntry, ChallengeEntry, Due, State};
use super::validation::{ValidationJob, Verdict};

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
                let over_dns = matches!(kind, ChallengeType::Dns01 | ChallengeType::DnsAccount01);
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

    pub(crate) fn challenge(
        &mut self,
        request: &Signed,
        authorization: &str,
        challenge: &str,
        fault: Option<&Fault>,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        self.own_authorization(request, authorization, now)?;
        if !request.is_look() {
            if request.json()? != json!({}) {
                return Err(Refusal::malformed("a challenge is accepted with an empty object and nothing else"));
            }
            self.accept(authorization, challenge, fault, now)?;
        }
        let entry = self
            .memory
            .authorizations
            .get(authorization)
            .and_then(|it| it.challenges.iter().find(|it| it.id == challenge))
            .ok_or_else(|| Refusal::missing("challenge"))?;
        let busy = matches!(entry.status, ChallengeStatus::Pending | ChallengeStatus::Processing);
        let up = self.url(&format!("authz/{authorization}"));
        let reply = Reply::json(200, &self.show_challenge(authorization, entry)).link(&up, "up");
        Ok(if busy { reply.retry_after(self.settings.poll_after) } else { reply })
    }

    fn accept(
        &mut self,
        authorization: &str,
        challenge: &str,
        fault: Option<&Fault>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let delay = match fault {
            Some(Fault::Processing(delay)) => *delay,
            _ => self.settings.validation_delay,
        };
        let Some(entry) = self.memory.authorizations.get_mut(authorization) else {
            return Err(Refusal::missing("authorization"));
        };
        let pending = entry.status == AuthorizationStatus::Pending;
        let entry =
            entry.challenges.iter_mut().find(|it| it.id == challenge).ok_or_else(|| Refusal::missing("challenge"))?;
        if !pending || entry.status != ChallengeStatus::Pending {
            return Ok(());
        }
        if matches!(entry.kind, ChallengeType::Other(_)) {
            return Err(Refusal::malformed("nobody can look at such a challenge"));
        }
        entry.status = ChallengeStatus::Processing;
        if let Some(Fault::Invalidate(problem)) = fault {
            entry.doom = Some((**problem).clone());
        }
        self.memory.due.insert((
            now + delay,
            Due::Verdict { authorization: authorization.to_owned(), challenge: challenge.to_owned() },
        ));
        Ok(())
    }

    /// Asks the validator about a challenge whose time has come.
    pub(crate) fn decide(&mut self, authorization: &str, challenge: &str, now: Timestamp) {
        let Some(job) = self.job(authorization, challenge) else {
            return;
        };
        let doom = self
            .memory
            .authorizations
            .get(authorization)
            .and_then(|it| it.challenges.iter().find(|it| it.id == challenge))
            .and_then(|it| it.doom.clone());
        let verdict = match doom {
            Some(problem) => Verdict::Invalid(problem),
            None => Arc::clone(&self.validator).validate(&job),
        };
        self.conclude(&job, verdict, now);
    }

    fn job(&self, authorization: &str, challenge: &str) -> Option<ValidationJob> {
        let entry = self.memory.authorizations.get(authorization)?;
        let account = self.memory.accounts.get(&entry.account)?;
        let offered = entry.challenges.iter().find(|it| it.id == challenge)?;
        let thumbprint = account.key.thumbprint();
        Some(ValidationJob {
            authorization: authorization.to_owned(),
            challenge: challenge.to_owned(),
            identifier: entry.identifier.clone(),
            kind: offered.kind.clone(),
            key_authorization: KeyAuthorization::new(offered.token.as_ref()?, &thumbprint).ok()?,
            account: self.typed_url(&format!("acct/{}", entry.account)),
        })
    }

    /// Takes a verdict; one that comes too late changes nothing.
    pub(crate) fn conclude(&mut self, job: &ValidationJob, verdict: Verdict, now: Timestamp) {
        let valid_lifetime = self.settings.valid_lifetime;
        let Some(entry) = self.memory.authorizations.get_mut(&job.authorization) else {
            return;
        };
        if entry.status != AuthorizationStatus::Pending {
            return;
        }
        let Some(challenge) =
            entry.challenges.iter_mut().find(|it| it.id == job.challenge && it.status == ChallengeStatus::Processing)
        else {
            return;
        };
        match verdict {
            Verdict::Elsewhere => self.jobs.push(job.clone()),
            Verdict::Valid => {
                challenge.status = ChallengeStatus::Valid;
                challenge.validated = Some(now);
                entry.status = AuthorizationStatus::Valid;
                entry.expires = now + valid_lifetime;
                let ordered = match (&entry.identifier, entry.wildcard) {
                    (Identifier::Dns(name), true) => Identifier::Dns(name.wildcard()),
                    (identifier, _) => identifier.clone(),
                };
                let key = (entry.account.clone(), ordered);
                entry.challenges.retain(|it| it.id == job.challenge);
                self.memory.proven.insert(key, job.authorization.clone());
            }
            Verdict::Invalid(mut problem) => {
                problem.identifier = None;
                problem.status.get_or_insert(403);
                challenge.status = ChallengeStatus::Invalid;
                challenge.error = Some(problem);
                entry.status = AuthorizationStatus::Invalid;
                entry.challenges.retain(|it| it.id == job.challenge);
            }
        }
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

    fn own_authorization(&mut self, request: &Signed, id: &str, now: Timestamp) -> Result<(), Refusal> {
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
        let challenges: Vec<Value> = entry.challenges.iter().map(|it| self.show_challenge(id, it)).collect();
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

    fn show_challenge(&self, authorization: &str, entry: &ChallengeEntry) -> Value {
        let mut shown = json!({
            "type": entry.kind,
            "url": self.url(&format!("chall/{authorization}/{}", entry.id)),
            "status": entry.status,
        });
        let mut tell = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                shown[name] = value;
            }
        };
        tell("token", entry.token.as_ref().map(|it| json!(it)));
        tell("validated", entry.validated.map(|it| json!(it)));
        tell("error", entry.error.as_ref().map(|it| json!(it)));
        if entry.kind.as_str() == TOKENLESS {
            tell("issuer-domain-names", Some(json!(["ca.test"])));
        }
        shown
    }
}

const UNKNOWN: &str = "carrier-pigeon-01";
const TOKENLESS: &str = "dns-persist-01";
