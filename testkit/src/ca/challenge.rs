//! Challenges: accepted, looked at, decided (RFC 8555 section 7.5.1).

use std::sync::Arc;

use acme_core::protocol::{AuthorizationStatus, ChallengeStatus, ChallengeType, KeyAuthorization};
use acme_core::{Identifier, Timestamp};
use serde_json::{Value, json};

use super::answer::{Refusal, Reply};
use super::fault::Fault;
use super::jws::Signed;
use super::persistent::PersistentJob;
use super::state::{ChallengeEntry, Due, State};
use super::validation::{ValidationJob, Verdict};

impl State {
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
        let above = self.memory.authorizations.get(authorization);
        let (account, entry) = above
            .and_then(|it| Some((&it.account, it.challenges.iter().find(|it| it.id == challenge)?)))
            .ok_or_else(|| Refusal::missing("challenge"))?;
        let busy = matches!(entry.status, ChallengeStatus::Pending | ChallengeStatus::Processing);
        let up = self.url(&format!("authz/{authorization}"));
        let reply = Reply::json(200, &self.show_challenge(authorization, account, entry)).link(&up, "up");
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
        let Some(job) = self.job(authorization, challenge, now) else {
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

    fn job(&self, authorization: &str, challenge: &str, now: Timestamp) -> Option<ValidationJob> {
        let entry = self.memory.authorizations.get(authorization)?;
        let account = self.memory.accounts.get(&entry.account)?;
        let offered = entry.challenges.iter().find(|it| it.id == challenge)?;
        let thumbprint = account.key.thumbprint();
        let url = self.account_url(&entry.account);
        let mut keys = account.former_keys.clone();
        keys.insert(0, thumbprint.clone());
        let persistence = &self.settings.persistence;
        let persistent = PersistentJob {
            issuers: persistence.issuers.clone(),
            accounts: persistence.names_of(&entry.identifier.to_string(), &self.url(HASHES), &url, &keys),
            wildcard: entry.wildcard,
            at: now,
        };
        Some(ValidationJob {
            authorization: authorization.to_owned(),
            challenge: challenge.to_owned(),
            identifier: entry.identifier.clone(),
            kind: offered.kind.clone(),
            key_authorization: KeyAuthorization::new(offered.token.as_ref()?, &thumbprint).ok()?,
            account: self.typed_url(&format!("acct/{}", entry.account)),
            persistent,
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

    pub(crate) fn show_challenge(&self, authorization: &str, account: &str, entry: &ChallengeEntry) -> Value {
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
        let is_persistent = entry.kind == ChallengeType::DnsPersist01;
        tell("token", entry.token.as_ref().filter(|_| !is_persistent).map(|it| json!(it)));
        tell("validated", entry.validated.map(|it| json!(it)));
        tell("error", entry.error.as_ref().map(|it| json!(it)));
        if is_persistent {
            self.settings.persistence.show_in_challenge(&mut shown, &self.account_url(account));
        }
        shown
    }
}

/// What hashed names of accounts begin with.
pub(crate) const HASHES: &str = "account-hash/";
