//! Order ⇄ `OrderFlow`.

use std::collections::{BTreeMap, BTreeSet};

use acme_core::client::{Alternates, Chain};
use acme_core::flow::{Fault, Issuance, IssuancePlan, OrderFlow, OrderStage, Pace, Verdict};
use acme_core::protocol::{Authorization, AuthorizationStatus, CertificateId, ChallengeType, NewOrder, Url};
use acme_core::{Error, ErrorKind, Identifier, Timestamp};

use crate::codec::words;
use crate::crd::base64::Base64;
use crate::crd::order::{AcmeState, Authorization as Told, OfferedChallenge, Order, OrderSpec, OrderStatus};
use crate::crd::time::Time;

/// How an Order is read.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// It goes on: looked for when nobody knows whether it was made, looked at when its URL is known.
    Live(Box<Issuance>),
    /// Nothing leads out of its state.
    Ended,
}

/// Who has made an Order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// This process, a moment ago: nobody has worked on it yet.
    Here,
    /// Somebody, and perhaps somebody worked on it.
    Elsewhere,
}

/// Reads an Order as a flow.
///
/// # Errors
/// `Malformed` when it orders what cannot be ordered.
pub(crate) fn decode(
    order: &Order,
    origin: Origin,
    preferred_chain: &str,
    pace: Pace,
    now: Timestamp,
) -> Result<Decoded, Error> {
    let status = order.status.clone().unwrap_or_default();
    if is_ended(&status) {
        return Ok(Decoded::Ended);
    }
    let mut plan = IssuancePlan::new(request(&order.spec, now)?);
    plan.pace = pace;
    if !preferred_chain.is_empty() {
        plan.alternates = Alternates::Fetch;
    }
    Ok(Decoded::Live(Box::new(match (status.url.as_str(), origin) {
        ("", Origin::Here) => Issuance::new(plan, now),
        ("", Origin::Elsewhere) => Issuance::new(plan, now).perhaps_made(),
        (url, _) => Issuance::resume(plan, Url::parse(url)?, now),
    })))
}

/// Does nothing lead out of this state?
pub(crate) fn is_ended(status: &OrderStatus) -> bool {
    match &status.state {
        Some(AcmeState::Valid) => !status.certificate.is_empty(),
        Some(state) => state.is_failure(),
        None => false,
    }
}

/// Is it valid, with its certificate?
pub(crate) fn is_issued(status: &OrderStatus) -> bool {
    status.state == Some(AcmeState::Valid) && !status.certificate.is_empty()
}

/// What is ordered: the names once each in order, then the addresses; the common name with them where it is one of either.
///
/// # Errors
/// `Malformed` when a name cannot be ordered, or the certificate that is replaced is not named as RFC 9773 does.
pub(crate) fn request(spec: &OrderSpec, now: Timestamp) -> Result<NewOrder, Error> {
    let mut identifiers = BTreeSet::new();
    for name in spec.dns_names.iter().chain(&spec.ip_addresses) {
        identifiers.insert(Identifier::parse(name)?);
    }
    // A common name that is neither is left to the server's opinion of the signing request.
    if let Ok(name) = Identifier::parse(&spec.common_name) {
        let is_complete = name.dns().is_none_or(|it| it.as_str().contains('.'));
        identifiers.extend(is_complete.then_some(name));
    }
    if identifiers.is_empty() {
        return Err(Error::new(ErrorKind::Malformed, "the Order names nothing that a certificate could be for"));
    }
    let mut request = NewOrder::new(identifiers);
    request.not_after = spec.duration.as_ref().and_then(|it| it.duration()).map(|it| now + it);
    request.profile = (!spec.profile.is_empty()).then(|| spec.profile.clone());
    if !spec.replaces.is_empty() {
        request.replaces = Some(CertificateId::try_from(spec.replaces.clone())?);
    }
    Ok(request)
}

/// What there is to tell of an order.
#[derive(Clone, Copy)]
pub(crate) struct Telling<'a> {
    /// The flow.
    pub(crate) flow: &'a OrderFlow,
    /// Where the signing request goes.
    pub(crate) finalize: Option<&'a Url>,
    /// The authorizations, in the server's order.
    pub(crate) authorizations: &'a [Url],
    /// Those that were read, as they were when they were read first.
    pub(crate) described: &'a BTreeMap<Url, Authorization>,
    /// What is in the way that the flow does not know of.
    pub(crate) stuck: Option<&'a str>,
    /// The certificate that is kept of those on offer.
    pub(crate) certificate: Option<&'a Chain>,
    /// When and at which stage it failed.
    pub(crate) failed: Option<Failed<'a>>,
}

/// How an order failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failed<'a> {
    /// At which stage.
    pub(crate) stage: OrderStage,
    /// Why.
    pub(crate) fault: &'a Fault,
    /// When.
    pub(crate) at: Timestamp,
}

