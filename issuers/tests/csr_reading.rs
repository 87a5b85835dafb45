//! Signing requests of other tools: read to the byte, and believed only when their key signed them.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use acme_core::{Error, ErrorKind};
use certwright_issuers::csr::{RawGeneralName, Request};
use certwright_issuers::limits;
use certwright_issuers::template::{BasicConstraints, ExtendedKeyUsage, KeyUsages};
use rustls_pki_types::CertificateSigningRequestDer;
use tempfile::TempDir;
use testkit::servers::foreign_csrs::{self, ForeignCsr};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;

#[test]
fn every_key_with_every_hash_is_verified() {
    let p521: &[Key] = if cfg!(feature = "aws-lc-rs") { &[("EC", "ec_paramgen_curve:P-521")] } else { &[] };
    let curves: &[Key] = &[("EC", "ec_paramgen_curve:P-256"), ("EC", "ec_paramgen_curve:P-384")];
    let rsa: &[Key] = &[("RSA", "rsa_keygen_bits:2048")];
    // ring lacks SHA-512 for its curves.
    let hashes: &[&str] =
        if cfg!(feature = "aws-lc-rs") { &["-sha256", "-sha384", "-sha512"] } else { &["-sha256", "-sha384"] };
    for key in curves.iter().chain(p521).chain(rsa) {
        for hash in hashes {
            verifies(&Tool::new(*key).request("/CN=a.example", &[hash]));
        }
    }
    for hash in ["-sha256", "-sha384", "-sha512"] {
        let pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"];
        verifies(&Tool::new(("RSA", "rsa_keygen_bits:2048")).request("/", &[&[hash], &pss[..]].concat()));
    }
    verifies(&Tool::new(ED25519).request("/", &[]));
}

#[test]
fn a_request_that_its_key_did_not_sign_is_refused() {
    for key in [ED25519, ("EC", "ec_paramgen_curve:P-256"), ("RSA", "rsa_keygen_bits:2048")] {
        let mut bytes = Tool::new(key).request("/CN=a.example", &[]).to_vec();
        let name = bytes.windows(9).position(|it| it == b"a.example").unwrap();
        bytes[name] = b'b';
        refused(&bytes, "the signing request's own signature");

        let mut signature = Tool::new(key).request("/CN=a.example", &[]).to_vec();
        *signature.last_mut().unwrap() ^= 1;
        refused(&signature, "the signing request's own signature");
    }
}

#[test]
fn subject_and_key_are_kept_to_the_byte() {
    for subject in [
        "/",
        "/CN=a.example",
        "/O=Example/OU=one/OU=two/CN=a.example",
        "/DC=example/DC=corp/OU=People+CN=Ada",
        "/C=DE/ST=Berlin/L=Berlin/street=Weg 1/serialNumber=7/emailAddress=ops@example.com/CN=Größe",
    ] {
        let csr = Tool::new(ED25519).request(subject, &["-utf8", "-multivalue-rdn"]);
        let (rest, wanted) = X509CertificationRequest::from_der(&csr).unwrap();
        assert!(rest.is_empty());

        let request = read(&csr);

        assert_eq!(request.subject(), wanted.certification_request_info.subject.as_raw(), "{subject}");
        assert_eq!(request.public_key().as_ref(), wanted.certification_request_info.subject_pki.raw);
        request.verify().unwrap();
    }
}

