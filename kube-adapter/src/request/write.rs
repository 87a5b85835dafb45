//! Writes of a request: its status, and one annotation.

use std::sync::Arc;

use acme_core::Timestamp;
use serde_json::json;

use super::signing::{self, Obtained, Outcome, Question};
use super::{Answer, Failure, PICKUP, order};
use crate::api::{Manager, Refusal, RefusalKind, Resource};
use crate::context::Context;
use crate::crd::base64::Base64;
use crate::crd::certificate_request::{CertificateRequest, CertificateRequestStatus};
use crate::crd::condition::ConditionStatus;
use crate::crd::order::Order;
use crate::crd::time::Time;
use crate::engine::{Engine, Remote};
use crate::events::{Event, Regarding, Severity};
use crate::issuer::View;
use crate::key::{Identity, Name};
use crate::plan::request::{DENIED, FAILED, ISSUED, PENDING, approved, with_ready};
use crate::settings::EventSet;

/// A write of a request's status.
pub(super) struct Writing {
    pub(super) context: Arc<Context>,
    pub(super) name: Name,
    pub(super) identity: Identity,
    pub(super) by: Manager,
    /// Whether no Certificate owns it.
    pub(super) bare: bool,
    /// This write gives the approval.
    pub(super) approves: bool,
    pub(super) status: CertificateRequestStatus,
    pub(super) now: Timestamp,
}

impl Writing {
    /// Signs, and writes approval and certificate at once. A certificate whose write is refused was never seen by anybody, and is forgotten.
    pub(super) async fn sign(mut self, engine: Engine, question: Question) -> Answer {
        let Some(issuer) = engine.issuer().map(Arc::clone) else { return Answer::Gone };
        let weight = match &engine {
            Engine::Authority(_, weight) => *weight,
            Engine::SelfSigned(_) | Engine::Remote(_) | Engine::Acme(_) => question.weight(),
        };
        let signed = self.context.workshop.run(weight, move || question.ask_now(issuer.as_ref())).await;
        let obtained = match signed {
            Ok(Outcome::Obtained(obtained)) => obtained,
            Ok(outcome) => return Answer::Unsigned(outcome),
            Err(error) => return Answer::Unsigned(Outcome::Failed(error)),
        };
        self.approved();
        self.issued(&obtained).await
    }

    /// Writes the certificate that somebody else signed. It is kept until that is done.
    pub(super) fn keep(self, obtained: &Arc<Obtained>) -> impl Future<Output = Answer> + Send + use<> {
        let obtained = Arc::clone(obtained);
        async move { self.issued(&obtained).await }
    }

    async fn issued(mut self, obtained: &Obtained) -> Answer {
        let Obtained { certificate, ca, remarks } = obtained;
        self.ready(ConditionStatus::True, ISSUED, "Certificate fetched from issuer successfully");
        self.status.certificate = certificate.as_bytes().into();
        self.status.ca = ca.as_ref().map(|ca| Base64::from(ca.as_bytes())).unwrap_or_default();
        let events = self.events_of_success(remarks.clone());
        self.write("certificate", events).await
    }

    /// Copies the certificate of the Order, where it is what the request asked for.
    pub(super) async fn take(
        mut self,
        order: Name,
        known: Option<Vec<u8>>,
        request: Arc<CertificateRequest>,
    ) -> Answer {
        let pem = match known {
            Some(pem) => pem,
            None => match self.context.api.read::<Order>(Resource::ORDERS, &order).await {
                Ok(Some(found)) if order::is_of(&found, &self.identity.uid) => {
                    found.status.unwrap_or_default().certificate.as_slice().to_vec()
                }
                Ok(Some(_)) => return Answer::Unfit,
                Ok(None) => return Answer::Dropped(order, Ok(())),
                Err(refusal) => return Answer::Wrote(Err(refusal)),
            },
        };
        if !signing::fits(&pem, &request.spec) {
            return Answer::Unfit;
        }
        self.ready(ConditionStatus::True, ISSUED, "Certificate fetched from issuer successfully");
        self.status.certificate = pem.into();
        let events = self.events_of_success(Vec::new());
        self.write("certificate", events).await
    }

    pub(super) async fn approve(mut self) -> Answer {
        self.approved();
        self.by = APPROVER;
        self.write("approval", Vec::new()).await
    }

