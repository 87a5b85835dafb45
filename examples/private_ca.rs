//! A certificate authority of one's own in a folder, and certificates from it in the files that servers read, renewed before they end.
//!
//! `cargo run --features ca,self-signed,pkcs12 --example private_ca -- FOLDER NAME... [--once]` keeps the root and its key in FOLDER/root, and
//! writes `tls.crt`, `tls.key`, `ca.crt` and `keystore.p12` (password `changeit`) for the names. `--once` ends after that.

#![expect(clippy::print_stdout, reason = "an example talks to a person")]

#[path = "private_ca/files.rs"]
mod files;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certwright::Spec;
use certwright::acme_core::{Clock as _, Store as _};
use certwright::certstore::spec::{Authority as ForAuthority, Contents};
use certwright::certstore::{FileStore, Keeper, Record};
use certwright::issuers::ca::{Authority, CaIssuer};
use certwright::issuers::self_signed::SelfSigned;
use certwright::issuers::{Issuer, TokioTimer};

use files::{Files, private_key};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (options, words): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|it| it.starts_with("--"));
    let [folder, names @ ..] = words.as_slice() else { return Err("usage: private_ca FOLDER NAME... [--once]".into()) };
    let (folder, timer) = (PathBuf::from(folder), Arc::new(TokioTimer));

    // The root signs for itself: its keeper makes the key, lends it, and stores both.
    let roots = Arc::new(FileStore::open(folder.join("root")).await?);
    let itself: Arc<dyn Issuer> = Arc::new(SelfSigned::new("itself", timer.clone()));
    let keeper = Keeper::builder(roots.clone(), [itself], timer.clone()).spawn().await?;
    let contents = Contents::new().with_literal_subject("CN=Private Root,O=Example").for_authority(ForAuthority::new());
    keeper.ensure(Spec::called("root").with_duration(Duration::from_secs(10 * YEAR)).with_contents(contents)).await?;
    keeper.ready("root").await?;
    keeper.shutdown(Duration::from_secs(5)).await;
    let stored = roots.get(&Spec::key_of("root")?).await?.ok_or("the root is gone")?;
    let record = Record::decode(stored.value.expose())?;
    let root = record.current().ok_or("there is no root")?;
    let authority = Authority::new(root.chain.clone(), private_key(root)?, timer.now())?;

    // What it issues is kept by another keeper, which tells `Files` of every new certificate.
    let ca: Arc<dyn Issuer> = Arc::new(CaIssuer::new("private", authority, timer.clone()));
    let store = Arc::new(FileStore::open(folder.join("leaves")).await?);
    let keeper = Keeper::builder(store, [ca], timer).serve(Arc::new(Files(folder))).spawn().await?;
    let spec = Spec::new(names)?.named("server").with_duration(Duration::from_secs(90 * DAY));
    keeper.ensure(spec).await?;
    keeper.ready("server").await?;
    println!("{}", keeper.status("server").await?);
    if !options.contains(&"--once".to_owned()) {
        tokio::signal::ctrl_c().await?;
    }
    keeper.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

const DAY: u64 = 24 * 3600;
const YEAR: u64 = 365 * DAY;
