//! What the tests here begin with.

use std::sync::Arc;
use std::time::Duration;

use acme_core::flow::Waiting;
use acme_core::{Clock as _, Error, Identifier, KeyType, PrivateKey, Timestamp};
use async_trait::async_trait;
use certwright_issuers::aws_pca::{AuthorityArn, AwsPcaIssuer};
use certwright_issuers::template::Usages;
use certwright_issuers::{CertificateRequest, Issued, Issuer as _, Progress, ProgressError, Step, csr};
use rustls_pki_types::CertificateSigningRequestDer;
use solvers::credentials::Fixed;
use solvers::credentials::aws::{Client, Credentials};
use testkit::{VirtualClock, run};

use crate::double::{ARN, Double};

pub(crate) struct World {
    pub(crate) clock: VirtualClock,
    pub(crate) double: Double,
    pub(crate) credentials: Fixed<Credentials>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = VirtualClock::new();
        let double = Double::new(&clock);
        let credentials = Fixed::new(double.credentials());
        Self { clock, double, credentials }
    }

    pub(crate) fn client(&self) -> Client {
        let clock = Arc::new(self.clock.clone());
        Client::new(
            authority().endpoint().unwrap(),
            Arc::new(self.credentials.clone()),
            Arc::new(self.double.clone()),
            clock,
        )
    }

    pub(crate) fn issuer(&self) -> AwsPcaIssuer {
        AwsPcaIssuer::new("pca", authority(), self.client()).unwrap()
    }

    /// One whole issuance, and the steps that were waited for.
    pub(crate) fn issue(&self, request: &CertificateRequest<'_>) -> Result<(Issued, Vec<Wait>), Error> {
        self.go_on(&self.issuer(), request, &mut Kept::default())
    }

    pub(crate) fn go_on(
        &self,
        issuer: &AwsPcaIssuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<(Issued, Vec<Wait>), Error> {
        let mut waits = Vec::new();
        loop {
            match run(&self.clock, issuer.issue(request, progress))? {
                Step::Issued(issued) => return Ok((issued, waits)),
                Step::NotYet { again, waiting } => {
                    let span = again.since(self.clock.now());
                    assert!(span > Duration::ZERO && waits.len() < 1000);
                    waits.push(Wait { span, waiting });
                    self.clock.set(again);
                }
            }
        }
    }
}

/// A wait between two steps.
#[derive(Debug)]
pub(crate) struct Wait {
    pub(crate) span: Duration,
    pub(crate) waiting: Waiting,
}

/// A request for `www.example.com`.
pub(crate) struct Asking {
    pub(crate) csr: CertificateSigningRequestDer<'static>,
    pub(crate) names: Vec<Identifier>,
}

impl Asking {
    pub(crate) fn new() -> Self {
        Self::with(Usages::default())
    }

    pub(crate) fn with(usages: Usages) -> Self {
        Self::drafted(|draft| draft.with_usages(usages))
    }

    pub(crate) fn drafted(more: impl FnOnce(csr::Draft) -> csr::Draft) -> Self {
        let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
        let names = vec![Identifier::parse("www.example.com").unwrap()];
        let csr = more(csr::Draft::new(&names).unwrap()).sign_now(&key).unwrap();
        Self { csr, names }
    }

    pub(crate) fn request(&self) -> CertificateRequest<'_> {
        CertificateRequest::new(&self.csr, &self.names)
    }
}

/// A progress that keeps every state, and fails when it is told to.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) state: Option<Vec<u8>>,
    pub(crate) states: Vec<Vec<u8>>,
    /// Saves of these numbers fail for now.
    pub(crate) failing: Vec<usize>,
    pub(crate) saves: usize,
}

impl Kept {
    pub(crate) fn of(state: &[u8]) -> Self {
        Self { state: Some(state.to_vec()), ..Self::default() }
    }
}

#[async_trait]
impl Progress for Kept {
    fn state(&self) -> Option<&[u8]> {
        self.state.as_deref()
    }

    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError> {
        self.saves += 1;
        if self.failing.contains(&self.saves) {
            let full = Error::new(acme_core::ErrorKind::Busy, "the store is busy");
            return Err(ProgressError::Failed(full));
        }
        self.state = Some(state.to_vec());
        self.states.push(state.to_vec());
        Ok(())
    }
}

pub(crate) fn authority() -> AuthorityArn {
    AuthorityArn::parse(ARN).unwrap()
}

pub(crate) fn at(time: &str) -> Timestamp {
    Timestamp::parse_rfc3339(time).unwrap()
}

/// What must be in no text that people see.
pub(crate) fn assert_silent(text: &str) {
    assert!(!text.contains("TOP-SECRET"), "{text}");
}
