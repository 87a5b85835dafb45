//! What a Certificate asks for, in the library's words.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use acme_core::key::Encoding;
use acme_core::{DnsName, Error, ErrorKind, Identifier, KeyType, PrivateKey, SignatureAlgorithm, text};
use certstore::Spec;
use certstore::policy::renew::{Lead, OfAge, Preferences, RenewalWindow};
use certstore::spec::{Authority, Contents, Strings, Telling};
use issuers::ObjectIdentifier;
use issuers::name::Subject;
use issuers::template::{BasicConstraints, IpRange, NameConstraints, Subtrees, Usages};

use crate::admission;
use crate::crd::certificate::{
    Certificate, CertificateSpec, KeyUsage, NameConstraintItem, OutputFormat, PrivateKeyAlgorithm, PrivateKeyEncoding,
    RenewalPolicy, RotationPolicy,
};
use crate::secret::Dress;

/// What a Certificate asks for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// What the certificate says.
    pub(crate) spec: Spec,
    /// When it is renewed.
    pub(crate) renewal: Preferences,
}

impl Wanted {
    /// Reads a specification.
    ///
    /// # Errors
    /// What is wrong with it, whatever the time, in the words of cert-manager's webhook where that has some: no request can be made of it.
    pub(crate) fn of(object: &Certificate) -> Result<Self, String> {
        let mut violations = admission::certificate(object);
        if violations.is_empty() {
            violations = admission::names(&object.spec);
        }
        if !violations.is_empty() {
            return Err(admission::message(&violations));
        }
        let name = object.metadata.name.as_deref().unwrap_or_default();
        let wanted = Self::read(name, &object.spec).and_then(|wanted| wanted.spec.draft().map(|_| wanted));
        wanted.map_err(|error| error.to_string())
    }

    fn read(name: &str, spec: &CertificateSpec) -> Result<Self, Error> {
        let mut wanted = Spec::called(name).with_key_type(key_type(spec)?).with_contents(contents(spec)?);
        wanted.duration = spec.duration.as_ref().and_then(|it| it.duration());
        wanted.identifiers = identifiers(spec)?;
        Ok(Self { spec: wanted, renewal: renewal(spec)? })
    }
}

/// The key, signing requests as cert-manager does: with the hash that suits the size of the key, or the one that is asked for.
///
/// # Errors
/// `Malformed` when the algorithm that is asked for is none of the key's.
pub(crate) fn signing_as(spec: &CertificateSpec, key: PrivateKey) -> Result<PrivateKey, Error> {
    let kind = key.key_type();
    let algorithm = match &spec.signature_algorithm {
        Some(word) => SignatureAlgorithm::for_request(word.as_str(), kind)?,
        None => match kind {
            KeyType::Rsa3072 => SignatureAlgorithm::RsaPkcs1Sha384,
            KeyType::Rsa4096 | KeyType::Rsa8192 => SignatureAlgorithm::RsaPkcs1Sha512,
            KeyType::RsaOf(size) if size.bits() > 4096 => SignatureAlgorithm::RsaPkcs1Sha512,
            KeyType::RsaOf(size) if size.bits() > 3072 => SignatureAlgorithm::RsaPkcs1Sha384,
            KeyType::Rsa2048 | KeyType::EcdsaP256 | KeyType::EcdsaP384 | KeyType::EcdsaP521 | KeyType::Ed25519 | _ => {
                kind.algorithm()
            }
        },
    };
    key.signing_with(algorithm)
}

/// How the key stands in the Secret.
pub(crate) fn encoding(spec: &CertificateSpec) -> Encoding {
    match spec.private_key.as_ref().and_then(|it| it.encoding.as_ref()) {
        Some(PrivateKeyEncoding::Pkcs8) => Encoding::Pkcs8,
        Some(PrivateKeyEncoding::Pkcs1 | PrivateKeyEncoding::Other(_)) | None => Encoding::Traditional,
    }
}

/// Whether the key stays as long as it is what is wanted.
pub(crate) fn keeps_key(spec: &CertificateSpec) -> bool {
    spec.private_key.as_ref().and_then(|it| it.rotation_policy.as_ref()) == Some(&RotationPolicy::Never)
}

/// How many requests are kept.
pub(crate) fn history_limit(spec: &CertificateSpec) -> u32 {
    spec.revision_history_limit.and_then(|it| u32::try_from(it).ok()).map_or(1, |it| it.max(1))
}

/// The Secrets of passwords that are referred to.
pub(crate) fn password_secrets(spec: &CertificateSpec) -> impl Iterator<Item = &str> {
    let keystores = spec.keystores.as_ref();
    let jks = keystores.and_then(|it| it.jks.as_ref()).filter(|it| it.create).map(|it| &it.password_secret_ref);
    let pkcs12 = keystores.and_then(|it| it.pkcs12.as_ref()).filter(|it| it.create).map(|it| &it.password_secret_ref);
    jks.into_iter().chain(pkcs12).map(|it| it.name.as_str()).filter(|it| !it.is_empty())
}

