//! Orders finalized: the signing request comes in (RFC 8555 section 7.4).

use std::collections::BTreeSet;

use acme_core::protocol::ProblemType;
use acme_core::{Identifier, Timestamp};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use super::answer::{Refusal, Reply};
use super::csr::Csr;
use super::fault::Fault;
use super::jws::Signed;
use super::state::{Due, Stage, State};

impl State {
    pub(crate) fn finalize(
        &mut self,
        request: &Signed,
        id: &str,
        fault: Option<&Fault>,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        self.own_order(request, id, fault, now)?;
        let status = self.order_status(id);
        if status != "ready" {
            return Err(Refusal::new(403, ProblemType::OrderNotReady, format!("the order is {status}")));
        }
        let csr = self.check_csr(request, id)?;
        let delay = match fault {
            Some(Fault::Processing(delay)) => *delay,
            _ => self.settings.issuance_delay,
        };
        let flaw = match fault {
            Some(Fault::Leaf(flaw)) => Some(*flaw),
            _ => None,
        };
        self.ledger.finalized += 1;
        if let Some(order) = self.memory.orders.get_mut(id) {
            order.stage = Stage::Processing { csr: Box::new(csr), flaw };
        }
        self.memory.due.insert((now + delay, Due::Certificate { order: id.to_owned() }));
        self.settle(now);
        Ok(self.order_reply(200, id).at(self.url(&format!("order/{id}"))))
    }

    fn check_csr(&self, request: &Signed, id: &str) -> Result<Csr, Refusal> {
        let bad = |why: String| Refusal::new(400, ProblemType::BadCsr, why);
        let body = request.json()?;
        let der = body
            .get("csr")
            .and_then(Value::as_str)
            .and_then(|it| BASE64_URL_SAFE_NO_PAD.decode(it).ok())
            .ok_or_else(|| Refusal::malformed("csr is not base64url"))?;
        let csr = Csr::read(&der).map_err(bad)?;
        if let Some(why) = csr.key.weakness() {
            return Err(bad(why.to_owned()));
        }
        if csr.key.algorithm() == "EdDSA" && !self.settings.ed25519_leaves {
            return Err(bad("Ed25519 keys are not certified here".to_owned()));
        }
        let order = self.memory.orders.get(id);
        let wanted: BTreeSet<Identifier> = order.map(|it| it.identifiers.iter().cloned().collect()).unwrap_or_default();
        if csr.identifiers != wanted {
            return Err(bad("the names of the signing request are not the order's".to_owned()));
        }
        let account = order.and_then(|it| self.memory.accounts.get(&it.account));
        if account.is_some_and(|it| it.key == csr.key) {
            return Err(bad("the key of the signing request is the account's".to_owned()));
        }
        Ok(csr)
    }
}
