//! What a test of the keeper stands on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use acme_core::protocol::{RenewalInfo, Window};
use acme_core::{Clock as _, Error, Identifier, Store, Timestamp};
use certwright_certstore::keeper::{Builder, Events, Happening, Notice, Opened};
use certwright_certstore::record::Record;
use certwright_certstore::{Credential, Keeper, Serve, Spec};
use issuers::Issuer;
use testkit::{DurableStore, Runtime, VirtualClock};

use crate::ca::{Ca, TestTimer};

pub(crate) struct World {
    pub(crate) clock: VirtualClock,
    pub(crate) store: DurableStore,
    pub(crate) ca: Ca,
    pub(crate) shop: Arc<Shop>,
    pub(crate) runtime: Runtime,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = VirtualClock::new();
        Self {
            store: DurableStore::new(),
            ca: Ca::new(&clock),
            shop: Arc::new(Shop::default()),
            runtime: Runtime::new(&clock),
            clock,
        }
    }

    pub(crate) fn builder(&self) -> Builder {
        self.builder_over(Arc::new(self.store.clone()), &self.ca)
    }

    pub(crate) fn builder_over(&self, store: Arc<dyn Store>, ca: &Ca) -> Builder {
        self.builder_with(store, Arc::new(ca.clone()))
    }

    pub(crate) fn builder_with(&self, store: Arc<dyn Store>, issuer: Arc<dyn Issuer>) -> Builder {
        Keeper::builder(store, [issuer], Arc::new(TestTimer(self.clock.clone())))
            .serve(Arc::clone(&self.shop) as Arc<dyn Serve>)
    }

    pub(crate) async fn start(&self, builder: Builder) -> Keeper {
        let Opened { keeper, work, .. } = builder.open().await.unwrap();
        self.runtime.spawn(work.run());
        keeper
    }

    pub(crate) fn run<F: Future>(&self, main: F) -> F::Output {
        self.runtime.run(main)
    }

    pub(crate) fn record(&self, name: &str) -> Record {
        let bytes = self.store.bytes(&Spec::key_of(name).unwrap()).unwrap();
        Record::decode(&bytes).unwrap()
    }

    pub(crate) async fn wait(&self, span: Duration) {
        self.clock.sleep(span).await;
    }
}

/// Serves nobody, and remembers what it was told.
#[derive(Default)]
pub(crate) struct Shop(Mutex<Vec<(String, String)>>);

impl Shop {
    /// The serial number served under a name.
    pub(crate) fn serial(&self, certificate: &str) -> Option<String> {
        let told = self.0.lock().unwrap();
        told.iter().rev().find(|(name, _)| name == certificate).map(|(_, serial)| serial.clone())
    }
}

impl Serve for Shop {
    fn install(&self, certificate: &str, _: &[Identifier], credential: &Credential) -> Result<(), Error> {
        let serial = credential.leaf()?.serial;
        self.0.lock().unwrap().push((certificate.to_owned(), serial));
        Ok(())
    }

    fn withdraw(&self, certificate: &str) {
        self.0.lock().unwrap().retain(|(name, _)| name != certificate);
    }
}

/// The next event of a kind.
pub(crate) async fn until(events: &mut Events, wanted: impl Fn(&Happening) -> bool) -> Notice {
    loop {
        let notice = events.next().await.expect("the keeper shut down");
        if wanted(&notice.event.what) {
            return notice;
        }
    }
}

pub(crate) fn window(start: Timestamp, length: Duration) -> RenewalInfo {
    let window = Window::new(start, start + length).unwrap();
    serde_json::from_value(serde_json::json!({"suggestedWindow": window})).unwrap()
}

pub(crate) fn spec(name: &str) -> Spec {
    Spec::new([name]).unwrap()
}

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

impl World {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
