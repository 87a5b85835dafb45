//! Name constraints (RFC 5280 section 4.2.1.10): which names an authority may issue for.

use acme_core::der::{self, Reader};
use acme_core::{Error, ErrorKind, text};
use rustls_pki_types::CertificateDer;

use super::subtree::{Candidate, Form, Subtree};
use crate::limits;
use crate::x509::{Certificate, RawGeneralName, name, oid};

/// What the name constraints of some authorities allow, read once and asked for each certificate.
///
/// Make it [`of`](Self::of) the certificates above a leaf, and ask whether they [`permit`](Self::permit) its names before it is signed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Constraints(Vec<Constrained>);

impl Constraints {
    /// The constraints of these authorities; those that have none add nothing.
    ///
    /// # Errors
    /// `Malformed` when one is not X.509 or its constraints cannot be read.
    pub fn of(authorities: &[CertificateDer<'_>]) -> Result<Self, Error> {
        let mut constraints = Vec::new();
        for (at, authority) in authorities.iter().enumerate() {
            let refuse = |why: String| Error::new(ErrorKind::Malformed, why);
            let certificate = Certificate::read(authority)
                .map_err(|why| refuse(format!("certificate {} of the authorities is {why}", at + 1)))?;
            constraints.extend(Constrained::of(&certificate).map_err(refuse)?);
        }
        Ok(Self(constraints))
    }

    /// Does every authority permit a certificate for `subject` (the whole of a Name) and these alternative names?
    ///
    /// Constraints on directory names hold for the subject too; those on e-mail addresses hold for the addresses in the subject when there are no
    /// alternative names.
    ///
    /// # Errors
    /// `Refused` with the first name that one does not permit, and why; `Refused` too after [`limits::NAME_COMPARISONS`] comparisons.
    pub fn permit(&self, subject: &[u8], names: &[RawGeneralName<'_>]) -> Result<(), Error> {
        match self.refusal(subject, names) {
            Some(why) => Err(Error::new(ErrorKind::Refused, why)),
            None => Ok(()),
        }
    }

    /// As [`permit`](Self::permit), in words.
    pub(super) fn refusal(&self, subject: &[u8], names: &[RawGeneralName<'_>]) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut budget = limits::NAME_COMPARISONS;
        self.0.iter().find_map(|authority| authority.refusal(subject, names, &mut budget))
    }

    /// What `certificate` adds to those of the authorities above it.
    pub(super) fn add(&mut self, certificate: &Certificate<'_>) -> Result<(), String> {
        self.0.extend(Constrained::of(certificate)?);
        Ok(())
    }
}

/// An authority with name constraints.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Constrained {
    /// As people read it.
    authority: String,
    permitted: Vec<Subtree>,
    excluded: Vec<Subtree>,
}

impl Constrained {
    fn of(certificate: &Certificate<'_>) -> Result<Option<Self>, String> {
        let Some(extension) = certificate.extension(oid::NAME_CONSTRAINTS) else { return Ok(None) };
        let authority = name::readable(certificate.subject);
        match read(extension.value) {
            Some((permitted, excluded)) => Ok(Some(Self { authority, permitted, excluded })),
            None => Err(format!("the name constraints of {authority:?} cannot be read")),
        }
    }

    fn refusal(&self, subject: &[u8], names: &[RawGeneralName<'_>], budget: &mut usize) -> Option<String> {
        let parts = name::parts(subject).unwrap_or_default();
        let mut all = names.to_vec();
        if !parts.is_empty() {
            all.push(RawGeneralName::Directory(subject));
        }
        if names.is_empty() {
            let addresses = parts.iter().flatten().filter(|attribute| attribute.kind == name::EMAIL_ADDRESS);
            all.extend(addresses.map(|attribute| RawGeneralName::Email(attribute.value.content)));
        }
        all.into_iter().find_map(|name| self.refusal_of(name, budget))
    }

    fn refusal_of(&self, name: RawGeneralName<'_>, budget: &mut usize) -> Option<String> {
        let Some(left) = budget.checked_sub(self.permitted.len() + self.excluded.len()) else {
            let most = limits::NAME_COMPARISONS;
            return Some(format!("more than {most} comparisons with the name constraints of {:?}", self.authority));
        };
        *budget = left;
        let form = Form::of(&name);
        let candidate = Candidate::new(name);
        let excluded = self.excluded.iter().find(|it| it.form() == form && it.may_meet(&candidate));
        let mut permitted = self.permitted.iter().filter(|it| it.form() == form).peekable();
        let why = if let Some(excluded) = excluded {
            format!("it is within {excluded}, which is excluded")
        } else if permitted.peek().is_some() && !permitted.any(|it| it.holds(&candidate)) {
            format!("it is not among the {form} that are permitted")
        } else {
            return None;
        };
        Some(format!("the name constraints of {:?} forbid {}: {why}", self.authority, shown(&name)))
    }
}

/// What is permitted and what is excluded, in the value of the extension.
pub(crate) fn read(value: &[u8]) -> Option<(Vec<Subtree>, Vec<Subtree>)> {
    let mut fields = Reader::only(der::SEQUENCE, value)?;
    let permitted = subtrees(fields.optional(der::context_constructed(0))?.unwrap_or_default())?;
    let excluded = subtrees(fields.optional(der::context_constructed(1))?.unwrap_or_default())?;
    fields.end()?;
    Some((permitted, excluded))
}

/// The content of GeneralSubtrees.
fn subtrees(list: &[u8]) -> Option<Vec<Subtree>> {
    let mut list = Reader::new(list);
    let mut subtrees = Vec::new();
    while !list.is_empty() {
        let mut fields = list.enter(der::SEQUENCE)?;
        let base = RawGeneralName::read(&mut fields)?;
        // RFC 5280 wants a minimum of zero, which DER leaves out, and no maximum.
        fields.end()?;
        subtrees.push(Subtree::read(&base)?);
    }
    Some(subtrees)
}

fn shown(name: &RawGeneralName<'_>) -> String {
    match name {
        RawGeneralName::Email(octets) | RawGeneralName::Dns(octets) | RawGeneralName::Uri(octets) => {
            text::printable(&String::from_utf8_lossy(octets), 200)
        }
        RawGeneralName::Directory(directory) => format!("{:?}", name::readable(directory)),
        RawGeneralName::Ip(_) => match name.identifier() {
            Ok(Some(address)) => address.to_string(),
            Ok(None) | Err(_) => "an address that is none".to_owned(),
        },
        RawGeneralName::Other { .. }
        | RawGeneralName::X400(_)
        | RawGeneralName::EdiParty(_)
        | RawGeneralName::Registered(_) => "a name of a form that cannot be compared".to_owned(),
    }
}
