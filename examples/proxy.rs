//! TLS in front of a plain TCP upstream. Names are read from standard input, one a line, and added while it runs.
//!
//! `cargo run --example proxy -- LISTEN UPSTREAM [DIRECTORY-URL [ROOT-FILE]]`

#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use std::error::Error;
use std::sync::Arc;

use certwright::acme_core::protocol::{Registration, Url};
use certwright::acme_core::transport::ReqwestTransport;
use certwright::acme_core::{Directory, Store};
use certwright::certstore::{self, Acceptor, FileStore, Keeper, Listener, Resolver, Spec};
use certwright::issuers::acme::{AccountSettings, AcmeIssuer};
use certwright::issuers::{Issuer, TokioTimer};
use certwright::solvers::tls_alpn01::TlsAlpn01;
use certwright::solvers::{Answers, Selector, Solvers};
use tokio::io::{AsyncBufReadExt as _, BufReader, copy_bidirectional, stdin};
use tokio::net::TcpStream;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(upstream)) = (arguments.next(), arguments.next()) else {
        return Err("usage: proxy LISTEN UPSTREAM [DIRECTORY-URL [ROOT-FILE]]".into());
    };
    let directory = arguments.next().unwrap_or_else(|| certwright::directories::LETS_ENCRYPT_STAGING.to_string());
    let mut transport = ReqwestTransport::builder();
    if let Some(root) = arguments.next() {
        transport = transport.add_root_pem(&std::fs::read(root)?)?;
    }

    let timer = Arc::new(TokioTimer);
    let store: Arc<dyn Store> = Arc::new(FileStore::open("proxy_state").await?);
    let directory = Directory::new(Url::parse(&directory)?, Arc::new(transport.build()?), timer.clone());
    let answers = Answers::new();
    let solvers = Solvers::new().with("tls-alpn-01", TlsAlpn01::new(answers.clone()), Selector::any());
    let issuer = AcmeIssuer::builder("acme", directory, solvers, timer.clone())
        .account(store.clone(), AccountSettings::new(Registration::agreeing_to_terms()))
        .build()?;

    let resolver = Arc::new(Resolver::new(certstore::provider()));
    let acceptor = Acceptor::new(resolver.server_config(&[])?).answering(answers, certstore::provider())?;
    let mut listener = Listener::bind(&listen, acceptor).await?;
    let keeper = Keeper::builder(store, [Arc::new(issuer) as Arc<dyn Issuer>], timer).serve(resolver).spawn().await?;

    tokio::spawn(add_names(keeper));
    loop {
        let (mut client, _) = listener.accept().await;
        let upstream = upstream.clone();
        tokio::spawn(async move {
            let mut upstream = TcpStream::connect(upstream).await?;
            copy_bidirectional(&mut client, &mut upstream).await
        });
    }
}

/// One name a line.
async fn add_names(keeper: Keeper) {
    let mut lines = BufReader::new(stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let added = match Spec::new([line.trim()]) {
            Ok(spec) => keeper.ensure(spec).await,
            Err(error) => Err(error),
        };
        match added {
            Ok(()) => println!("{line}: on its way"),
            Err(error) => println!("{line}: {error}"),
        }
    }
}
