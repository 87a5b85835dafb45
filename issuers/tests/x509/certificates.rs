//! Whole certificates and their extensions, beside OpenSSL's.

use acme_core::{Identifier, Signer as _, Timestamp};
use certwright_issuers::name::{AttributeType, DistinguishedName, RawName};
use certwright_issuers::template::{
    BasicConstraints, Criticality, Draft, Extension, Extensions, GeneralName, KeyIdentifier, KeyUsages,
    NameConstraints, OtherName, SerialNumber, Subtrees, Usages, Validity,
};
use certwright_issuers::{ErrorKind, ObjectIdentifier};
use futures_util::FutureExt as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::openssl::OpenSsl;

#[test]
fn a_certificate_with_every_extension_is_openssls_to_the_byte() {
    let openssl = OpenSsl::new();
    openssl.put("extensions.cnf", EXTENSIONS.as_bytes());
    let subject = DistinguishedName::parse("CN=www.example.com,O=Example").unwrap().to_raw();
    let theirs = openssl.run(&[
        "req",
        "-x509",
        "-new",
        "-key",
        "key.pem",
        "-subj",
        "/O=Example/CN=www.example.com",
        "-config",
        "extensions.cnf",
        "-extensions",
        "extensions",
        "-set_serial",
        "0xd2000000000000000001",
        "-days",
        "30",
        "-outform",
        "DER",
    ]);

    let ours = certificate(&openssl, &subject, validity_of(&theirs), every_extension(&subject));

    assert_eq!(hex(&ours), hex(&theirs), "{}", openssl.says(&["x509", "-noout", "-text"], &ours));
}

#[test]
fn extensions_without_a_subject_and_of_a_leaf_are_openssls_to_the_byte() {
    let openssl = OpenSsl::new();
    let config = "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\n[extensions]\nbasicConstraints=critical,CA:FALSE\n\
        keyUsage=critical,digitalSignature,keyAgreement,decipherOnly\nextendedKeyUsage=anyExtendedKeyUsage,1.2.3.4\n\
        subjectAltName=critical,DNS:*.example.com\nsubjectKeyIdentifier=0102030405\ncertificatePolicies=2.23.140.1.2.1\n\
        nameConstraints=excluded;IP:2001:db8::/ffff:ffff::,permitted;DNS:.example.com\ntlsfeature=status_request\n";
    openssl.put("extensions.cnf", config.as_bytes());
    let theirs = openssl.run(&[
        "req",
        "-x509",
        "-new",
        "-key",
        "key.pem",
        "-subj",
        "/",
        "-config",
        "extensions.cnf",
        "-extensions",
        "extensions",
        "-set_serial",
        "1",
        "-days",
        "9000",
        "-outform",
        "DER",
    ]);

    let empty = RawName::empty();
    let names = [GeneralName::of(&Identifier::parse("*.example.com").unwrap()).unwrap()];
    let usages = Usages::parse(["decipher only", "key agreement", "signing", "any", "1.2.3.4"]).unwrap();
    let permitted = Subtrees::new().with_dns_domains([".example.com"]);
    let excluded = Subtrees::new().with_ip_ranges(["2001:db8::/32".parse().unwrap()]);
    let constraints = NameConstraints::new(permitted, excluded).not_critical();
    let [key_usage, extended_key_usage] = usages.to_extensions().try_into().unwrap();
    let must_staple =
        Extension::new("1.3.6.1.5.5.7.1.24".parse().unwrap(), Criticality::NotCritical, [0x30, 3, 2, 1, 5]);
    let extensions = Extensions::new()
        .with(BasicConstraints::EndEntity.to_extension())
        .with(key_usage)
        .with(extended_key_usage)
        .with(Extension::alternative_names(&names, &empty))
        .with(KeyIdentifier::of_octets([1, 2, 3, 4, 5]).to_subject_extension())
        .with(Extension::certificate_policies(&["2.23.140.1.2.1".parse().unwrap()]))
        .with(constraints.to_extension().unwrap())
        .with(must_staple);
    let draft = Draft::new(&empty, &empty, openssl.key.public_key(), serial(&[1]), validity_of(&theirs))
        .with_extensions(extensions);
    let ours = draft.sign(&openssl.key).now_or_never().unwrap().unwrap();

    assert_eq!(hex(&ours), hex(&theirs), "{}", openssl.says(&["x509", "-noout", "-text"], &ours));
}

