//! Whether a key, a chain and a signing request that somebody keeps are what is wanted.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use acme_core::{KeyType, PrivateKey, Timestamp};
use certwright_certstore::policy::after_failure::Doubling;
use certwright_certstore::policy::reissue::{Field, Flaw, Held, fields_of_certificate, fields_of_request};
use certwright_certstore::{Contents, Spec};
use issuers::csr::Request;
use issuers::name::Subject;
use issuers::{Holder, chain};
use rcgen::{CertificateParams, DnType, KeyPair};

#[tokio::test]
async fn a_signing_request_asks_for_what_it_was_made_for_however_that_is_written() {
    let spec = Spec::new(["Example.com", "*.example.com", "192.0.2.1"]).unwrap().with_contents(everything());
    let asked = asked(&spec).await;
    assert_eq!(fields_of_request(&spec, &asked).unwrap(), []);

    let mut other = Spec::new(["192.0.2.1", "*.EXAMPLE.com", "example.com"]).unwrap().with_contents(everything());
    other.contents.subject.organizations = ["B", "A", "B"].map(str::to_owned).into();
    assert_eq!(fields_of_request(&other, &asked).unwrap(), [], "order, case and repeats do not count");
}

#[tokio::test]
async fn every_field_that_changed_is_named_in_cert_managers_order() {
    let spec = Spec::new(["example.com"]).unwrap().with_contents(everything());
    let asked = asked(&spec).await;
    let change = |change: &dyn Fn(&mut Spec)| {
        let mut spec = spec.clone();
        change(&mut spec);
        fields_of_request(&spec, &asked).unwrap()
    };
    let cases: [(Edit, Field); 14] = [
        (|it| it.identifiers.push("192.0.2.9".parse().unwrap()), Field::IpAddresses),
        (|it| it.contents.uris.clear(), Field::Uris),
        (|it| it.contents.emails.push("a@example.com".to_owned()), Field::EmailAddresses),
        (|it| it.identifiers.push("www.example.com".parse().unwrap()), Field::DnsNames),
        (|it| it.contents.other_names[0].utf8_value.push('x'), Field::OtherNames),
        (|it| it.contents.common_name = None, Field::CommonName),
        (|it| it.contents.subject.serial_number = Some(more()), Field::SerialNumber),
        (|it| it.contents.subject.organizations.push(more()), Field::Organizations),
        (|it| it.contents.subject.countries.push(more()), Field::Countries),
        (|it| it.contents.subject.localities.push(more()), Field::Localities),
        (|it| it.contents.subject.organizational_units.push(more()), Field::OrganizationalUnits),
        (|it| it.contents.subject.postal_codes.push(more()), Field::PostalCodes),
        (|it| it.contents.subject.provinces.push(more()), Field::Provinces),
        (|it| it.contents.subject.street_addresses.push(more()), Field::StreetAddresses),
    ];
    for (edit, field) in cases {
        assert_eq!(change(&edit), [field]);
    }
    let all = change(&|spec| cases.iter().for_each(|(edit, _)| edit(spec)));
    assert_eq!(all, cases.map(|(_, field)| field));
}

#[tokio::test]
async fn a_literal_subject_is_compared_as_a_whole() {
    let spec = |subject: &str| {
        Spec::new(["example.com"]).unwrap().with_contents(Contents::new().with_literal_subject(subject))
    };
    let asked = asked(&spec("CN=web,OU=A+L=Berlin,O=Example")).await;
    assert_eq!(fields_of_request(&spec("CN=web, L=Berlin+OU=A, O=Example"), &asked).unwrap(), []);
    assert_eq!(fields_of_request(&spec("CN=web,O=Example,OU=A"), &asked).unwrap(), [Field::LiteralSubject]);
    let parts = Spec::new(["example.com"]).unwrap();
    let fields = [Field::CommonName, Field::Organizations, Field::Localities, Field::OrganizationalUnits];
    assert_eq!(fields_of_request(&parts, &asked).unwrap(), fields);
    fields_of_request(&spec("nonsense"), &asked).unwrap_err();
}

