//! Every provider over its service, and what holds for all of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use acme_core::key::{KeyType, PrivateKey, Signer as _};
use certwright_solvers::credentials::AccessToken;
use certwright_solvers::credentials::aws::{Client, Credentials, Partition};
use certwright_solvers::dns::akamai::{Akamai, EdgeGrid};
use certwright_solvers::dns::azure_dns::AzureDns;
use certwright_solvers::dns::cloud_dns::CloudDns;
use certwright_solvers::dns::cloudflare::{Access, Cloudflare};
use certwright_solvers::dns::desec::Desec;
use certwright_solvers::dns::digitalocean::DigitalOcean;
use certwright_solvers::dns::gandi::Gandi;
use certwright_solvers::dns::hetzner::Hetzner;
use certwright_solvers::dns::http_api::{Basic, Token};
use certwright_solvers::dns::httpreq::HttpReq;
use certwright_solvers::dns::linode::Linode;
use certwright_solvers::dns::route53::{Budget, Route53, endpoint};
use certwright_solvers::dns::vultr::Vultr;
use certwright_solvers::dns::webhook::Webhook;
use certwright_solvers::dns01::DnsProvider;
use serde_json::json;
use testkit::doubles::{self, Double, Service};

use super::*;

/// A provider that writes to a double of its service.
pub(crate) struct Place {
    /// The provider's module.
    pub(crate) module: &'static str,
    pub(crate) provider: Box<dyn DnsProvider>,
    /// What is served.
    pub(crate) dns: SimDns,
    /// Somebody else writes a text at [`OWNER`].
    pub(crate) write: Box<dyn Fn(&str)>,
    /// The next request is answered so.
    pub(crate) fail_next: Box<dyn Fn(http::Response<bytes::Bytes>)>,
    /// How many requests were answered.
    pub(crate) calls: Box<dyn Fn() -> usize>,
}

impl Place {
    fn new<S: Service>(
        module: &'static str,
        double: Double<S>,
        provider: impl DnsProvider + 'static,
        dns: &SimDns,
        write: impl Fn(&S, &str) + 'static,
    ) -> Self {
        let (writing, failing, counting) = (double.clone(), double.clone(), double);
        Self {
            module,
            provider: Box::new(provider),
            dns: dns.clone(),
            write: Box::new(move |text| write(writing.service(), text)),
            fail_next: Box::new(move |answer| failing.fail_next(answer)),
            calls: Box::new(move || counting.calls().len()),
        }
    }
}

/// All providers of services behind HTTP but acme-dns, whose accounts have no zone and no room for others.
pub(crate) fn places(when: Right) -> Vec<Place> {
    let bearer = || rotated(when, fixed(Token::bearer(&secret("right"))), Token::bearer(&secret("wrong")));
    vec![
        akamai(when),
        azure_dns(when),
        cloud_dns(when),
        cloudflare(when),
        desec(when),
        httpreq(when),
        route53(when),
        webhook(when),
        {
            let dns = SimDns::new();
            let double = Double::new(doubles::digitalocean::DigitalOcean::new("right", &["example.org"], dns.clone()));
            let provider = DigitalOcean::new(bearer(), Arc::new(double.clone()), clock()).unwrap();
            Place::new("digitalocean", double, provider, &dns, |it, text| it.write("example.org", OWNER, text))
        },
        {
            let dns = SimDns::new();
            let double = Double::new(doubles::gandi::Gandi::new("right", "example.org", dns.clone()));
            let provider = Gandi::new(bearer(), Arc::new(double.clone()), clock()).unwrap();
            Place::new("gandi", double, provider, &dns, |it, text| it.put_beside(OWNER, 86_400, text))
        },
        {
            let dns = SimDns::new();
            let double = Double::new(doubles::hetzner::Hetzner::new("right", "example.org", dns.clone()));
            let provider = Hetzner::new(bearer(), Arc::new(double.clone()), clock()).unwrap();
            Place::new("hetzner", double, provider, &dns, |it, text| it.put_beside(OWNER, 86_400, text))
        },
        {
            let dns = SimDns::new();
            let double = Double::new(doubles::linode::Linode::new("right", "example.org", dns.clone()));
            let provider = Linode::new(bearer(), Arc::new(double.clone()), clock()).unwrap();
            Place::new("linode", double, provider, &dns, |it, text| {
                it.write(RELATIVE, text);
            })
        },
        {
            let dns = SimDns::new();
            let double = Double::new(doubles::vultr::Vultr::new("right", "example.org", dns.clone()));
            let provider = Vultr::new(bearer(), Arc::new(double.clone()), clock()).unwrap();
            Place::new("vultr", double, provider, &dns, |it, text| drop(it.write(RELATIVE, text, 86_400)))
        },
    ]
}

