//! Three certificate authorities as one: Let's Encrypt, where that cannot ZeroSSL, where that cannot either Google Trust Services.
//!
//! `cargo run --example failover -- NAME LISTEN-ADDRESS ZEROSSL-KEY-ID,MAC GOOGLE-KEY-ID,MAC` asks the real ones, over HTTP-01 on
//! LISTEN-ADDRESS (port 80 of NAME). The pairs come from the accounts' pages there (external account binding). Four arguments more,
//! `LETS-ENCRYPT-URL ZEROSSL-URL GOOGLE-URL ROOTS-FILE`, put other servers in their places.

#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use certwright::acme_core::flow::Pace;
use certwright::acme_core::protocol::{ExternalAccount, Registration, Url};
use certwright::acme_core::transport::ReqwestTransport;
use certwright::acme_core::{Directory, PrivateKey};
use certwright::certstore::FileStore;
use certwright::issuers::acme::{AccountSettings, AcmeIssuer};
use certwright::issuers::{CertificateRequest, Failover, InMemory, Issuer, TokioTimer, chain, csr, drive};
use certwright::solvers::http01::listener::Listener;
use certwright::solvers::{Answers, Http01, Selector, Solvers};
use certwright::{Identifier, KeyType, directories};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, listen, zerossl, google, rest @ ..] = arguments.as_slice() else {
        return Err(
            "usage: failover NAME LISTEN-ADDRESS ZEROSSL-KEY-ID,MAC GOOGLE-KEY-ID,MAC [URL URL URL ROOTS]".into()
        );
    };
    let (urls, mut https) = match rest {
        [first, second, third, roots] => {
            let roots = std::fs::read(roots)?;
            (vec![first.clone(), second.clone(), third.clone()], ReqwestTransport::builder().add_root_pem(&roots)?)
        }
        _ => {
            let known = [directories::LETS_ENCRYPT, directories::ZEROSSL, directories::GOOGLE];
            (known.map(|it| it.to_string()).to_vec(), ReqwestTransport::builder())
        }
    };
    https = https.connect_within(Duration::from_secs(10));

    // One listener and one transport serve all three; accounts, and which of them rests, are kept in a folder.
    let (timer, transport, answers) = (Arc::new(TokioTimer), Arc::new(https.build()?), Answers::new());
    tokio::spawn(Listener::bind(listen.parse()?, answers.clone()).await?.serve());
    let store = Arc::new(FileStore::open("failover_state").await?);
    let mut patience = Pace::default();
    patience.order.create = Duration::from_secs(60); // there is somebody else to ask
    let mut issuers: Vec<Arc<dyn Issuer>> = Vec::new();
    for ((id, url), binding) in
        ["lets-encrypt", "zerossl", "google"].into_iter().zip(urls).zip([None, Some(zerossl), Some(google)])
    {
        let mut registration = Registration::agreeing_to_terms();
        if let Some((key_id, mac)) = binding.and_then(|it| it.split_once(',')) {
            registration = registration.with_external_account(ExternalAccount::new(key_id, mac)?);
        }
        let directory = Directory::new(Url::parse(&url)?, transport.clone(), timer.clone());
        let solvers = Solvers::new().with("http", Http01::new(answers.clone()), Selector::any());
        let builder = AcmeIssuer::builder(id, directory, solvers, timer.clone()).patience(patience);
        issuers.push(Arc::new(builder.account(store.clone(), AccountSettings::new(registration)).build()?));
    }
    let issuer = Failover::new("public", issuers, timer.clone())?.remembering(store, "failover")?;

    let key = PrivateKey::generate(KeyType::EcdsaP256)?;
    let names = [Identifier::parse(name)?];
    let csr = csr::create(&key, &names).await?;
    let request = CertificateRequest::new(&csr, &names);
    let issued = drive(&issuer, &request, &mut InMemory::new(), timer.as_ref()).await?;
    for rest in issuer.resting() {
        println!("{} rests until {}: {}", rest.issuer, rest.until, rest.because);
    }
    println!("{}", chain::to_pem(&issued.chain));
    Ok(())
}
