//! One certificate by TLS-ALPN-01, without a keeper: an issuer, the loop around it, and a port that answers validators.
//!
//! `cargo run --example tls_alpn01_only` asks a certificate authority inside the process.

#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use std::error::Error;
use std::sync::Arc;

use certwright::acme_core::protocol::Registration;
use certwright::acme_core::transport::ReqwestTransport;
use certwright::acme_core::{Directory, key::PrivateKey};
use certwright::certstore::{self, Acceptor, Listener, MemoryStore, Resolver};
use certwright::issuers::acme::{AccountSettings, AcmeIssuer};
use certwright::issuers::{CertificateRequest, InMemory, TokioTimer, chain, csr, drive};
use certwright::solvers::tls_alpn01::TlsAlpn01;
use certwright::solvers::{Answers, Selector, Solvers};
use certwright::{Identifier, KeyType};
use testkit::ca::{ModelCa, Settings};
use testkit::https::{HttpsFront, RealValidator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A port that answers validators and serves nothing else.
    let answers = Answers::new();
    let nothing = Arc::new(Resolver::new(certstore::provider())).server_config(&[])?;
    let acceptor = Acceptor::new(nothing).answering(answers.clone(), certstore::provider())?;
    let mut listener = Listener::bind("127.0.0.1:0", acceptor).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move { listener.accept().await });

    // A certificate authority that looks there, and an issuer that asks it.
    let timer = Arc::new(TokioTimer);
    let ca = ModelCa::new(Settings::default());
    let front = HttpsFront::start_validating(ca, timer.clone(), RealValidator::new(0, port)).await?;
    let transport = ReqwestTransport::builder().add_root_pem(front.root_pem().as_bytes())?.build()?;
    let directory = Directory::new(front.directory_url(), Arc::new(transport), timer.clone());
    let solvers = Solvers::new().with("tls-alpn-01", TlsAlpn01::new(answers), Selector::any());
    let issuer = AcmeIssuer::builder("embedded", directory, solvers, timer.clone())
        .account(Arc::new(MemoryStore::new()), AccountSettings::new(Registration::agreeing_to_terms()))
        .build()?;

    // A key, a signing request, a certificate.
    let key = PrivateKey::generate(KeyType::EcdsaP256)?;
    let names = [Identifier::parse("one.example")?];
    let csr = csr::create(&key, &names).await?;
    let request = CertificateRequest::new(&csr, &names);
    let issued = drive(&issuer, &request, &mut InMemory::new(), timer.as_ref()).await?;
    println!("{}", chain::to_pem(&issued.chain));
    Ok(())
}