#[test]
fn names_and_keys_of_others_stand_in_it_byte_for_byte() {
    let openssl = OpenSsl::new();
    // C=DE as T61String, O as BMPString, twice the same OU, and an attribute that nobody knows.
    let foreign = [
        &[0x30, 0x4d][..],
        &[0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06, 0x14, 0x02, b'D', b'E'],
        &[0x31, 0x0d, 0x30, 0x0b, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x1e, 0x04, 0, b'A', 0, 0xe4],
        &[0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x0b, 0x0c, 0x02, b'O', b'U'],
        &[0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x0b, 0x0c, 0x02, b'O', b'U'],
        &[0x31, 0x15, 0x30, 0x13, 0x06, 0x0d, 0x2b, 6, 1, 4, 1, 0x82, 0xb4, 0x5a, 1, 2, 3, 4, 5, 0x04, 0x02, 1, 2],
    ]
    .concat();
    let issuer = RawName::new(foreign.clone()).unwrap();
    let other = openssl.key_at("other.pem");

    let draft = Draft::new(&issuer, &issuer, other.public_key(), serial(&[7]), validity());
    let certificate = draft.sign(&openssl.key).now_or_never().unwrap().unwrap();

    let (_, read) = X509Certificate::from_der(&certificate).unwrap();
    assert_eq!(read.subject().as_raw(), foreign);
    assert_eq!(read.issuer().as_raw(), foreign);
    assert_eq!(read.public_key().raw, other.public_key().as_ref());
    assert!(read.extensions().is_empty());
    assert_eq!(DistinguishedName::read(&issuer).unwrap().to_raw(), issuer);
    assert_eq!(issuer.to_string(), "1.3.6.1.4.1.39514.1.2.3.4.5=#04020102,OU=OU,OU=OU,O=Aä,C=DE");
}

#[test]
fn what_is_signed_elsewhere_is_finished_here() {
    let openssl = OpenSsl::new();
    let name = DistinguishedName::parse("CN=a").unwrap().to_raw();
    let draft = Draft::new(&name, &name, openssl.key.public_key(), serial(&[1]), validity());

    let unsigned = draft.to_be_signed(openssl.key.algorithm());
    let signature = openssl.key.sign_now(unsigned.message()).unwrap();

    let at_once = draft.sign(&openssl.key).now_or_never().unwrap().unwrap();
    assert_eq!(unsigned.finish(&signature), at_once);
    openssl.put("certificate.der", &at_once);
    openssl.run(&["x509", "-in", "certificate.der", "-inform", "DER", "-out", "certificate.pem"]);
    openssl.run(&["verify", "-CAfile", "certificate.pem", "-no_check_time", "certificate.pem"]);
}

#[test]
fn times_from_2050_on_are_read_by_openssl() {
    let openssl = OpenSsl::new();
    let name = DistinguishedName::parse("CN=a").unwrap().to_raw();
    let validity = Validity { not_before: at("2049-12-31T23:59:59Z"), not_after: Timestamp::MAX };

    let draft = Draft::new(&name, &name, openssl.key.public_key(), serial(&[1]), validity);
    let certificate = draft.sign(&openssl.key).now_or_never().unwrap().unwrap();

    let shown = openssl.says(&["x509", "-noout", "-dates"], &certificate);
    assert!(shown.contains("notBefore=Dec 31 23:59:59 2049 GMT\nnotAfter=Dec 31 23:59:59 9999 GMT"), "{shown}");
}

#[test]
fn serial_numbers_are_positive_and_at_most_20_octets() {
    for random in [[0; 20], [0xff; 20], [0x80; 20]] {
        let serial = SerialNumber::from_random(random);
        assert_eq!(serial.as_octets().len(), 20);
        assert!((0x40..0x80).contains(&serial.as_octets()[0]), "{serial}");
    }
    assert_eq!(serial(&[0, 0, 1, 2]).to_string(), "0102");
    for wrong in [&[][..], &[0, 0], &[1; 21], &[0x80; 20]] {
        assert_eq!(SerialNumber::from_octets(wrong).unwrap_err().kind(), ErrorKind::Malformed);
    }
}

