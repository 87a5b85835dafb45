//! Certificates that sign for themselves.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use acme_core::client::Chain;
use acme_core::flow::Waiting;
use acme_core::key::{KeyType, PrivateKey};
use acme_core::{Identifier, Timestamp};
use certwright_issuers::name::DistinguishedName;
use certwright_issuers::self_signed::SelfSigned;
use certwright_issuers::template::{GeneralName, SerialNumber, Usages};
use certwright_issuers::{CertificateRequest, Error, ErrorKind, InMemory, Issued, Issuer, Remark, Step, chain, csr};
use rustls_pki_types::CertificateSigningRequestDer;
use testkit::conformance::{IssuerWorld, issuer};
use testkit::servers::judges::{Go, OpenSsl, Python, Trial};
use testkit::{VirtualClock, run};

#[test]
fn the_issuer_keeps_the_contract() {
    let clock = VirtualClock::starting_at(NOW);
    let world = World { clock: clock.clone(), made: Arc::default() };
    run(&clock, issuer(&world)).unwrap();
}

struct World {
    clock: VirtualClock,
    made: Arc<AtomicU64>,
}

impl IssuerWorld for World {
    fn issuer(&self) -> Box<dyn Issuer> {
        let made = Arc::clone(&self.made);
        let serials =
            move || SerialNumber::from_octets(&(made.fetch_add(1, Ordering::SeqCst) + 1).to_be_bytes()).unwrap();
        Box::new(SelfSigned::new("self-signed", Arc::new(self.clock.clone())).with_serials(serials))
    }

    fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    fn sent(&self) -> usize {
        self.spent()
    }

    fn spent(&self) -> usize {
        usize::try_from(self.made.load(Ordering::SeqCst)).unwrap()
    }
}

#[test]
fn roots_of_every_kind_of_key_are_taken_by_every_judge() {
    let (go, python, openssl) = (Go::start(), Python::start(), OpenSsl::find());
    for kind in KEYS {
        let key = PrivateKey::generate(*kind).unwrap();
        let usages = Usages::parse(["cert sign", "crl sign"]).unwrap();
        let csr = request(&key, "CN=Root,OU=first,OU=second,DC=example,DC=foreign", &[]);
        let issued = issue(&csr, &[], |asked| {
            asked.signer = Some(&key);
            asked.is_ca = true;
            asked.usages = Some(&usages);
        });
        let Step::Issued(issued) = issued.unwrap() else { panic!("{kind}: not yet") };

        let root = issued.chain.certificates()[0].clone();
        assert_eq!((issued.root.as_ref(), issued.remarks.len()), (Some(&root), 0));
        let roots = [root.clone()];
        let trial = Trial::new(&roots, &roots, NOW);
        openssl.verify(&trial).unwrap_or_else(|why| panic!("OpenSSL, {kind}: {why}"));
        go.verify(&trial).unwrap_or_else(|why| panic!("Go, {kind}: {why}"));
        assert_eq!(go.lint(&root, &["RFC5280", "RFC5480", "RFC8813", "Community"]), [], "{kind}");
        assert_eq!(python.lint(&root), [], "{kind}");
        assert_eq!(python.lint_pair(&root, &root), [], "{kind}");
        chain::Leaf::read(&root).unwrap();
    }
}

#[test]
fn a_leaf_names_its_revocation_lists() {
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let names = ["www.example.com".parse().unwrap()];
    let csr = request(&key, "CN=www.example.com", &names);
    let clock = VirtualClock::starting_at(NOW);
    let urls = ["http://example.com/self.crl".to_owned()];
    let issuer = SelfSigned::new("s", Arc::new(clock.clone())).with_crl_distribution_points(&urls).unwrap();
    let mut asked = CertificateRequest::new(&csr, &names);
    asked.signer = Some(&key);
    let Ok(Step::Issued(issued)) = run(&clock, issuer.issue(&asked, &mut InMemory::new())) else {
        panic!("not issued")
    };

    let written = Go::start().read(&leaf(&issued));
    assert_eq!(written.list("crl"), urls);
    assert_eq!(written.issuer(), written.subject());
    assert_eq!(written.not_before(), NOW - Duration::from_secs(300));
    assert_eq!(written.not_after(), NOW + Duration::from_secs(90 * 86_400));
}

#[test]
fn without_the_key_of_the_request_the_answer_is_not_yet() {
    let (key, stranger) =
        (PrivateKey::generate(KeyType::EcdsaP256).unwrap(), PrivateKey::generate(KeyType::EcdsaP256).unwrap());
    let names = ["www.example.com".parse().unwrap()];
    let csr = request(&key, "", &names);
    for (signer, what) in [
        (None, "the private key of the signing request, which nobody lent"),
        (
            Some(&stranger as &dyn acme_core::Signer),
            "the private key of the signing request: the one that was lent is another",
        ),
    ] {
        let step = issue(&csr, &names, |asked| asked.signer = signer).unwrap();
        let Step::NotYet { again, waiting } = step else { panic!("issued without the key") };
        assert!(again > NOW);
        assert_eq!(waiting, Waiting::outside(what));
    }
}

#[test]
fn an_empty_subject_is_issued_with_a_remark() {
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let names = ["www.example.com".parse().unwrap()];
    let csr = request(&key, "", &names);
    let Ok(Step::Issued(issued)) = issue(&csr, &names, |asked| asked.signer = Some(&key)) else { panic!("not issued") };
    assert_eq!(issued.remarks, [Remark::EmptyIssuer]);
    assert_eq!(
        issued.remarks[0].to_string(),
        "Certificate will be issued with an empty Issuer DN, which contravenes RFC 5280 and could break some strict clients"
    );
}

#[test]
fn a_forged_request_is_refused_before_the_key_is_missed() {
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let names = ["www.example.com".parse().unwrap()];
    let mut forged = request(&key, "", &names).as_ref().to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let error = issue(&forged.into(), &names, |_| {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
}

fn issue<'a>(
    csr: &'a CertificateSigningRequestDer<'a>,
    names: &'a [Identifier],
    change: impl FnOnce(&mut CertificateRequest<'a>),
) -> Result<Step, Error> {
    let clock = VirtualClock::starting_at(NOW);
    let issuer = SelfSigned::new("self-signed", Arc::new(clock.clone()));
    let mut asked = CertificateRequest::new(csr, names);
    change(&mut asked);
    run(&clock, issuer.issue(&asked, &mut InMemory::new()))
}

fn request(key: &PrivateKey, subject: &str, names: &[Identifier]) -> CertificateSigningRequestDer<'static> {
    let subject = DistinguishedName::parse(subject).unwrap();
    let names = names.iter().map(|it| GeneralName::of(it).unwrap()).collect();
    csr::Draft::of(names, &subject).unwrap().sign_now(key).unwrap()
}

fn leaf(issued: &Issued) -> rustls_pki_types::CertificateDer<'static> {
    let chain: &Chain = &issued.chain;
    chain.certificates()[0].clone()
}

/// 2027-06-15T12:00:00Z.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_813_060_800);
/// The kinds of key that the provider of this build makes.
const KEYS: &[KeyType] = if cfg!(feature = "aws-lc-rs") {
    &[KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::EcdsaP521, KeyType::Rsa2048, KeyType::Rsa3072, KeyType::Ed25519]
} else {
    &[KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::Ed25519]
};
