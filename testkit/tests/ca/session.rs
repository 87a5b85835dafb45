//! The client of `acme-core` and the authority agree, on virtual time.

use std::sync::Arc;
use std::time::Duration;

use acme_core::client::{Alternates, Answer, Call};
use acme_core::directory::Revoker;
use acme_core::protocol::{
    Authorization, ExternalAccount, HmacAlgorithm, NewOrder, Order, OrderStatus, Registration, Url,
};
use acme_core::{Client as _, Clock as _, Directory, ErrorKind, Identifier, KeyType, PrivateKey, Retry, Session};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use certwright_testkit::VirtualClock;
use certwright_testkit::ca::{Endpoint, ExternalAccounts, Fault, ModelCa, Settings, Times, Wait};
use futures_util::future::join_all;
use rustls_pki_types::CertificateDer;

use crate::raw::csr_by;

#[test]
fn accounts_with_every_kind_of_key_are_served() {
    for kind in [KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::EcdsaP521, KeyType::Rsa2048, KeyType::Ed25519] {
        let world = World::new(Settings::default());
        certwright_testkit::run(&world.clock, async {
            let session = world.register(kind).await;
            world.issue(&session, &["example.com"]).await;
        });
        assert_eq!(world.ca.issued().len(), 1, "{kind}");
    }
}

#[test]
fn external_accounts_are_bound_with_every_hash() {
    let secret = [7_u8; 32];
    for algorithm in [HmacAlgorithm::Hs256, HmacAlgorithm::Hs384, HmacAlgorithm::Hs512] {
        let world = World::new(Settings {
            external_accounts: ExternalAccounts::Required,
            external_keys: [("kid-1".to_owned(), secret.to_vec())].into(),
            ..Settings::default()
        });
        let register = |key_id: &'static str, mac: [u8; 32]| {
            let bound = ExternalAccount::new(key_id, &BASE64.encode(mac)).unwrap().with_algorithm(algorithm);
            let registration = Registration::agreeing_to_terms().with_external_account(bound);
            let directory = world.directory();
            let key = Arc::new(PrivateKey::generate(KeyType::EcdsaP256).unwrap());
            async move { directory.register(key, &registration).await.map(|_| ()) }
        };
        certwright_testkit::run(&world.clock, register("kid-1", secret)).unwrap();
        for (key_id, mac) in [("kid-2", secret), ("kid-1", [8; 32])] {
            let error = certwright_testkit::run(&world.clock, register(key_id, mac)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthorized);
        }
        assert_eq!(world.ca.accounts(), 1);
    }
}

#[test]
fn nine_nonces_in_ten_may_be_refused() {
    let world = World::new(Settings::default());
    certwright_testkit::run(&world.clock, async {
        let session = world.register(KeyType::EcdsaP256).await;
        let storm = world.ca.inject_everywhere(Fault::BadNonce, Times::Percent(90));
        for _ in 0..10 {
            world.issue(&session, &["example.com"]).await;
        }
        assert!(world.ca.struck(storm) > 100);
    });
    assert_eq!((world.ca.issued().len(), world.ca.orders()), (10, 10));
}

#[test]
fn fifty_names_in_one_order_take_a_few_round_trips() {
    let world = World::new(Settings::default());
    let names: Vec<String> = (0..50).map(|it| format!("n{it}.example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    certwright_testkit::run(&world.clock, async {
        let session = world.register(KeyType::EcdsaP256).await;
        // Enough nonces for the first burst, as a pool in use would hold.
        join_all((0..50).map(|_| session.account_object())).await;
        let begin = world.clock.now();
        world.issue(&session, &names).await;
        let took = world.clock.now().since(begin);
        assert!(took <= ROUND_TRIP * 15 / 2, "{took:?}");
    });
}

