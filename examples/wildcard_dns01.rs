//! A wildcard and its apex in one certificate, proven by DNS-01 through DNS UPDATE (RFC 2136): BIND, Knot, PowerDNS.
//!
//! `cargo run --features rfc2136 --example wildcard_dns01 -- NAME DNS-SERVER KEY-NAME KEY-BASE64 [DIRECTORY-URL [ROOT-FILE]]`

#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use certwright::acme_core::Secret;
use certwright::issuers::TokioTimer;
use certwright::solvers::Selector;
use certwright::solvers::dns::rfc2136::{Rfc2136, TsigAlgorithm, TsigKey};
use certwright::solvers::dns01::{Dns01, Propagation, Resolver};
use certwright::{Https, Terms, directories};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, server, key_name, key, rest @ ..] = arguments.as_slice() else {
        return Err("usage: wildcard_dns01 NAME DNS-SERVER KEY-NAME KEY-BASE64 [DIRECTORY-URL [ROOT-FILE]]".into());
    };
    let directory = rest.first().cloned().unwrap_or_else(|| directories::LETS_ENCRYPT_STAGING.to_string());

    // Zones and aliases are asked of the same server here; `Resolver::system` asks what the machine asks.
    let clock = Arc::new(TokioTimer);
    let resolver = Resolver::new([server.parse()?], clock.clone())?;
    let key = TsigKey::from_base64(key_name, TsigAlgorithm::HmacSha256, &Secret::new(key.clone()))?;
    let provider = Rfc2136::new(server, clock)?.with_key(key);
    let dns01 = Dns01::new(provider, resolver).with_propagation(Propagation::Recursive(vec![server.parse()?]));

    let names = [name.clone(), format!("*.{name}")];
    let mut https = Https::new(names).directory(directory, Terms::Agreed).state("wildcard_dns01_state").solver(
        "dns",
        Arc::new(dns01),
        Selector::any(),
    );
    if let Some(root) = rest.get(1) {
        https = https.root_pem(std::fs::read(root)?);
    }
    let https = https.start().await?;
    https.ready().await?;
    println!("{}", https.status(name).await?);
    https.shutdown(Duration::from_secs(5)).await;
    Ok(())
}
