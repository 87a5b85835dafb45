//! Whole signing requests, beside OpenSSL's.

use acme_core::{Identifier, Signer as _};
use certwright_issuers::ErrorKind;
use certwright_issuers::csr::{self, Draft, Request};
use certwright_issuers::name::{AttributeType, DistinguishedName, Subject};
use certwright_issuers::template::{
    BasicConstraints, Criticality, Extension, GeneralName, KeyUsages, NameConstraints, OtherName, Subtrees, Usages,
};
use futures_util::FutureExt as _;

use super::certificates::hex;
use super::openssl::OpenSsl;

#[test]
fn a_request_for_everything_is_openssls_to_the_byte() {
    let openssl = OpenSsl::new();
    openssl.put("request.cnf", EVERYTHING.as_bytes());
    let theirs = openssl.run(&["req", "-new", "-key", "key.pem", "-config", "request.cnf", "-outform", "DER"]);

    let names = vec![
        GeneralName::of(&identifier("www.example.com")).unwrap(),
        GeneralName::of(&identifier("*.example.com")).unwrap(),
        GeneralName::email("ops@example.com").unwrap(),
        GeneralName::of(&identifier("192.0.2.7")).unwrap(),
        GeneralName::uri("spiffe://example.com/web").unwrap(),
        OtherName::utf8("1.3.6.1.4.1.311.20.2.3".parse().unwrap(), "jane@corp.example").unwrap().into(),
    ];
    let mut subject = Subject::default();
    subject.organizations = vec!["Example".to_owned()];
    subject.countries = vec!["DE".to_owned()];
    let subject = subject.to_name(Some("www.example.com")).unwrap();
    let permitted = Subtrees::new().with_dns_domains(["example.com"]);
    let ours = Draft::of(names, &subject)
        .unwrap()
        .with_usages(Usages::parse(["cert sign", "digital signature", "client auth", "server auth"]).unwrap())
        .with_basic_constraints(BasicConstraints::Authority { path_length: Some(0) })
        .with_name_constraints(&NameConstraints::new(permitted, Subtrees::new()))
        .unwrap()
        .with_extension(Extension::new("1.3.6.1.5.5.7.1.24".parse().unwrap(), Criticality::NotCritical, MUST_STAPLE))
        .sign_now(&openssl.key)
        .unwrap();

    let shown = openssl.says(&["req", "-verify", "-noout", "-text"], &ours);
    assert!(shown.contains("verify OK"), "{shown}");
    assert_eq!(hex(&ours), hex(&theirs), "{shown}");
}

#[test]
fn names_alone_make_the_same_request_as_ever() {
    let openssl = OpenSsl::new();
    openssl.put("request.cnf", NAMES_ALONE.as_bytes());
    let theirs =
        openssl.run(&["req", "-new", "-key", "key.pem", "-config", "request.cnf", "-outform", "DER", "-subj", "/"]);
    let identifiers = [identifier("example.com"), identifier("192.0.2.7")];

    let ours = csr::create(&openssl.key, &identifiers).now_or_never().unwrap().unwrap();

    assert_eq!(hex(&ours), hex(&theirs), "{}", openssl.says(&["req", "-verify", "-noout", "-text"], &ours));
}

#[test]
fn what_is_not_asked_for_is_not_in_it() {
    let openssl = OpenSsl::new();
    let subject = DistinguishedName::parse("CN=www.example.com,O=Example").unwrap();

    let bare = Draft::of(Vec::new(), &subject).unwrap().sign_now(&openssl.key).unwrap();

    let read = Request::read(&bare).unwrap();
    read.verify().unwrap();
    assert!(read.extensions().is_empty());
    assert_eq!(read.subject(), subject.to_raw().as_der());
    assert_eq!(read.public_key(), openssl.key.public_key());
    let shown = openssl.says(&["req", "-verify", "-noout", "-text"], &bare);
    assert!(shown.contains("verify OK") && !shown.contains("X509v3"), "{shown}");
}

#[test]
fn what_was_drafted_is_read_back_to_the_byte() {
    let openssl = OpenSsl::new();
    let usages = Usages::parse(["digital signature", "server auth", "1.2.3.4"]).unwrap();
    let draft = Draft::new(&[identifier("example.com")])
        .unwrap()
        .with_usages(usages)
        .with_basic_constraints(BasicConstraints::EndEntity);

    let request = draft.sign_now(&openssl.key).unwrap();

    let read = Request::read(&request).unwrap();
    let copied: Vec<_> = read.extensions().iter().map(|it| Extension::copied(it).unwrap()).collect();
    assert_eq!(copied, draft.extensions().iter().cloned().collect::<Vec<_>>());
    assert_eq!(read.key_usages().unwrap(), Some(KeyUsages::DIGITAL_SIGNATURE));
    assert_eq!(copied[0].criticality(), Criticality::Critical, "the subject is empty");
}

#[test]
fn a_request_for_nobody_is_refused() {
    let subject = DistinguishedName::new().with(AttributeType::ORGANIZATION, "Example").unwrap();
    let error = Draft::of(Vec::new(), &subject).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("at least one DNS name"), "{error}");
}

#[test]
fn alternative_names_are_critical_without_a_subject_alone() {
    for (subject, criticality) in [
        (DistinguishedName::new(), Criticality::Critical),
        (DistinguishedName::parse("O=Example").unwrap(), Criticality::NotCritical),
    ] {
        let draft = Draft::of(vec![GeneralName::email("ops@example.com").unwrap()], &subject).unwrap();
        let extensions = draft.extensions();
        let names = extensions.find(&Extension::SUBJECT_ALTERNATIVE_NAME).unwrap();
        assert_eq!(names.criticality(), criticality);
    }
}

fn identifier(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

const MUST_STAPLE: [u8; 5] = [0x30, 3, 2, 1, 5];

const EVERYTHING: &str = "
[req]
distinguished_name = dn
prompt = no
string_mask = MASK:0x2002
req_extensions = extensions
[dn]
C = DE
O = Example
CN = www.example.com
[extensions]
subjectAltName = DNS:www.example.com,DNS:*.example.com,email:ops@example.com,IP:192.0.2.7,URI:spiffe://example.com/web,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:jane@corp.example
keyUsage = critical,digitalSignature,keyCertSign
extendedKeyUsage = clientAuth,serverAuth
basicConstraints = critical,CA:TRUE,pathlen:0
nameConstraints = critical,permitted;DNS:example.com
tlsfeature = status_request
";

const NAMES_ALONE: &str = "
[req]
distinguished_name = dn
prompt = no
req_extensions = extensions
[dn]
[extensions]
subjectAltName = critical,DNS:example.com,IP:192.0.2.7
";
