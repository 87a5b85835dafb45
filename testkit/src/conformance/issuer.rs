//! The contract of [`Issuer`].

use std::time::Duration;

use acme_core::{Clock as _, Error, ErrorKind, Identifier, SignatureAlgorithm, Signer, Timestamp};
use async_trait::async_trait;
use futures_util::future::join_all;
use issuers::{CertificateRequest, Issued, Issuer, Progress, ProgressError, Step, Timer, chain};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PublicKeyData as _, SigningKey as _};
use rustls_pki_types::{CertificateSigningRequestDer, SubjectPublicKeyInfoDer};

use super::Breach;
use crate::VirtualClock;

#[async_trait]
impl Timer for VirtualClock {
    async fn sleep_until(&self, at: Timestamp) {
        VirtualClock::sleep_until(self, at).await;
    }
}

/// What an issuer works on, and what outlives its processes.
pub trait IssuerWorld: Send + Sync {
    /// The issuer as another process would make it, over the same outside world.
    fn issuer(&self) -> Box<dyn Issuer>;

    /// The clock that the issuer was given.
    fn clock(&self) -> &VirtualClock;

    /// How much was sent so far: requests, or whatever else reaches the outside.
    fn sent(&self) -> usize;

    /// How many irreversible things happened so far: orders that were made, certificates that were made without one.
    fn spent(&self) -> usize;
}

/// Holds an [`Issuer`] against its contract. `world` makes a fresh outside world each time; run it with [`run`](crate::run) on the world's clock.
///
/// # Errors
/// The first clause that is not kept.
pub async fn issuer<W: IssuerWorld>(world: &W) -> Result<(), Breach> {
    let first = Request::new(&["a.conformance.example", "b.conformance.example"])?;
    let states = issued_without_waiting(world, &first).await?;
    goes_on_elsewhere(world, &first, &states).await?;
    stops_when_lost(world).await?;
    serves_several(world).await
}

/// Clauses 1, 5 and 6: one whole issuance. Answers every state that was saved.
async fn issued_without_waiting<W: IssuerWorld>(world: &W, request: &Request) -> Result<Vec<Vec<u8>>, Breach> {
    let issuer = world.issuer();
    let mut progress = Recording::default();
    let issued = request
        .drive(world, issuer.as_ref(), &mut progress)
        .await?
        .map_err(|error| Breach::new(5, format!("a sound request ended in an error: {error}")))?;
    request.check(world, &issued)?;
    Ok(progress.states)
}

/// Clauses 2 and 4: every state that was ever saved leads to a certificate in another process, for one more irreversible step at the most.
async fn goes_on_elsewhere<W: IssuerWorld>(world: &W, request: &Request, states: &[Vec<u8>]) -> Result<(), Breach> {
    let fresh = Request::new(&["elsewhere.conformance.example"])?;
    let mut interrupted = Recording::default();
    let step = world.issuer().issue(&fresh.get(), &mut interrupted).await;
    if let Ok(Step::NotYet { .. }) = step {
        let mut progress = Recording { state: interrupted.state, ..Recording::default() };
        let outcome = fresh.drive(world, world.issuer().as_ref(), &mut progress).await?;
        let issued = outcome
            .map_err(|error| Breach::new(2, format!("another process could not go on from a saved state: {error}")))?;
        fresh.check(world, &issued)?;
    }
    let earlier = std::iter::once(None).chain(states.iter().map(Some));
    for (number, state) in earlier.enumerate() {
        let before = world.spent();
        let mut progress = Recording { state: state.cloned(), ..Recording::default() };
        let outcome = request.drive(world, world.issuer().as_ref(), &mut progress).await?;
        let issued = outcome.map_err(|error| {
            Breach::new(4, format!("asked again with the state of save {number}, it ended in an error: {error}"))
        })?;
        request.check(world, &issued)?;
        let spent = world.spent() - before;
        if spent > 1 {
            return Err(Breach::new(
                4,
                format!("asked again with the state of save {number}, it spent {spent} orders"),
            ));
        }
    }
    Ok(())
}

/// Clause 3: when a save says that the record is lost, nothing more is sent; and nothing irreversible came before the first save, unless
/// the certificate came with it.
async fn stops_when_lost<W: IssuerWorld>(world: &W) -> Result<(), Breach> {
    for number in 0..SAVES {
        let request = Request::new(&[&format!("lost-{number}.conformance.example")])?;
        let before = world.spent();
        let mut progress = Losing { state: None, saves_left: number, sent: None, world };
        let issuer = world.issuer();
        let mut outcome = Ok(());
        for _ in 0..STEPS {
            match issuer.issue(&request.get(), &mut progress).await {
                Ok(Step::Issued(_)) => break,
                Ok(Step::NotYet { again, .. }) => {
                    if progress.sent.is_some() {
                        outcome = Err(Breach::new(3, "a lost record was answered with `NotYet`"));
                        break;
                    }
                    if progress.state.is_none() && world.spent() != before {
                        outcome = Err(Breach::new(3, "something irreversible was sent, and no save names it"));
                        break;
                    }
                    Timer::sleep_until(world.clock(), again.max(world.clock().now() + SHORTEST)).await;
                }
                Err(_) => break,
            }
        }
        outcome?;
        let Some(sent) = progress.sent else {
            // It ended with fewer saves: nothing more to lose.
            return Ok(());
        };
        if world.sent() != sent {
            let more = world.sent() - sent;
            return Err(Breach::new(
                3,
                format!("{more} more were sent after save {number} said that the record is lost"),
            ));
        }
        if number == 0 && world.spent() != before {
            return Err(Breach::new(3, "something irreversible came before the first save"));
        }
    }
    Ok(())
}

