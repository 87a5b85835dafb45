//! What people get wrong, and what they are told: what failed, on what, and what to do.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use acme_core::protocol::{ExternalAccount, Registration, Url};
use acme_core::transport::ReqwestTransport;
use acme_core::{
    Clock, Directory, Error, ErrorKind, Key, KeyType, PrivateKey, Retry, Store as _, Timestamp, Transport,
};
use async_trait::async_trait;
use bytes::Bytes;
use certstore::MemoryStore;
use issuers::TokioTimer;
use issuers::acme::{AccountSettings, AcmeIssuer, directories};
use solvers::http01::listener::Listener;
use solvers::{Answers, Http01, Selector, Solvers};
use testkit::servers::{Endpoint, Pebble};

use crate::authority::{clock, directory, directory_url, identifiers, transport};
use crate::issuer::{builder, http, issuer, try_issue};
use crate::under::{Under, under_both};

under_both! {
    a_name_that_no_solver_covers,
    a_wildcard_with_http_01,
    a_profile_that_the_ca_does_not_offer,
}

async fn a_name_that_no_solver_covers(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().start();
    let only = Selector::any().names(identifiers(&["www.example.test"]));
    let solvers = Solvers::new().with("web", Http01::new(Answers::new()), only);

    let error = refused(&under.issuer(&pebble, solvers).await?, &["example.test"]).await;

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unsupported, Retry::Never));
    says(&error, &["example.test", "web"]);
    assert_eq!(pebble.requests().count(Endpoint::NewOrder), 0, "no order was spent on it");
    Ok(())
}

async fn a_wildcard_with_http_01(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().start();

    let error = refused(&under.issuer(&pebble, http(&Answers::new())).await?, &["*.example.test"]).await;

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unsupported, Retry::Never));
    says(&error, &["*.example.test", "dns-01"]);
    assert_eq!(pebble.requests().count(Endpoint::NewOrder), 0);
    Ok(())
}

async fn a_profile_that_the_ca_does_not_offer(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().profile("classic", Duration::from_secs(86_400)).start();
    let issuer = under.issuer(&pebble, http(&Answers::new())).await?;
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();

    let issued = try_issue(&issuer, &key, &["a.test"], |request| request.profile = Some("shortlived")).await;

    let error = issued.err().expect("it is not offered");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unsupported, Retry::Never));
    says(&error, &["does not offer the profile shortlived; it offers classic"]);
    Ok(())
}

#[tokio::test]
async fn an_account_that_must_be_bound_and_is_not_or_wrongly() {
    const MAC: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let pebble = Pebble::builder().strict().eab_key("kid-1", MAC).start();
    let error = refused(&issuer(&pebble, http(&Answers::new())), &["a.test"]).await;
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never));
    says(&error, &["external account binding"]);

    let external = ExternalAccount::new("kid-1", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
    let settings = AccountSettings::new(Registration::agreeing_to_terms().with_external_account(external));
    let issuer = AcmeIssuer::builder("pebble", directory(&pebble), http(&Answers::new()), clock());
    let issuer = issuer.account(Arc::new(MemoryStore::new()), settings).build().unwrap();
    let error = refused(&issuer, &["a.test"]).await;
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never));
    says(&error, &["kid-1", "compare its key id and MAC key"]);
}

#[tokio::test]
async fn a_mac_key_that_is_none() {
    let error = ExternalAccount::new("kid-1", "not base64!").expect_err("it is not");

    assert_eq!(error.kind(), ErrorKind::Malformed);
    says(&error, &["the MAC key of the external account is not base64", "copy it again"]);
}

#[tokio::test]
async fn terms_that_nobody_agreed_to() {
    let pebble = Pebble::builder().strict().start();
    let settings = AccountSettings::new(Registration::default());
    let issuer = AcmeIssuer::builder("pebble", directory(&pebble), http(&Answers::new()), clock());
    let issuer = issuer.account(Arc::new(MemoryStore::new()), settings).build().unwrap();

    let error = refused(&issuer, &["a.test"]).await;

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never));
    says(&error, &["terms of service of", "are not agreed to: read", "and agree"]);
}

#[tokio::test]
async fn dates_at_a_ca_that_takes_none() {
    let pebble = Pebble::builder().strict().start();
    let url = Url::parse(directories::LETS_ENCRYPT.url).unwrap();
    let stand_in = Instead { url: directory_url(&pebble), inner: transport(&pebble) };
    let directory = Directory::new(url, Arc::new(stand_in), clock());
    let settings = AccountSettings::new(Registration::agreeing_to_terms());
    let issuer = AcmeIssuer::builder("le", directory, http(&Answers::new()), clock());
    let issuer = issuer.account(Arc::new(MemoryStore::new()), settings).ask_for_durations().build().unwrap();
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();

    let day = Duration::from_secs(86_400);
    let issued = try_issue(&issuer, &key, &["a.test"], |request| request.duration = Some(day)).await;

    let error = issued.err().expect("it takes none");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unsupported, Retry::Never));
    says(&error, &["Let's Encrypt", "does not let clients choose how long a certificate is valid: use a profile"]);
    assert_eq!(pebble.requests().count(Endpoint::NewOrder), 0);
}

