//! Orders: made and shown (RFC 8555 section 7.4, RFC 9773 section 5).

use std::collections::BTreeSet;

use acme_core::protocol::{AuthorizationStatus, CertificateId, NewOrder, Problem, ProblemType};
use acme_core::{Identifier, Timestamp};
use http::header;
use serde_json::{Value, json};

use super::answer::{Refusal, Reply};
use super::fault::Fault;
use super::jws::Signed;
use super::state::{OrderEntry, Stage, State};

impl State {
    pub(crate) fn new_order(&mut self, request: &Signed, now: Timestamp) -> Result<Reply, Refusal> {
        let account = request.account()?.to_owned();
        let wish: NewOrder = serde_json::from_value(request.json()?)
            .map_err(|error| Refusal::malformed(format!("not an order: {error}")))?;
        let identifiers = self.check_identifiers(&wish.identifiers)?;
        if (wish.not_before.is_some() || wish.not_after.is_some()) && !self.settings.order_dates {
            return Err(Refusal::malformed("notBefore and notAfter are not supported"));
        }
        if let Some(profile) = &wish.profile
            && !self.settings.profiles.contains_key(profile)
        {
            return Err(Refusal::new(400, ProblemType::InvalidProfile, format!("profile {profile:?} is not on offer")));
        }
        if self.settings.reuse_orders
            && let Some(id) = self.same_order(&account, &identifiers, &wish, now)
        {
            return Ok(self.order_reply(201, &id));
        }
        if let Some(replaced) = &wish.replaces {
            self.check_replaced(&account, replaced, &identifiers, now)?;
        }
        let id = self.new_id();
        let authorizations: Vec<String> = identifiers.iter().map(|it| self.authorize(&account, it, now)).collect();
        if let Some(replaced) = &wish.replaces
            && let Some(certificate) = self.memory.certificates_by_id.get(replaced)
            && let Some(certificate) = self.memory.certificates.get_mut(certificate)
        {
            certificate.replaced_by = Some(id.clone());
        }
        if let Some(account) = self.memory.accounts.get_mut(&account) {
            account.orders.push(id.clone());
        }
        self.memory.orders.insert(
            id.clone(),
            OrderEntry {
                account,
                identifiers,
                authorizations,
                not_before: wish.not_before,
                not_after: wish.not_after,
                replaces: wish.replaces,
                profile: wish.profile,
                expires: now + self.settings.order_lifetime,
                stage: Stage::Open,
            },
        );
        Ok(self.order_reply(201, &id))
    }

    fn check_identifiers(&self, wished: &[Identifier]) -> Result<Vec<Identifier>, Refusal> {
        if wished.is_empty() {
            return Err(Refusal::malformed("an order names at least one identifier"));
        }
        if wished.len() > self.settings.identifiers {
            return Err(Refusal::malformed(format!(
                "an order names at most {} identifiers",
                self.settings.identifiers
            )));
        }
        let mut refused = Vec::new();
        let mut identifiers = Vec::new();
        for identifier in wished {
            if let Identifier::Other(other) = identifier {
                let kind = if matches!(other.kind.as_str(), "dns" | "ip") {
                    ProblemType::Malformed
                } else {
                    ProblemType::UnsupportedIdentifier
                };
                return Err(Refusal::new(400, kind, format!("{identifier} is not taken")));
            }
            if self.is_blocked(identifier) {
                let mut problem = Problem::new(ProblemType::RejectedIdentifier, "policy forbids issuing for this name");
                problem.identifier = Some(identifier.clone());
                refused.push(problem);
            }
            if !identifiers.contains(identifier) {
                identifiers.push(identifier.clone());
            }
        }
        if refused.is_empty() {
            return Ok(identifiers);
        }
        let mut problem = Problem::new(
            ProblemType::RejectedIdentifier,
            format!("policy forbids issuing for {} of the names", refused.len()),
        )
        .with_status(400);
        problem.subproblems = refused;
        Err(Refusal::from_problem(&problem))
    }

    fn is_blocked(&self, identifier: &Identifier) -> bool {
        let text = identifier.to_string();
        self.settings.blocked.iter().any(|blocked| {
            text == *blocked || text.strip_suffix(blocked.as_str()).is_some_and(|rest| rest.ends_with('.'))
        })
    }

    /// The account's unfinished order for the same, if there is one.
    fn same_order(
        &mut self,
        account: &str,
        identifiers: &[Identifier],
        wish: &NewOrder,
        now: Timestamp,
    ) -> Option<String> {
        let wanted: BTreeSet<&Identifier> = identifiers.iter().collect();
        let ids = self.memory.accounts.get(account)?.orders.clone();
        ids.into_iter().rev().find(|id| {
            self.refresh_order(id, now);
            self.memory.orders.get(id).is_some_and(|order| {
                matches!(order.stage, Stage::Open)
                    && order.identifiers.iter().collect::<BTreeSet<_>>() == wanted
                    && order.profile == wish.profile
                    && order.not_before == wish.not_before
                    && order.not_after == wish.not_after
            })
        })
    }

