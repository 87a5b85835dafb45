//! Certificates: made, fetched, revoked, and when to renew them (RFC 8555 sections 7.4.2 and 7.6, RFC 9773).

use std::time::Duration;

use acme_core::protocol::{CertificateId, Problem, ProblemType};
use acme_core::{Identifier, Timestamp};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http::header;
use serde_json::{Value, json};

use super::answer::{Refusal, Reply};
use super::fault::Fault;
use super::jws::{Signed, SignedBy};
use super::ledger::IssuedRecord;
use super::pki::{Leaf, certificate_id};
use super::state::{CertificateEntry, Due, Stage, State};

impl State {
    /// Lets everything happen whose time has come.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        while let Some((at, _)) = self.memory.due.first()
            && at.is_due(now)
            && let Some((_, due)) = self.memory.due.pop_first()
        {
            match due {
                Due::Verdict { authorization, challenge } => self.decide(&authorization, &challenge, now),
                Due::Certificate { order } => self.issue(&order, now),
            }
        }
    }

    fn issue(&mut self, id: &str, now: Timestamp) {
        let Some(order) = self.memory.orders.get(id) else {
            return;
        };
        let Stage::Processing { csr, flaw } = &order.stage else {
            return;
        };
        let (csr, flaw) = (csr.clone(), *flaw);
        let validity = order
            .profile
            .as_ref()
            .and_then(|it| self.settings.profiles.get(it))
            .map_or(self.settings.validity, |it| it.validity);
        let not_before = order.not_before.unwrap_or(now - BACKDATED);
        let not_after = order.not_after.unwrap_or(not_before + validity);
        let mut serial = self.random.bytes(16);
        // A positive number of full length, so that DER adds and drops no octet.
        serial[0] = serial[0] & 0x7f | 0x40;
        let leaf = self.hierarchy.issue(&Leaf {
            key: &csr.key,
            key_bits: &csr.key_bits,
            identifiers: &order.identifiers,
            not_before,
            not_after,
            serial: &serial,
            flaw,
        });
        let leaf = match leaf {
            Ok(leaf) => leaf,
            Err(why) => {
                let problem = Problem::new(ProblemType::ServerInternal, why);
                if let Some(order) = self.memory.orders.get_mut(id) {
                    order.stage = Stage::Invalid(problem);
                }
                return;
            }
        };
        let certificate_id = certificate_id(&leaf);
        self.ledger.issued.push(IssuedRecord {
            serial: serial.iter().map(|it| format!("{it:02x}")).collect(),
            identifiers: order.identifiers.clone(),
            csr_spki: csr.spki.clone(),
            order: self.typed_url(&format!("order/{id}")),
            account: self.typed_url(&format!("acct/{}", order.account)),
            at: now,
            replaces: order.replaces.clone(),
            profile: order.profile.clone(),
            id: certificate_id.clone(),
            leaf: leaf.to_vec(),
        });
        let entry = CertificateEntry {
            account: order.account.clone(),
            identifiers: order.identifiers.clone(),
            key: csr.key.clone(),
            leaf,
            not_before,
            not_after,
            revoked: None,
            replaced_by: None,
        };
        let certificate = self.new_id();
        self.memory.certificates.insert(certificate.clone(), entry);
        self.memory.certificates_by_id.insert(certificate_id, certificate.clone());
        if let Some(order) = self.memory.orders.get_mut(id) {
            order.stage = Stage::Valid { certificate };
        }
    }

    pub(crate) fn certificate(
        &mut self,
        request: &Signed,
        id: &str,
        number: usize,
        fault: Option<&Fault>,
    ) -> Result<Reply, Refusal> {
        request.must_be_look()?;
        let entry = self.memory.certificates.get(id).ok_or_else(|| Refusal::missing("certificate"))?;
        if request.account()? != entry.account {
            return Err(Refusal::unauthorized("the certificate belongs to another account"));
        }
        let chains = self.hierarchy.chains();
        let chain = chains.get(number).ok_or_else(|| Refusal::missing("alternate chain"))?;
        let mut text = pem(&entry.leaf);
        for certificate in chain {
            text.push_str(&pem(certificate));
        }
        if fault == Some(&Fault::DecoratedPem) {
            text = format!("subject=the leaf\n{text}\nthat was all\n").replace('\n', "\r\n");
        }
        let mut reply = Reply::new(200, "application/pem-certificate-chain", text);
        for other in (0..chains.len()).filter(|it| *it != number) {
            let url = match other {
                0 => self.url(&format!("cert/{id}")),
                _ => self.url(&format!("cert/{id}/{other}")),
            };
            reply = reply.link(&url, "alternate");
        }
        Ok(reply)
    }

    pub(crate) fn revoke(&mut self, request: &Signed, now: Timestamp) -> Result<Reply, Refusal> {
        let wish = request.json()?;
        let der = wish
            .get("certificate")
            .and_then(Value::as_str)
            .and_then(|it| BASE64_URL_SAFE_NO_PAD.decode(it).ok())
            .ok_or_else(|| Refusal::malformed("certificate is not base64url"))?;
        let reason = match wish.get("reason") {
            None => 0,
            Some(reason) => reason
                .as_u64()
                .and_then(|it| u8::try_from(it).ok())
                .filter(|it| self.settings.revocation_reasons.contains(it))
                .ok_or_else(|| {
                    Refusal::new(400, ProblemType::BadRevocationReason, format!("reason {reason} is not taken"))
                })?,
        };
        let (id, entry) = self
            .memory
            .certificates
            .iter()
            .find(|(_, it)| it.leaf.as_ref() == der)
            .ok_or_else(|| Refusal::missing("certificate"))?;
        let allowed = match &request.by {
            SignedBy::Key { key, .. } => *key == entry.key,
            SignedBy::Account(account) => *account == entry.account || self.controls(account, &entry.identifiers, now),
        };
        if !allowed {
            return Err(Refusal::unauthorized("the certificate is neither this account's nor this key's"));
        }
        if entry.revoked.is_some() {
            return Err(Refusal::new(400, ProblemType::AlreadyRevoked, "the certificate is revoked already"));
        }
        let id = id.clone();
        if let Some(entry) = self.memory.certificates.get_mut(&id) {
            entry.revoked = Some((now, reason));
        }
        Ok(Reply::empty(200))
    }

    /// Whether an account has proven every identifier.
    fn controls(&self, account: &str, identifiers: &[Identifier], now: Timestamp) -> bool {
        identifiers.iter().all(|identifier| {
            self.memory
                .proven
                .get(&(account.to_owned(), identifier.clone()))
                .and_then(|it| self.memory.authorizations.get(it))
                .is_some_and(|it| it.status.as_str() == "valid" && !it.expires.is_due(now))
        })
    }

    pub(crate) fn renewal_info(&self, id: &str) -> Result<Reply, Refusal> {
        let id = CertificateId::try_from(id.to_owned()).map_err(|_| Refusal::malformed("not a certificate id"))?;
        let entry = self
            .memory
            .certificates_by_id
            .get(&id)
            .and_then(|it| self.memory.certificates.get(it))
            .ok_or_else(|| Refusal::missing("certificate"))?;
        let programmed = self.renewal.of.get(&id).or(self.renewal.of_all.as_ref());
        let body = match programmed {
            Some(body) => body.clone(),
            None => natural_window(entry).to_string(),
        };
        Ok(Reply::new(200, "application/json", body)
            .retry_after(self.settings.renewal_poll_after)
            .with(header::CACHE_CONTROL, "no-store"))
    }
}

/// The window without programming: where two thirds of the life are over; at once when revoked.
fn natural_window(entry: &CertificateEntry) -> Value {
    let life = entry.not_after.since(entry.not_before);
    let (start, end) = match entry.revoked {
        Some((at, _)) => (at - BACKDATED, at),
        None => {
            let start = entry.not_after - life / 3;
            (start, start + life / 50)
        }
    };
    json!({ "suggestedWindow": { "start": start, "end": end } })
}

/// One certificate in PEM (RFC 7468).
pub(crate) fn pem(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut out = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        out.extend(line.iter().copied().map(char::from));
        out.push('\n');
    }
    out.push_str("-----END CERTIFICATE-----\n");
    out
}

const BACKDATED: Duration = Duration::from_secs(3600);
