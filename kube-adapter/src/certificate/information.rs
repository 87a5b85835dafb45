//! Renewal information (RFC 9773) of a Certificate: whom to ask and when, what is remembered of the answers, and what a renewal replaces.

use std::sync::Arc;

use acme_core::backoff::fraction;
use acme_core::protocol::{CertificateId, Window};
use acme_core::{Error, ErrorKind, Retry, Timestamp, text};
use certstore::policy::renew;
use certstore::record::RenewalPlan;
use issuers::RenewalAnswer;

use super::index;
use super::record::CertificateRecord;
use crate::crd::acme::RenewalInformationSource;
use crate::crd::certificate::Certificate;
use crate::crd::reference::IssuerRef;
use crate::crd::time::Time;
use crate::engine::Account;
use crate::issuer::{self, View};
use crate::key::Name;
use crate::limits;
use crate::plan::certificate::{Answered, Contents, Holding, Information, Source, Target};
use crate::secret::issuer_digest;
use crate::world::World;

/// When the issuer is asked next; `None` where it is not asked.
pub(super) fn asked_at(world: &World, name: &Name, record: &CertificateRecord) -> Option<Timestamp> {
    if !index::informs(world, name, record.issuer) {
        return None;
    }
    if let Some(answered) = current(record) {
        return Some(answered.plan.poll_at);
    }
    // After a start not everybody asks at once.
    let spread = world.settings.acme.renewal_info_spread.mul_f64(fraction(record.uid.to_string().as_bytes()));
    let first = world.planning_since.unwrap_or(Timestamp::EPOCH) + spread;
    Some(record.next_check.get().map_or(first, |next| next.max(first)))
}

/// Whether there is anybody to ask.
pub(super) fn source(world: &World, name: &Name, record: &CertificateRecord, issuer: &IssuerRef) -> Source {
    match (issuer::view(world, name.namespace(), issuer), asked_at(world, name, record)) {
        (View::Ready(_), Some(next)) => Source::Offered { next },
        (View::Ready(_) | View::Foreign, _) => Source::Silent,
        (View::Missing | View::Unready(_), _) => Source::Unknown,
    }
}

/// What was answered of the certificate of the revision in use.
pub(super) fn current(record: &CertificateRecord) -> Option<&Answered> {
    record.answered.as_deref().filter(|it| it.revision == record.revision)
}

/// What plans look at.
pub(super) fn of<'a>(
    record: &'a CertificateRecord,
    object: &Certificate,
    target: &Target,
    source: Source,
) -> Information<'a> {
    let certificate = match target {
        Target::There(holding) => held(holding, &object.spec.issuer_ref).cloned(),
        Target::Proven { .. } => current(record).map(|it| it.plan.certificate.clone()),
        Target::Unread | Target::Absent => None,
    };
    let answer = record.answered.as_deref().filter(|it| certificate.as_ref() == Some(&it.plan.certificate));
    let chosen = match answer {
        Some(answer) => answer.plan.chosen,
        None => recalled(object, certificate.as_ref()).map(|(_, chosen)| chosen),
    };
    Information { source, certificate, answer, chosen }
}

/// The certificate that a Secret holds, as its authority calls it, where it is from this issuer.
fn held<'a>(holding: &'a Holding, issuer: &IssuerRef) -> Option<&'a CertificateId> {
    let is_from = holding.issuer.as_ref().is_some_and(|it| issuer_digest(it) == issuer_digest(issuer));
    match &holding.contents {
        Contents::Sound(sound) if is_from && !sound.is_temporary => sound.id.as_ref(),
        Contents::Sound(_) | Contents::Flawed(_) => None,
    }
}

