//! What an authority is not made of, and what it does not certify.

use std::sync::Arc;

use acme_core::Signer;
use acme_core::client::Chain;
use acme_core::key::{KeyType, PrivateKey, SignatureAlgorithm};
use async_trait::async_trait;
use certwright_issuers::ca::Authority;
use certwright_issuers::certify::{Application, Terms};
use certwright_issuers::csr;
use certwright_issuers::name::DistinguishedName;
use certwright_issuers::template::{
    BasicConstraints, Criticality, Draft, Extension, Extensions, GeneralName, KeyIdentifier, KeyUsages,
    NameConstraints, SerialNumber, Subtrees, Usages, Validity,
};
use certwright_issuers::{Error, ErrorKind, Retry};
use rustls_pki_types::{CertificateSigningRequestDer, SubjectPublicKeyInfoDer};
use testkit::servers::judges::{OpenSsl, Trial};
use testkit::{VirtualClock, run};

use crate::world::{DAY, NOW, authority_usages, below, issue, server, subject, whole};

#[test]
fn a_certificate_that_is_no_authority_is_refused() {
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let leaf = root(&key, Extensions::new().with(BasicConstraints::EndEntity.to_extension()));
    refused(
        Authority::new(leaf, key, NOW),
        "certificate is not a CA: \"Made by hand\" lacks cA in its basic constraints",
    );
}

#[test]
fn an_authority_that_must_not_sign_certificates_is_refused() {
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let extensions = Extensions::new()
        .with(KeyUsages::CRL_SIGN.to_extension())
        .with(BasicConstraints::Authority { path_length: None }.to_extension());
    refused(Authority::new(root(&key, extensions), key, NOW), "its key usage lacks keyCertSign");
}

#[test]
fn the_key_of_another_certificate_is_refused() {
    let (root, stranger) =
        (Authority::ephemeral("Root", NOW).unwrap(), PrivateKey::generate(KeyType::EcdsaP256).unwrap());
    let chain = Chain::new(vec![root.certificate().clone()]);
    refused(Authority::new(chain, stranger, NOW), "the key is not that of the certificate authority's certificate");
}

#[test]
fn an_authority_out_of_its_time_is_refused() {
    let key = || PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let make = |key: &PrivateKey| root(key, authority_extensions());
    let (first, second) = (key(), key());
    let late = Authority::new(make(&first), first, NOW + 4000 * DAY);
    refused(
        late,
        "the certificate authority expired at 2027-06-25T12:00:00Z, and it is 2038-05-28T12:00:00Z here: renew it",
    );
    let error = Authority::new(make(&second), second, NOW - DAY).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Backoff));
    assert!(error.what().contains("is not valid before 2027-06-15T12:00:00Z"), "{error}");
}

#[test]
fn an_authority_that_has_expired_meanwhile_signs_nothing() {
    let root = Authority::ephemeral("Root", NOW).unwrap();
    let authority = below(&root, KeyType::EcdsaP256);
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let draft = server("www.example.com");
    let application = Application::new(&draft, key.public_key()).unwrap();
    let late = NOW + 366 * DAY;
    refused(
        authority.sign_now(&application, &Terms::new(), serial(), late),
        "the certificate authority expired at 2028-06-14T12:00:00Z",
    );
}

#[test]
fn a_chain_that_does_not_hang_together_is_refused() {
    let (one, other) = (Authority::ephemeral("One", NOW).unwrap(), Authority::ephemeral("Other", NOW).unwrap());
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let pem = key.to_pem();
    let key = || PrivateKey::from_pem(pem.expose()).unwrap();
    let terms = Terms::new().for_authority().with_usages(authority_usages());
    let issued = issue(&one, &subject("Below one"), key().public_key(), &terms, 1).unwrap();
    let own = issued.chain.certificates()[0].clone();
    let chain = |certificates: &[_]| Chain::new(certificates.to_vec());

    let strange = chain(&[own.clone(), other.certificate().clone()]);
    refused(
        Authority::new(strange, key(), NOW),
        "\"Other\", is not the issuer of certificate 1: put the chain in order",
    );
    let namesake = Authority::ephemeral("One", NOW).unwrap();
    let forged = chain(&[own.clone(), namesake.certificate().clone()]);
    refused(Authority::new(forged, key(), NOW), "has another key than the issuer of certificate 1");
    let error = Authority::new(chain(&[]), key(), NOW).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    let error = Authority::new(chain(&[own, vec![0x30, 0].into()]), key(), NOW).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.what().contains("certificate 2 of the certificate authority is not X.509"), "{error}");
}

