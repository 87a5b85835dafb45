//! The Order that a request to an ACME issuer becomes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use acme_core::protocol::CertificateId;
use issuers::csr;
use issuers::csr::RawGeneralName;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;

use super::{Failure, RequestRecord};
use crate::certificate;
use crate::crd::acme::AcmeIssuer;
use crate::crd::certificate_request::CertificateRequest;
use crate::crd::order::{Order, OrderSpec};
use crate::engine::Account;
use crate::key::{Name, Uid};
use crate::names;
use crate::order::{OrderRecord, Outcome};
use crate::settings::Settings;
use crate::world::World;

/// How the Order of a request stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// The request cannot be ordered at all.
    Refused(Failure),
    /// There is none of this name.
    Unmade(Name),
    /// One of this name is another request's, or of no use.
    Unfit(Name),
    /// It is under way.
    Pending(Name),
    /// It has the certificate.
    Issued(Name),
    /// It failed: its state, and why.
    Failed(Name, String, String),
}

/// How the Order of a request stands.
pub(super) fn view(
    world: &World,
    request: &Name,
    record: &RequestRecord,
    object: &CertificateRequest,
    account: &Account,
) -> View {
    let (name, found) = match named(world, record, object, account) {
        Ok((name, Some(found))) => (name, found),
        Ok((name, None)) => return View::Unmade(name),
        Err(failure) => return View::Refused(failure),
    };
    let own = world.requests.identity(request).map(|it| &it.uid);
    let is_ours = found.object().is_none_or(|order| own.is_some_and(|own| is_of(order, own)));
    if !is_ours || record.memory().order_is_unfit {
        return View::Unfit(name);
    }
    match found.outcome() {
        Outcome::Pending { .. } => View::Pending(name),
        Outcome::Issued(_) => View::Issued(name),
        Outcome::Failed { state, reason } => View::Failed(name, state.to_owned(), reason.to_owned()),
    }
}

/// The name of the Order of a request, and its record where there is one. What a renewal replaces is known from answers of the issuer, so an Order that names
/// nothing is the one, too.
fn named<'a>(
    world: &'a World,
    record: &RequestRecord,
    object: &CertificateRequest,
    account: &Account,
) -> Result<(Name, Option<&'a OrderRecord>), Failure> {
    let (plain, _) = draft(object, &account.spec, None)?;
    let Some(replaced) = replaced(world, record, object) else {
        let found = world.orders.get(&plain);
        return Ok((plain, found));
    };
    let (name, _) = draft(object, &account.spec, Some(replaced))?;
    match (world.orders.get(&name), world.orders.get(&plain)) {
        (None, Some(found)) => Ok((plain, Some(found))),
        (found, _) => Ok((name, found)),
    }
}

/// What a request of a Certificate asks for the replacement of.
pub(super) fn replaced(world: &World, record: &RequestRecord, object: &CertificateRequest) -> Option<CertificateId> {
    let (owner, _) = record.owner()?;
    certificate::replaced(world, owner, &object.spec.issuer_ref)
}

/// The name of the Order for a request, and what it orders: a certificate in the place of another, where that is `replaced`.
///
/// # Errors
/// Why it cannot be ordered, in cert-manager's words.
pub(super) fn draft(
    request: &CertificateRequest,
    issuer: &AcmeIssuer,
    replaced: Option<CertificateId>,
) -> Result<(Name, OrderSpec), Failure> {
    let spec = &request.spec;
    let unreadable = |what: &dyn std::fmt::Display| {
        Failure::new("RequestParsingError", format!("Failed to decode CSR in spec.request: {what}"))
    };
    let der = CertificateSigningRequestDer::from_pem_slice(spec.request.as_slice())
        .map_err(|_| unreadable(&super::signing::NO_PEM))?;
    let asked = csr::Request::read(&der).map_err(|error| unreadable(&error))?;
    issuers::acme::check_common_name(&asked).map_err(|error| Failure::new("InvalidOrder", error.to_string()))?;
    if spec.is_ca {
        let text = "ACME does not make certificate authorities: use another issuer for this certificate";
        return Err(Failure::new("InvalidOrder", text.to_owned()));
    }
    let (mut dns_names, mut ip_addresses) = (Vec::new(), Vec::new());
    for name in asked.alternative_names().map_err(|error| unreadable(&error))? {
        match name {
            RawGeneralName::Dns(text) => dns_names.push(String::from_utf8_lossy(text).into_owned()),
            RawGeneralName::Ip(octets) => ip_addresses.extend(address(octets).map(|it| it.to_string())),
            RawGeneralName::Email(_)
            | RawGeneralName::Uri(_)
            | RawGeneralName::Other { .. }
            | RawGeneralName::X400(_)
            | RawGeneralName::Directory(_)
            | RawGeneralName::EdiParty(_)
            | RawGeneralName::Registered(_) => {}
        }
    }
    let order = OrderSpec {
        request: spec.request.clone(),
        issuer_ref: spec.issuer_ref.clone(),
        common_name: asked.common_name().unwrap_or_default(),
        dns_names,
        ip_addresses,
        duration: spec.duration.clone().filter(|_| issuer.enable_duration_feature),
        profile: issuer.profile.clone(),
        replaces: replaced.map(String::from).unwrap_or_default(),
        ..OrderSpec::default()
    };
    let request = Name::of(&request.metadata);
    Ok((request.beside(names::order(request.object(), &order)), order))
}

/// The Order as it is to be made: owned by its request, with its labels and such of its annotations as are copied.
pub(super) fn object(
    name: &Name,
    spec: OrderSpec,
    request: &CertificateRequest,
    uid: &Uid,
    settings: &Settings,
) -> Order {
    let annotations = request.metadata.annotations.iter().flatten();
    let annotations: BTreeMap<String, String> = annotations
        .filter(|(key, _)| is_copied(key, &settings.copied_annotation_prefixes))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let owner = OwnerReference {
        api_version: "cert-manager.io/v1".to_owned(),
        kind: "CertificateRequest".to_owned(),
        name: request.metadata.name.clone().unwrap_or_default(),
        uid: uid.to_string(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    };
    let metadata = ObjectMeta {
        name: Some(name.object().to_owned()),
        namespace: Some(name.namespace().to_owned()),
        labels: request.metadata.labels.clone(),
        annotations: Some(annotations).filter(|it| !it.is_empty()),
        owner_references: Some(vec![owner]),
        ..ObjectMeta::default()
    };
    Order { metadata, spec, status: None }
}

/// Whether an Order is that of the request of this uid.
pub(super) fn is_of(order: &Order, request: &Uid) -> bool {
    let mut owners = order.metadata.owner_references.iter().flatten();
    owners.any(|owner| Uid::parse(&owner.uid) == *request)
}

/// Whether an annotation is copied from a request to its Order: a prefix allows it, and none with `-` in front forbids it.
fn is_copied(annotation: &str, prefixes: &[String]) -> bool {
    let matches = |prefix: &str| prefix == "*" || annotation.starts_with(prefix);
    let forbidden = prefixes.iter().filter_map(|it| it.strip_prefix('-')).any(matches);
    !forbidden && prefixes.iter().filter(|it| !it.starts_with('-')).any(|it| matches(it))
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
    }
}