#[test]
fn usages_are_cert_managers_words() {
    let words = [
        "signing",
        "digital signature",
        "content commitment",
        "key encipherment",
        "key agreement",
        "data encipherment",
        "cert sign",
        "crl sign",
        "encipher only",
        "decipher only",
        "any",
        "server auth",
        "client auth",
        "code signing",
        "email protection",
        "s/mime",
        "ipsec end system",
        "ipsec tunnel",
        "ipsec user",
        "timestamping",
        "ocsp signing",
        "microsoft sgc",
        "netscape sgc",
    ];
    let usages = Usages::parse(words).unwrap();
    assert_eq!(usages.key, KeyUsages::from_bits(0x1ff));
    assert_eq!(usages.extended.len(), 12, "s/mime is email protection");
    assert_eq!(Usages::parse(usages.words()).unwrap(), usages);
    for usage in &usages.extended {
        assert_eq!(certwright_issuers::template::ExtendedKeyUsage::of(usage.oid()), *usage);
    }

    let many: Vec<String> = (0..65).map(|at| format!("1.2.3.{at}")).collect();
    assert!(Usages::parse(&many[..64]).is_ok() && Usages::parse(&many).is_err());
    let error = Usages::parse(["server auth", "Server Auth"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("\"Server Auth\" is not a known usage"), "{error}");
    assert!(error.to_string().contains("server auth"), "{error}");
}

#[test]
fn names_that_no_certificate_can_carry_say_why() {
    for (made, why) in [
        (GeneralName::email("jürgen@example.com"), "letters beyond ASCII"),
        (GeneralName::email("ops@bücher.example"), "xn--"),
        (GeneralName::email("Ops <ops@example.com>"), "without a name or brackets"),
        (GeneralName::email("example.com"), "is not an e-mail address"),
        (GeneralName::email("@example.com"), "is not an e-mail address"),
        (GeneralName::uri("/path"), "absolute URI"),
        (GeneralName::uri("https://bücher.example/"), "in ASCII"),
        (GeneralName::uri("spiffe:"), "absolute URI"),
        (OtherName::utf8(UPN.parse().unwrap(), "").map(Into::into), "empty"),
        (OtherName::der(UPN.parse().unwrap(), &[0x0c, 5, 1]).map(Into::into), "not one value of DER"),
    ] {
        let error = made.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn constraints_that_constrain_nothing_are_refused() {
    for (permitted, why) in [
        (Subtrees::new(), "something that is permitted or excluded"),
        (Subtrees::new().with_dns_domains(["*.example.com"]), "DNS domain"),
        (Subtrees::new().with_uri_domains(["https://example.com/"]), "domain of URIs"),
        (Subtrees::new().with_email_addresses(["@example.com"]), "mailbox"),
        (Subtrees::new().with_email_addresses(["ops@.example.com"]), "mailbox"),
    ] {
        let error = NameConstraints::new(permitted, Subtrees::new()).to_extension().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().contains(why), "{error}");
    }
    for range in ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "2001:db8::/129", "example.com/8"] {
        assert!(range.parse::<certwright_issuers::template::IpRange>().is_err(), "{range}");
    }
    let range: certwright_issuers::template::IpRange = "10.1.2.3/8".parse().unwrap();
    assert_eq!(range.to_string(), "10.0.0.0/8");
    assert!(range.contains("10.255.0.1".parse().unwrap()) && !range.contains("11.0.0.1".parse().unwrap()));
    assert!(!range.contains("::ffff:10.0.0.1".parse().unwrap()));
}

#[test]
fn an_extension_is_there_once() {
    let first = Extension::new(UPN.parse().unwrap(), Criticality::Critical, [5, 0]);
    let second = Extension::new(UPN.parse().unwrap(), Criticality::NotCritical, [5, 0]);
    let extensions = Extensions::new().with(first).with(KeyUsages::CERT_SIGN.to_extension()).with(second.clone());
    assert_eq!(extensions.iter().count(), 2);
    assert_eq!(extensions.iter().next(), Some(&second));
}

fn every_extension(subject: &RawName) -> Extensions {
    let upn: ObjectIdentifier = UPN.parse().unwrap();
    let directory = DistinguishedName::new()
        .with(AttributeType::COUNTRY, "DE")
        .and_then(|it| it.with(AttributeType::COMMON_NAME, "Jane*"))
        .unwrap();
    let names = [
        GeneralName::of(&Identifier::parse("www.example.com").unwrap()).unwrap(),
        GeneralName::email("ops@example.com").unwrap(),
        GeneralName::of(&Identifier::parse("192.0.2.7").unwrap()).unwrap(),
        GeneralName::of(&Identifier::parse("2001:db8::7").unwrap()).unwrap(),
        GeneralName::uri("spiffe://example.com/web").unwrap(),
        OtherName::utf8(upn, "jürgen@corp.example").unwrap().into(),
        OtherName::der("1.2.3.4".parse().unwrap(), &[0x02, 1, 5]).unwrap().into(),
        GeneralName::Directory(directory.to_raw()),
        GeneralName::Registered("1.2.3.4.5".parse().unwrap()),
    ];
    let usages = Usages::parse([
        "digital signature",
        "cert sign",
        "crl sign",
        "server auth",
        "client auth",
        "code signing",
        "email protection",
        "ipsec end system",
        "ipsec tunnel",
        "ipsec user",
        "timestamping",
        "ocsp signing",
        "microsoft sgc",
        "netscape sgc",
    ])
    .unwrap();
    let permitted = Subtrees::new()
        .with_dns_domains(["example.com"])
        .with_ip_ranges(["10.0.0.0/8".parse().unwrap()])
        .with_email_addresses(["ops@example.com", ".example.com"])
        .with_uri_domains(["example.com"]);
    let excluded = Subtrees::new().with_dns_domains(["secret.example.com"]);
    let key = KeyIdentifier::of_octets([0xaa; 20]);
    let urls = ["http://crl.example.com/a.crl".to_owned(), "http://crl.example.com/b.crl".to_owned()];
    let ocsp = ["http://ocsp.example.com/".to_owned()];
    let above = ["http://example.com/ca.crt".to_owned()];
    let mut extensions = Extensions::new()
        .with(BasicConstraints::Authority { path_length: Some(3) }.to_extension())
        .with(Extension::alternative_names(&names, subject))
        .with(key.to_subject_extension())
        .with(key.to_authority_extension())
        .with(NameConstraints::new(permitted, excluded).to_extension().unwrap())
        .with(Extension::crl_distribution_points(&urls).unwrap())
        .with(Extension::authority_information(&ocsp, &above).unwrap());
    usages.to_extensions().into_iter().for_each(|it| extensions.set(it));
    extensions
}

fn certificate(openssl: &OpenSsl, name: &RawName, validity: Validity, extensions: Extensions) -> Vec<u8> {
    let serial = serial(&[0xd2, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    let draft = Draft::new(name, name, openssl.key.public_key(), serial, validity).with_extensions(extensions);
    draft.sign(&openssl.key).now_or_never().unwrap().unwrap().to_vec()
}

fn serial(magnitude: &[u8]) -> SerialNumber {
    SerialNumber::from_octets(magnitude).unwrap()
}

fn validity() -> Validity {
    Validity { not_before: at("2026-01-01T00:00:00Z"), not_after: at("2027-01-01T00:00:00Z") }
}

/// The times that OpenSSL took from its clock.
fn validity_of(certificate: &[u8]) -> Validity {
    let (_, read) = X509Certificate::from_der(certificate).unwrap();
    let at = |time: x509_parser::time::ASN1Time| Timestamp::from_unix_seconds(time.timestamp());
    Validity { not_before: at(read.validity().not_before), not_after: at(read.validity().not_after) }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The user principal name of Windows.
const UPN: &str = "1.3.6.1.4.1.311.20.2.3";

const EXTENSIONS: &str = "
[req]
distinguished_name = dn
prompt = no
string_mask = MASK:0x2002
utf8 = yes
[dn]
[extensions]
basicConstraints = critical,CA:TRUE,pathlen:3
subjectAltName = @names
subjectKeyIdentifier = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
authorityKeyIdentifier = keyid:always
nameConstraints = critical,permitted;DNS:example.com,permitted;IP:10.0.0.0/255.0.0.0,permitted;email:ops@example.com,permitted;email:.example.com,permitted;URI:example.com,excluded;DNS:secret.example.com
crlDistributionPoints = URI:http://crl.example.com/a.crl,URI:http://crl.example.com/b.crl
authorityInfoAccess = OCSP;URI:http://ocsp.example.com/,caIssuers;URI:http://example.com/ca.crt
keyUsage = critical,digitalSignature,keyCertSign,cRLSign
extendedKeyUsage = serverAuth,clientAuth,codeSigning,emailProtection,ipsecEndSystem,ipsecTunnel,ipsecUser,timeStamping,OCSPSigning,msSGC,nsSGC
[names]
DNS = www.example.com
email = ops@example.com
IP.1 = 192.0.2.7
IP.2 = 2001:db8::7
URI = spiffe://example.com/web
otherName.1 = 1.3.6.1.4.1.311.20.2.3;FORMAT:UTF8,UTF8:jürgen@corp.example
otherName.2 = 1.2.3.4;INTEGER:5
dirName = directory
RID = 1.2.3.4.5
[directory]
C = DE
CN = Jane*
";