#[tokio::test]
async fn a_directory_that_nobody_serves() {
    let mut pebble = Pebble::builder().strict().start();
    let issuer = issuer(&pebble, http(&Answers::new()));
    pebble.stop();

    let error = refused(&issuer, &["a.test"]).await;

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unreachable, Retry::Backoff));
    says(&error, &["127.0.0.1:", "refuses connections"]);
}

#[tokio::test]
async fn a_directory_whose_root_is_not_trusted() {
    let pebble = Pebble::builder().strict().start();
    let other = Pebble::builder().strict().start();
    let directory = Directory::new(directory_url(&pebble), Arc::new(transport(&other)), clock());
    let settings = AccountSettings::new(Registration::agreeing_to_terms());
    let issuer = AcmeIssuer::builder("pebble", directory, http(&Answers::new()), clock());
    let issuer = issuer.account(Arc::new(MemoryStore::new()), settings).build().unwrap();

    let error = refused(&issuer, &["a.test"]).await;

    assert_eq!(error.kind(), ErrorKind::Unreachable);
    says(&error, &["is not trusted", "add the root that is in use now to the transport"]);
}

#[tokio::test]
async fn a_clock_that_is_hours_off() {
    let pebble = Pebble::builder().strict().start();
    for (clock, side) in [(Off::Ahead, "3 hours ahead of"), (Off::Behind, "3 hours behind")] {
        let clock = Arc::new(clock);
        let directory = Directory::new(directory_url(&pebble), Arc::new(transport(&pebble)), clock.clone());
        let settings = AccountSettings::new(Registration::agreeing_to_terms());
        let issuer = AcmeIssuer::builder("pebble", directory, http(&Answers::new()), clock);
        let issuer = issuer.account(Arc::new(MemoryStore::new()), settings).build().unwrap();

        let error = refused(&issuer, &["a.test"]).await;

        says(&error, &["this machine's clock is", side, "set it, and keep it set by NTP"]);
    }
    assert_eq!(pebble.requests().count(Endpoint::NewOrder), 0);
}

#[tokio::test]
async fn an_account_that_a_newer_release_wrote() {
    let pebble = Pebble::builder().strict().start();
    let store = Arc::new(MemoryStore::new());
    issue_once(&pebble, store.clone()).await;
    let accounts = acme_core::Prefix::below("acme/accounts").unwrap();
    let key: Key = store.list(&accounts, None).await.unwrap().keys.remove(0);
    let stored = store.get(&key).await.unwrap().expect("the account");
    let newer = String::from_utf8(stored.value.expose().clone()).unwrap().replacen("\"format\":1", "\"format\":999", 1);
    store.put(&key, newer.clone().into_bytes().into(), acme_core::Expect::Anything).await.unwrap();

    let issuer = builder(&pebble, http(&Answers::new()), store.clone()).build().unwrap();
    let error = refused(&issuer, &["a.test"]).await;

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unsupported, Retry::Never));
    says(&error, &[key.as_str(), "999", "newer release"]);
    let left = store.get(&key).await.unwrap().expect("still there");
    assert_eq!(left.value.expose(), newer.as_bytes(), "it was left alone");
}

#[tokio::test]
async fn a_port_in_use() {
    let taken = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address: SocketAddr = taken.local_addr().unwrap();

    let error = Listener::bind(address, Answers::new()).await.expect_err("it is taken");

    assert_eq!(error.kind(), ErrorKind::Conflict);
    says(&error, &[&address.to_string(), "another program listens on port", "stop it"]);
}

async fn issue_once(pebble: &Pebble, store: Arc<MemoryStore>) {
    let issuer = builder(pebble, http(&Answers::new()), store).build().expect("an issuer");
    let account = issuer.account().expect("its own");
    account.open().await.expect("an account");
}

async fn refused(issuer: &AcmeIssuer, names: &[&str]) -> Error {
    let key = PrivateKey::generate(KeyType::EcdsaP256).expect("a key");
    let issued = try_issue(issuer, &key, names, |_| {}).await;
    issued.err().expect("it cannot be issued")
}

#[track_caller]
fn says(error: &Error, words: &[&str]) {
    let text = error.to_string();
    assert!(!text.contains('\n'), "one line: {text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
}

/// A clock that is wrong by three hours.
#[derive(Clone, Copy)]
enum Off {
    Ahead,
    Behind,
}

impl Clock for Off {
    fn now(&self) -> Timestamp {
        let wrong = Duration::from_secs(3 * 3_600 + 60);
        match self {
            Self::Ahead => TokioTimer.now() + wrong,
            Self::Behind => TokioTimer.now() - wrong,
        }
    }
}

/// Asks one server for whatever is asked of another's directory, so that no question leaves this machine.
struct Instead {
    url: Url,
    inner: ReqwestTransport,
}

#[async_trait]
impl Transport for Instead {
    async fn send(&self, mut request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Error> {
        if request.uri().host() != Some("127.0.0.1") {
            *request.uri_mut() = self.url.as_str().parse().expect("a URL");
        }
        self.inner.send(request).await
    }
}