#[test]
fn what_other_programs_make_is_kept_to_the_byte_and_verified() {
    let kept = foreign_csrs::kept();
    assert!(kept.len() > 20, "testkit/csr holds {}", kept.len());
    for ForeignCsr { label, der } in kept {
        // ring lacks P-521, and SHA-512 for other curves.
        let is_lacking = !cfg!(feature = "aws-lc-rs") && (label.contains("p521") || label.contains("sha512"));
        let request = read(&der);
        let (_, wanted) = X509CertificationRequest::from_der(&der).unwrap();

        assert_eq!(request.subject(), wanted.certification_request_info.subject.as_raw(), "{label}");
        assert_eq!(request.public_key().as_ref(), wanted.certification_request_info.subject_pki.raw, "{label}");
        match request.verify() {
            Ok(()) => {}
            Err(error) => assert!(is_lacking && error.kind() == ErrorKind::Unsupported, "{label}: {error}"),
        }
        let views = [request.alternative_names().map(drop), request.key_usages().map(drop)];
        assert!(views.iter().all(Result::is_ok), "{label}: {views:?}");
        assert!(request.basic_constraints().is_ok() && request.extended_key_usages().is_ok(), "{label}");
    }
}

#[test]
fn old_string_types_are_read() {
    for (mask, text) in [("MASK:0x4", "Größe"), ("MASK:0x800", "Größe 字"), ("MASK:0x100", "Größe 字")] {
        let tool = Tool::new(ED25519);
        let config =
            format!("[req]\nutf8=yes\nprompt=no\nstring_mask={mask}\ndistinguished_name=dn\n[dn]\nCN={text}\n");
        let csr = tool.configured(&config);

        assert_eq!(read(&csr).common_name().as_deref(), Some(text), "{mask}");
        read(&csr).verify().unwrap();
    }
}

#[test]
fn extensions_are_kept_to_the_byte_and_in_order() {
    let csr = Tool::new(ED25519).configured(
        "[req]\nprompt=no\ndistinguished_name=dn\nreq_extensions=ext\nattributes=attributes\n[dn]\nCN=x\n\
         [attributes]\nchallengePassword=a password\nunstructuredName=a name\n\
         [ext]\n1.3.6.1.4.1.99999.7=critical,DER:0402beef\nbasicConstraints=critical,CA:TRUE,pathlen:3\n\
         keyUsage=critical,digitalSignature,keyCertSign,decipherOnly,keyAgreement\n\
         extendedKeyUsage=serverAuth,1.3.6.1.4.1.311.20.2.2\ntlsfeature=status_request\nsubjectKeyIdentifier=0102\n",
    );

    let request = read(&csr);

    let extensions: Vec<_> =
        request.extensions().iter().map(|it| (it.dotted(), it.critical, it.value.to_vec())).collect();
    assert_eq!(
        extensions,
        [
            ("1.3.6.1.4.1.99999.7".to_owned(), true, vec![4, 2, 0xbe, 0xef]),
            ("2.5.29.19".to_owned(), true, vec![0x30, 6, 1, 1, 0xff, 2, 1, 3]),
            ("2.5.29.15".to_owned(), true, vec![3, 3, 7, 0x8c, 0x80]),
            (
                "2.5.29.37".to_owned(),
                false,
                b"\x30\x16\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x02"
                    .to_vec()
            ),
            ("1.3.6.1.5.5.7.1.24".to_owned(), false, vec![0x30, 3, 2, 1, 5]),
            ("2.5.29.14".to_owned(), false, vec![4, 2, 1, 2]),
        ]
    );
    let constraints = request.basic_constraints().unwrap().unwrap();
    assert_eq!(constraints, BasicConstraints::Authority { path_length: Some(3) });
    let usages =
        KeyUsages::DIGITAL_SIGNATURE | KeyUsages::KEY_AGREEMENT | KeyUsages::CERT_SIGN | KeyUsages::DECIPHER_ONLY;
    assert_eq!(request.key_usages().unwrap(), Some(usages));
    assert_eq!(
        request.extended_key_usages().unwrap().unwrap(),
        [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::Other("1.3.6.1.4.1.311.20.2.2".parse().unwrap())]
    );
    request.verify().unwrap();
}

