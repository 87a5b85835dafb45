//! What would fail later is said first, before anything is ordered.

use std::fmt;

use acme_core::client::Needs;
use acme_core::protocol::{ChallengeType, DirectoryObject};
use acme_core::{Client, Error, ErrorKind, Identifier, Retry, text};
use solvers::Solvers;

use super::directories;
use crate::name::{DistinguishedName, RawName};
use crate::{CertificateRequest, csr};

/// The profiles that are wanted, the best first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Profiles {
    pub(super) wanted: Vec<String>,
    pub(super) required: bool,
}

impl Profiles {
    /// The first that is on offer; what the request names itself goes before, and has to be.
    pub(super) fn choose(
        &self,
        request: &CertificateRequest<'_>,
        directory: &DirectoryObject,
        server: &dyn fmt::Display,
    ) -> Result<Option<String>, Error> {
        let own = request.profile.map(ToOwned::to_owned);
        let required = own.is_some() || self.required;
        let wanted = own.as_ref().map_or(self.wanted.as_slice(), std::slice::from_ref);
        let offered = &directory.meta.profiles;
        let chosen = wanted.iter().find(|name| offered.contains_key(*name));
        if chosen.is_some() || wanted.is_empty() || !required {
            return Ok(chosen.cloned());
        }
        let offered: Vec<&str> = offered.keys().map(String::as_str).collect();
        let offered = if offered.is_empty() { "none".to_owned() } else { offered.join(", ") };
        Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "{server} does not offer the profile {}; it offers {}",
                wanted.join(" or "),
                text::printable(&offered, 300)
            ),
        ))
    }
}

/// Checks the request by itself, and against the solvers.
pub(super) fn check_request(request: &CertificateRequest<'_>, solvers: &Solvers) -> Result<(), Error> {
    let refuse = |kind, what: String| Err(Error::new(kind, what));
    if request.is_ca {
        return refuse(
            ErrorKind::Unsupported,
            "ACME does not make certificate authorities: use another issuer for this certificate".to_owned(),
        );
    }
    let asked = csr::Request::read(request.csr)?;
    let identifiers = asked.identifiers()?;
    common_name_is_one_of(&asked, &identifiers)?;
    if request.identifiers.is_empty() {
        return refuse(ErrorKind::Malformed, "a certificate without any name or address was asked for".to_owned());
    }
    request.refuse_other_names()?;
    for identifier in request.identifiers {
        if let Identifier::Other(_) = identifier {
            return refuse(ErrorKind::Unsupported, format!("{identifier} is no DNS name and no IP address"));
        }
        let base = identifier.dns().map_or_else(|| identifier.clone(), |name| name.base().into());
        solvers.choose(&base, identifier.is_wildcard(), &CHALLENGES, request.labels)?;
    }
    Ok(())
}

/// Checks, before anything is ordered, that the common name of a signing request is one of its names: public certificate authorities refuse any other.
///
/// # Errors
/// `Malformed` when it is not, in the words by which users of cert-manager know this, or when the request cannot be read.
pub fn check_common_name(request: &csr::Request<'_>) -> Result<(), Error> {
    common_name_is_one_of(request, &request.identifiers()?)
}

fn common_name_is_one_of(request: &csr::Request<'_>, identifiers: &[Identifier]) -> Result<(), Error> {
    let subject = DistinguishedName::read(&RawName::new(request.subject())?)?;
    let Some(name) = subject.common_name() else {
        return Ok(());
    };
    if identifiers.iter().any(|it| it.to_string() == name || Identifier::parse(&name).is_ok_and(|name| name == *it)) {
        return Ok(());
    }
    let (names, addresses): (Vec<&Identifier>, Vec<_>) = identifiers.iter().partition(|it| it.dns().is_some());
    let list = |identifiers: Vec<&Identifier>| {
        let shown: Vec<String> = identifiers.into_iter().map(ToString::to_string).collect();
        text::printable(&shown.join(" "), 1000)
    };
    Err(Error::new(
        ErrorKind::Malformed,
        format!(
            "The CSR PEM requests a commonName that is not present in the list of dnsNames or ipAddresses. \
             If a commonName is set, ACME requires that the value is also present in the list of dnsNames or ipAddresses: \
             {:?} does not exist in [{}] or [{}]",
            text::printable(&name, 100),
            list(names),
            list(addresses)
        ),
    )
    .with_retry(Retry::Never))
}

/// Checks what is known of the certificate authority beyond its directory.
pub(super) fn check_known(
    directory: &acme_core::Directory,
    request: &CertificateRequest<'_>,
    profile: Option<&str>,
    dates: Dates,
) -> Result<(), Error> {
    let Some(known) = directories::Known::at(directory.url()) else {
        return Ok(());
    };
    known.check(request.identifiers, profile)?;
    if dates == Dates::Asked && known.dates == directories::ValidityDates::Refused {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("{} does not let clients choose how long a certificate is valid: use a profile", known.name),
        ));
    }
    Ok(())
}

/// Whether orders name dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dates {
    Asked,
    Left,
}

/// Checks, when the issuer is built, that the client can say what will be asked of it.
pub(super) fn check_client(client: &dyn Client, needs: Needs) -> Result<(), Error> {
    let lacking = client.lacks(needs);
    if lacking.is_none() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!(
            "the ACME client behind this issuer lacks {lacking}: leave the settings out that need it, or use the client of this crate"
        ),
    ))
}

/// Every challenge that a certificate authority may offer.
const CHALLENGES: [ChallengeType; 5] = [
    ChallengeType::Http01,
    ChallengeType::Dns01,
    ChallengeType::TlsAlpn01,
    ChallengeType::DnsAccount01,
    ChallengeType::DnsPersist01,
];