/// The window that the status tells of the certificate in use, and the instant chosen in it: the one that people see, where it lies in the window.
fn recalled(object: &Certificate, certificate: Option<&CertificateId>) -> Option<(Window, Timestamp)> {
    let status = object.status.as_ref()?;
    let time = |it: &Option<Time>| it.as_ref().and_then(Time::timestamp);
    let told = status.acme.as_ref()?.ari.as_ref()?;
    // What was asked before this certificate was there spoke of another one.
    time(&told.last_checked).zip(time(&status.not_before)).filter(|(checked, not_before)| checked >= not_before)?;
    let window = told.suggested_window.as_ref()?;
    let window = Window::new(time(&window.start)?, time(&window.end)?).ok()?;
    let shown = time(&status.renewal_time).filter(|at| (window.start..=window.end).contains(at));
    let chosen = shown.or_else(|| certificate.map(|it| renew::instant_in(&window, it)))?;
    Some((window, chosen))
}

/// What was known of a certificate before it is asked for again.
pub(super) fn known(
    record: &CertificateRecord,
    object: &Certificate,
    certificate: &CertificateId,
) -> Option<RenewalPlan> {
    let remembered = record.answered.as_deref().map(|it| &it.plan).filter(|it| it.certificate == *certificate);
    remembered.cloned().or_else(|| {
        let (window, chosen) = recalled(object, Some(certificate))?;
        Some(RenewalPlan::new(certificate.clone(), chosen).with_window(window, chosen))
    })
}

/// Takes in how a question went. The chosen instant stays as long as it lies in the window.
pub(super) fn take(
    world: &mut World,
    name: &Name,
    certificate: CertificateId,
    revision: i64,
    answer: Result<RenewalAnswer, Error>,
    now: Timestamp,
) {
    let Some(record) = world.certificates.get(name) else { return };
    let known = record.object().and_then(|object| known(record, &object, &certificate));
    let (plan, error) = match answer {
        Ok(answer) => (renew::answered_again(certificate, known.as_ref(), answer, now), String::new()),
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            let issuer = record.issuer;
            index::falls_silent(world, name, issuer);
            if let Some(record) = world.certificates.get_mut(name) {
                record.answered = None;
            }
            return;
        }
        Err(error) => {
            let pause = match error.retry() {
                Retry::After(pause) => Some(pause),
                Retry::Never | Retry::Backoff => None,
            };
            let said = text::printable(&error.to_string(), limits::TEXT);
            (renew::unanswered(certificate, known, pause, now), said)
        }
    };
    if let Some(record) = world.certificates.get_mut(name) {
        record.answered = Some(Box::new(Answered { plan, asked: now, error, revision }));
        record.memory().is_informed = true;
    }
}

/// An account is usable from now on, or not any more: who is issued by it asks it, or stops.
pub(crate) fn account_changed(world: &mut World, issuer: &Name, account: Option<&Arc<Account>>) {
    let kind = if issuer.namespace().is_empty() { "ClusterIssuer" } else { "Issuer" };
    let reference = IssuerRef { name: issuer.object().to_owned(), kind: kind.to_owned(), ..IssuerRef::default() };
    let digest = issuer_digest(&reference);
    let asks = |it: &Arc<Account>| it.spec.renewal_information_source != Some(RenewalInformationSource::None);
    index::account_changed(world, issuer, digest, account.map(asks));
}

/// What a renewal from this issuer replaces: the certificate in the Secret, where its authority was heard to speak of it.
pub(crate) fn replaced(world: &World, name: &Name, issuer: &IssuerRef) -> Option<CertificateId> {
    let record = world.certificates.get(name)?;
    let object = record.object()?;
    if record.revision == 0 || !index::informs(world, name, issuer_digest(issuer)) {
        return None;
    }
    let seen = record.memory.as_deref().and_then(|it| it.target.as_ref()).and_then(|it| it.holding.as_deref());
    let certificate = match seen {
        Some(holding) => held(holding, issuer)?,
        None => &current(record)?.plan.certificate,
    };
    let is_spoken_of = |plan: RenewalPlan| plan.window.is_some();
    known(record, &object, certificate).is_some_and(is_spoken_of).then(|| certificate.clone())
}