#[test]
fn a_limit_comes_up_with_its_time_and_nobody_asks_before() {
    let world = World::new(Settings::default());
    certwright_testkit::run(&world.clock, async {
        let session = world.register(KeyType::EcdsaP256).await;
        let wait = Duration::from_secs(3 * 3600);
        let fault = Fault::RateLimited(Wait::Date(wait));
        world.ca.inject(Endpoint::NewOrder, fault, Times::Once);
        let error = world.order(&session, &["example.com"]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        let Retry::After(after) = error.retry() else {
            panic!("{error:?}");
        };
        assert!(after <= wait && after > wait - Duration::from_secs(2), "{after:?}");
        world.clock.sleep(wait).await;
        world.order(&session, &["example.com"]).await.unwrap();
    });
    assert_eq!(world.ca.requests_inside_windows(), 0);
}

#[test]
fn alternates_keys_and_revocation_are_understood() {
    let world = World::new(Settings { roots: 2, ..Settings::default() });
    certwright_testkit::run(&world.clock, async {
        let session = world.register(KeyType::EcdsaP256).await;
        let key = rcgen::KeyPair::generate().unwrap();
        let order = world.issue_for(&session, &["example.com"], &key).await;
        let download = Call::Download { url: order.certificate.unwrap(), alternates: Alternates::Fetch };
        let Answer::Chains(chains) = session.call(&download).await.unwrap().answer else {
            panic!("no chains");
        };
        assert_eq!(chains.len(), 2);
        assert_eq!(chains[0].leaf(), chains[1].leaf());
        assert_ne!(chains[0].certificates()[1], chains[1].certificates()[1]);

        let new = Arc::new(PrivateKey::generate(KeyType::EcdsaP384).unwrap());
        let session = session.change_key(new.clone()).await.unwrap();
        let found = world.directory().find(new).await.unwrap().unwrap();
        assert_eq!(found.account(), session.account());

        let leaf = CertificateDer::from(world.ca.issued().remove(0).leaf);
        let key = PrivateKey::from_pkcs8_der(key.serialize_der().into()).unwrap();
        let directory = world.directory();
        directory.revoke(&leaf, None, Revoker::CertificateKey(&key)).await.unwrap();
    });
    assert_eq!(world.ca.revocation(&world.ca.issued()[0].id), Some(0));
}

#[test]
fn renewal_information_reaches_the_client() {
    let world = World::new(Settings::default());
    certwright_testkit::run(&world.clock, async {
        let session = world.register(KeyType::EcdsaP256).await;
        world.issue(&session, &["example.com"]).await;
        let id = world.ca.issued().remove(0).id;
        let (start, end) = (world.clock.now(), world.clock.now() + ROUND_TRIP);
        world.ca.set_renewal_window(start, end);
        let reply = world.directory().renewal_info(&id).await.unwrap();
        assert_eq!(reply.info.suggested_window.start, start);
        assert_eq!(reply.retry_after, Some(Duration::from_secs(6 * 3600)));
        world.ca.set_renewal_window(end, start);
        assert!(world.directory().renewal_info(&id).await.is_err());
    });
}

struct World {
    ca: ModelCa,
    clock: VirtualClock,
}

impl World {
    fn new(settings: Settings) -> Self {
        Self { ca: ModelCa::new(settings), clock: VirtualClock::new() }
    }

    fn directory(&self) -> Directory {
        let transport = self.ca.transport(&self.clock).with_round_trip(ROUND_TRIP);
        Directory::new(self.ca.directory_url(), Arc::new(transport), Arc::new(self.clock.clone()))
    }

    async fn register(&self, kind: KeyType) -> Session {
        let key = Arc::new(PrivateKey::generate(kind).unwrap());
        self.directory().register(key, &Registration::agreeing_to_terms()).await.unwrap()
    }

    async fn order(&self, session: &Session, names: &[&str]) -> Result<(Url, Order), acme_core::Error> {
        let identifiers = names.iter().map(|it| Identifier::parse(it).unwrap());
        let call = Call::NewOrder(NewOrder::new(identifiers));
        match session.call(&call).await?.answer {
            Answer::Order { url, order } => Ok((url, order)),
            other => panic!("{other:?}"),
        }
    }

    async fn issue(&self, session: &Session, names: &[&str]) -> Order {
        let key = rcgen::KeyPair::generate().unwrap();
        self.issue_for(session, names, &key).await
    }

    /// Seven round trips: order, authorizations, challenges, look, finalize, look, download.
    async fn issue_for(&self, session: &Session, names: &[&str], key: &rcgen::KeyPair) -> Order {
        let (url, order) = self.order(session, names).await.unwrap();
        let looks = order.authorizations.into_iter().map(|url| async {
            match session.call(&Call::ReadAuthorization(url)).await.unwrap().answer {
                Answer::Authorization(authorization) => authorization,
                other => panic!("{other:?}"),
            }
        });
        let authorizations: Vec<Authorization> = join_all(looks).await;
        join_all(authorizations.iter().map(|it| async {
            let call = Call::Accept(it.challenges[0].url.clone());
            session.call(&call).await.unwrap();
        }))
        .await;
        let ready = self.look(session, &url).await;
        assert_eq!(ready.status, OrderStatus::Ready);
        let csr = csr_by(key, names)["csr"].as_str().unwrap().to_owned();
        let finalize = Call::Finalize { url: ready.finalize, csr: BASE64.decode(csr).unwrap() };
        session.call(&finalize).await.unwrap();
        let order = self.look(session, &url).await;
        assert_eq!(order.status, OrderStatus::Valid);
        let download = Call::Download { url: order.certificate.clone().unwrap(), alternates: Alternates::Skip };
        session.call(&download).await.unwrap();
        order
    }

    async fn look(&self, session: &Session, url: &Url) -> Order {
        let call = Call::ReadOrder(url.clone());
        match session.call(&call).await.unwrap().answer {
            Answer::Order { order, .. } => order,
            other => panic!("{other:?}"),
        }
    }
}

const ROUND_TRIP: Duration = Duration::from_millis(80);
