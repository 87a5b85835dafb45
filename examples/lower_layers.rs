//! acme-core alone: the state machine of an issuance, driven by thirty lines of your own.
//!
//! `cargo run --example lower_layers` asks a certificate authority inside the process, which looks at no challenge.

#![expect(clippy::print_stdout, reason = "an example talks to a person")]

#[path = "lower_layers/perform.rs"]
mod perform;

use std::error::Error;
use std::sync::Arc;

use certwright::acme_core::flow::{Issuance, IssuancePlan, Next};
use certwright::acme_core::protocol::{NewOrder, Registration};
use certwright::acme_core::transport::ReqwestTransport;
use certwright::acme_core::{Clock as _, Directory, key::PrivateKey};
use certwright::issuers::{Timer as _, TokioTimer, chain, csr};
use certwright::{Identifier, KeyType};
use perform::perform;
use testkit::ca::{AlwaysValid, ModelCa, Settings};
use testkit::https::HttpsFront;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let timer = Arc::new(TokioTimer);
    let front = HttpsFront::start(ModelCa::with_validator(Settings::default(), AlwaysValid), timer.clone()).await?;
    let transport = ReqwestTransport::builder().add_root_pem(front.root_pem().as_bytes())?.build()?;
    let directory = Directory::new(front.directory_url(), Arc::new(transport), timer.clone());
    let account_key = Arc::new(PrivateKey::generate(KeyType::EcdsaP256)?);
    let session = directory.register(account_key, &Registration::agreeing_to_terms()).await?;

    let key = PrivateKey::generate(KeyType::EcdsaP256)?;
    let names = [Identifier::parse("example.com")?];
    let csr = csr::create(&key, &names).await?;
    let mut flow = Issuance::new(IssuancePlan::new(NewOrder::new(names)), timer.now());
    let chains = loop {
        match flow.next(timer.now()) {
            Next::Done(outcome) => break outcome.result.map_err(|fault| fault.to_error())?,
            Next::Go(agenda) if agenda.ready.is_empty() => {
                let wake = agenda.wake.ok_or("an agenda is never empty")?;
                println!("{}", wake.waiting);
                timer.sleep_until(wake.at).await;
            }
            // A driver for real life starts all of them at once, saves the state before what is irreversible, and reports failures as events.
            Next::Go(agenda) => {
                println!("{}", agenda.ready[0]);
                let event = perform(&session, &flow, &agenda.ready[0], csr.as_ref()).await?;
                let _ = flow.apply(event, timer.now());
            }
        }
    };
    println!("{}", chain::to_pem(&chains[0]));
    Ok(())
}