/// What the Secret wears beside key and certificate, ownership apart.
pub(crate) fn dress(object: &Certificate) -> Dress {
    let spec = &object.spec;
    let mut dress = Dress::default();
    if let Some(template) = &spec.secret_template {
        let pairs =
            |map: &BTreeMap<String, String>| map.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        dress.labels = pairs(&template.labels);
        dress.annotations = pairs(&template.annotations);
    }
    let has = |format: &OutputFormat| spec.additional_output_formats.iter().any(|it| it.kind == *format);
    let keystores = spec.keystores.as_ref();
    let wears = [
        ("key.der", has(&OutputFormat::Der)),
        ("tls-combined.pem", has(&OutputFormat::CombinedPem)),
        ("keystore.jks", keystores.and_then(|it| it.jks.as_ref()).is_some_and(|it| it.create)),
        ("keystore.p12", keystores.and_then(|it| it.pkcs12.as_ref()).is_some_and(|it| it.create)),
    ];
    dress.files = wears.into_iter().filter(|(_, is_wanted)| *is_wanted).map(|(file, _)| file).collect();
    dress
}

fn key_type(spec: &CertificateSpec) -> Result<KeyType, Error> {
    let key = spec.private_key.as_ref();
    let size = key.map_or(0, |it| it.size);
    match (key.and_then(|it| it.algorithm.as_ref()), size) {
        (None | Some(PrivateKeyAlgorithm::Rsa), 0) => Ok(KeyType::Rsa2048),
        (None | Some(PrivateKeyAlgorithm::Rsa), size) => {
            let bits = u16::try_from(size).map_err(|_| refused(format!("no RSA key has {size} bits")))?;
            KeyType::rsa(bits).map_err(|error| error.while_doing("spec.privateKey.size"))
        }
        (Some(PrivateKeyAlgorithm::Ecdsa), 0 | 256) => Ok(KeyType::EcdsaP256),
        (Some(PrivateKeyAlgorithm::Ecdsa), 384) => Ok(KeyType::EcdsaP384),
        (Some(PrivateKeyAlgorithm::Ecdsa), 521) => Ok(KeyType::EcdsaP521),
        (Some(PrivateKeyAlgorithm::Ecdsa), size) => {
            Err(refused(format!("there is no curve of {size} bits: set spec.privateKey.size to 256, 384 or 521")))
        }
        (Some(PrivateKeyAlgorithm::Ed25519), _) => Ok(KeyType::Ed25519),
        (Some(PrivateKeyAlgorithm::Other(word)), _) => {
            Err(refused(format!("{:?} is no algorithm of keys that is known here", text::printable(word, 40))))
        }
    }
}

fn identifiers(spec: &CertificateSpec) -> Result<Vec<Identifier>, Error> {
    let mut identifiers = Vec::new();
    for name in &spec.dns_names {
        identifiers.push(Identifier::Dns(DnsName::parse(name)?));
    }
    for address in &spec.ip_addresses {
        let parsed = address
            .parse()
            .map_err(|_| refused(format!("{:?} is not a valid IP address", text::printable(address, 60))))?;
        identifiers.push(Identifier::Ip(parsed));
    }
    // Addresses stand in the request as often as they are asked for; how names do is said beside them.
    let mut seen = HashSet::new();
    identifiers.retain(|it| it.dns().is_none() || seen.insert(it.clone()));
    Ok(identifiers)
}

fn contents(spec: &CertificateSpec) -> Result<Contents, Error> {
    let mut contents = Contents::new().with_usages(usages(spec)?).with_literal_strings(Strings::AsGo);
    if spec.encode_usages_in_request == Some(false) {
        contents = contents.with_usages_told(Telling::BesideRequest);
    }
    if spec.is_ca {
        let mut authority = Authority::new();
        authority.name_constraints = spec.name_constraints.as_ref().map(name_constraints).transpose()?;
        contents = contents.for_authority(authority);
    }
    let text = |it: &String| (!it.is_empty()).then(|| it.clone());
    contents.common_name = text(&spec.common_name);
    contents.literal_subject = text(&spec.literal_subject);
    contents.subject = subject(spec);
    contents.dns_names_as_written = as_written(&spec.dns_names);
    contents.emails.clone_from(&spec.email_addresses);
    contents.uris.clone_from(&spec.uris);
    for name in &spec.other_names {
        contents = contents.with_other_name(ObjectIdentifier::parse(&name.oid)?, name.utf8_value.as_str());
    }
    Ok(contents)
}

/// How the DNS names stand in the signing request, where that is not how they are compared here: cert-manager, to which a cluster may go back, compares them
/// letter by letter and counts repeats, and would issue anew.
fn as_written(names: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    let written = |name: &String| match DnsName::parse(name) {
        Ok(parsed) if !parsed.as_str().eq_ignore_ascii_case(name) => parsed.as_str().to_owned(),
        Ok(_) | Err(_) => name.clone(),
    };
    let is_plain = |name: &String| DnsName::parse(name).is_ok_and(|it| it.as_str() == name);
    if names.iter().all(|it| seen.insert(it) && is_plain(it)) {
        return Vec::new();
    }
    names.iter().map(written).collect()
}