#[test]
fn another_chain_has_to_be_that_of_the_same_authority() {
    let (one, other) = (Authority::ephemeral("One", NOW).unwrap(), Authority::ephemeral("Other", NOW).unwrap());
    let chain = Chain::new(vec![other.certificate().clone()]);
    refused(one.with_chain(chain, NOW), "the key is not that of the certificate authority's certificate");
}

#[test]
fn a_signing_request_with_a_bad_signature_is_refused() {
    let mut bytes = testkit::servers::foreign_csrs::kept()[0].der.as_ref().to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let csr = CertificateSigningRequestDer::from(bytes);
    refused(Application::read(&csr), "the signing request's own signature");
    assert!(Application::read_own(&csr).is_ok(), "nobody looks at it there");
}

#[test]
fn what_is_no_signing_request_is_malformed() {
    for bytes in [&b""[..], b"\x30\x00", b"-----BEGIN CERTIFICATE REQUEST-----"] {
        let error = Application::read(&CertificateSigningRequestDer::from(bytes.to_vec())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    }
}

#[test]
fn nobody_is_certified_without_a_name() {
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let empty = csr::Draft::new(&["x.example".parse().unwrap()]).unwrap();
    assert!(Application::new(&empty, key.public_key()).is_ok());
    let nobody = csr::Draft::of(Vec::new(), &DistinguishedName::new());
    assert_eq!(nobody.unwrap_err().kind(), ErrorKind::Malformed);
}

#[test]
fn what_nobody_could_read_in_a_certificate_is_not_put_there() {
    let root = Authority::ephemeral("Root", NOW).unwrap();
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let ask = |oid, value: &[u8], terms: &Terms| {
        let draft = subject("Odd").with_extension(Extension::new(oid, Criticality::NotCritical, value));
        issue(&root, &draft, key.public_key(), terms, 1).map(drop).map_err(|error| error.kind())
    };
    let names = |value: &[u8]| ask(Extension::SUBJECT_ALTERNATIVE_NAME, value, &Terms::new());
    assert_eq!(names(&[0x30, 6, 0x87, 4, 192, 0, 2, 1]), Ok(()));
    assert_eq!(names(&[0x30, 7, 0x87, 5, 192, 0, 2, 1, 0]), Err(ErrorKind::Malformed));
    assert_eq!(names(&[0x30, 5, 0x82, 3, b'a', 0, b'b']), Err(ErrorKind::Malformed));
    assert_eq!(names(&[0x30, 4, 0x81, 2, 0xc3, 0xa9]), Err(ErrorKind::Malformed));
    let authority = Terms::new().for_authority();
    assert_eq!(ask(Extension::NAME_CONSTRAINTS, &[5, 0], &authority), Err(ErrorKind::Malformed));
}

#[test]
fn a_weak_key_is_refused() {
    // RSA of 1024 bits, its modulus all ones.
    let modulus = [&[0x02, 0x81, 0x81, 0][..], &[0xff; 128]].concat();
    let numbers = [&[0x30, 0x81, 0x89][..], &modulus, &[0x02, 3, 1, 0, 1]].concat();
    let bits = [&[0x03, 0x81, 0x8d, 0][..], &numbers].concat();
    let algorithm = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let spki = SubjectPublicKeyInfoDer::from([&[0x30, 0x81, 0x9f][..], &algorithm, &bits].concat());
    refused(Application::new(&server("www.example.com"), &spki), "1024");
}

#[test]
fn an_authority_is_not_asked_for_in_passing() {
    let root = Authority::ephemeral("Root", NOW).unwrap();
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let asking = server("www.example.com").with_basic_constraints(BasicConstraints::Authority { path_length: None });
    let ask = |draft: &csr::Draft, terms: &Terms| issue(&root, draft, key.public_key(), terms, 1);
    refused(ask(&asking, &Terms::new()), "asks for a certificate authority, which is not granted");
    let signing = Terms::new().with_usages(Usages::parse(["cert sign"]).unwrap());
    refused(ask(&server("www.example.com"), &signing), "only a certificate authority signs certificates");
    let trees = Subtrees::new().with_dns_domains(["example.com"]);
    let bounded =
        server("www.example.com").with_name_constraints(&NameConstraints::new(trees, Subtrees::new())).unwrap();
    refused(ask(&bounded, &Terms::new()), "name constraints are asked for, which only a certificate authority has");
}

#[test]
fn a_usage_that_the_authority_may_not_give_is_refused() {
    let root = Authority::ephemeral("Root", NOW).unwrap();
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let usages = Usages::parse(["cert sign", "client auth", "email protection"]).unwrap();
    let terms = Terms::new().for_authority().with_usages(usages);
    let issued = issue(&root, &subject("For clients"), key.public_key(), &terms, 1).unwrap();
    let authority = Authority::new(whole(&issued), key, NOW).unwrap();
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let ask = |words: &[&str]| {
        let terms = Terms::new().with_usages(Usages::parse(words).unwrap());
        issue(&authority, &server("www.example.com"), key.public_key(), &terms, 1)
    };
    assert!(ask(&["digital signature", "client auth"]).is_ok());
    refused(
        ask(&["digital signature", "server auth"]),
        "this certificate authority may not issue for \"server auth\": its certificates are for client auth, email protection",
    );
    refused(ask(&["any"]), "may not issue for \"any\"");
}

#[test]
fn names_outside_the_constraints_of_an_authority_are_refused() {
    let root = Authority::ephemeral("Root", NOW).unwrap();
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let permitted = Subtrees::new().with_dns_domains(["example.com"]);
    let excluded = Subtrees::new().with_dns_domains(["secret.example.com"]);
    let draft = subject("Bounded").with_name_constraints(&NameConstraints::new(permitted, excluded)).unwrap();
    let terms = Terms::new().for_authority().with_usages(authority_usages());
    let issued = issue(&root, &draft, key.public_key(), &terms, 1).unwrap();
    // Those below it are bound too.
    let authority = below(&Authority::new(whole(&issued), key, NOW).unwrap(), KeyType::EcdsaP256);
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let ask = |name: &str| issue(&authority, &server(name), key.public_key(), &Terms::new(), 1);

    let issued = ask("www.example.com").unwrap();
    let roots = [root.certificate().clone()];
    OpenSsl::find().verify(&Trial::new(issued.chain.certificates(), &roots, NOW)).unwrap();
    refused(
        ask("www.example.org"),
        "the name constraints of \"Bounded\" forbid www.example.org: it is not among the DNS names that are permitted",
    );
    refused(ask("a.secret.example.com"), "forbid a.secret.example.com: it is within");
}

#[test]
fn names_that_stand_in_the_subject_alone_keep_to_the_constraints_too() {
    let root = Authority::ephemeral("Root", NOW).unwrap();
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let permitted = Subtrees::new().with_dns_domains(["example.com"]).with_email_addresses(["example.com"]);
    let draft = subject("Bounded").with_name_constraints(&NameConstraints::new(permitted, Subtrees::new())).unwrap();
    let terms = Terms::new().for_authority().with_usages(authority_usages());
    let issued = issue(&root, &draft, key.public_key(), &terms, 1).unwrap();
    let authority = Authority::new(whole(&issued), key, NOW).unwrap();
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let roots = [root.certificate().clone()];
    let names = |names: &[&str]| names.iter().map(|it| GeneralName::Dns(it.parse().unwrap())).collect::<Vec<_>>();
    for (name, names, permitted) in [
        ("CN=www.example.com", vec![], true),
        ("CN=www.example.org", vec![], false),
        ("CN=client 7", vec![], true),
        ("CN=www.example.org", names(&["www.example.com"]), true),
        ("CN=ops,emailAddress=ops@example.com", names(&["www.example.com"]), true),
        ("CN=ops,emailAddress=ops@example.org", names(&["www.example.com"]), false),
    ] {
        let draft = csr::Draft::of(names, &name.parse().unwrap()).unwrap();
        match issue(&authority, &draft, key.public_key(), &Terms::new(), 2) {
            Ok(issued) => {
                let verdict = OpenSsl::find().verify(&Trial::new(issued.chain.certificates(), &roots, NOW));
                assert!(permitted && verdict.is_ok(), "{name}: {verdict:?}");
            }
            Err(error) => assert!(!permitted && error.kind() == ErrorKind::Refused, "{name}: {error}"),
        }
    }
}

#[test]
fn a_signer_that_lies_is_found_out_and_one_that_is_busy_keeps_its_advice() {
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let chain = root(&key, authority_extensions());
    let draft = server("www.example.com");
    let leaf = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let application = Application::new(&draft, leaf.public_key()).unwrap();
    let sign = |service: Service| {
        let authority = Authority::with_signer(chain.clone(), Arc::new(service), NOW).unwrap();
        run(&VirtualClock::new(), authority.sign(&application, &Terms::new(), serial(), NOW))
    };
    let pem = key.to_pem();
    let key = || PrivateKey::from_pem(pem.expose()).unwrap();

    assert!(sign(Service { key: key(), answer: Answer::Honest }).is_ok());
    refused(
        sign(Service { key: key(), answer: Answer::OfAnother }),
        "the signature that the authority's signer returned",
    );
    let error = sign(Service { key: key(), answer: Answer::Busy }).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::After(DAY)));
    let remote =
        Authority::with_signer(chain.clone(), Arc::new(Service { key: key(), answer: Answer::Honest }), NOW).unwrap();
    let error = remote.sign_now(&application, &Terms::new(), serial(), NOW).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