    fn check_replaced(
        &mut self,
        account: &str,
        replaced: &CertificateId,
        identifiers: &[Identifier],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let certificate = self
            .memory
            .certificates_by_id
            .get(replaced)
            .and_then(|id| self.memory.certificates.get(id))
            .ok_or_else(|| Refusal::missing("certificate to replace"))?;
        if certificate.account != account {
            return Err(Refusal::unauthorized("the certificate to replace belongs to another account"));
        }
        if !identifiers.iter().any(|it| certificate.identifiers.contains(it)) {
            return Err(Refusal::malformed("the certificate to replace shares no identifier with the order"));
        }
        let Some(other) = certificate.replaced_by.clone() else {
            return Ok(());
        };
        self.refresh_order(&other, now);
        let dead = self.memory.orders.get(&other).is_none_or(|it| matches!(it.stage, Stage::Invalid(_)));
        if dead {
            return Ok(());
        }
        Err(Refusal::new(409, ProblemType::AlreadyReplaced, "another order replaces this certificate already"))
    }

    pub(crate) fn order(
        &mut self,
        request: &Signed,
        id: &str,
        fault: Option<&Fault>,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        request.must_be_look()?;
        self.own_order(request, id, fault, now)?;
        Ok(self.order_reply(200, id))
    }

    /// Checks that the order is there and the requester's, and brings it up to `now`.
    pub(crate) fn own_order(
        &mut self,
        request: &Signed,
        id: &str,
        fault: Option<&Fault>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.refresh_order(id, now);
        let order = self.memory.orders.get_mut(id).ok_or_else(|| Refusal::missing("order"))?;
        if request.account()? != order.account {
            return Err(Refusal::unauthorized("the order belongs to another account"));
        }
        if let Some(Fault::Invalidate(problem)) = fault {
            order.stage = Stage::Invalid((**problem).clone());
        }
        Ok(())
    }

    /// Brings an open order up to `now`: it may have run out, or lost an authorization.
    pub(crate) fn refresh_order(&mut self, id: &str, now: Timestamp) {
        let Some(order) = self.memory.orders.get(id) else {
            return;
        };
        if !matches!(order.stage, Stage::Open) {
            return;
        }
        let authorizations = order.authorizations.clone();
        let expired = order.expires.is_due(now);
        let mut lost = Vec::new();
        for authorization in &authorizations {
            self.refresh_authorization(authorization, now);
            lost.extend(self.why_lost(authorization));
        }
        let problem = match lost.len() {
            0 if expired => Problem::new(ProblemType::Malformed, "the order has run out"),
            0 => return,
            1 => lost.swap_remove(0),
            count => {
                let mut problem = Problem::new(ProblemType::Compound, format!("{count} authorizations failed"));
                problem.subproblems = lost;
                problem
            }
        };
        if let Some(order) = self.memory.orders.get_mut(id) {
            order.stage = Stage::Invalid(problem);
        }
    }

    pub(crate) fn order_status(&self, id: &str) -> &'static str {
        let Some(order) = self.memory.orders.get(id) else {
            return "invalid";
        };
        match &order.stage {
            Stage::Open => {
                let proven = order.authorizations.iter().all(|it| {
                    self.memory.authorizations.get(it).is_some_and(|it| it.status == AuthorizationStatus::Valid)
                });
                if proven { "ready" } else { "pending" }
            }
            Stage::Processing { .. } => "processing",
            Stage::Valid { .. } => "valid",
            Stage::Invalid(_) => "invalid",
        }
    }

    pub(crate) fn order_reply(&self, status: u16, id: &str) -> Reply {
        let reply = Reply::json(status, &self.show_order(id));
        let reply = if status == 201 { reply.at(self.url(&format!("order/{id}"))) } else { reply };
        if matches!(self.order_status(id), "processing" | "pending") {
            reply.retry_after(self.settings.poll_after)
        } else {
            reply.with(header::CACHE_CONTROL, "no-store")
        }
    }

    fn show_order(&self, id: &str) -> Value {
        let Some(order) = self.memory.orders.get(id) else {
            return Value::Null;
        };
        let authorizations: Vec<String> =
            order.authorizations.iter().map(|it| self.url(&format!("authz/{it}"))).collect();
        let mut shown = json!({
            "status": self.order_status(id),
            "expires": order.expires,
            "identifiers": order.identifiers,
            "authorizations": authorizations,
            "finalize": self.url(&format!("finalize/{id}")),
        });
        let mut tell = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                shown[name] = value;
            }
        };
        tell("notBefore", order.not_before.map(|it| json!(it)));
        tell("notAfter", order.not_after.map(|it| json!(it)));
        tell("replaces", order.replaces.as_ref().map(|it| json!(it)));
        tell("profile", order.profile.as_ref().map(|it| json!(it)));
        match &order.stage {
            Stage::Valid { certificate } => {
                let url = self.url(&format!("cert/{certificate}"));
                tell("certificate", Some(json!(url)));
            }
            Stage::Invalid(problem) => tell("error", Some(json!(problem))),
            Stage::Open | Stage::Processing { .. } => {}
        }
        shown
    }
}