/// Clause 7: requests at the same time.
async fn serves_several<W: IssuerWorld>(world: &W) -> Result<(), Breach> {
    let issuer = world.issuer();
    let requests = (0..4)
        .map(|number| Request::new(&[&format!("several-{number}.conformance.example")]))
        .collect::<Result<Vec<_>, _>>()?;
    let outcomes = join_all(requests.iter().map(|request| async {
        let mut progress = Recording::default();
        request.drive(world, issuer.as_ref(), &mut progress).await
    }));
    for (request, outcome) in requests.iter().zip(outcomes.await) {
        let issued =
            outcome?.map_err(|error| Breach::new(7, format!("one of several requests at a time failed: {error}")))?;
        request.check(world, &issued)?;
    }
    Ok(())
}

/// A signing request for some names, its key at hand for issuers that sign with it.
struct Request {
    csr: CertificateSigningRequestDer<'static>,
    key: Lent,
    identifiers: Vec<Identifier>,
}

impl Request {
    fn new(names: &[&str]) -> Result<Self, Breach> {
        let made = || -> Result<Self, Box<dyn std::error::Error>> {
            let key = KeyPair::generate()?;
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let identifiers = names.iter().map(|name| name.parse()).collect::<Result<_, Error>>()?;
            let mut params = CertificateParams::new(names)?;
            params.distinguished_name = DistinguishedName::new();
            let csr = params.serialize_request(&key)?.der().clone();
            let public = key.subject_public_key_info().into();
            Ok(Self { csr, key: Lent { key, public }, identifiers })
        };
        made().map_err(|error| Breach::new(0, format!("the suite could not make a signing request: {error}")))
    }

    fn get(&self) -> CertificateRequest<'_> {
        let mut request = CertificateRequest::new(&self.csr, &self.identifiers);
        request.signer = Some(&self.key);
        request
    }

    /// A driver that looks at every step.
    async fn drive<W: IssuerWorld>(
        &self,
        world: &W,
        issuer: &dyn Issuer,
        progress: &mut dyn Progress,
    ) -> Result<Result<Issued, Error>, Breach> {
        for _ in 0..STEPS {
            let begun = world.clock().now();
            let step = issuer.issue(&self.get(), progress).await;
            let took = world.clock().now().since(begun);
            if took > LONGEST {
                return Err(Breach::new(1, format!("one step took {} s", took.as_secs())));
            }
            match step {
                Ok(Step::Issued(issued)) => return Ok(Ok(issued)),
                Err(error) => return Ok(Err(error)),
                Ok(Step::NotYet { again, .. }) => {
                    Timer::sleep_until(world.clock(), again.max(world.clock().now() + SHORTEST)).await;
                }
            }
        }
        Err(Breach::new(5, format!("no end after {STEPS} steps")))
    }

    fn check<W: IssuerWorld>(&self, world: &W, issued: &Issued) -> Result<(), Breach> {
        chain::check(&issued.chain, &self.key.public, &self.identifiers, world.clock().now())
            .map(drop)
            .map_err(|error| Breach::new(6, error.to_string()))
    }
}

/// The key of a request.
struct Lent {
    key: KeyPair,
    public: SubjectPublicKeyInfoDer<'static>,
}

#[async_trait]
impl Signer for Lent {
    fn public_key(&self) -> &SubjectPublicKeyInfoDer<'static> {
        &self.public
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::EcdsaP256Sha256
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.key
            .sign(message)
            .map_err(|error| Error::new(ErrorKind::Internal, "the suite could not sign").with_source(error))
    }
}

/// Remembers every state.
#[derive(Default)]
struct Recording {
    state: Option<Vec<u8>>,
    states: Vec<Vec<u8>>,
}

#[async_trait]
impl Progress for Recording {
    fn state(&self) -> Option<&[u8]> {
        self.state.as_deref()
    }

    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError> {
        self.state = Some(state.to_vec());
        self.states.push(state.to_vec());
        Ok(())
    }
}

/// Loses the record at one save, and all that follow.
struct Losing<'a, W> {
    state: Option<Vec<u8>>,
    saves_left: usize,
    sent: Option<usize>,
    world: &'a W,
}

#[async_trait]
impl<W: IssuerWorld> Progress for Losing<'_, W> {
    fn state(&self) -> Option<&[u8]> {
        self.state.as_deref()
    }

    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError> {
        if self.saves_left == 0 {
            self.sent.get_or_insert(self.world.sent());
            return Err(ProgressError::Lost);
        }
        self.saves_left -= 1;
        self.state = Some(state.to_vec());
        Ok(())
    }
}

/// Steps of one issuance before it counts as endless.
const STEPS: usize = 1000;
/// Saves of one issuance that are lost, one after the other.
const SAVES: usize = 64;
/// The longest step: a slow answer or two.
const LONGEST: Duration = Duration::from_secs(180);
const SHORTEST: Duration = Duration::from_millis(1);
