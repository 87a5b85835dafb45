//! DNS services that answer every question and every update with the same bytes, and name servers that do.

use std::net::Ipv4Addr;
use std::sync::{Arc, LazyLock};

use acme_core::{Clock, DnsName, Error, Secret, Timestamp, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use solvers::credentials::aws::{Client, Credentials, Partition};
use solvers::credentials::azure::{Cloud, ManagedIdentity};
use solvers::credentials::google::{Metadata, Scope};
use solvers::credentials::{AccessToken, Fetch as _, Fixed};
use solvers::dns::acme_dns::register;
use solvers::dns::akamai::{Akamai, EdgeGrid};
use solvers::dns::azure_dns::AzureDns;
use solvers::dns::cloud_dns::CloudDns;
use solvers::dns::cloudflare::{Access, Cloudflare};
use solvers::dns::desec::Desec;
use solvers::dns::digitalocean::DigitalOcean;
use solvers::dns::gandi::Gandi;
use solvers::dns::hetzner::Hetzner;
use solvers::dns::http_api::Token;
use solvers::dns::linode::Linode;
use solvers::dns::rfc2136::{Rfc2136, TsigAlgorithm, TsigKey};
use solvers::dns::route53::{Budget, Route53, endpoint};
use solvers::dns::vultr::Vultr;
use solvers::dns::webhook::Webhook;
use solvers::dns01::{DnsProvider, NameServer, Resolver, TxtRecord, Zone};
use tokio::net::UdpSocket;
use tokio::runtime::Runtime;

/// Adds, asks after and removes a value through one of the services, and answers the errors that come of it.
pub(crate) fn refusals(bytes: &[u8]) -> Vec<Error> {
    let chance = bytes.iter().fold(bytes.len(), |sum, byte| sum.wrapping_add(usize::from(*byte)));
    let status = STATUS[chance % STATUS.len()];
    let kind =
        |request: &Request<Bytes>| if request.uri().host() == Some(AWS) { "text/xml" } else { "application/json" };
    let body = Bytes::copy_from_slice(bytes);
    let transport: Arc<dyn Transport> = Arc::new(Same(move |request: &Request<Bytes>| {
        let mut answer = Response::new(body.clone());
        *answer.status_mut() = status;
        answer.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(kind(request)));
        answer
    }));
    let providers = providers(&transport);
    let chosen = &providers[chance / STATUS.len() % providers.len()];
    RUNTIME.block_on(async {
        let outcomes = [
            chosen.add_txt(&record()).await,
            chosen.settled("value").await.map(drop),
            chosen.remove_txt(&record()).await,
            ManagedIdentity::new(Cloud::Public, None, Arc::clone(&transport)).fetch(Timestamp::EPOCH).await.map(drop),
            Metadata::new(Scope::CLOUD_DNS, Arc::clone(&transport)).fetch(Timestamp::EPOCH).await.map(drop),
            register("https://auth.example", &[], Arc::clone(&transport), Arc::new(Noon)).await.map(drop),
        ];
        outcomes.into_iter().filter_map(Result::err).collect()
    })
}

/// Asks a name server behind HTTPS that answers every question with the header (after its id) and the records in `bytes`.
pub(crate) fn lies(bytes: &[u8]) -> Vec<Error> {
    let (header, records) = bytes.split_at(bytes.len().min(10));
    let mut header = header.to_vec();
    header.resize(10, 0);
    let records = records.to_vec();
    let transport = Arc::new(Same(move |request: &Request<Bytes>| {
        let question = request.body();
        let end = question[12..].iter().position(|it| *it == 0).map_or(question.len(), |it| 12 + it + 5);
        let mut reply = [&question[..2], &header[..], &question[12..end], &records[..]].concat();
        // An answer, to that one question.
        reply[2] |= 0x80;
        reply[4..6].copy_from_slice(&[0, 1]);
        let answer = Response::builder().header("content-type", "application/dns-message").body(reply.into());
        answer.unwrap_or_default()
    }));
    let server: NameServer = "https://dns.example/dns-query".parse().expect("a server");
    let resolver = Resolver::over([server], Arc::new(Noon)).expect("a resolver").with_https(transport);
    let name = name("_acme-challenge.www.example.org");
    RUNTIME.block_on(async {
        let mut errors = Vec::new();
        errors.extend(resolver.follow(&name).await.err());
        match resolver.zone_of(&name).await {
            Ok(zone) => assert!(Zone::new(zone.clone()).holds(&name), "{zone} does not hold {name}"),
            Err(error) => errors.push(error),
        }
        errors
    })
}

