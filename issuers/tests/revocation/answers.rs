//! OCSP answers.

use std::sync::Arc;

use acme_core::key::PrivateKey;
use acme_core::protocol::RevocationReason;
use acme_core::{Error, ErrorKind, KeyType, Retry, SignatureAlgorithm, Signer};
use async_trait::async_trait;
use certwright_issuers::ca::ocsp::{Refusal, Request, Responder};
use certwright_issuers::ca::{Register, RevocationStatus as _, Revoked, Status};
use certwright_issuers::template::{ExtendedKeyUsage, KeyUsages, Usages};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use testkit::servers::judges::{Go, Python};

use crate::stage::{Bench, Ca, answer, kinds, now, serial};

#[test]
fn openssl_believes_the_answers_of_every_kind_of_authority() {
    for kind in kinds() {
        let ca = Ca::new(kind);
        for hash in ["-sha1", "-sha256"] {
            let bench = Bench::new(&ca);
            let responder = Responder::new(&ca.certificate, ca.signer()).unwrap();

            let said = bench.ask(hash, &responder, &[7, 8, 9]);

            assert!(said.contains("Response verify OK"), "{kind} {hash}: {said}");
            assert!(said.contains("\n7: good"), "{kind} {hash}: {said}");
            assert!(said.contains("\n8: revoked") && said.contains("Reason: keyCompromise"), "{said}");
            assert!(said.contains("Revocation Time: Jan  1 03:04:05 2026 GMT"), "{said}");
            assert!(said.contains("\n9: unknown"), "{kind} {hash}: {said}");
            assert!(!said.contains("WARNING") && !said.to_lowercase().contains("error"), "{said}");
        }
    }
}

#[test]
fn pkilint_and_zlint_find_nothing_in_an_answer() {
    let ca = Ca::new(KeyType::EcdsaP256);
    let (bench, pkilint, go) = (Bench::new(&ca), Python::start(), Go::start());
    let responder = Responder::new(&ca.certificate, ca.signer()).unwrap();
    for nonce in ["-nonce", "-no_nonce"] {
        let signed = answer(&responder, &bench.request("-sha1", &[7, 8, 9], nonce));

        assert_eq!(pkilint.lint_ocsp(&signed), [], "{nonce}");
        for number in [7, 8, 9] {
            let said = go.lint_ocsp(&signed, &ca.leaf(number), &ca.certificate, &[]);
            assert_eq!(said, Ok(Vec::new()), "{nonce} {number}");
        }
        assert!(go.lint_ocsp(&signed, &ca.leaf(10), &ca.certificate, &[]).is_err(), "nobody asked about it");
    }
    assert_ne!(pkilint.lint_ocsp(b"nonsense"), []);
}

#[test]
fn a_delegate_answers_in_the_authoritys_place() {
    let ca = Ca::new(KeyType::EcdsaP256);
    let key = Arc::new(PrivateKey::generate(KeyType::EcdsaP256).unwrap());
    let signing = Usages::of_key(KeyUsages::DIGITAL_SIGNATURE).with(ExtendedKeyUsage::OcspSigning);
    let certificate = ca.certify(40, "Example OCSP", key.public_key(), &signing);
    let responder = Responder::delegated(&ca.certificate, certificate.clone(), key.clone()).unwrap();

    let said = Bench::new(&ca).ask("-sha256", &responder, &[7, 8]);

    assert!(said.contains("Response verify OK") && said.contains("\n7: good"), "{said}");
    let server = Usages::of_key(KeyUsages::DIGITAL_SIGNATURE).with(ExtendedKeyUsage::ServerAuth);
    let stranger = Ca::new(KeyType::EcdsaP256);
    for (authority, certificate, signer, why) in [
        (&ca, ca.certify(41, "a", key.public_key(), &server), key.clone(), "is not for OCSP signing"),
        (&ca, certificate.clone(), stranger.key.clone(), "not that of the certificate"),
        (&stranger, certificate, key, "the responder's certificate: the signature was not made by this key"),
    ] {
        let error = Responder::delegated(&authority.certificate, certificate, signer).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.to_string().contains(why), "{error}");
    }
    assert!(Responder::new(&ca.leaf(7), ca.signer()).is_err(), "a leaf has no responder");
}

