//! What stands in a certificate beside DNS names and addresses.

use std::collections::BTreeSet;

use acme_core::{DnsName, Error, ErrorKind, Identifier, Retry, SignatureAlgorithm};
use issuers::ObjectIdentifier;
use issuers::csr::Draft;
use issuers::name::{DistinguishedName, Subject};
use issuers::template::{self, BasicConstraints, GeneralName, KeyUsages, NameConstraints, Usages};
use serde::{Deserialize, Serialize};

/// What stands in a certificate beside DNS names and addresses: what the members of cert-manager's Certificate of the same names ask for.
///
/// Nothing of it is needed for a server. Give it to [`Spec::with_contents`](crate::Spec::with_contents); [`draft`](Self::draft) says whether it can be
/// asked for.
///
/// # Examples
/// A certificate for a person:
/// ```
/// use certwright_certstore::{Contents, Spec};
/// use issuers::template::Usages;
///
/// let contents = Contents::new()
///     .with_common_name("Jane Doe")
///     .with_email("jane@example.com")
///     .with_usages(Usages::parse(["digital signature", "email protection"])?);
/// let spec = Spec::called("jane").with_contents(contents);
/// spec.draft()?;
/// # Ok::<(), certwright_certstore::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Contents {
    /// The subject beside its common name.
    #[serde(skip_serializing_if = "Subject::is_empty")]
    pub subject: Subject,
    /// The common name of the subject. Public certificate authorities want it to be one of the DNS names or addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_name: Option<String>,
    /// The whole subject in the words of RFC 4514, instead of `subject` and `common_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub literal_subject: Option<String>,
    /// How the text of a literal subject is encoded.
    #[serde(skip_serializing_if = "Strings::is_default")]
    pub literal_strings: Strings,
    /// The DNS names as they stand in the signing request, where the case of their letters or repeats matter to somebody who compares: each of them at least
    /// once, and no others. Names are the same in any case for everything else, and no certificate is issued anew for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns_names_as_written: Vec<String>,
    /// E-mail addresses it is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// URIs it is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uris: Vec<String>,
    /// Names of other kinds it is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_names: Vec<OtherName>,
    /// What it may be used for; `None` leaves it to the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usages: Option<Usages>,
    /// Where the usages are said.
    #[serde(skip_serializing_if = "Telling::is_default")]
    pub usages_told: Telling,
    /// How the signing request is signed (cert-manager's `signatureAlgorithm`); `None` is what suits the key. No certificate is issued anew for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_algorithm: Option<SignatureAlgorithm>,
    /// Of a certificate authority: what it may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<Authority>,
}

/// A name of a kind that an object identifier names, with text as its value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "complete by definition")]
pub struct OtherName {
    /// What kind of name it is.
    pub oid: ObjectIdentifier,
    /// The name.
    pub utf8_value: String,
}

/// How the text of a subject is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Strings {
    /// As each attribute's definition says: domain components and e-mail addresses in IA5Strings.
    #[default]
    AsDefined,
    /// As Go does, see [`DistinguishedName::in_directory_strings`]: cert-manager issues anew what is not, byte for byte, what it would have written.
    AsGo,
}

/// Where usages are said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Telling {
    /// In the signing request too.
    #[default]
    InRequest,
    /// To the issuer alone, for those who refuse signing requests with usages: cert-manager's `encodeUsagesInRequest: false`.
    BesideRequest,
}

/// What a certificate authority may do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Authority {
    /// How many authorities may stand between it and a leaf; `None` is any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_length: Option<u32>,
    /// Which names it may issue for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_constraints: Option<NameConstraints>,
}

impl Contents {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this subject, beside the common name.
    #[must_use]
    pub fn with_subject(mut self, subject: Subject) -> Self {
        self.subject = subject;
        self
    }

    /// With this common name.
    #[must_use]
    pub fn with_common_name(mut self, name: impl Into<String>) -> Self {
        self.common_name = Some(name.into());
        self
    }

    /// With this subject in the words of RFC 4514, and no other.
    #[must_use]
    pub fn with_literal_subject(mut self, subject: impl Into<String>) -> Self {
        self.literal_subject = Some(subject.into());
        self
    }

    /// With the text of its literal subject encoded like this.
    #[must_use]
    pub fn with_literal_strings(mut self, strings: Strings) -> Self {
        self.literal_strings = strings;
        self
    }

