//! Certificates for an apex and its wildcard at once, each through another DNS provider: what Pebble's validator sees is what was written.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use acme_core::transport::ReqwestTransport;
use acme_core::{DnsName, Error, Secret};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request};
use solvers::credentials::Fixed;
use solvers::credentials::aws::{Client, Credentials, Partition, xml::Element};
use solvers::dns::acme_dns::{Accounts, AcmeDns, register};
use solvers::dns::exec::Exec;
use solvers::dns::rfc2136::{Rfc2136, TsigAlgorithm, TsigKey};
use solvers::dns::route53::{Route53, endpoint_at};
use solvers::dns::webhook::Webhook;
use solvers::dns01::{Dns01, DnsProvider, Resolver, TxtRecord, Zones};
use solvers::{DnsPersist01, Readiness, Selector, Solvers};
use testkit::SimDns;
use testkit::doubles::{Double, NameServer, acme_dns, webhook};
use testkit::servers::{Bind, Knot, Moto, Pebble, TsigAlgorithm as ServersAlgorithm, TsigKey as ServersKey, Zone};
use tokio::sync::Mutex;

use crate::authority::clock;
use crate::issuer::{issue, issuer};

const OWNER: &str = "_acme-challenge.example.test";

#[tokio::test]
async fn an_apex_and_its_wildcard_are_proven_through_knot() {
    let key = server_key();
    let knot = Knot::start(&[Zone::new("example.test").update_with(&key)]);
    proven_through(update(knot.address(), &key), knot.address(), &["example.test", "*.example.test"]).await;
    assert!(knot.txt(OWNER).is_empty(), "both were taken away again");
}

