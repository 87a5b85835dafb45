//! A certificate authority behind the `Issuer` trait, which does as a test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use acme_core::client::Chain;
use acme_core::flow::Waiting;
use acme_core::protocol::{CertificateId, RenewalInfo};
use acme_core::{Clock, Error, ErrorKind, Retry, Timestamp};
use async_trait::async_trait;
use issuers::csr::Request;
use issuers::template::Usages;
use issuers::{CertificateRequest, Issued, Issuer, IssuerId, Progress, Renewal, RenewalAnswer, Step, Timer};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, IsCa, KeyPair, SerialNumber,
};
use rustls_pki_types::CertificateSigningRequestDer;
use testkit::VirtualClock;
use testkit::crash::Effects;
use time::OffsetDateTime;

/// What the certificate authority does when it is asked.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    NotYet(Duration),
    Fail(ErrorKind, Retry),
    Panic,
    Hang,
    /// Issues for a key of its own.
    WrongKey,
}

/// Handles share one certificate authority.
#[derive(Clone)]
pub(crate) struct Ca {
    pub(crate) clock: VirtualClock,
    state: Arc<Mutex<State>>,
    id: IssuerId,
    effects: Effects,
}

pub(crate) struct State {
    issuer: Arc<rcgen::Issuer<'static, KeyPair>>,
    /// For names that begin so; done one after another.
    pub(crate) script: VecDeque<(&'static str, Act)>,
    /// When it was asked, for which first name.
    pub(crate) calls: Vec<(Timestamp, String)>,
    pub(crate) orders: Vec<Order>,
    pub(crate) lifetime: Duration,
    pub(crate) window: Option<(RenewalInfo, Duration)>,
    pub(crate) asked: Vec<Timestamp>,
    /// What was asked for, the last time.
    pub(crate) request: Option<Ask>,
}

/// What a request says beside the names.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) csr: CertificateSigningRequestDer<'static>,
    pub(crate) is_ca: bool,
    pub(crate) usages: Option<Usages>,
    /// Whether the key of the signing request was lent.
    pub(crate) lends_key: bool,
}

/// One order.
#[derive(Default, Clone)]
pub(crate) struct Order {
    pub(crate) replaces: Option<CertificateId>,
    pub(crate) chain: Option<Chain>,
}

impl Ca {
    pub(crate) fn new(clock: &VirtualClock) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Test CA");
        Self {
            clock: clock.clone(),
            state: Arc::new(Mutex::new(State {
                issuer: Arc::new(rcgen::Issuer::new(params, key)),
                script: VecDeque::new(),
                calls: Vec::new(),
                orders: Vec::new(),
                lifetime: Duration::from_secs(90 * 86_400),
                window: None,
                asked: Vec::new(),
                request: None,
            })),
            id: IssuerId::new("test"),
            effects: Effects::unharmed(),
        }
    }

    pub(crate) fn with_effects(&self, effects: &Effects) -> Self {
        Self { effects: effects.clone(), ..self.clone() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn script(&self, name: &'static str, acts: impl IntoIterator<Item = Act>) {
        self.state().script.extend(acts.into_iter().map(|act| (name, act)));
    }

    pub(crate) fn finalized(&self) -> usize {
        self.state().orders.iter().filter(|it| it.chain.is_some()).count()
    }

    fn sign(&self, csr: &[u8], serial: u64) -> Chain {
        let mut request = CertificateSigningRequestParams::from_der(&csr.to_vec().into()).unwrap();
        let (now, lifetime) = (self.clock.now(), self.state().lifetime);
        let date = |at: Timestamp| OffsetDateTime::from_unix_timestamp(at.unix_seconds()).unwrap();
        request.params.not_before = date(now);
        request.params.not_after = date(now + lifetime);
        request.params.serial_number = Some(SerialNumber::from(serial));
        request.params.use_authority_key_identifier_extension = true;
        let issuer = Arc::clone(&self.state().issuer);
        Chain::new(vec![request.signed_by(&issuer).unwrap().der().clone()])
    }
}

#[async_trait]
impl Issuer for Ca {
    fn id(&self) -> &IssuerId {
        &self.id
    }

    async fn issue(&self, request: &CertificateRequest<'_>, progress: &mut dyn Progress) -> Result<Step, Error> {
        let name = request.identifiers.first().map(ToString::to_string).unwrap_or_default();
        let csr = Request::read(request.csr).unwrap();
        let ask = Ask {
            csr: request.csr.as_ref().to_vec().into(),
            is_ca: request.is_ca,
            usages: request.usages.cloned(),
            lends_key: request.signer.is_some_and(|it| it.public_key() == csr.public_key()),
        };
        let act = {
            let mut state = self.state();
            state.request = Some(ask);
            state.calls.push((self.clock.now(), name.clone()));
            let at = state.script.iter().position(|(of, _)| name.starts_with(of));
            at.and_then(|at| state.script.remove(at))
        };
        match act.map(|(_, act)| act) {
            Some(Act::NotYet(pause)) => {
                return Ok(Step::NotYet { again: self.clock.now() + pause, waiting: Waiting::Issuing });
            }
            Some(Act::Fail(kind, retry)) => {
                return Err(Error::new(kind, "the test wants it so").with_retry(retry));
            }
            Some(Act::Panic) => panic!("the test wants it so"),
            Some(Act::Hang) => std::future::pending().await,
            Some(Act::WrongKey) => {
                let key = KeyPair::generate().unwrap();
                let csr = CertificateParams::new(vec![name]).unwrap().serialize_request(&key).unwrap();
                return Ok(Step::Issued(Issued::new(self.sign(csr.der(), 666))));
            }
            None => {}
        }
        let saved = progress.state().map(|it| String::from_utf8_lossy(it).parse().unwrap());
        let order: usize = match saved {
            Some(order) => order,
            None => {
                let order = self
                    .effects
                    .perform("new-order", async {
                        let mut state = self.state();
                        state.orders.push(Order { replaces: request.replaces.clone(), chain: None });
                        state.orders.len() - 1
                    })
                    .await;
                progress.save(order.to_string().as_bytes()).await?;
                order
            }
        };
        let chain = self.state().orders[order].chain.clone();
        let chain = match chain {
            Some(chain) => chain,
            None => {
                // The save right before what is irreversible: on a record that is still held.
                progress.save(order.to_string().as_bytes()).await?;
                self.effects
                    .perform("finalize", async {
                        let chain = self.sign(request.csr, order as u64 + 1);
                        self.state().orders[order].chain = Some(chain.clone());
                        chain
                    })
                    .await
            }
        };
        Ok(Step::Issued(Issued::new(chain)))
    }

    fn renewal_info(&self) -> Option<&dyn Renewal> {
        self.state().window.is_some().then_some(self as &dyn Renewal)
    }
}

#[async_trait]
impl Renewal for Ca {
    async fn renewal_info(&self, _: &CertificateId) -> Result<RenewalAnswer, Error> {
        let now = self.clock.now();
        let mut state = self.state();
        state.asked.push(now);
        match &state.window {
            Some((info, again)) => Ok(RenewalAnswer::new(info.clone(), now + *again)),
            None => Err(Error::new(ErrorKind::NotFound, "no renewal information")),
        }
    }
}

/// Virtual time for drivers.
pub(crate) struct TestTimer(pub(crate) VirtualClock);

impl Clock for TestTimer {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

#[async_trait]
impl Timer for TestTimer {
    async fn sleep_until(&self, at: Timestamp) {
        self.0.sleep_until(at).await;
    }
}