fn akamai(when: Right) -> Place {
    let dns = SimDns::new();
    let tokens = ["client", "access", "right"];
    let double = Double::new(doubles::akamai::Akamai::new(tokens, "example.org", dns.clone(), clock()));
    let client = |key: &str| EdgeGrid::new(&secret("client"), &secret("access"), &secret(key));
    let client = rotated(when, fixed(client("right")), client("wrong"));
    let provider = Akamai::new("akab-host.luna.akamaiapis.net", client, Arc::new(double.clone()), clock()).unwrap();
    Place::new("akamai", double, provider, &dns, |it, text| it.put_beside(OWNER, 86_400, text))
}

fn azure_dns(when: Right) -> Place {
    use doubles::azure::Azure;
    let dns = SimDns::new();
    let double = Double::new(Azure::new(azure_dns::SECRET, "assertion", "example.org", dns.clone()));
    let right = azure_dns::principal(Arc::new(double.clone()));
    let source = rotated(when, right, AccessToken::new(&secret("wrong")));
    let provider = AzureDns::new(Azure::SUBSCRIPTION, Azure::GROUP, source, Arc::new(double.clone()), clock()).unwrap();
    Place::new("azure_dns", double, provider, &dns, |it, text| it.put_beside(OWNER, text))
}

fn cloud_dns(when: Right) -> Place {
    use doubles::google::Google;
    let dns = SimDns::new();
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let double = Double::new(Google::new(key.public_key().as_ref(), "example.org", dns.clone(), clock()));
    let right = cloud_dns::machine(Arc::new(double.clone()));
    let source = rotated(when, right, AccessToken::new(&secret("wrong")));
    let provider = CloudDns::new(Google::PROJECT, source, Arc::new(double.clone()), clock()).unwrap();
    Place::new("cloud_dns", double, provider, &dns, |it, text| it.put_beside(OWNER, 86_400, text))
}

fn cloudflare(when: Right) -> Place {
    let dns = SimDns::new();
    let double = Double::new(doubles::cloudflare::Cloudflare::new("right", dns.clone()).with_zone("example.org", "z1"));
    let access = rotated(when, fixed(Access::token(&secret("right"))), Access::token(&secret("wrong")));
    let provider = Cloudflare::new(access, Arc::new(double.clone()), clock()).unwrap();
    Place::new("cloudflare", double, provider, &dns, |it, text| it.write("z1", OWNER, text))
}

fn desec(when: Right) -> Place {
    let dns = SimDns::new();
    let double = Double::new(doubles::desec::Desec::new("right", "example.org", dns.clone()));
    let token = |text: &str| Token::bearer(&secret(text)).with_scheme("Token ");
    let token = rotated(when, fixed(token("right")), token("wrong"));
    let provider = Desec::new(token, Arc::new(double.clone()), clock()).unwrap();
    Place::new("desec", double, provider, &dns, |it, text| it.put_beside(OWNER, 86_400, text))
}

fn httpreq(when: Right) -> Place {
    let dns = SimDns::new();
    // `user:right`.
    let double = Double::new(doubles::httpreq::HttpReq::new(dns.clone()).with_login("Basic dXNlcjpyaWdodA=="));
    let login = |word: &str| Some(Basic::new("user", &secret(word)));
    let login = rotated(when, fixed(login("right")), login("wrong"));
    let provider = HttpReq::with_login("https://dns.test", login, Arc::new(double.clone()), clock()).unwrap();
    let beside = dns.clone();
    Place::new("httpreq", double, provider, &dns, move |_, text| beside.add_txt(OWNER, text))
}

fn route53(when: Right) -> Place {
    let dns = SimDns::new();
    let keys = |word: &str| Credentials::new("AKIDEXAMPLE", &secret(word));
    let service = doubles::route53::Route53::new(keys("right"), dns.clone(), clock());
    let double = Double::new(service.with_zone("example.org", "Z1").at_once());
    let source = rotated(when, fixed(keys("right")), keys("wrong"));
    let client = Client::new(endpoint(Partition::Aws).unwrap(), source, Arc::new(double.clone()), clock());
    let provider = Route53::new(client).with_budget(Arc::new(Budget::per_second(1000)));
    Place::new("route53", double, provider, &dns, |it, text| it.write_simple("Z1", OWNER, &[text]))
}