#[test]
fn a_certificate_alone_is_compared_loosely() {
    let spec = |names: &[&str], common_name: Option<&str>| {
        let contents = common_name.map_or(Contents::new(), |it| Contents::new().with_common_name(it));
        Spec::new(names).unwrap().with_contents(contents)
    };
    for (names, common_name, wanted, fields) in [
        (&["example.com"][..], None, spec(&["example.com"], None), &[][..]),
        // The authority made the first name the common name, or left out what the other names say.
        (&["example.com"], Some("example.com"), spec(&["example.com"], None), &[]),
        (&["example.com", "web.example.com"], None, spec(&["example.com"], Some("web.example.com")), &[]),
        (&["example.com"], None, spec(&["example.com", "b.example.com"], None), &[Field::DnsNames]),
        (&["example.com", "b.example.com"], None, spec(&["example.com"], None), &[Field::DnsNames]),
        (&["example.com"], Some("other"), spec(&["example.com"], None), &[Field::CommonName]),
        (&["example.com"], None, spec(&["example.com"], Some("other")), &[Field::CommonName]),
        (&["example.com", "192.0.2.1"], None, spec(&["example.com"], None), &[Field::IpAddresses]),
    ] {
        let (_, certificate) = pair(names, common_name);
        let certificate = chain::bundle_from_pem(certificate.as_bytes()).unwrap();
        let holder = Holder::of_certificate(&certificate[0]).unwrap();
        assert_eq!(fields_of_certificate(&wanted, &holder), fields, "{names:?} {common_name:?}");
    }
}

#[test]
fn what_is_wrong_with_a_pair_is_found_in_order() {
    let (key, certificate) = pair(&["example.com"], None);
    let (other, _) = pair(&["example.com"], None);
    let flaw = |key: &str, chain: &str| Held::read(key.as_bytes(), chain.as_bytes()).unwrap_err();
    assert!(matches!(flaw("", ""), Flaw::Nothing));
    assert!(matches!(flaw("", &certificate), Flaw::NoKey));
    assert!(matches!(flaw(&key, ""), Flaw::NoCertificate));
    assert!(matches!(flaw("key", "certificate"), Flaw::Key(_)));
    assert!(matches!(flaw(&key, "certificate"), Flaw::Certificate(_)));
    assert!(matches!(flaw(&other, &certificate), Flaw::Mismatch));

    let held = Held::read(key.as_bytes(), certificate.as_bytes()).unwrap();
    assert_eq!(held.holder.dns_names.iter().collect::<Vec<_>>(), ["example.com"]);
    assert!(!format!("{held:?}").contains(&format!("{:?}", held.key.to_pkcs8_der().expose())));
}

#[tokio::test]
async fn a_pair_knows_the_signing_request_that_led_to_it() {
    let (key, certificate) = pair(&["example.com"], None);
    let held = Held::read(key.as_bytes(), certificate.as_bytes()).unwrap();
    let draft = Spec::new(["example.com"]).unwrap().draft().unwrap();
    let own = draft.sign(&held.key).await.unwrap();
    let foreign = draft.sign(&PrivateKey::generate(KeyType::EcdsaP256).unwrap()).await.unwrap();
    assert!(held.is_for(&Request::read(&own).unwrap()));
    assert!(!held.is_for(&Request::read(&foreign).unwrap()));
}

#[test]
fn pauses_double_from_an_hour_to_32_as_cert_managers_do() {
    let usual = Doubling::default();
    let hours = |failures| usual.pause(failures).as_secs() / 3600;
    assert_eq!([0, 1, 2, 3, 4, 5, 6, 7, 40, u32::MAX].map(hours), [1, 1, 2, 4, 8, 16, 32, 32, 32, 32]);
    let failed = Timestamp::from_unix_seconds(1_767_323_045);
    assert_eq!(usual.until(3, failed).since(failed), Duration::from_secs(4 * 3600));
    let odd = Doubling { shortest: Duration::from_secs(60), longest: Duration::from_secs(30) };
    assert_eq!(odd.pause(1), Duration::from_secs(30), "the longest is never exceeded");
}

fn everything() -> Contents {
    let mut subject = Subject::default();
    subject.organizations = ["A", "B"].map(str::to_owned).into();
    subject.countries = vec!["DE".to_owned()];
    subject.serial_number = Some("7".to_owned());
    Contents::new()
        .with_common_name("example.com")
        .with_subject(subject)
        .with_email("ops@example.com")
        .with_uri("spiffe://example.com/web")
        .with_other_name("1.3.6.1.4.1.311.20.2.3".parse().unwrap(), "jane@corp.example")
}

type Edit = fn(&mut Spec);

fn more() -> String {
    "more".to_owned()
}

/// What the signing request for `spec` asks for.
async fn asked(spec: &Spec) -> Holder {
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let csr = spec.draft().unwrap().sign(&key).await.unwrap();
    Holder::of_request(&Request::read(&csr).unwrap()).unwrap()
}

/// A key and a certificate that it signed for itself, in PEM.
fn pair(names: &[&str], common_name: Option<&str>) -> (String, String) {
    let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    if let Some(name) = common_name {
        params.distinguished_name.push(DnType::CommonName, name);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (key.serialize_pem(), certificate.pem())
}
