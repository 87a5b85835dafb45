//! The authority as an issuer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use acme_core::key::{KeyType, PrivateKey};
use certwright_issuers::ca::{Authority, CaIssuer};
use certwright_issuers::template::{SerialNumber, Usages};
use certwright_issuers::{CertificateRequest, Error, ErrorKind, InMemory, Issued, Issuer, Maker, Step, csr};
use rustls_pki_types::CertificateSigningRequestDer;
use testkit::conformance::{IssuerWorld, issuer};
use testkit::{VirtualClock, run};

use crate::world::{DAY, NOW};

#[test]
fn the_issuer_keeps_the_contract() {
    let clock = VirtualClock::starting_at(NOW);
    let world =
        World { clock: clock.clone(), authority: Authority::ephemeral("Root", NOW).unwrap(), made: Arc::default() };
    run(&clock, issuer(&world)).unwrap();
}

struct World {
    clock: VirtualClock,
    authority: Authority,
    made: Arc<AtomicU64>,
}

impl IssuerWorld for World {
    fn issuer(&self) -> Box<dyn Issuer> {
        let made = Arc::clone(&self.made);
        let serials =
            move || SerialNumber::from_octets(&(made.fetch_add(1, Ordering::SeqCst) + 1).to_be_bytes()).unwrap();
        Box::new(CaIssuer::new("ca", self.authority.clone(), Arc::new(self.clock.clone())).with_serials(serials))
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
fn serial_numbers_are_random_and_twenty_octets_long() {
    let serials: Vec<_> = (0..2).map(|_| serial(&issue(|_| {}).unwrap())).collect();
    assert_ne!(serials[0], serials[1]);
    assert!(serials.iter().all(|it| it.len() == 40), "{serials:?}");
}

#[test]
fn duration_usages_and_authority_are_those_of_the_request() {
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let (csr, names) = (request(&key), ["www.example.com".parse().unwrap()]);
    let usages = Usages::parse(["digital signature", "client auth"]).unwrap();
    let mut asked = CertificateRequest::new(&csr, &names);
    asked.duration = Some(3 * DAY);
    asked.is_ca = true;
    asked.usages = Some(&usages);
    let Ok(Step::Issued(issued)) = step(&asked) else { panic!("not issued") };
    let (_, written) = x509_parser::parse_x509_certificate(&issued.chain.certificates()[0]).unwrap();
    assert_eq!(written.validity().not_after.timestamp(), (NOW + 3 * DAY).unix_seconds());
    assert!(written.is_ca());
    let key_usage = written.key_usage().unwrap().unwrap().value;
    assert!(key_usage.digital_signature() && key_usage.key_cert_sign() && !key_usage.key_encipherment());
    let extended = written.extended_key_usage().unwrap().unwrap().value;
    assert!(extended.client_auth && !extended.server_auth);
}

#[test]
fn names_that_were_not_asked_for_are_refused() {
    let error = issue(|request| request.identifiers = &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.what().contains("differ, in www.example.com for one"), "{error}");
}

#[test]
fn a_profile_is_refused() {
    let error = issue(|request| request.profile = Some("shortlived")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.what(), "this issuer has no profile \"shortlived\": ask without");
}

#[test]
fn the_key_is_proven_by_a_signature_unless_the_asker_made_the_request() {
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let stranger = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let mut forged = request(&key).as_ref().to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let forged = CertificateSigningRequestDer::from(forged);
    let names = ["www.example.com".parse().unwrap()];

    let mut asked = CertificateRequest::new(&forged, &names);
    assert_eq!(step(&asked).unwrap_err().kind(), ErrorKind::Refused);
    asked.signer = Some(&stranger);
    assert_eq!(step(&asked).unwrap_err().kind(), ErrorKind::Refused);
    asked.signer = Some(&key);
    assert_eq!(step(&asked).unwrap_err().kind(), ErrorKind::Refused, "a lent key proves nothing about the request");
    asked.maker = Maker::Asker;
    assert!(step(&asked).is_ok());
}

fn issue(change: impl FnOnce(&mut CertificateRequest<'_>)) -> Result<Issued, Error> {
    let csr = request(&PrivateKey::generate(KeyType::EcdsaP256).unwrap());
    let names = ["www.example.com".parse().unwrap()];
    let mut asked = CertificateRequest::new(&csr, &names);
    change(&mut asked);
    match step(&asked)? {
        Step::Issued(issued) => Ok(issued),
        Step::NotYet { waiting, .. } => panic!("waits for {waiting}"),
    }
}

fn step(request: &CertificateRequest<'_>) -> Result<Step, Error> {
    let clock = VirtualClock::starting_at(NOW);
    let issuer = CaIssuer::new("ca", Authority::ephemeral("Root", NOW).unwrap(), Arc::new(clock.clone()));
    run(&clock, issuer.issue(request, &mut InMemory::new()))
}

fn request(key: &PrivateKey) -> CertificateSigningRequestDer<'static> {
    csr::Draft::new(&["www.example.com".parse().unwrap()]).unwrap().sign_now(key).unwrap()
}

fn serial(issued: &Issued) -> String {
    certwright_issuers::chain::Leaf::read(&issued.chain.certificates()[0]).unwrap().serial
}