fn webhook(when: Right) -> Place {
    let dns = SimDns::new();
    let service = doubles::webhook::Webhook::new("acme.example.com", "solver", "example.org", json!({}), dns.clone());
    let double = Double::new(service.behind("right"));
    let token = |text: &str| Some(Token::bearer(&secret(text)));
    let token = rotated(when, fixed(token("right")), token("wrong"));
    let transport = Arc::new(double.clone());
    let provider =
        Webhook::with_token("https://api.test", "acme.example.com", "solver", token, transport, clock()).unwrap();
    let beside = dns.clone();
    let provider = provider.with_config(json!({}));
    Place::new("webhook", double, provider, &dns, move |_, text| beside.add_txt(OWNER, text))
}

/// The modules of all providers, as the crate declares them.
pub(crate) fn modules() -> BTreeSet<&'static str> {
    let declared = include_str!("../../src/dns.rs").lines().filter_map(|it| it.strip_prefix("pub mod "));
    declared.map(|it| it.trim_end_matches(';')).filter(|it| *it != "http_api").collect()
}

#[test]
fn no_provider_is_forgotten_here() {
    // acme-dns has no zone, a program no service, and DNS UPDATE real servers (`tests/dns`).
    let elsewhere = ["acme_dns", "exec", "rfc2136"];
    let here: BTreeSet<_> = places(Right::AtOnce).iter().map(|it| it.module).chain(elsewhere).collect();
    assert_eq!(here, modules());
}

#[test]
fn every_provider_has_its_feature_and_its_row_in_the_documentation() {
    let (manifest, documentation) = (include_str!("../../Cargo.toml"), include_str!("../../../docs/dns-providers.md"));
    let overview = include_str!("../../src/lib.rs");
    for module in modules() {
        let feature = module.replace('_', "-");
        assert!(manifest.contains(&format!("\n{feature} = [")), "{feature}");
        assert!(documentation.contains(&format!("\n| `{feature}` | `")), "{feature}");
        assert!(overview.contains(&format!("//! | `{feature}` | `dns::{module}`: ")), "{feature}");
    }
}

#[test]
fn every_variable_that_is_read_is_in_the_documentation() {
    let documentation = include_str!("../../../docs/dns-providers.md");
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/credentials")];
    let mut read = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = fs::read_to_string(path).unwrap();
            let words =
                source.split('"').filter(|it| it.bytes().all(|it| it.is_ascii_uppercase() || b"_2".contains(&it)));
            let known = ["AWS_", "AZURE_", "GOOGLE_", "GCE_"];
            let words = words.filter(|it| known.iter().any(|start| it.starts_with(start) && it != start));
            read.extend(words.map(ToOwned::to_owned));
        }
    }
    assert!(read.len() > 20, "{read:?}");
    let missing: Vec<_> = read.iter().filter(|it| !documentation.contains(&format!("`{it}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn what_somebody_else_wrote_at_the_name_stays() {
    for Place { module, provider, dns, write, .. } in places(Right::AtOnce) {
        write("theirs");
        // Nobody's, and not there.
        provider.remove_txt(&record("ours")).await.unwrap_or_else(|error| panic!("{module}: {error}"));
        assert_eq!(texts(&dns, OWNER), ["theirs"], "{module}");
        provider.add_txt(&record("ours")).await.unwrap_or_else(|error| panic!("{module}: {error}"));
        assert_eq!(texts(&dns, OWNER), ["ours", "theirs"], "{module}");
        for _ in 0..2 {
            provider.remove_txt(&record("ours")).await.unwrap_or_else(|error| panic!("{module}: {error}"));
            assert_eq!(texts(&dns, OWNER), ["theirs"], "{module}");
        }
    }
}

#[tokio::test]
async fn a_record_at_the_apex_is_written_there() {
    let apex = TxtRecord::new(name("example.org"), "v", name("example.org")).with_zone(Zone::new(name("example.org")));
    for Place { module, provider, dns, .. } in places(Right::AtOnce) {
        if module == "webhook" {
            // The double takes names below its zone alone.
            continue;
        }
        provider.add_txt(&apex).await.unwrap_or_else(|error| panic!("{module}: {error}"));
        assert_eq!(texts(&dns, "example.org"), ["v"], "{module}");
        provider.remove_txt(&apex).await.unwrap_or_else(|error| panic!("{module}: {error}"));
        assert!(texts(&dns, "example.org").is_empty(), "{module}");
    }
}

/// [`OWNER`] below its zone.
const RELATIVE: &str = "_acme-challenge.www";