/// A key service.
struct Service {
    key: PrivateKey,
    answer: Answer,
}

#[derive(Clone, Copy)]
enum Answer {
    Honest,
    OfAnother,
    Busy,
}

#[async_trait]
impl Signer for Service {
    fn public_key(&self) -> &SubjectPublicKeyInfoDer<'static> {
        self.key.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        match self.answer {
            Answer::Honest => self.key.sign_now(message),
            Answer::OfAnother => PrivateKey::generate(KeyType::EcdsaP256)?.sign_now(message),
            Answer::Busy => Err(Error::new(ErrorKind::Busy, "too many signatures").with_retry(Retry::After(DAY))),
        }
    }
}

/// A root of ten days that is what its extensions say.
fn root(key: &PrivateKey, extensions: Extensions) -> Chain {
    let name = DistinguishedName::parse("CN=Made by hand").unwrap().to_raw();
    let validity = Validity { not_before: NOW, not_after: NOW + 10 * DAY };
    let draft = Draft::new(&name, &name, key.public_key(), serial(), validity)
        .with_extensions(extensions.with(KeyIdentifier::of_key(key.public_key()).unwrap().to_subject_extension()))
        .to_be_signed(key.algorithm());
    let signature = key.sign_now(draft.message()).unwrap();
    Chain::new(vec![draft.finish(&signature)])
}

fn authority_extensions() -> Extensions {
    Extensions::new()
        .with(KeyUsages::CERT_SIGN.to_extension())
        .with(BasicConstraints::Authority { path_length: None }.to_extension())
}

fn serial() -> SerialNumber {
    SerialNumber::from_random([5; 20])
}

#[track_caller]
fn refused<T>(outcome: Result<T, Error>, because: &str) {
    let Err(error) = outcome else { panic!("not refused, though {because}") };
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never), "{error}");
    assert!(error.what().contains(because), "{error}");
}
