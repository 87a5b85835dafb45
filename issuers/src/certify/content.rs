//! The extensions of a certificate.

use acme_core::key::{PublicKey, PublicKeyType};
use acme_core::{Error, ErrorKind};

use super::{Application, Terms};
use crate::template::{
    BasicConstraints, Criticality, ExtendedKeyUsage, Extension, Extensions, KeyIdentifier, KeyUsages, Usages,
};
use crate::{ObjectIdentifier, chain, x509};

/// What the issuer adds, and what it may not give.
#[derive(Debug, Clone, Default)]
pub(crate) struct Issuing {
    /// The extension that names its key.
    pub(crate) key: Option<Extension>,
    /// Where it is told more about: authority information access, CRL distribution points.
    pub(crate) information: Option<Extension>,
    pub(crate) revocation: Option<Extension>,
    /// How many authorities may stand between it and a leaf; any number where it is not said.
    pub(crate) room: Option<u32>,
    /// What it may issue for; anything where it is not said.
    pub(crate) purposes: Option<Vec<ExtendedKeyUsage>>,
}

/// The extensions of a certificate for `application`, in Go's order. Names are copied byte for byte.
pub(crate) fn content(application: &Application<'_>, terms: &Terms, issuing: &Issuing) -> Result<Extensions, Error> {
    let asked = Asked::read(&application.extensions)?;
    let constraints = constraints(asked.constraints, terms.constraints, issuing.room)?;
    let usages = usages(&asked, terms, constraints, application)?;
    permitted(&usages, constraints, issuing)?;

    let mut extensions = Extensions::new();
    usages.to_extensions().into_iter().for_each(|it| extensions.set(it));
    extensions.set(constraints.to_extension());
    extensions.set(KeyIdentifier::of_key(application.public_key())?.to_subject_extension());
    issuing.key.iter().chain(&issuing.information).for_each(|it| extensions.set(it.clone()));
    if let Some(names) = application.extensions.find(&Extension::SUBJECT_ALTERNATIVE_NAME) {
        // Section 4.2.1.6: critical exactly where there is no other name.
        let criticality = if application.subject.is_empty() { Criticality::Critical } else { Criticality::NotCritical };
        extensions.set(Extension::new(Extension::SUBJECT_ALTERNATIVE_NAME, criticality, names.value()));
    }
    if let Some(bounds) = application.extensions.find(&Extension::NAME_CONSTRAINTS) {
        if constraints == BasicConstraints::EndEntity {
            return Err(refused(
                "name constraints are asked for, which only a certificate authority has: ask for one, or leave them out",
            ));
        }
        if chain::constraints::read(bounds.value()).is_none() {
            return Err(Error::new(ErrorKind::Malformed, "the name constraints that are asked for cannot be read"));
        }
        extensions.set(bounds.clone());
    }
    issuing.revocation.iter().for_each(|it| extensions.set(it.clone()));
    Ok(extensions)
}

/// What the extensions that were asked for say.
struct Asked {
    constraints: Option<BasicConstraints>,
    usages: Usages,
}

impl Asked {
    fn read(extensions: &Extensions) -> Result<Self, Error> {
        let mut usages = Usages::default();
        if let Some(bits) = view(extensions, &Extension::KEY_USAGE, x509::key_usage)? {
            usages = usages.with_key(KeyUsages::from_bits(bits));
        }
        for oid in view(extensions, &Extension::EXTENDED_KEY_USAGE, x509::extended_key_usage)?.unwrap_or_default() {
            usages = usages.with(ExtendedKeyUsage::of(ObjectIdentifier::from_der(oid)?));
        }
        let constraints = view(extensions, &Extension::BASIC_CONSTRAINTS, x509::basic_constraints)?;
        Ok(Self { constraints, usages })
    }
}

fn view<'a, T>(
    extensions: &'a Extensions,
    oid: &ObjectIdentifier,
    read: fn(&'a [u8]) -> Option<T>,
) -> Result<Option<T>, Error> {
    match extensions.find(oid) {
        None => Ok(None),
        Some(extension) => match read(extension.value()) {
            Some(view) => Ok(Some(view)),
            None => {
                Err(Error::new(ErrorKind::Malformed, format!("extension {oid} of the signing request cannot be read")))
            }
        },
    }
}

fn constraints(
    asked: Option<BasicConstraints>,
    granted: BasicConstraints,
    room: Option<u32>,
) -> Result<BasicConstraints, Error> {
    match granted {
        BasicConstraints::EndEntity if asked.is_some_and(BasicConstraints::is_authority) => Err(refused(
            "the signing request asks for a certificate authority, which is not granted: grant it, or leave it out of the request",
        )),
        BasicConstraints::EndEntity => Ok(BasicConstraints::EndEntity),
        BasicConstraints::Authority { .. } => {
            let below = match room {
                None => None,
                Some(room) => Some(room.checked_sub(1).ok_or_else(|| {
                    refused("this certificate authority may have none below it (path length 0): ask one further up")
                })?),
            };
            let asked = asked.and_then(BasicConstraints::path_length);
            Ok(BasicConstraints::Authority { path_length: below.into_iter().chain(asked).min() })
        }
    }
}

fn usages(
    asked: &Asked,
    terms: &Terms,
    constraints: BasicConstraints,
    application: &Application<'_>,
) -> Result<Usages, Error> {
    let mut usages = match &terms.usages {
        Some(usages) => usages.clone(),
        None if !asked.usages.is_empty() => asked.usages.clone(),
        None => {
            let mut usages = Usages::default_for(constraints);
            if !matches!(PublicKey::read(application.public_key())?.kind(), PublicKeyType::Rsa { .. }) {
                usages.key = usages.key.without(KeyUsages::KEY_ENCIPHERMENT);
            }
            usages
        }
    };
    if let BasicConstraints::Authority { .. } = constraints {
        usages.key = usages.key | KeyUsages::CERT_SIGN;
    }
    Ok(usages)
}

fn permitted(usages: &Usages, constraints: BasicConstraints, issuing: &Issuing) -> Result<(), Error> {
    if constraints == BasicConstraints::EndEntity && usages.key.contains(KeyUsages::CERT_SIGN) {
        return Err(refused(
            "only a certificate authority signs certificates: ask for one, or leave out the usage \"cert sign\"",
        ));
    }
    let Some(purposes) = &issuing.purposes else { return Ok(()) };
    let denied = usages.extended.iter().find(|it| !purposes.contains(it));
    match denied {
        None => Ok(()),
        Some(usage) => {
            let may: Vec<_> = purposes.iter().map(ToString::to_string).collect();
            let may = if may.is_empty() { "nothing that all of its chain allows".to_owned() } else { may.join(", ") };
            let why =
                format!("this certificate authority may not issue for \"{usage}\": its certificates are for {may}");
            Err(Error::new(ErrorKind::Refused, why))
        }
    }
}

fn refused(why: &'static str) -> Error {
    Error::new(ErrorKind::Refused, why)
}
