//! Every challenge that is proven for real: by HTTP and by DNS.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use acme_core::{Error, Secret};
use certstore::{Acceptor, Listener, provider};
use solvers::dns::rfc2136::{Rfc2136, TsigAlgorithm, TsigKey};
use solvers::dns01::{Dns01, Resolver};
use solvers::tls_alpn01::TlsAlpn01;
use solvers::{Answers, Selector, Solvers};
use testkit::servers::TsigKey as ServersKey;
use testkit::servers::{Bind, ChallTestSrv, Endpoint, Pebble, TsigAlgorithm as ServersAlgorithm, Zone};

use crate::authority::clock;
use crate::issuer::{issue, over_http};
use crate::under::{Under, under_both};

under_both! {
    names_are_proven_over_http,
    an_address_is_proven_over_http,
    names_and_an_address_are_proven_in_the_tls_handshake,
    an_apex_and_its_wildcard_are_proven_by_dns_in_one_order,
}

async fn names_are_proven_over_http(under: Under) -> Result<(), Error> {
    let dns = ChallTestSrv::start();
    let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let issuer = under.issuer(&pebble, over_http(&pebble).await).await?;

    issue(&pebble, &issuer, &["example.test", "www.example.test", "api.example.test"]).await;

    let asked = pebble.requests();
    let counted = [Endpoint::NewOrder, Endpoint::Challenge, Endpoint::Finalize].map(|endpoint| asked.count(endpoint));
    assert_eq!(counted, [1, 3, 1], "{asked}");
    Ok(())
}

async fn an_address_is_proven_over_http(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().start();
    let issuer = under.issuer(&pebble, over_http(&pebble).await).await?;

    issue(&pebble, &issuer, &["127.0.0.1"]).await;
    Ok(())
}

async fn names_and_an_address_are_proven_in_the_tls_handshake(under: Under) -> Result<(), Error> {
    let dns = ChallTestSrv::start();
    let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let answers = Answers::new();
    let acceptor = Acceptor::choosing(|_| None).answering(answers.clone(), provider()).unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, pebble.tls_port()));
    let mut listener = Listener::bind(address, acceptor).await.unwrap();
    tokio::spawn(async move { listener.accept().await });
    let solvers = Solvers::new().with("tls", TlsAlpn01::new(answers.clone()), Selector::any());
    let issuer = under.issuer(&pebble, solvers).await?;

    issue(&pebble, &issuer, &["example.test", "www.example.test", "127.0.0.1"]).await;

    assert!(answers.is_empty());
    Ok(())
}

async fn an_apex_and_its_wildcard_are_proven_by_dns_in_one_order(under: Under) -> Result<(), Error> {
    let key = ServersKey::new(
        "update.example.test",
        ServersAlgorithm::HmacSha256,
        b"thirty-two bytes of a secret key".to_vec(),
    );
    let bind = Bind::builder().recursive().zone(Zone::new("example.test").update_with(&key)).start();
    let pebble = Pebble::builder().strict().dns_server(bind.address()).start();
    let secret = Secret::new(key.secret_base64());
    let tsig = TsigKey::from_base64(key.name(), TsigAlgorithm::HmacSha256, &secret).unwrap();
    let provider = Rfc2136::new(&bind.address().to_string(), clock()).unwrap().with_key(tsig);
    let resolver = Resolver::new([bind.address()], clock()).unwrap().with_authoritative_port(bind.address().port());
    let solver = Dns01::new(provider, resolver).with_again_after(Duration::from_millis(100));
    let issuer = under.issuer(&pebble, Solvers::new().with("bind", solver, Selector::any())).await?;

    issue(&pebble, &issuer, &["example.test", "*.example.test"]).await;

    let updates = bind.log().matches("adding an RR at '_acme-challenge.example.test' TXT").count();
    assert_eq!(updates, 2, "one value for each of the two");
    assert!(bind.txt("_acme-challenge.example.test").is_empty(), "both were taken away again");
    Ok(())
}