/// The usages that are asked for; signatures and the encipherment of keys for want of any.
fn usages(spec: &CertificateSpec) -> Result<Usages, Error> {
    if spec.usages.is_empty() {
        return Ok(Usages::default_for(BasicConstraints::EndEntity));
    }
    Usages::parse(spec.usages.iter().map(KeyUsage::as_str))
}

fn subject(spec: &CertificateSpec) -> Subject {
    let mut subject = Subject::default();
    if let Some(wanted) = &spec.subject {
        subject.organizations.clone_from(&wanted.organizations);
        subject.countries.clone_from(&wanted.countries);
        subject.organizational_units.clone_from(&wanted.organizational_units);
        subject.localities.clone_from(&wanted.localities);
        subject.provinces.clone_from(&wanted.provinces);
        subject.street_addresses.clone_from(&wanted.street_addresses);
        subject.postal_codes.clone_from(&wanted.postal_codes);
        subject.serial_number = (!wanted.serial_number.is_empty()).then(|| wanted.serial_number.clone());
    }
    subject
}

fn name_constraints(wanted: &crate::crd::certificate::NameConstraints) -> Result<NameConstraints, Error> {
    let trees = |item: &Option<NameConstraintItem>| -> Result<Subtrees, Error> {
        let Some(item) = item else { return Ok(Subtrees::new()) };
        let ranges: Result<Vec<IpRange>, Error> = item.ip_ranges.iter().map(|it| IpRange::parse(it)).collect();
        Ok(Subtrees::new()
            .with_dns_domains(item.dns_domains.iter().cloned())
            .with_ip_ranges(ranges?)
            .with_email_addresses(item.email_addresses.iter().cloned())
            .with_uri_domains(item.uri_domains.iter().cloned()))
    };
    let constraints = NameConstraints::new(trees(&wanted.permitted)?, trees(&wanted.excluded)?);
    Ok(if wanted.critical { constraints } else { constraints.not_critical() })
}

fn renewal(spec: &CertificateSpec) -> Result<Preferences, Error> {
    let mut lead = Lead::new();
    lead.before = spec.renew_before.as_ref().and_then(|it| it.duration());
    lead.percentage = spec.renew_before_percentage.and_then(|it| u32::try_from(it).ok());
    let mut preferences = Preferences::new().with_lead(lead);
    let Some(renewal) = &spec.renewal else { return Ok(preferences) };
    if renewal.policy == Some(RenewalPolicy::Disabled) {
        preferences = preferences.with_of_age(OfAge::Kept);
    }
    for window in &renewal.windows {
        let zone = (!window.timezone.is_empty()).then_some(window.timezone.as_str());
        let length = window.window_duration.duration().unwrap_or(Duration::ZERO);
        preferences = preferences.with_window(RenewalWindow::new(&window.cron, zone, length)?);
    }
    Ok(preferences)
}

fn refused(what: String) -> Error {
    Error::new(ErrorKind::Malformed, what)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use issuers::csr::{RawGeneralName, Request};
    use serde_json::json;

    use super::*;

    /// The names and addresses of the signing request for these, as cert-manager reads them.
    fn asked(names: &[&str], addresses: &[&str]) -> Vec<String> {
        let object = json!({ "metadata": { "name": "web", "namespace": "shop" }, "spec": {
            "secretName": "web", "dnsNames": names, "ipAddresses": addresses, "issuerRef": { "name": "ca" }, "privateKey": { "algorithm": "ECDSA" },
        } });
        let object: Certificate = serde_json::from_str(&object.to_string()).expect("it is a Certificate");
        let wanted = Wanted::of(&object).expect("nothing is wrong with it");
        let key = PrivateKey::generate(KeyType::EcdsaP256).expect("a key");
        let der = wanted.spec.draft().and_then(|it| it.sign_now(&key)).expect("a signing request");
        let request = Request::read(&der).expect("it can be read");
        let names = request.alternative_names().expect("names").into_iter().filter_map(|it| {
            if let RawGeneralName::Dns(text) = it {
                return Some(String::from_utf8_lossy(text).into_owned());
            }
            let RawGeneralName::Ip(octets) = it else { return None };
            Some(Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?).to_string())
        });
        names.collect()
    }

    #[test]
    fn cert_manager_finds_every_name_in_the_request_as_often_and_in_the_letters_that_the_specification_has() {
        for (names, addresses) in [
            (&["example.com"][..], &[][..]),
            (&["Example.COM", "example.com"], &["192.0.2.1"]),
            (&["example.com", "example.com", "*.Example.com"], &["192.0.2.1", "192.0.2.2", "192.0.2.1"]),
            (&["b.example", "a.example", "b.example"], &[]),
        ] {
            // Its rule (RequestMatchesSpec): the same strings, in any order, and as many of them.
            let (mut asked, mut wanted) = (asked(names, addresses), [names, addresses].concat());
            asked.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(asked, wanted);
        }
    }
}
