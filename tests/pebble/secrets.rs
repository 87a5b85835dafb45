//! What a program says of itself while it works, searched for what nobody may read.
//!
//! A process of its own runs the flows of this suite with every event and span of every crate written down, at the finest level; errors and `Debug`
//! of public values are written down too. Then all private keys and MAC keys are searched for, in every form a text may hold them.

mod forms;

use std::error::Error as _;
use std::fmt::{Debug, Write as _};
use std::io;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acme_core::client::Call;
use acme_core::directory::Revoker;
use acme_core::instant_acme_0_8::{self, Credentials};
use acme_core::protocol::{ExternalAccount, NewOrder, Registration};
use acme_core::{Client as _, Error, Expect, KeyType, Prefix, PrivateKey, Secret, Store};
use certstore::keeper::Happening;
use certstore::{FileStore, MemoryStore, Record, Spec};
use issuers::acme::{AccountSettings, AcmeIssuer, ExistingAccount};
use issuers::{CertificateRequest, InMemory, Issuer as _, Progress as _, TokioTimer, csr, drive};
use solvers::dns::rfc2136::{Rfc2136, TsigAlgorithm, TsigKey};
use solvers::dns01::{Dns01, Resolver};
use solvers::{Selector, Solvers};
use tempfile::TempDir;
use testkit::servers::{Bind, ChallTestSrv, Pebble, TsigAlgorithm as ServersAlgorithm, TsigKey as ServersKey, Zone};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::authority::{clock, directory, identifiers, key};
use crate::openssl;
use crate::serving::{Port, until};
use crate::through_instant_acme::{made, over};
use forms::Secrets;

