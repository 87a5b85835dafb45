//! A service, the processes that come and go, and a record that outlives them.

use std::sync::{Arc, Mutex, OnceLock};

use acme_core::{Error, Identifier, Key, PrivateKey, Secret};
use async_trait::async_trait;
use certwright_issuers::venafi::tpp::Login;
use certwright_issuers::venafi::{Cloud, Ngts, Service, Tpp, VenafiIssuer};
use certwright_issuers::{CertificateRequest, Issued, Issuer, Progress, ProgressError, csr, drive};
use futures_util::FutureExt as _;
use rustls_pki_types::CertificateSigningRequestDer;
use testkit::crash::{Effects, MortalTransport};
use testkit::venafi::{self as double, Double, cloud, tpp};
use testkit::{DurableStore, VirtualClock, run};

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tpp,
    Cloud,
    Ngts,
}

pub(crate) const ALL: [Kind; 3] = [Kind::Tpp, Kind::Cloud, Kind::Ngts];

pub(crate) struct World {
    pub(crate) kind: Kind,
    pub(crate) clock: VirtualClock,
    pub(crate) double: Double,
    pub(crate) store: DurableStore,
    pub(crate) record: DurableProgress,
}

impl World {
    pub(crate) fn new(kind: Kind) -> Self {
        let clock = VirtualClock::new();
        let service = match kind {
            Kind::Tpp => double::Service::Tpp(tpp::Server::default()),
            Kind::Cloud => double::Service::Cloud(cloud::Server::new(cloud::Door::Key)),
            Kind::Ngts => double::Service::Cloud(cloud::Server::new(cloud::Door::ServiceAccount)),
        };
        let double = Double::new(clock.clone(), service);
        Self { kind, clock, double, store: DurableStore::new(), record: DurableProgress::default() }
    }

    pub(crate) fn process(&self) -> VenafiIssuer {
        self.process_with(&Effects::unharmed())
    }

    pub(crate) fn process_with(&self, effects: &Effects) -> VenafiIssuer {
        let service = match self.kind {
            Kind::Tpp => tpp_at(tpp::FOLDER, password("correct horse")),
            Kind::Cloud => cloud_of(r"Web Shop\Public TLS", "a-key").into(),
            Kind::Ngts => ngts_of("Public TLS", "top secret").into(),
        };
        self.at(service, effects)
    }

    /// An issuer at this service, with other settings.
    pub(crate) fn at(&self, service: impl Into<Service>, effects: &Effects) -> VenafiIssuer {
        let transport = Arc::new(MortalTransport::new(self.double.clone(), effects));
        VenafiIssuer::new("venafi", service, transport, Arc::new(self.clock.clone())).unwrap()
    }

    /// One issuance from beginning to end, with a record of its own.
    pub(crate) fn issue(&self, issuer: &dyn Issuer, names: &[&str]) -> Result<Issued, Error> {
        let asked = Asked::new(names);
        let mut progress = DurableProgress::default();
        run(&self.clock, drive(issuer, &asked.request(), &mut progress, &self.clock))
    }
}

pub(crate) fn tpp_at(zone: &str, login: Login) -> Service {
    Tpp::new("https://tpp.example/vedsdk/", zone, login).unwrap().into()
}

pub(crate) fn password(password: &str) -> Login {
    Login::password("operator", Secret::new(password.to_owned()))
}

pub(crate) fn refresh_token() -> Login {
    Login::refresh_token("certwright", Secret::new("refresh-0".to_owned()))
}

pub(crate) fn token_key() -> Key {
    Key::new("venafi/token").unwrap()
}

pub(crate) fn cloud_of(zone: &str, key: &str) -> Cloud {
    Cloud::new(zone, Secret::new(key.to_owned())).unwrap()
}

pub(crate) fn ngts_of(zone: &str, secret: &str) -> Ngts {
    Ngts::new(zone, "1000000001", "client", Secret::new(secret.to_owned())).unwrap()
}

/// A signing request.
pub(crate) struct Asked {
    csr: CertificateSigningRequestDer<'static>,
    identifiers: Vec<Identifier>,
}

impl Asked {
    pub(crate) fn new(names: &[&str]) -> Self {
        static KEY: OnceLock<Arc<PrivateKey>> = OnceLock::new();
        Self::of(KEY.get_or_init(|| Arc::new(PrivateKey::generate(Default::default()).unwrap())), names)
    }

    /// With a key of its own.
    pub(crate) fn with_another_key(names: &[&str]) -> Self {
        Self::of(&PrivateKey::generate(Default::default()).unwrap(), names)
    }

    fn of(key: &PrivateKey, names: &[&str]) -> Self {
        let identifiers: Vec<Identifier> = names.iter().map(|name| name.parse().unwrap()).collect();
        let csr = csr::create(key, &identifiers).now_or_never().unwrap().unwrap();
        Self { csr, identifiers }
    }

    pub(crate) fn request(&self) -> CertificateRequest<'_> {
        CertificateRequest::new(&self.csr, &self.identifiers)
    }
}

/// A record whose bytes outlive the process. Copies are one record.
#[derive(Clone, Default)]
pub(crate) struct DurableProgress {
    kept: Arc<Mutex<Option<Vec<u8>>>>,
    read: Option<Vec<u8>>,
    effects: Option<Effects>,
}

impl DurableProgress {
    /// The record as a process opens it.
    pub(crate) fn open(&self, effects: &Effects) -> Self {
        let read = self.kept.lock().unwrap().clone();
        Self { kept: Arc::clone(&self.kept), read, effects: Some(effects.clone()) }
    }
}

#[async_trait]
impl Progress for DurableProgress {
    fn state(&self) -> Option<&[u8]> {
        self.read.as_deref()
    }

    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError> {
        let write = async {
            *self.kept.lock().unwrap() = Some(state.to_vec());
        };
        match &self.effects {
            Some(effects) => effects.perform("save progress", write).await,
            None => write.await,
        }
        self.read = Some(state.to_vec());
        Ok(())
    }
}