#[test]
fn names_of_every_kind_are_read() {
    let csr = Tool::new(ED25519).configured(
        "[req]\nprompt=no\ndistinguished_name=dn\nreq_extensions=ext\n[dn]\nCN=x\n[ext]\nsubjectAltName=@names\n\
         [names]\nDNS.1=A.example\nIP.1=192.0.2.1\nIP.2=2001:db8::1\nemail.1=ops@a.example\nURI.1=spiffe://a.example/x\n\
         RID.1=1.2.3.4\notherName.1=1.3.6.1.4.1.311.20.2.3;UTF8:ada@corp.example\ndirName.1=directory\n\
         [directory]\nCN=Ada\n",
    );

    let request = read(&csr);
    let names = request.alternative_names().unwrap();

    assert_eq!(
        names,
        [
            RawGeneralName::Dns(b"A.example"),
            RawGeneralName::Ip(&[192, 0, 2, 1]),
            RawGeneralName::Ip(&[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            RawGeneralName::Email(b"ops@a.example"),
            RawGeneralName::Uri(b"spiffe://a.example/x"),
            RawGeneralName::Registered(&[0x2a, 3, 4]),
            RawGeneralName::Other {
                form: &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x14, 2, 3],
                value: b"\x0c\x10ada@corp.example"
            },
            RawGeneralName::Directory(b"\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x03Ada"),
        ]
    );
    let identifiers: Vec<_> = request.identifiers().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(identifiers, ["a.example", "192.0.2.1", "2001:db8::1"]);
}

#[test]
fn a_hundred_names_are_read_in_order() {
    let names: Vec<_> = (0..100).map(|number| format!("name-{number}.{}.example", "x".repeat(60))).collect();
    let list = names.iter().fold(String::new(), |mut list, name| {
        let _ = write!(list, "{}DNS:{name}", if list.is_empty() { "" } else { "," });
        list
    });

    let csr = Tool::new(ED25519).request("/", &["-addext", &format!("subjectAltName={list}")]);

    let read: Vec<_> = read(&csr).identifiers().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(read, names);
}

#[test]
fn attributes_may_be_missing_and_extensions_may_be_microsofts() {
    let tool = Tool::new(ED25519);
    let names = tlv(0x30, &[&tlv(0x82, &[b"a.example"])]);
    let extension = tlv(0x30, &[&tlv(6, &[b"\x55\x1d\x11"]), &tlv(4, &[&names])]);
    let microsoft =
        tlv(0x30, &[&tlv(6, &[b"\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0e"]), &tlv(0x31, &[&tlv(0x30, &[&extension])])]);
    let version =
        tlv(0x30, &[&tlv(6, &[b"\x2b\x06\x01\x04\x01\x82\x37\x0d\x02\x03"]), &tlv(0x31, &[&tlv(0x16, &[b"10.0.1"])])]);
    let nothing = tlv(0x30, &[&tlv(6, &[b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"]), &tlv(0x31, &[])]);

    let absent = tool.by_hand(&[]);
    let windows = tool.by_hand(&[&tlv(0xa0, &[&version, &microsoft])]);
    let empty = tool.by_hand(&[&tlv(0xa0, &[&nothing])]);

    for csr in [&absent, &windows, &empty] {
        read(csr).verify().unwrap();
    }
    assert_eq!(read(&absent).extensions(), []);
    assert_eq!(read(&empty).extensions(), []);
    assert_eq!(read(&windows).alternative_names().unwrap(), [RawGeneralName::Dns(b"a.example")]);
}

#[test]
fn what_no_certificate_may_have_is_refused() {
    let tool = Tool::new(ED25519);
    let extension = |oid: &[u8], value: &[u8]| tlv(0x30, &[&tlv(6, &[oid]), &tlv(4, &[value])]);
    let asking = |extensions: &[u8]| {
        let kind = tlv(6, &[b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"]);
        let attribute = tlv(0x30, &[&kind, &tlv(0x31, &[&tlv(0x30, &[extensions])])]);
        tool.by_hand(&[&tlv(0xa0, &[&attribute])])
    };
    let many: Vec<u8> =
        (0..=limits::EXTENSIONS).flat_map(|it| extension(&[0x2a, u8::try_from(it).unwrap()], &[])).collect();
    let again = [extension(b"\x55\x1d\x11", &[0x30, 0]), extension(b"\x55\x1d\x11", &[0x30, 0])].concat();

    unreadable(&asking(&again), "extension 2.5.29.17 is there twice");
    unreadable(&asking(&many), "more than 64 extensions");
    unreadable(&asking(&[0x30, 0]), "an extension of it is not DER");
    unreadable(&tool.by_hand(&[&tlv(0xa0, &[&[0x30, 0]])]), "an attribute of it is not DER");
    unreadable(&tool.by_hand(&[&tlv(0xa0, &[]), &tlv(0xa1, &[])]), "not a signing request of PKCS #10");
    unreadable(&vec![0x30; limits::CSR + 1].into(), "longer than 131072 octets");

    let spoiled = asking(&[extension(b"\x55\x1d\x11", &[4]), extension(b"\x55\x1d\x0f", &[3, 0])].concat());
    let request = read(&spoiled);
    assert!(request.alternative_names().unwrap_err().to_string().contains("subject alternative names cannot be read"));
    assert!(request.key_usages().unwrap_err().to_string().contains("key usage cannot be read"));
}

type Key = (&'static str, &'static str);

/// OpenSSL with a key.
struct Tool(TempDir);

impl Tool {
    fn new((algorithm, option): Key) -> Self {
        let tool = Self(tempfile::tempdir().unwrap());
        let mut arguments = vec!["genpkey", "-out", "key.pem", "-algorithm", algorithm];
        if !option.is_empty() {
            arguments.extend(["-pkeyopt", option]);
        }
        openssl(tool.0.path(), &arguments);
        tool
    }

    fn request(&self, subject: &str, more: &[&str]) -> CertificateSigningRequestDer<'static> {
        let arguments = ["req", "-new", "-key", "key.pem", "-outform", "DER", "-subj", subject];
        openssl(self.0.path(), &[&arguments[..], more].concat()).into()
    }

    fn configured(&self, config: &str) -> CertificateSigningRequestDer<'static> {
        std::fs::write(self.0.path().join("req.cnf"), config).unwrap();
        openssl(self.0.path(), &["req", "-new", "-key", "key.pem", "-outform", "DER", "-config", "req.cnf"]).into()
    }

    /// A request with an empty subject and these values behind the key.
    fn by_hand(&self, attributes: &[&[u8]]) -> CertificateSigningRequestDer<'static> {
        let key = openssl(self.0.path(), &["pkey", "-in", "key.pem", "-pubout", "-outform", "DER"]);
        let info = tlv(0x30, &[&[&[2, 1, 0][..], &[0x30, 0], &key], attributes].concat());
        std::fs::write(self.0.path().join("info"), &info).unwrap();
        let signature = openssl(self.0.path(), &["pkeyutl", "-sign", "-rawin", "-inkey", "key.pem", "-in", "info"]);
        tlv(0x30, &[&info, b"\x30\x05\x06\x03\x2b\x65\x70", &tlv(3, &[&[0], &signature])]).into()
    }
}

fn openssl(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output =
        Command::new("openssl").args(arguments).current_dir(folder).output().expect("openssl must be installed");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let header = match length {
        [0, short @ 0..=0x7f] => vec![tag, short],
        [0, long] => vec![tag, 0x81, long],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [header, content].concat()
}

fn read<'a>(csr: &'a CertificateSigningRequestDer<'_>) -> Request<'a> {
    Request::read(csr).unwrap()
}

fn verifies(csr: &CertificateSigningRequestDer<'_>) {
    read(csr).verify().unwrap();
}

fn refused(bytes: &[u8], why: &str) {
    let csr = bytes.into();
    let error: Error = Request::read(&csr).unwrap().verify().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused), "{error:?}");
    assert!(error.to_string().contains(why), "{error}");
}

fn unreadable(csr: &CertificateSigningRequestDer<'_>, why: &str) {
    let error = Request::read(csr).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains(why), "{error}");
}

const ED25519: Key = ("ED25519", "");