#[test]
fn nothing_secret_is_said() {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    let output = command.args(["--exact", "secrets::everything_that_is_said", "--ignored", "--nocapture"]).output();
    let output = output.expect("ran");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a process of its own for its subscriber; run by nothing_secret_is_said"]
async fn everything_that_is_said() {
    let said = Said::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(said.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).expect("the first");
    let mut secrets = Secrets::default();

    accounts(&said, &mut secrets).await;
    instant_acme(&said, &mut secrets).await;
    keeping(&said, &mut secrets).await;
    names(&said, &mut secrets).await;

    let text = said.text();
    for witness in ["a certificate was issued", "making an account", "Serving", "kid-1", "PrivateKey(ECDSA P-256)"] {
        assert!(text.contains(witness), "{witness:?} was not said: is this the whole output ({} bytes)?", text.len());
    }
    assert!(secrets.len() >= 10, "only {} secrets are known", secrets.len());
    if let Some((name, at)) = secrets.find_in(&text) {
        let line = text[..at].rfind('\n').map_or(0, |it| it + 1);
        panic!("{name} is said: {}", text[line..].lines().next().unwrap_or_default());
    }
}

/// Accounts: bound, wrongly bound, changed; a certificate ordered by hand, revoked by its own key; what goes wrong on the way.
async fn accounts(said: &Said, secrets: &mut Secrets) {
    const MAC: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    const WRONG: &str = "b10lLJs8l1GPIzsLP0s6pMt8O0XVGnfTaCeROxQM0BIt2XrJMDHJZBM5NuQmQJQH";
    secrets.base64("the MAC key", MAC);
    secrets.base64("the wrong MAC key", WRONG);
    let pebble = Pebble::builder().strict().always_valid().eab_key("kid-1", MAC).start();
    let directory = directory(&pebble);
    let (first, second) = (key(KeyType::EcdsaP256), key(KeyType::EcdsaP384));
    secrets.key("the account's first key", &first);
    secrets.key("the account's second key", &second);
    let bound = |mac| {
        let external = ExternalAccount::new("kid-1", mac).expect("a binding");
        Registration::agreeing_to_terms().with_external_account(external)
    };

    said.debug(&bound(MAC));
    said.debug(&first);
    said.error(&directory.register(first.clone(), &bound(WRONG)).await.expect_err("wrong"));
    said.error(&directory.register(first.clone(), &Registration::default()).await.expect_err("not bound"));
    said.error(&ExternalAccount::new("kid-1", &format!("{MAC}!")).expect_err("not base64"));
    let session = directory.register(first, &bound(MAC)).await.expect("an account");
    let session = session.change_key(second).await.expect("changed");
    said.debug(&session);
    said.debug(&directory);

    let finished =
        crate::by_hand::finish(&session, NewOrder::new(identifiers(&["a.test"])), None).await.expect("issued");
    secrets.key("the certificate's key", &finished.key);
    said.debug(&finished.chains);
    let leaf = finished.chains[0].leaf().expect("a leaf");
    directory.revoke(leaf, None, Revoker::CertificateKey(&finished.key)).await.expect("revoked");
    session.deactivate().await.expect("given up");
    let order = Call::NewOrder(NewOrder::new(identifiers(&["b.test"])));
    said.error(&session.call(&order).await.expect_err("no account"));

    let broken = finished.key.to_pem().expose().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    said.error(&PrivateKey::from_pem(&broken).expect_err("not to be read"));
    let half = finished.key.to_pkcs8_der().expose()[..60].to_vec();
    said.error(&PrivateKey::from_pkcs8_der(Secret::new(half)).expect_err("cut off"));
}

/// Credentials of instant-acme: read, used by both clients, taken over.
async fn instant_acme(said: &Said, secrets: &mut Secrets) {
    let pebble = Pebble::builder().strict().always_valid().start();
    let (account, credentials) = made(&pebble, over(&pebble)).await;
    let json = serde_json::to_string(&credentials).expect("JSON");
    let credentials = Credentials::from_json(json.as_bytes()).expect("credentials");
    secrets.key("the key that instant-acme made", &credentials.key);
    said.debug(&credentials);
    said.error(&Credentials::from_json(&json.as_bytes()[..json.len() - 1]).expect_err("cut off"));
    said.error(&Credentials::from_json(json.replacen("MIG", "!!!", 1).as_bytes()).expect_err("not base64"));
    said.error(&Credentials::from_json(json.replacen("MIG", "AAA", 1).as_bytes()).expect_err("no key"));

    let session = instant_acme_0_8::session(&directory(&pebble), account).await.expect("a session");
    said.debug(&session);
    crate::by_hand::finish(&session, NewOrder::new(identifiers(&["a.test"])), None).await.expect("issued");
    said.error(&session.agree_to_terms().await.expect_err("it cannot"));
    let existing = ExistingAccount::from(credentials);
    said.debug(&existing);
    let settings = AccountSettings::new(Registration::agreeing_to_terms()).taking_over(existing);
    said.debug(&settings);
    let issuer = AcmeIssuer::builder("pebble", directory(&pebble), Solvers::new(), clock());
    let issuer = issuer.account(Arc::new(MemoryStore::new()), settings).build().expect("an issuer");
    issuer.account().expect("its own").open().await.expect("taken over");
    said.debug(&issuer);
}

/// A keeper: issuing, renewing, serving, failing; everything it stores.
async fn keeping(said: &Said, secrets: &mut Secrets) {
    let dns = ChallTestSrv::start();
    let mut pebble = Pebble::builder().strict().nonce_reject(30).dns_server(dns.dns_address()).start();
    let (port, folder) = (Port::open(&pebble).await, TempDir::new().expect("a folder"));
    let keeper = port.keeper(&pebble, folder.path(), TokioTimer).await.spawn().await.expect("a keeper");
    let mut events = keeper.events();
    keeper.ensure(Spec::new(["example.test"]).expect("a name")).await.expect("kept");
    until(&mut events, |it| matches!(it, Happening::Serving { .. })).await;
    stored(folder.path(), said, secrets).await;
    keeper.renew_now("example.test").await.expect("asked for");
    until(&mut events, |it| matches!(it, Happening::Serving { .. })).await;
    let (address, root) = (port.address, pebble.issuance_root_pem(0));
    let served = tokio::task::spawn_blocking(move || openssl::served(address, "example.test", &root));
    served.await.expect("served");

    pebble.stop();
    keeper.renew_now("example.test").await.expect("asked for");
    until(&mut events, |it| matches!(it, Happening::Failed { .. } | Happening::Waiting { .. })).await;
    // With the key of what is under way in it.
    stored(folder.path(), said, secrets).await;
    said.debug(&keeper);
    said.debug(&keeper.status("example.test").await.expect("kept"));
    keeper.shutdown(Duration::from_secs(5)).await;

    let store = FileStore::open(folder.path()).await.expect("a store");
    said.debug(&store);
    let key = Spec::key_of("example.test").expect("a key");
    let mut bytes = store.get(&key).await.expect("read").expect("there").value.expose().clone();
    bytes.truncate(bytes.len() - 10);
    said.error(&Record::decode(&bytes).expect_err("cut off"));
    store.put(&key, bytes.into(), Expect::Anything).await.expect("written");
    let keeper = port.keeper(&pebble, folder.path(), TokioTimer).await.spawn().await.expect("a keeper");
    said.error(&keeper.status("example.test").await.expect_err("cut off"));
    keeper.shutdown(Duration::from_secs(5)).await;
}

/// Names proven by DNS: a key of a name server, right and wrong.
async fn names(said: &Said, secrets: &mut Secrets) {
    let known =
        ServersKey::new("update.example.test", ServersAlgorithm::HmacSha256, *b"Zk3vT9wQx1Lr8Bn5Yc7Hj2Mf4Pd6Sg0A");
    let bind = Bind::builder().recursive().zone(Zone::new("example.test").update_with(&known)).start();
    let pebble = Pebble::builder().strict().dns_server(bind.address()).start();
    let wrong = "qk9dQ0l3c2V4cXJ2b0FtTnpQd0Z1S2hMZUdqVHlCaUQ=";
    secrets.base64("the name server's key", &known.secret_base64());
    secrets.base64("another name server's key", wrong);
    for (secret, right) in [(known.secret_base64(), true), (wrong.to_owned(), false)] {
        let tsig = TsigKey::from_base64(known.name(), TsigAlgorithm::HmacSha256, &Secret::new(secret)).expect("a key");
        said.debug(&tsig);
        let provider = Rfc2136::new(&bind.address().to_string(), clock()).expect("a server").with_key(tsig);
        said.debug(&provider);
        let resolver = Resolver::new([bind.address()], clock()).expect("a resolver");
        let resolver = resolver.with_authoritative_port(bind.address().port());
        let solver = Dns01::new(provider, resolver).with_again_after(Duration::from_millis(100));
        let store = Arc::new(MemoryStore::new());
        let solvers = Solvers::new().with("bind", solver, Selector::any());
        let issuer = AcmeIssuer::builder("pebble", directory(&pebble), solvers, clock());
        let settings = AccountSettings::new(Registration::agreeing_to_terms());
        let issuer = issuer.account(store.clone(), settings).build().expect("an issuer");
        said.debug(&issuer);

        let (key, names) = (PrivateKey::generate(KeyType::EcdsaP256).expect("a key"), identifiers(&["*.example.test"]));
        secrets.key("a wildcard's key", &key);
        let csr = csr::create(&key, &names).await.expect("a request");
        let request = CertificateRequest::new(&csr, &names);
        let mut progress = InMemory::new();
        if right {
            drive(&issuer, &request, &mut progress, &TokioTimer).await.expect("issued");
        } else {
            match issuer.issue(&request, &mut progress).await {
                Ok(step) => said.debug(&step),
                Err(error) => said.error(&error),
            }
        }
        said.debug(&progress);
        said.write(String::from_utf8_lossy(progress.state().unwrap_or_default()).as_ref());
        said.debug(&issuer.account());
        account_keys(store.as_ref(), secrets).await;
    }
}

/// Learns all keys in a folder, and what their owners' `Debug` says.
async fn stored(folder: &std::path::Path, said: &Said, secrets: &mut Secrets) {
    let store = FileStore::open(folder).await.expect("a store");
    for key in store.list(&Prefix::below("certificates").expect("a folder"), None).await.expect("listed").keys {
        let entry = store.get(&key).await.expect("read").expect("there");
        said.debug(&entry);
        let record = Record::decode(entry.value.expose()).expect("a record");
        said.debug(&record);
        for credential in &record.served {
            secrets.pkcs8("a key that is served", credential.key.expose());
        }
        if let Some(pending) = &record.pending {
            secrets.pkcs8("a key that waits for its certificate", pending.key.expose());
        }
    }
    account_keys(&store, secrets).await;
}

/// Learns the keys of the accounts in a store.
async fn account_keys(store: &dyn Store, secrets: &mut Secrets) {
    let accounts = store.list(&Prefix::below("acme/accounts").expect("a folder"), None).await.expect("listed").keys;
    assert_eq!(accounts.len(), 1, "one account is stored");
    for key in accounts {
        let entry = store.get(&key).await.expect("read").expect("there");
        let record: serde_json::Value = serde_json::from_slice(entry.value.expose()).expect("JSON");
        let key = PrivateKey::from_pem(record["key"].as_str().expect("a key")).expect("a key");
        secrets.key("an account's key", &key);
    }
}

/// All that was said.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    fn write(&self, text: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(text.as_bytes());
        all.push(b'\n');
    }

    fn debug(&self, value: &dyn Debug) {
        self.write(&format!("{value:?}\n{value:#?}"));
    }

    /// An error with all its causes, as programs print them.
    fn error(&self, error: &Error) {
        let mut text = format!("{error}\n{error:?}\n{error:#?}");
        let mut cause = error.source();
        while let Some(error) = cause {
            let _ = write!(text, "\n{error}\n{error:?}");
            cause = error.source();
        }
        self.write(&text);
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Said {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