    pub(super) async fn show(mut self, text: String, may_approve: bool) -> Answer {
        if may_approve {
            self.approved();
        }
        self.ready(ConditionStatus::False, PENDING, &text);
        let events = match waiting(&text) {
            Some(reason) if self.context.settings.events == EventSet::All => {
                vec![self.event(Severity::Normal, reason, text)]
            }
            Some(_) | None => Vec::new(),
        };
        self.write("what a request waits for", events).await
    }

    pub(super) async fn deny(mut self) -> Answer {
        self.ready(ConditionStatus::False, DENIED, "The CertificateRequest was denied by an approval controller");
        self.status.failure_time.get_or_insert(Time::from(self.now));
        self.write("denial", Vec::new()).await
    }

    /// What failed was approved: that it may be asked for is not why.
    pub(super) async fn fail(mut self, failure: Failure, may_approve: bool) -> Answer {
        if may_approve {
            self.approved();
        }
        self.ready(ConditionStatus::False, FAILED, &failure.message);
        self.status.failure_time = Some(Time::from(self.now));
        let event = self.event(Severity::Warning, failure.reason, failure.message);
        // Of a request of a Certificate that one tells it, too.
        let is_told = self.bare || self.context.settings.events == EventSet::All;
        let events = if is_told { vec![event] } else { Vec::new() };
        self.write("failure", events).await
    }

    /// Writes down the name that the certificate is picked up by. Nothing else of the request changes.
    pub(super) async fn note_pickup(self, pickup: String) -> Answer {
        let Self { context, name, identity, by, .. } = self;
        let patch = json!({ "metadata": {
            "resourceVersion": identity.version.to_string(), "annotations": { (PICKUP): pickup },
        } });
        let noted = context.api.patch(Resource::REQUESTS, &name, &patch, by, "pickup id").await;
        match noted {
            Err(refusal) if is_to_be_looked_at(&refusal) => match look(&context, &name, &identity).await {
                Some(object) => Answer::Seen(object),
                None => Answer::Noted(pickup, Err(refusal)),
            },
            noted => Answer::Noted(pickup, noted),
        }
    }

    /// Approves, unless somebody decided already.
    fn approved(&mut self) {
        let conditions = approved(&self.status.conditions, self.now);
        self.approves = conditions != self.status.conditions;
        self.status.conditions = conditions;
    }

    fn ready(&mut self, status: ConditionStatus, reason: &str, message: &str) {
        let conditions = std::mem::take(&mut self.status.conditions);
        self.status.conditions = with_ready(conditions, status, reason, message, self.now);
    }

    async fn write(self, why: &'static str, mut events: Vec<Event>) -> Answer {
        if self.approves && self.context.settings.events == EventSet::All {
            let text = "Certificate request has been approved by cert-manager.io".to_owned();
            let controller = APPROVER.controller();
            events.insert(0, Event { controller, ..self.event(Severity::Normal, "cert-manager.io", text) });
        }
        let Self { context, name, identity, by, status, .. } = self;
        let patch = json!({ "metadata": { "resourceVersion": identity.version.to_string() }, "status": status });
        let mut written = context.api.patch_status(Resource::REQUESTS, &name, &patch, by, why).await;
        if let Err(refusal) = &written
            && is_to_be_looked_at(refusal)
            && let Some(object) = look(&context, &name, &identity).await
        {
            match Identity::of(&object.metadata) {
                Some(identity) if object.status.as_ref() == Some(&status) => written = Ok(identity),
                Some(_) | None => return Answer::Seen(object),
            }
        }
        if written.is_ok() {
            events.into_iter().for_each(|event| context.events.publish(event));
        }
        Answer::Wrote(written.map(|identity| (identity, status)))
    }

    /// What is not as it should be is told with any request; that all went well only where nobody else tells it, and somebody wants to hear it.
    fn events_of_success(&self, remarks: Vec<String>) -> Vec<Event> {
        let mut events: Vec<Event> =
            remarks.into_iter().map(|remark| self.event(Severity::Warning, "BadConfig", remark)).collect();
        if self.context.settings.events == EventSet::All {
            let text = "Certificate fetched from issuer successfully".to_owned();
            events.push(self.event(Severity::Normal, "CertificateIssued", text));
        }
        events
    }

