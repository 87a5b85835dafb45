//! In which fields a signing request or a certificate is not what is wanted.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use acme_core::{Error, Identifier};
use issuers::name::{Attribute, AttributeType, DistinguishedName, RelativeName};
use issuers::{Holder, ObjectIdentifier};

use crate::Spec;

/// What a certificate is for, as far as a signing request says it: one for each member of cert-manager's Certificate that says it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Field {
    /// Its addresses.
    IpAddresses,
    /// Its URIs.
    Uris,
    /// Its e-mail addresses.
    EmailAddresses,
    /// Its DNS names.
    DnsNames,
    /// Its names of other kinds.
    OtherNames,
    /// The common name of its subject.
    CommonName,
    /// `SERIALNUMBER` of its subject.
    SerialNumber,
    /// `O` of its subject.
    Organizations,
    /// `C` of its subject.
    Countries,
    /// `L` of its subject.
    Localities,
    /// `OU` of its subject.
    OrganizationalUnits,
    /// `postalCode` of its subject.
    PostalCodes,
    /// `ST` of its subject.
    Provinces,
    /// `STREET` of its subject.
    StreetAddresses,
    /// Its subject as a whole, where it was written as a whole.
    LiteralSubject,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IpAddresses => "addresses",
            Self::Uris => "URIs",
            Self::EmailAddresses => "e-mail addresses",
            Self::DnsNames => "DNS names",
            Self::OtherNames => "names of other kinds",
            Self::CommonName => "common name",
            Self::SerialNumber => "serial number of the subject",
            Self::Organizations => "organizations",
            Self::Countries => "countries",
            Self::Localities => "localities",
            Self::OrganizationalUnits => "organizational units",
            Self::PostalCodes => "postal codes",
            Self::Provinces => "provinces",
            Self::StreetAddresses => "street addresses",
            Self::LiteralSubject => "subject",
        })
    }
}

/// The fields in which a signing request for `asked` does not ask for `spec`, in cert-manager's order. Order and repeats count nowhere, nor does the case of
/// DNS names.
///
/// # Errors
/// `Malformed` when the subject of `spec` cannot be: see [`Contents::subject`](crate::Contents::subject).
pub fn fields_of_request(spec: &Spec, asked: &Holder) -> Result<Vec<Field>, Error> {
    let wanted = Wanted::of(spec);
    let mut fields = wanted.names_unlike(asked);
    fields.extend((wanted.dns_names != asked.dns_names).then_some(Field::DnsNames));
    fields.extend((wanted.other_names() != asked.other_names).then_some(Field::OtherNames));
    let contents = &spec.contents;
    if contents.literal_subject.as_deref().is_some_and(|it| !it.is_empty()) {
        let is_same = sorted(&contents.subject()?) == sorted(&asked.subject);
        fields.extend((!is_same).then_some(Field::LiteralSubject));
        return Ok(fields);
    }
    let subject = &contents.subject;
    let one = |it: &Option<String>| it.clone().filter(|it| !it.is_empty());
    fields.extend((one(&contents.common_name) != asked.common_name()).then_some(Field::CommonName));
    let serial_number = asked.values(&AttributeType::SERIAL_NUMBER).pop();
    fields.extend((one(&subject.serial_number) != serial_number).then_some(Field::SerialNumber));
    for (field, kind, values) in [
        (Field::Organizations, AttributeType::ORGANIZATION, &subject.organizations),
        (Field::Countries, AttributeType::COUNTRY, &subject.countries),
        (Field::Localities, AttributeType::LOCALITY, &subject.localities),
        (Field::OrganizationalUnits, AttributeType::ORGANIZATIONAL_UNIT, &subject.organizational_units),
        (Field::PostalCodes, AttributeType::POSTAL_CODE, &subject.postal_codes),
        (Field::Provinces, AttributeType::PROVINCE, &subject.provinces),
        (Field::StreetAddresses, AttributeType::STREET_ADDRESS, &subject.street_addresses),
    ] {
        let asked: BTreeSet<String> = asked.values(&kind).into_iter().collect();
        let is_same = values.iter().cloned().collect::<BTreeSet<_>>() == asked;
        fields.extend((!is_same).then_some(field));
    }
    Ok(fields)
}

/// The fields in which a certificate is for others than `spec` wants, as far as every issuer must keep to it: a name may move between the common name and the
/// DNS names, and the rest of the subject is the issuer's. For certificates of which no signing request is left to compare.
pub fn fields_of_certificate(spec: &Spec, certificate: &Holder) -> Vec<Field> {
    let wanted = Wanted::of(spec);
    let wanted_name = spec.contents.common_name.as_deref().filter(|it| !it.is_empty()).map(str::to_ascii_lowercase);
    let name = certificate.common_name().map(|it| it.to_ascii_lowercase());
    let with = |names: &BTreeSet<String>, name: &Option<String>| -> BTreeSet<String> {
        names.iter().chain(name).cloned().collect()
    };
    let all_wanted = with(&wanted.dns_names, &wanted_name);
    let all = with(&certificate.dns_names, &name);
    let lacks = |names: &BTreeSet<String>, name: &Option<String>| name.as_ref().is_some_and(|it| !names.contains(it));
    let mut fields = Vec::new();
    if lacks(&all, &wanted_name) || lacks(&all_wanted, &name) {
        fields.push(Field::CommonName);
    }
    if !wanted.dns_names.is_subset(&all) || !certificate.dns_names.is_subset(&all_wanted) {
        fields.push(Field::DnsNames);
    }
    fields.extend(wanted.names_unlike(certificate));
    fields
}

/// The names of a specification, sorted by kind as a [`Holder`] has them.
struct Wanted<'a> {
    spec: &'a Spec,
    dns_names: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
}

impl<'a> Wanted<'a> {
    fn of(spec: &'a Spec) -> Self {
        let mut wanted = Self { spec, dns_names: BTreeSet::new(), addresses: BTreeSet::new() };
        for identifier in &spec.identifiers {
            if let Identifier::Dns(name) = identifier {
                wanted.dns_names.insert(name.as_str().to_owned());
            } else if let Identifier::Ip(address) = identifier {
                wanted.addresses.insert(address.to_canonical());
            }
        }
        wanted
    }

    /// The kinds of names, DNS names apart, of which `holder` has others.
    fn names_unlike(&self, holder: &Holder) -> Vec<Field> {
        let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
        let mut fields = Vec::new();
        fields.extend((self.addresses != holder.addresses).then_some(Field::IpAddresses));
        fields.extend((set(&self.spec.contents.uris) != holder.uris).then_some(Field::Uris));
        fields.extend((set(&self.spec.contents.emails) != holder.emails).then_some(Field::EmailAddresses));
        fields
    }

    fn other_names(&self) -> BTreeSet<(ObjectIdentifier, String)> {
        self.spec.contents.other_names.iter().map(|it| (it.oid.clone(), it.utf8_value.clone())).collect()
    }
}

/// A name as it is compared: the attributes that stand together in any order, however their text is encoded.
fn sorted(name: &DistinguishedName) -> Vec<BTreeSet<(String, Vec<u8>)>> {
    let value = |it: &Attribute| it.text().map_or_else(|| it.to_der(), |text| text.as_bytes().to_vec());
    let part = |it: &RelativeName| it.attributes().iter().map(|it| (it.kind().to_string(), value(it))).collect();
    name.parts().iter().map(part).collect()
}