#[test]
fn what_cannot_be_answered_says_so() {
    let ca = Ca::new(KeyType::EcdsaP256);
    let bench = Bench::new(&ca);
    let request = bench.request("-sha1", &[7], "-nonce");
    let responder = Responder::new(&ca.certificate, ca.signer()).unwrap();
    let stranger = Ca::named("Stranger", KeyType::EcdsaP256, KeyUsages::CERT_SIGN);
    let strangers = Responder::new(&stranger.certificate, stranger.signer()).unwrap();
    let ill = |retry| Responder::new(&ca.certificate, Arc::new(Ill(ca.key.public_key().clone(), retry))).unwrap();

    for (answer, refusal, word) in [
        (answer(&responder, b"nonsense"), Refusal::MalformedRequest, "malformedrequest"),
        (answer(&responder, &request[..request.len() - 1]), Refusal::MalformedRequest, "malformedrequest"),
        (answer(&strangers, &request), Refusal::Unauthorized, "unauthorized"),
        (answer(&ill(Retry::Backoff), &request), Refusal::TryLater, "trylater"),
        (answer(&ill(Retry::Never), &request), Refusal::InternalError, "internalerror"),
    ] {
        assert_eq!(answer, refusal.to_der());
        bench.file("answer.der", &answer);
        let said = bench.openssl(&["ocsp", "-respin", "answer.der", "-noverify"]);
        assert!(said.contains(&format!("Responder Error: {word}")), "{said}");
    }
}

#[test]
fn of_several_authorities_only_the_own_certificates_are_known() {
    let (ca, stranger) = (Ca::new(KeyType::EcdsaP256), Ca::named("Stranger", KeyType::EcdsaP256, KeyUsages::CERT_SIGN));
    let bench = Bench::new(&ca);
    bench.certificate("stranger.pem", &stranger.certificate);
    bench.openssl(&[
        "ocsp",
        "-issuer",
        "stranger.pem",
        "-serial",
        "7",
        "-issuer",
        "ca.pem",
        "-serial",
        "7",
        "-reqout",
        "request.der",
    ]);
    let request = bench.read("request.der");
    bench.file("answer.der", &answer(&Responder::new(&ca.certificate, ca.signer()).unwrap(), &request));

    let said = bench.openssl(&["ocsp", "-respin", "answer.der", "-resp_text", "-noverify"]);

    let statuses: Vec<_> = said.lines().filter_map(|it| it.trim().strip_prefix("Cert Status: ")).collect();
    assert_eq!(statuses, ["unknown", "good"]);
}

#[test]
fn serial_numbers_that_no_certificate_has_are_unknown() {
    let ca = Ca::new(KeyType::EcdsaP256);
    let bench = Bench::new(&ca);
    let request = bench.request("-sha1", &[7], "-no_nonce");
    let number = request.windows(3).position(|it| it == [2, 1, 7]).unwrap();
    for octet in [0, 0x80] {
        let mut odd = request.clone();
        odd[number + 2] = octet;
        bench.file("answer.der", &answer(&Responder::new(&ca.certificate, ca.signer()).unwrap(), &odd));

        let said = bench.openssl(&["ocsp", "-respin", "answer.der", "-resp_text", "-noverify"]);

        assert!(said.contains("Cert Status: unknown"), "{said}");
        assert_eq!(Request::read(&odd).unwrap().certificates()[0].serial(), None);
    }
}

#[test]
fn a_register_keeps_the_first_word() {
    let mut register = Register::new();
    let (first, later) =
        (Revoked::new(now(), RevocationReason::Superseded), Revoked::new(now(), RevocationReason::KeyCompromise));
    assert_eq!(register.status(&serial(1)), Status::Unknown);
    register.issued(serial(1));
    assert_eq!(register.status(&serial(1)), Status::Good);
    register.revoke(serial(1), first);
    register.revoke(serial(1), later);
    register.issued(serial(1));
    assert_eq!(register.status(&serial(1)), Status::Revoked(first));
    assert_eq!(register.revoked().collect::<Vec<_>>(), [(&serial(1), &first)]);
}

#[test]
fn a_hold_ends_in_a_revocation_or_in_nothing() {
    let revoked = |reason| Revoked::new(now(), reason);
    let mut register = Register::new();
    for number in 1..=3 {
        register.issued(serial(number));
    }
    register.revoke(serial(1), revoked(RevocationReason::CertificateHold));
    register.revoke(serial(1), revoked(RevocationReason::KeyCompromise));
    register.revoke(serial(2), revoked(RevocationReason::CertificateHold));
    register.revoke(serial(2), revoked(RevocationReason::RemoveFromCrl));
    register.revoke(serial(3), revoked(RevocationReason::RemoveFromCrl));

    assert_eq!(register.status(&serial(1)), Status::Revoked(revoked(RevocationReason::KeyCompromise)));
    assert_eq!(register.status(&serial(2)), Status::Good);
    assert_eq!(register.status(&serial(3)), Status::Good);
}

/// A signer that is out of order.
struct Ill(SubjectPublicKeyInfoDer<'static>, Retry);

#[async_trait]
impl Signer for Ill {
    fn public_key(&self) -> &SubjectPublicKeyInfoDer<'static> {
        &self.0
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::EcdsaP256Sha256
    }

    async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
        Err(Error::new(ErrorKind::Unreachable, "the key is out of reach").with_retry(self.1))
    }
}
