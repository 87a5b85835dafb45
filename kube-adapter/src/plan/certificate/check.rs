//! Whether what a target Secret holds is what its Certificate asks for: cert-manager's chain of checks, in its order and its words.

use acme_core::Timestamp;
use certstore::policy::reissue::{Field, fields_of_certificate};
use certstore::policy::renew::{Due, Validity};

use super::{Contents, Holding, Observed, RequestFacts, Target};
use crate::secret::issuer_digest;
use crate::status::text;

/// Why a certificate is not what is asked for: reason and message of the condition that says so.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Complaint {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl Complaint {
    pub(crate) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// Why the certificate must be issued anew, if it must; the checks that its age does not matter to come first.
pub(super) fn trigger(observed: &Observed<'_>, current: Option<&RequestFacts>, now: Timestamp) -> Option<Complaint> {
    chain(observed, current).or_else(|| {
        let due = renewal(observed).filter(|due| due.at.is_due(now))?;
        Some(Complaint::new("Renewing", text::renewing(due)))
    })
}

/// Why the certificate is not ready, if it is not.
pub(super) fn readiness(observed: &Observed<'_>, current: Option<&RequestFacts>, now: Timestamp) -> Option<Complaint> {
    chain(observed, current).or_else(|| {
        let end = validity(observed)?.not_after;
        (end < now).then(|| Complaint::new("Expired", text::expired(end)))
    })
}

/// When the certificate in the Secret is renewed.
pub(super) fn renewal(observed: &Observed<'_>) -> Option<Due> {
    observed.wanted.as_ref().ok()?.renewal.due(validity(observed)?, observed.information.suggested())
}

/// From when until when the certificate in the Secret is valid, as far as there is one.
pub(super) fn validity(observed: &Observed<'_>) -> Option<Validity> {
    match &observed.target {
        Target::Unread | Target::Absent => None,
        Target::Proven { validity, .. } => Some(*validity),
        Target::There(holding) => holding.validity,
    }
}

fn chain(observed: &Observed<'_>, current: Option<&RequestFacts>) -> Option<Complaint> {
    match &observed.target {
        Target::Unread | Target::Proven { .. } => None,
        Target::Absent => Some(Complaint::new("DoesNotExist", text::DOES_NOT_EXIST)),
        Target::There(holding) => holds(observed, holding, current),
    }
}

fn holds(observed: &Observed<'_>, holding: &Holding, current: Option<&RequestFacts>) -> Option<Complaint> {
    let sound = match &holding.contents {
        Contents::Flawed(complaint) => return Some(complaint.clone()),
        Contents::Sound(sound) => sound,
    };
    if sound.is_temporary {
        return Some(Complaint::new("TemporaryCertificate", text::TEMPORARY));
    }
    let spec = &observed.object.spec;
    if let Some(issuer) = &holding.issuer
        && issuer_digest(issuer) != issuer_digest(&spec.issuer_ref)
    {
        return Some(Complaint::new("IncorrectIssuer", text::issued_by(issuer)));
    }
    if let Some(name) = &holding.certificate
        && name != observed.name.object()
    {
        return Some(Complaint::new("IncorrectCertificate", text::issued_for(name, &spec.secret_name)));
    }
    let wanted = observed.wanted.as_ref().ok()?;
    let key = holding.key.as_ref()?;
    let unlike = key.unlike(wanted.key);
    if !unlike.is_empty() {
        let fields = unlike.join(" ");
        let message = format!("Existing private key is not up to date for spec: [{fields}]");
        return Some(Complaint::new("SecretMismatch", message));
    }
    let Some(current) = current else {
        let fields = fields_of_certificate(wanted.spec, &sound.holder);
        let fields: Vec<_> = fields.into_iter().map(path).collect();
        return (!fields.is_empty()).then(|| {
            let fields = fields.join(" ");
            let message =
                format!("Issuing certificate as Existing issued Secret is not up to date for spec: [{fields}]");
            Complaint::new("SecretMismatch", message)
        });
    };
    if let Some(broken) = &current.broken {
        let message = format!("Failed to decode current CertificateRequest: {broken}");
        return Some(Complaint::new("InvalidCertificateRequest", message));
    }
    if current.key.is_some_and(|it| it != key.digest) {
        let message = "Secret contains a private key that does not match the current CertificateRequest";
        return Some(Complaint::new("SecretMismatch", message));
    }
    (!current.unlike.is_empty()).then(|| request_changed(&current.unlike))
}

/// The request is not what is asked for now.
fn request_changed(fields: &[&str]) -> Complaint {
    let message = format!("Fields on existing CertificateRequest resource not up to date: [{}]", fields.join(" "));
    Complaint::new("RequestChanged", message)
}

/// The member of a Certificate that a field is.
pub(crate) fn path(field: Field) -> &'static str {
    match field {
        Field::IpAddresses => "spec.ipAddresses",
        Field::Uris => "spec.uris",
        Field::EmailAddresses => "spec.emailAddresses",
        Field::DnsNames => "spec.dnsNames",
        Field::OtherNames => "spec.otherNames",
        Field::CommonName => "spec.commonName",
        Field::SerialNumber => "spec.subject.serialNumber",
        Field::Organizations => "spec.subject.organizations",
        Field::Countries => "spec.subject.countries",
        Field::Localities => "spec.subject.localities",
        Field::OrganizationalUnits => "spec.subject.organizationalUnits",
        // cert-manager's own spelling.
        Field::PostalCodes => "spec.subject.postCodes",
        Field::Provinces => "spec.subject.provinces",
        Field::StreetAddresses => "spec.subject.streetAddresses",
        Field::LiteralSubject => "spec.literalSubject",
        _ => "spec",
    }
}
