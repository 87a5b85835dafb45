//! A program that is killed everywhere still makes one certificate from one order, if it keeps its word to the store.

use std::sync::Arc;

use acme_core::client::{Answer, Call};
use acme_core::protocol::{NewOrder, Registration, Url};
use acme_core::{Client as _, Directory, Expect, Identifier, Key, KeyType, PrivateKey, Secret, Session, Store};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use certwright_testkit::ca::{ModelCa, Settings};
use certwright_testkit::crash::{Effects, MortalStore, MortalTransport, Replay, World};
use certwright_testkit::{DurableStore, VirtualClock};

use crate::raw::csr_by;

#[test]
fn whoever_stores_first_survives_every_kill_and_every_pair() {
    let summary = Replay::every_effect().and_pairs_every(7).run(Site::new, careful, |site, _| {
        let issued = site.ca.issued();
        assert_eq!(site.ca.accounts(), 1);
        assert_eq!(site.ca.finalized_orders(), 1);
        assert_eq!(issued.len(), 1);
        let kept = site.store.bytes(&key("csr")).unwrap();
        let spki = site.store.bytes(&key("spki")).unwrap();
        assert!(!kept.is_empty());
        assert_eq!(issued[0].csr_spki, spki);
    });
    assert!(summary.effects > 10, "{summary:?}");
    assert!(summary.stories > 4 * summary.effects, "{summary:?}");
}

#[test]
#[should_panic(expected = "killed after effect")]
fn whoever_keeps_the_order_in_memory_is_caught() {
    Replay::every_effect().run(Site::new, careless, |site, _| {
        assert!(site.ca.finalized_orders() <= 1, "two orders were finalized");
    });
}

struct Site {
    ca: ModelCa,
    clock: VirtualClock,
    store: DurableStore,
}

impl World for Site {
    fn clock(&self) -> &VirtualClock {
        &self.clock
    }
}

impl Site {
    fn new() -> Self {
        Self { ca: ModelCa::new(Settings::default()), clock: VirtualClock::new(), store: DurableStore::new() }
    }

    fn program(&self, effects: &Effects) -> Program {
        let transport = MortalTransport::new(self.ca.transport(&self.clock), effects);
        Program {
            directory: Directory::new(self.ca.directory_url(), Arc::new(transport), Arc::new(self.clock.clone())),
            store: MortalStore::new(self.store.clone(), effects),
        }
    }
}

/// Keys and the order's URL are durable before anything that needs them.
fn careful(site: &Site, effects: Effects) -> impl Future<Output = ()> + use<> {
    let program = site.program(&effects);
    async move {
        let session = program.session().await;
        let csr = program.csr().await;
        let order = match program.read("order").await {
            Some(url) => String::from_utf8(url).unwrap(),
            None => {
                let url = program.order(&session).await.to_string();
                program.write("order", url.as_bytes()).await;
                url
            }
        };
        program.finish(&session, &order.parse().unwrap(), csr).await;
    }
}

/// Orders anew in each life.
fn careless(site: &Site, effects: Effects) -> impl Future<Output = ()> + use<> {
    let program = site.program(&effects);
    async move {
        let session = program.session().await;
        let csr = program.csr().await;
        let order = program.order(&session).await;
        program.finish(&session, &order, csr).await;
    }
}

struct Program {
    directory: Directory,
    store: MortalStore<DurableStore>,
}

impl Program {
    async fn session(&self) -> Session {
        let kept = self.read("account").await;
        let pem = match kept {
            Some(pem) => String::from_utf8(pem).unwrap(),
            None => {
                let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
                let pem = key.to_pem().expose().clone();
                self.write("account", pem.as_bytes()).await;
                pem
            }
        };
        let key = Arc::new(PrivateKey::from_pem(&pem).unwrap());
        let registration = Registration::agreeing_to_terms();
        self.directory.register(key, &registration).await.unwrap()
    }

    async fn csr(&self) -> Vec<u8> {
        if let Some(csr) = self.read("csr").await {
            return csr;
        }
        let key = rcgen::KeyPair::generate().unwrap();
        let csr = csr_by(&key, &["example.com"])["csr"].as_str().unwrap().to_owned();
        let csr = BASE64.decode(csr).unwrap();
        let spki = rcgen::PublicKeyData::subject_public_key_info(&key);
        self.write("spki", &spki).await;
        self.write("csr", &csr).await;
        csr
    }

    async fn order(&self, session: &Session) -> Url {
        let wish = NewOrder::new([Identifier::parse("example.com").unwrap()]);
        match session.call(&Call::NewOrder(wish)).await.unwrap().answer {
            Answer::Order { url, .. } => url,
            other => panic!("{other:?}"),
        }
    }

    async fn finish(&self, session: &Session, url: &Url, csr: Vec<u8>) {
        loop {
            let look = Call::ReadOrder(url.clone());
            let Answer::Order { order, .. } = session.call(&look).await.unwrap().answer else {
                panic!("no order");
            };
            match order.status.as_str() {
                "pending" => {
                    let look = Call::ReadAuthorization(order.authorizations[0].clone());
                    let answer = session.call(&look).await.unwrap().answer;
                    let Answer::Authorization(authorization) = answer else {
                        panic!("no authorization");
                    };
                    let accept = Call::Accept(authorization.challenges[0].url.clone());
                    session.call(&accept).await.unwrap();
                }
                "ready" => {
                    let finalize = Call::Finalize { url: order.finalize, csr: csr.clone() };
                    session.call(&finalize).await.unwrap();
                }
                "valid" => {
                    self.write("done", b"yes").await;
                    return;
                }
                other => panic!("the order is {other}"),
            }
        }
    }

    async fn read(&self, name: &str) -> Option<Vec<u8>> {
        let entry = self.store.get(&key(name)).await.unwrap()?;
        Some(entry.value.expose().clone())
    }

    async fn write(&self, name: &str, value: &[u8]) {
        let value = Secret::new(value.to_vec());
        self.store.put(&key(name), value, Expect::Anything).await.unwrap();
    }
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}