#[tokio::test]
async fn an_apex_and_its_wildcard_are_proven_through_a_program_that_updates_bind() {
    let key = server_key();
    let bind = Bind::builder().zone(Zone::new("example.test").update_with(&key)).start();
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("hook");
    let (port, argument) = (bind.address().port(), key.argument());
    // What people write for lego's exec.
    let script = format!(
        "#!/bin/sh -eu\ncase $1 in present) do=add;; cleanup) do=delete;; esac\nPATH=$PATH:/usr/bin:/usr/sbin\n\
         printf 'server 127.0.0.1 {port}\\nzone example.test\\nupdate %s %s 60 TXT \"%s\"\\nsend\\n' \"$do\" \"$2\" \"$3\" | nsupdate -y {argument}\n"
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    proven_through(Exec::new(&program), bind.address(), &["example.test", "*.example.test"]).await;
    assert!(bind.txt(OWNER).is_empty(), "both were taken away again");
    assert_eq!(bind.log().matches("adding an RR at '_acme-challenge.example.test' TXT").count(), 2);
}

#[tokio::test]
async fn an_apex_and_its_wildcard_are_proven_through_route_53() {
    let moto = Moto::start();
    let zone = Moto::python(HOSTED_ZONE, &moto.url()).trim().to_owned();
    let credentials = Credentials::new("AKIDEXAMPLE", &Secret::new("key".to_owned()));
    let transport = Arc::new(ReqwestTransport::new().unwrap());
    let endpoint = endpoint_at(&moto.url(), Partition::Aws).unwrap();
    let client = Client::new(endpoint, Arc::new(Fixed::new(credentials)), transport, clock());
    let (dns, server) = name_server();
    let provider =
        Shown { inner: Route53::new(client.clone()), client, zone, dns: dns.clone(), turn: Mutex::default() };
    proven_through(provider, server.address(), &["example.test", "*.example.test"]).await;
    assert!(dns.names_with_txt().is_empty(), "both were taken away again");
}

#[tokio::test]
async fn an_apex_and_its_wildcard_are_proven_through_acme_dns() {
    let (dns, server) = name_server();
    dns.add_zone("auth.test", &["ns.auth.test"]);
    let double = Double::new(acme_dns::AcmeDns::new("auth.test", dns.clone()));
    let account = register("https://auth.test", &[], Arc::new(double.clone()), clock()).await.unwrap();
    let full_domain = account.full_domain().clone();
    dns.add_cname(OWNER, full_domain.as_str());
    let accounts = Arc::new(Fixed::new(Accounts::new().with(DnsName::parse("example.test").unwrap(), account)));
    let resolver = resolver(server.address());
    let provider = AcmeDns::new("https://auth.test", accounts, resolver, Arc::new(double), clock()).unwrap();
    proven_through(provider, server.address(), &["example.test", "*.example.test"]).await;
    assert_eq!(dns.lookup_txt(full_domain.as_str()).unwrap().len(), 2, "the last two stay there");
}

#[tokio::test]
async fn an_apex_and_its_wildcard_are_proven_through_a_webhook() {
    let (dns, server) = name_server();
    let config = serde_json::json!({ "host": "dns.example.com" });
    let service = webhook::Webhook::new("acme.example.com", "my-solver", "example.test", config.clone(), dns.clone());
    let double = Arc::new(Double::new(service));
    let provider = Webhook::new("https://api.test", "acme.example.com", "my-solver", double, clock()).unwrap();
    proven_through(provider.with_config(config), server.address(), &["example.test", "*.example.test"]).await;
    assert!(dns.names_with_txt().is_empty(), "both were taken away again");
}

#[tokio::test]
async fn an_apex_and_its_wildcard_are_proven_and_renewed_by_a_record_that_stays() {
    let key = server_key();
    let bind = Bind::builder().zone(Zone::new("example.test").update_with(&key)).start();
    let pebble = Pebble::builder().strict().dns_server(bind.address()).start();
    let solver = DnsPersist01::new(update(bind.address(), &key), resolver(bind.address())).covering_wildcards();
    let solver = solver.with_again_after(Duration::from_millis(100));
    let issuer = issuer(&pebble, Solvers::new().with("stays", solver, Selector::any()));
    // One after the other, so that the second finds what the first wrote.
    for names in [&["example.test"][..], &["*.example.test"], &["example.test", "*.example.test"]] {
        issue(&pebble, &issuer, names).await;
    }
    let record = bind.txt("_validation-persist.example.test");
    assert_eq!(record.len(), 1, "{record:?}");
    assert!(record[0].starts_with("pebble.letsencrypt.org; accounturi=https://"), "{record:?}");
    assert_eq!(bind.log().matches("adding an RR at").count(), 1);
    assert_eq!(bind.log().matches("deleting an RR at").count(), 0);
}

/// Pebble issues for `names` to whoever writes through `provider` what `server` shows.
async fn proven_through(provider: impl DnsProvider + 'static, server: SocketAddr, names: &[&str]) {
    let pebble = Pebble::builder().strict().dns_server(server).start();
    let solver = Dns01::new(provider, resolver(server)).with_again_after(Duration::from_millis(100));
    let issuer = issuer(&pebble, Solvers::new().with("dns", solver, Selector::any()));
    issue(&pebble, &issuer, names).await;
}

fn resolver(server: SocketAddr) -> Resolver {
    Resolver::new([server], clock()).unwrap().with_authoritative_port(server.port())
}

fn update(server: SocketAddr, key: &ServersKey) -> Rfc2136 {
    let secret = Secret::new(key.secret_base64());
    let tsig = TsigKey::from_base64(key.name(), TsigAlgorithm::HmacSha256, &secret).unwrap();
    Rfc2136::new(&server.to_string(), clock()).unwrap().with_key(tsig)
}

fn server_key() -> ServersKey {
    ServersKey::new("update.example.test", ServersAlgorithm::HmacSha256, b"thirty-two bytes of a secret key".to_vec())
}

/// A name server of the test's own, with the zone example.test.
fn name_server() -> (SimDns, NameServer) {
    let dns = SimDns::new();
    dns.add_zone("example.test", &["ns.example.test"]);
    (dns.clone(), NameServer::start(dns))
}

/// Route 53 at moto, which serves no DNS: what it holds after a change is put into one.
struct Shown {
    inner: Route53,
    client: Client,
    zone: String,
    dns: SimDns,
    turn: Mutex<()>,
}

impl Shown {
    async fn show(&self) {
        let _turn = self.turn.lock().await;
        let path = format!("/2013-04-01{}/rrset", self.zone);
        let request = Request::builder().method(Method::GET).uri(path).body(Bytes::new()).unwrap();
        let answer = self.client.send("looking", request).await.unwrap();
        let page = Element::parse(std::str::from_utf8(answer.body()).unwrap()).unwrap();
        let held = texts(&page);
        for name in self.dns.names_with_txt() {
            for text in self.dns.lookup_txt(&name).unwrap() {
                self.dns.remove_txt(&name, &text);
            }
        }
        held.iter().for_each(|(name, text)| self.dns.add_txt(name, text));
    }
}

#[async_trait]
impl DnsProvider for Shown {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        self.inner.add_txt(record).await?;
        self.show().await;
        Ok(())
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        self.inner.remove_txt(record).await?;
        self.show().await;
        Ok(())
    }

    async fn settled(&self, value: &str) -> Result<Readiness, Error> {
        self.inner.settled(value).await
    }

    fn zones(&self) -> Zones<'_> {
        self.inner.zones()
    }
}

/// The names and values of the TXT records on a page of record sets.
fn texts(page: &Element<'_>) -> Vec<(String, String)> {
    let sets =
        page.child("ResourceRecordSets").unwrap().children().iter().filter(|it| it.find(&["Type"]) == Some("TXT"));
    sets.flat_map(|set| {
        let name = set.find(&["Name"]).unwrap().trim_end_matches('.').to_owned();
        let records = set.child("ResourceRecords").unwrap().children();
        records.iter().map(move |it| (name.clone(), it.find(&["Value"]).unwrap().trim_matches('"').to_owned()))
    })
    .collect()
}

const HOSTED_ZONE: &str = r"
import boto3, sys
client = boto3.client('route53', endpoint_url=sys.stdin.read().strip(), region_name='us-east-1', aws_access_key_id='k', aws_secret_access_key='s')
print(client.create_hosted_zone(Name='example.test', CallerReference='1')['HostedZone']['Id'])
";