    /// With the DNS names of the certificate written like this in the signing request.
    #[must_use]
    pub fn with_dns_names_as_written<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.dns_names_as_written = names.into_iter().map(Into::into).collect();
        self
    }

    /// For this e-mail address too.
    #[must_use]
    pub fn with_email(mut self, address: impl Into<String>) -> Self {
        self.emails.push(address.into());
        self
    }

    /// For this URI too.
    #[must_use]
    pub fn with_uri(mut self, uri: impl Into<String>) -> Self {
        self.uris.push(uri.into());
        self
    }

    /// For this name of another kind too.
    #[must_use]
    pub fn with_other_name(mut self, oid: ObjectIdentifier, utf8_value: impl Into<String>) -> Self {
        self.other_names.push(OtherName { oid, utf8_value: utf8_value.into() });
        self
    }

    /// For these usages.
    #[must_use]
    pub fn with_usages(mut self, usages: Usages) -> Self {
        self.usages = Some(usages);
        self
    }

    /// Says where the usages are said.
    #[must_use]
    pub fn with_usages_told(mut self, telling: Telling) -> Self {
        self.usages_told = telling;
        self
    }

    /// As a certificate authority.
    #[must_use]
    pub fn for_authority(mut self, authority: Authority) -> Self {
        self.authority = Some(authority);
        self
    }

    /// Signs the signing request with this algorithm: [`SignatureAlgorithm::for_request`] knows cert-manager's words for it.
    #[must_use]
    pub fn with_signature_algorithm(mut self, algorithm: SignatureAlgorithm) -> Self {
        self.signature_algorithm = Some(algorithm);
        self
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The usages to ask for: those that were named, and the signing of certificates for an authority, as cert-manager adds it.
    pub fn usages(&self) -> Option<Usages> {
        let usages = self.usages.clone()?;
        Some(if self.authority.is_some() { usages.with_key(KeyUsages::CERT_SIGN) } else { usages })
    }

    /// The subject.
    ///
    /// # Errors
    /// `Malformed`, in the words of cert-manager's webhook where it has some: a literal subject beside a common name or parts of a subject; and as
    /// [`DistinguishedName::parse`] and [`Subject::to_name`].
    pub fn subject(&self) -> Result<DistinguishedName, Error> {
        let common_name = self.common_name.as_deref().filter(|it| !it.is_empty());
        let Some(literal) = self.literal_subject.as_deref().filter(|it| !it.is_empty()) else {
            return self.subject.to_name(common_name);
        };
        if common_name.is_some() {
            return Err(refused("When providing a `LiteralSubject` no `commonName` may be provided."));
        }
        if !self.subject.is_empty() {
            return Err(refused("When providing a `LiteralSubject` no `Subject` properties may be provided."));
        }
        let name = DistinguishedName::parse(literal)?;
        Ok(match self.literal_strings {
            Strings::AsDefined => name,
            Strings::AsGo => name.in_directory_strings(),
        })
    }

    /// The signing request that asks for all of it and for `identifiers`; the names are in cert-manager's order: DNS, e-mail, addresses, URIs, others.
    ///
    /// # Errors
    /// `Malformed` when there is nobody to issue for, the DNS names as written are not those of `identifiers`, or something in it is wrong, whatever the time:
    /// see [`subject`](Self::subject), [`GeneralName::dns_as_written`], [`GeneralName::email`], [`GeneralName::uri`] and [`NameConstraints::to_extension`]. `Unsupported` for an identifier of an unknown kind, or an
    /// e-mail address beyond ASCII.
    pub fn draft(&self, identifiers: &[Identifier]) -> Result<Draft, Error> {
        self.try_draft(identifiers).map_err(|error| error.with_retry(Retry::Never))
    }

    fn try_draft(&self, identifiers: &[Identifier]) -> Result<Draft, Error> {
        let others = identifiers.iter().filter(|it| it.dns().is_none());
        let names: Vec<GeneralName> = self
            .dns_names(identifiers)?
            .into_iter()
            .map(Ok)
            .chain(self.emails.iter().map(|it| GeneralName::email(it)))
            .chain(others.map(GeneralName::of))
            .chain(self.uris.iter().map(|it| GeneralName::uri(it)))
            .chain(self.other_names.iter().map(OtherName::to_general_name))
            .collect::<Result<_, _>>()?;
        let mut draft = Draft::of(names, &self.subject()?)?;
        if let Some(usages) = self.usages().filter(|_| self.usages_told == Telling::InRequest) {
            draft = draft.with_usages(usages);
        }
        if let Some(authority) = &self.authority {
            draft = draft.with_basic_constraints(BasicConstraints::Authority { path_length: authority.path_length });
            if let Some(constraints) = &authority.name_constraints {
                draft = draft.with_name_constraints(constraints)?;
            }
        }
        Ok(draft)
    }

    /// The DNS names as they stand in the signing request.
    fn dns_names(&self, identifiers: &[Identifier]) -> Result<Vec<GeneralName>, Error> {
        let named = identifiers.iter().filter_map(Identifier::dns);
        if self.dns_names_as_written.is_empty() {
            return Ok(named.cloned().map(GeneralName::Dns).collect());
        }
        let written: BTreeSet<DnsName> =
            self.dns_names_as_written.iter().map(|it| DnsName::parse(it)).collect::<Result<_, _>>()?;
        if written != named.cloned().collect() {
            return Err(refused("the DNS names as written are not those of the certificate"));
        }
        self.dns_names_as_written.iter().map(|it| GeneralName::dns_as_written(it)).collect()
    }
}

impl OtherName {
    fn to_general_name(&self) -> Result<GeneralName, Error> {
        template::OtherName::utf8(self.oid.clone(), &self.utf8_value).map(Into::into)
    }
}

impl Strings {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Telling {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Authority {
    /// An authority with nothing that holds it back.
    pub fn new() -> Self {
        Self::default()
    }

    /// At most so many authorities may stand between it and a leaf.
    #[must_use]
    pub fn with_path_length(mut self, length: u32) -> Self {
        self.path_length = Some(length);
        self
    }

    /// It may issue for these names.
    #[must_use]
    pub fn with_name_constraints(mut self, constraints: NameConstraints) -> Self {
        self.name_constraints = Some(constraints);
        self
    }
}

fn refused(what: &'static str) -> Error {
    Error::new(ErrorKind::Malformed, what)
}