/// The status that says all this; what `before` has told already stays, for most of it must never change.
pub(crate) fn encode(telling: Telling<'_>, before: &OrderStatus) -> OrderStatus {
    let Telling { flow, finalize, authorizations, described, stuck, certificate, failed } = telling;
    let mut status = before.clone();
    if let Some(url) = flow.url()
        && status.url.is_empty()
    {
        status.url = url.as_str().to_owned();
    }
    if let Some(finalize) = finalize
        && status.finalize_url.is_empty()
    {
        status.finalize_url = finalize.as_str().to_owned();
    }
    if status.authorizations.is_empty() {
        status.authorizations =
            authorizations.iter().map(|url| Told { url: url.as_str().to_owned(), ..Told::default() }).collect();
    }
    for told in status.authorizations.iter_mut().filter(|it| it.identifier.is_empty()) {
        if let Some((url, authorization)) = described.iter().find(|(url, _)| url.as_str() == told.url) {
            *told = describe(url, authorization);
        }
    }
    status.reason = match (stuck, flow.obstacle()) {
        (Some(stuck), _) => stuck.to_owned(),
        (None, Some(obstacle)) => words::order_obstacle(flow.stage(), &obstacle),
        (None, None) => String::new(),
    };
    if let Some(Failed { stage, fault, at }) = failed {
        let end = end_of(stage, fault);
        status.reason = match stuck {
            Some(stuck) => stuck.to_owned(),
            None if end == AcmeState::Invalid => words::invalid(fault),
            None => words::order_failed(stage, &words::fault(fault)),
        };
        status.state = Some(end);
        status.failure_time.get_or_insert_with(|| Time::from(at));
        return status;
    }
    status.state = match flow.stage() {
        OrderStage::Creating if status.reason.is_empty() => before.state.clone(),
        OrderStage::Creating | OrderStage::Describing | OrderStage::Authorizing => Some(AcmeState::Pending),
        OrderStage::Finalizing => Some(AcmeState::Ready),
        OrderStage::Issuing => Some(AcmeState::Processing),
        OrderStage::Downloading | OrderStage::Issued => Some(AcmeState::Valid),
        OrderStage::Failed => before.state.clone(),
    };
    if let Some(chain) = certificate
        && status.certificate.is_empty()
    {
        status.certificate = Base64::from(issuers::chain::to_pem(chain).into_bytes());
    }
    status
}

/// The status of an Order that cannot be ordered at all.
pub(crate) fn refuse(failed: Failed<'_>, before: &OrderStatus) -> OrderStatus {
    OrderStatus {
        state: Some(AcmeState::Errored),
        reason: words::order_failed(failed.stage, &words::fault(failed.fault)),
        failure_time: Some(Time::from(failed.at)),
        ..before.clone()
    }
}

/// An authorization as the status shows it.
fn describe(url: &Url, authorization: &Authorization) -> Told {
    Told {
        url: url.as_str().to_owned(),
        identifier: authorization.identifier.to_string(),
        wildcard: Some(authorization.wildcard),
        initial_state: Some(state_of(&authorization.status)),
        challenges: authorization
            .challenges
            .iter()
            .map(|it| OfferedChallenge {
                url: it.url.as_str().to_owned(),
                token: it.token.clone().unwrap_or_default(),
                kind: it.kind.as_str().to_owned(),
            })
            .collect(),
    }
}

/// The state of an authorization in the words that the definition allows.
fn state_of(status: &AuthorizationStatus) -> AcmeState {
    let is_one_of = |some: &[AuthorizationStatus]| some.contains(status);
    if is_one_of(&[AuthorizationStatus::Valid]) {
        AcmeState::Valid
    } else if is_one_of(&[AuthorizationStatus::Expired]) {
        AcmeState::Expired
    } else if is_ended_authorization(status) {
        AcmeState::Invalid
    } else {
        AcmeState::Pending
    }
}

/// How an authorization ended, if it has: nobody has to answer for it any more.
pub(crate) fn verdict(authorization: &Authorization) -> Option<Verdict> {
    if authorization.status == AuthorizationStatus::Valid {
        return Some(Verdict::Valid);
    }
    if !is_ended_authorization(&authorization.status) {
        return None;
    }
    let problem = authorization.challenges.iter().find_map(|it| it.error.clone());
    let what = format!("the authorization for {} is {}", authorization.ordered(), authorization.status);
    let fault = Fault::new(ErrorKind::Refused, what);
    Some(Verdict::Invalid(match problem {
        Some(problem) => fault.with_problem(problem),
        None => fault,
    }))
}

/// Will an authorization not change any more, and is it not valid?
fn is_ended_authorization(status: &AuthorizationStatus) -> bool {
    [
        AuthorizationStatus::Invalid,
        AuthorizationStatus::Deactivated,
        AuthorizationStatus::Expired,
        AuthorizationStatus::Revoked,
    ]
    .contains(status)
}

/// What the server decided is invalid, what it forgot is expired, all else is errored.
fn end_of(stage: OrderStage, fault: &Fault) -> AcmeState {
    match (stage, fault.kind) {
        (OrderStage::Creating, _) => AcmeState::Errored,
        (_, ErrorKind::NotFound) => AcmeState::Expired,
        (OrderStage::Describing | OrderStage::Authorizing | OrderStage::Issuing, ErrorKind::Refused) => {
            AcmeState::Invalid
        }
        (_, _) => AcmeState::Errored,
    }
}

/// The library's name of a kind of challenge.
pub(crate) fn kind_of(kind: &crate::crd::challenge::ChallengeType) -> ChallengeType {
    match kind {
        crate::crd::challenge::ChallengeType::Http01 => ChallengeType::Http01,
        crate::crd::challenge::ChallengeType::Dns01 => ChallengeType::Dns01,
        crate::crd::challenge::ChallengeType::Other(other) => ChallengeType::from(other.clone()),
    }
}