    /// Says what only those hear who want to hear all that cert-manager says.
    pub(super) fn mention(&self, reason: &'static str, note: String) {
        if self.context.settings.events == EventSet::All {
            self.context.events.publish(self.event(Severity::Normal, reason, note));
        }
    }

    fn event(&self, severity: Severity, reason: &'static str, note: String) -> Event {
        let regarding = Regarding {
            api_version: "cert-manager.io/v1",
            kind: "CertificateRequest",
            name: self.name.clone(),
            uid: self.identity.uid.clone(),
        };
        let controller = self.by.controller();
        Event { regarding, severity, reason: reason.into(), note, controller }
    }
}

/// Whether a refused write may have been made, or was made on something old.
fn is_to_be_looked_at(refusal: &Refusal) -> bool {
    matches!(refusal.kind(), RefusalKind::Conflict | RefusalKind::Lost)
}

/// The request as it is now; `None` where that is not heard, or it is another one or none: the watch tells of that.
async fn look(context: &Context, name: &Name, identity: &Identity) -> Option<Box<CertificateRequest>> {
    let found = context.api.read::<CertificateRequest>(Resource::REQUESTS, name).await.ok().flatten()?;
    let is_same = Identity::of(&found.metadata).is_some_and(|it| it.uid == identity.uid);
    is_same.then(|| Box::new(found))
}

/// The reason of cert-manager's Event for what a request waits for, where it has one.
fn waiting(text: &str) -> Option<&'static str> {
    let known = [
        ("Not signing CertificateRequest until it is Approved", "WaitingForApproval"),
        ("Referenced issuer does not have a Ready status condition", "IssuerNotReady"),
        ("Referenced secret ", "MissingSecret"),
        ("Failed to get key ", "ErrorParsingKey"),
        ("certificate still in a pending state, ", "IssuancePending"),
        ("Waiting on certificate issuance from order ", "OrderPending"),
    ];
    let known = known.into_iter().find(|(start, _)| text.starts_with(start)).map(|(_, reason)| reason);
    known.or_else(|| (text.starts_with("Referenced \"") && text.contains(" not found")).then_some("IssuerNotFound"))
}

/// The field manager: the controller of cert-manager that signs for such an issuer.
pub(super) fn manager(issuer: &View<'_>) -> Manager {
    match issuer {
        View::Ready(Engine::Authority(..)) => Manager("cert-manager-certificaterequests-issuer-ca"),
        View::Ready(Engine::SelfSigned(_)) => Manager("cert-manager-certificaterequests-issuer-selfsigned"),
        View::Ready(Engine::Remote(remote)) => signing_for(remote),
        View::Ready(Engine::Acme(_)) => Manager("cert-manager-certificaterequests-issuer-acme"),
        View::Foreign | View::Missing | View::Unready(_) => APPROVER,
    }
}

/// The same, where somebody else signs.
pub(super) fn signing_for(remote: &Remote) -> Manager {
    match remote {
        Remote::Vault(_) => Manager("cert-manager-certificaterequests-issuer-vault"),
        Remote::Venafi(_) => Manager("cert-manager-certificaterequests-issuer-venafi"),
    }
}

const APPROVER: Manager = Manager("cert-manager-certificaterequests-approver");

#[cfg(test)]
mod tests {
    use super::waiting;

    #[test]
    fn what_a_request_waits_for_has_the_reason_of_cert_managers_event() {
        for (text, reason) in [
            ("Not signing CertificateRequest until it is Approved (by somebody)", Some("WaitingForApproval")),
            ("Referenced issuer does not have a Ready status condition: it is sealed", Some("IssuerNotReady")),
            ("Referenced \"Issuer\" not found: issuer.cert-manager.io \"ca\" not found", Some("IssuerNotFound")),
            ("Referenced secret shop/key not found", Some("MissingSecret")),
            ("Failed to get key \"key\" referenced in annotation \"a\": it holds none", Some("ErrorParsingKey")),
            ("certificate still in a pending state, the request will be retried: it waits", Some("IssuancePending")),
            ("Waiting on certificate issuance from order shop/web-1-1: \"pending\"", Some("OrderPending")),
            ("Vault failed to sign certificate: it is sealed", None),
        ] {
            assert_eq!(waiting(text), reason, "{text}");
        }
    }
}
