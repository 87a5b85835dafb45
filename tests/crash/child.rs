//! What is killed: a keeper that keeps one certificate, with its state in a folder.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use acme_core::protocol::{Registration, Url};
use acme_core::transport::ReqwestTransport;
use acme_core::{Directory, Store};
use certstore::{FileStore, Keeper, Spec};
use issuers::acme::{AccountSettings, AcmeIssuer};
use issuers::{Issuer, TokioTimer};
use solvers::http01::webroot::Webroot;
use solvers::{Selector, Solvers};

use crate::stage::{NAMES, state, web_root};
use crate::steps::{List, Steps, Told};

#[test]
#[ignore = "is the process that is killed; run by killed_at_any_step_it_ends_with_one_certificate_one_order_and_nothing_left_behind"]
fn keeps_one_certificate() {
    let directory = of_environment("CERTWRIGHT_CRASH_DIRECTORY");
    let folder = PathBuf::from(of_environment("CERTWRIGHT_CRASH_FOLDER"));
    let list = if of_environment("CERTWRIGHT_CRASH_LIST") == "shown" { List::Shown } else { List::Hidden };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(keep(&directory, folder, Steps::new(list)));
}

async fn keep(directory: &str, folder: PathBuf, steps: Steps) {
    let root = std::fs::read(folder.join("ca.pem")).expect("the CA's root");
    let transport = ReqwestTransport::builder().add_root_pem(&root).expect("a root").only_given_roots();
    let transport = Told::new(transport.build().expect("a transport"), &steps);
    let directory = Directory::new(Url::parse(directory).expect("a URL"), Arc::new(transport), Arc::new(TokioTimer));

    let files = FileStore::open(state(&folder)).await.expect("a store");
    let store: Arc<dyn Store> = Arc::new(Told::new(files, &steps));
    let webroot = Told::new(Webroot::new(web_root(&folder)), &steps);
    let solvers = Solvers::new().with("webroot", webroot, Selector::any());
    let settings = AccountSettings::new(Registration::agreeing_to_terms());
    let issuer = AcmeIssuer::builder("pebble", directory, solvers, Arc::new(TokioTimer));
    let issuer: Arc<dyn Issuer> = Arc::new(issuer.account(Arc::clone(&store), settings).build().expect("an issuer"));

    // The same name in every life, as a service has it: what a former life held is taken up at once.
    let keeper = Keeper::builder(store, [issuer], Arc::new(TokioTimer)).node("only").spawn().await.expect("a keeper");
    keeper.ensure(Spec::new(NAMES).expect("names")).await.expect("kept");
    keeper.ready(NAMES[0]).await.expect("issued");
    keeper.shutdown(Duration::from_secs(10)).await;
}

#[expect(clippy::disallowed_methods, reason = "a child learns from its parent where it is")]
fn of_environment(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: the parent sets it"))
}