/// Updates a name server that answers with the header (after its id) and the records in `bytes` behind the question, and does not have our key; answers why
/// it was not believed.
pub(crate) fn updates(bytes: &[u8]) -> Error {
    let (header, records) = bytes.split_at(bytes.len().min(10));
    let mut header = header.to_vec();
    header.resize(10, 0);
    // A whole answer, to that one question.
    header[0] = (header[0] | 0x80) & !0x02;
    header[2..4].copy_from_slice(&[0, 1]);
    let records = records.to_vec();
    RUNTIME.block_on(async {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port of the loopback interface");
        let address = socket.local_addr().expect("a bound port has an address");
        let serving = tokio::spawn(async move {
            let mut question = [0; 1500];
            while let Ok((length, asker)) = socket.recv_from(&mut question).await {
                let question = &question[..length];
                let end = question[12..].iter().position(|it| *it == 0).map_or(length, |it| 12 + it + 5);
                let reply = [&question[..2], &header[..], &question[12..end], &records[..]].concat();
                let _ = socket.send_to(&reply, asker).await;
            }
        });
        let secret = Secret::new("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".to_owned());
        let key = TsigKey::from_base64("acme-key", TsigAlgorithm::HmacSha256, &secret).expect("a key");
        let provider = Rfc2136::new(&address.to_string(), Arc::new(Noon)).expect("an address").with_key(key);
        let outcome = provider.add_txt(&record()).await;
        serving.abort();
        outcome.expect_err("what nobody signed with our key is no good news")
    })
}

fn providers(transport: &Arc<dyn Transport>) -> Vec<Box<dyn DnsProvider>> {
    let transport = || Arc::clone(transport);
    let clock = || -> Arc<dyn Clock> { Arc::new(Noon) };
    let token = || Arc::new(Fixed::new(Token::bearer(&secret())));
    let access = || Arc::new(Fixed::new(AccessToken::new(&secret())));
    let grid = Arc::new(Fixed::new(EdgeGrid::new(&secret(), &secret(), &secret())));
    let aws = endpoint(Partition::Aws).map(|endpoint| {
        let keys = Arc::new(Fixed::new(Credentials::new("id", &secret())));
        Route53::new(Client::new(endpoint, keys, transport(), clock())).with_budget(Arc::new(Budget::per_second(1000)))
    });
    let cloudflare = Arc::new(Fixed::new(Access::token(&secret())));
    let opened: [Result<Box<dyn DnsProvider>, Error>; 12] = [
        boxed(Akamai::new("host.example", grid, transport(), clock())),
        boxed(AzureDns::new("s", "g", access(), transport(), clock())),
        boxed(AzureDns::new("s", "g", access(), transport(), clock()).map(AzureDns::for_private_zones)),
        boxed(CloudDns::new("p", access(), transport(), clock())),
        boxed(Cloudflare::new(cloudflare, transport(), clock())),
        boxed(Desec::new(token(), transport(), clock())),
        boxed(DigitalOcean::new(token(), transport(), clock())),
        boxed(Gandi::new(token(), transport(), clock())),
        boxed(Hetzner::new(token(), transport(), clock())),
        boxed(Linode::new(token(), transport(), clock())),
        boxed(Vultr::new(token(), transport(), clock())),
        boxed(Webhook::new("https://api.example", "acme.example", "solver", transport(), clock())),
    ];
    opened.into_iter().chain([boxed(aws)]).map(|it| it.expect("a provider")).collect()
}

fn boxed(provider: Result<impl DnsProvider + 'static, Error>) -> Result<Box<dyn DnsProvider>, Error> {
    provider.map(|it| -> Box<dyn DnsProvider> { Box::new(it) })
}

fn record() -> TxtRecord {
    TxtRecord::new(name("_acme-challenge.www.example.org"), "value", name("www.example.org"))
        .with_zone(Zone::new(name("example.org")))
}

fn name(text: &str) -> DnsName {
    DnsName::parse(text).expect("a name")
}

fn secret() -> Secret<String> {
    Secret::new("secret".to_owned())
}

/// Answers each request by one rule.
struct Same<F>(F);

#[async_trait]
impl<F: Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync> Transport for Same<F> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        Ok((self.0)(&request))
    }
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(1_790_000_000)
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
});

const AWS: &str = "route53.amazonaws.com";
const STATUS: [StatusCode; 7] = [
    StatusCode::OK,
    StatusCode::CREATED,
    StatusCode::OK,
    StatusCode::NOT_FOUND,
    StatusCode::CONFLICT,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::BAD_REQUEST,
];
