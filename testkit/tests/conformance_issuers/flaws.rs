//! Issuers that are broken in one place each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acme_core::client::Chain;
use acme_core::flow::Waiting;
use acme_core::{Clock as _, Error, ErrorKind, Retry};
use async_trait::async_trait;
use certwright_testkit::VirtualClock;
use issuers::{CertificateRequest, InMemory, Issuer, IssuerId, Progress, ProgressError, Step, csr};

/// What is wrong with an issuer.
#[async_trait]
pub(crate) trait Flaw: Send + Sync {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error>;
}

struct Broken(Box<dyn Flaw>, Box<dyn Issuer>);

/// An issuer with a flaw.
pub(crate) fn broken(flaw: impl Flaw + 'static, inner: Box<dyn Issuer>) -> Box<dyn Issuer> {
    Box::new(Broken(Box::new(flaw), inner))
}

#[async_trait]
impl Issuer for Broken {
    fn id(&self) -> &IssuerId {
        self.1.id()
    }

    async fn issue(&self, request: &CertificateRequest<'_>, progress: &mut dyn Progress) -> Result<Step, Error> {
        self.0.issue(self.1.as_ref(), request, progress).await
    }
}

/// Wants the key that the signing request was signed with.
pub(crate) struct Borrowing;

#[async_trait]
impl Flaw for Borrowing {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        let key = request.signer.expect("a lent key").public_key();
        assert_eq!(*key, csr::read(request.csr)?.public_key);
        inner.issue(request, progress).await
    }
}

/// Sleeps in the middle of a step.
pub(crate) struct Sleepy(pub(crate) VirtualClock);

#[async_trait]
impl Flaw for Sleepy {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        let at = self.0.now() + Duration::from_secs(600);
        self.0.sleep_until(at).await;
        inner.issue(request, progress).await
    }
}

/// Saves a ticket, and keeps what it stands for to itself.
#[derive(Default)]
pub(crate) struct Selfish(Mutex<Vec<Vec<u8>>>);

struct Ticketed<'a> {
    kept: &'a Mutex<Vec<Vec<u8>>>,
    state: Option<Vec<u8>>,
    outer: &'a mut dyn Progress,
}

#[async_trait]
impl Progress for Ticketed<'_> {
    fn state(&self) -> Option<&[u8]> {
        self.state.as_deref()
    }

    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError> {
        let ticket = {
            let mut kept = self.kept.lock().unwrap();
            kept.push(state.to_vec());
            vec![u8::try_from(kept.len() - 1).unwrap()]
        };
        self.state = Some(state.to_vec());
        self.outer.save(&ticket).await
    }
}

#[async_trait]
impl Flaw for Selfish {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        let state = match progress.state() {
            None => None,
            Some(ticket) => match self.0.lock().unwrap().get(usize::from(ticket[0])) {
                Some(state) => Some(state.clone()),
                None => return Err(Error::new(ErrorKind::Malformed, "whose ticket is this?")),
            },
        };
        inner.issue(request, &mut Ticketed { kept: &self.0, state, outer: progress }).await
    }
}

/// Takes every save for a success.
pub(crate) struct Deaf;

struct Unheard<'a> {
    state: Option<Vec<u8>>,
    outer: &'a mut dyn Progress,
}

#[async_trait]
impl Progress for Unheard<'_> {
    fn state(&self) -> Option<&[u8]> {
        self.state.as_deref()
    }

    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError> {
        self.state = Some(state.to_vec());
        let _ = self.outer.save(state).await;
        Ok(())
    }
}

#[async_trait]
impl Flaw for Deaf {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        let state = progress.state().map(<[u8]>::to_vec);
        inner.issue(request, &mut Unheard { state, outer: progress }).await
    }
}

/// Remembers its orders, and saves nothing.
#[derive(Default)]
pub(crate) struct Silent(Mutex<BTreeMap<Vec<u8>, Vec<u8>>>);

#[async_trait]
impl Flaw for Silent {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        _: &mut dyn Progress,
    ) -> Result<Step, Error> {
        let csr = request.csr.as_ref().to_vec();
        let mut own = InMemory::new();
        let state = self.0.lock().unwrap().get(&csr).cloned();
        if let Some(state) = state {
            own.save(&state).await.unwrap();
        }
        let step = inner.issue(request, &mut own).await;
        if let Some(state) = own.state() {
            self.0.lock().unwrap().insert(csr, state.to_vec());
        }
        step
    }
}

/// Goes ahead, and saves what came of it.
pub(crate) struct Hasty;

#[async_trait]
impl Flaw for Hasty {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        let mut own = InMemory::new();
        if let Some(state) = progress.state() {
            own.save(state).await.unwrap();
        }
        let step = inner.issue(request, &mut own).await?;
        if let Some(state) = own.state() {
            progress.save(state).await.map_err(|_| Error::new(ErrorKind::Conflict, "the record is lost"))?;
        }
        Ok(step)
    }
}

/// Makes an order first that nobody asked for.
pub(crate) struct Wasteful;

#[async_trait]
impl Flaw for Wasteful {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        if progress.state().is_none() {
            let _ = inner.issue(request, &mut InMemory::new()).await;
        }
        inner.issue(request, progress).await
    }
}

/// Refuses what it issued before.
pub(crate) struct Once(pub(crate) Arc<Mutex<BTreeSet<Vec<u8>>>>);

#[async_trait]
impl Flaw for Once {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        let csr = request.csr.as_ref().to_vec();
        if self.0.lock().unwrap().contains(&csr) {
            return Err(Error::new(ErrorKind::Conflict, "this was issued before"));
        }
        let step = inner.issue(request, progress).await?;
        if let Step::Issued(_) = step {
            self.0.lock().unwrap().insert(csr);
        }
        Ok(step)
    }
}

/// Is never done.
pub(crate) struct Endless(pub(crate) VirtualClock);

#[async_trait]
impl Flaw for Endless {
    async fn issue(&self, _: &dyn Issuer, _: &CertificateRequest<'_>, _: &mut dyn Progress) -> Result<Step, Error> {
        Ok(Step::NotYet { again: self.0.now(), waiting: Waiting::outside("somebody") })
    }
}

/// Returns chains upside down.
pub(crate) struct Reversed;

#[async_trait]
impl Flaw for Reversed {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        Ok(match inner.issue(request, progress).await? {
            Step::Issued(mut issued) => {
                let reversed = issued.chain.certificates().iter().rev().cloned().collect();
                issued.chain = Chain::new(reversed);
                Step::Issued(issued)
            }
            not_yet => not_yet,
        })
    }
}

/// Returns the first chain it ever got, to everybody.
pub(crate) struct Stale(pub(crate) Arc<Mutex<Option<Chain>>>);

#[async_trait]
impl Flaw for Stale {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        Ok(match inner.issue(request, progress).await? {
            Step::Issued(mut issued) => {
                issued.chain = self.0.lock().unwrap().get_or_insert(issued.chain).clone();
                Step::Issued(issued)
            }
            not_yet => not_yet,
        })
    }
}

/// Works on one request at a time.
#[derive(Default)]
pub(crate) struct Alone(AtomicUsize);

#[async_trait]
impl Flaw for Alone {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        if self.0.fetch_add(1, Ordering::SeqCst) > 0 {
            self.0.fetch_sub(1, Ordering::SeqCst);
            return Err(Error::new(ErrorKind::Conflict, "one at a time").with_retry(Retry::Never));
        }
        let step = inner.issue(request, progress).await;
        self.0.fetch_sub(1, Ordering::SeqCst);
        step
    }
}
