//! The services, and how each is opened.

use std::sync::{Arc, LazyLock};

use acme_core::key::{KeyType, PrivateKey, Signer as _};
use acme_core::transport::ReqwestTransport;
use acme_core::{Clock, Error, Secret, Timestamp, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::header::HOST;
use http::{Request, Response};
use serde_json::json;
use solvers::credentials::aws::{Client, Credentials, Partition};
use solvers::credentials::azure::{Cloud, ManagedIdentity};
use solvers::credentials::google::{Metadata, Scope};
use solvers::credentials::{Fixed, Refreshing};
use solvers::dns::akamai::{Akamai, EdgeGrid};
use solvers::dns::azure_dns::AzureDns;
use solvers::dns::cloud_dns::CloudDns;
use solvers::dns::cloudflare::{Access, Cloudflare};
use solvers::dns::desec::Desec;
use solvers::dns::digitalocean::DigitalOcean;
use solvers::dns::gandi::Gandi;
use solvers::dns::hetzner::Hetzner;
use solvers::dns::http_api::Token;
use solvers::dns::httpreq::HttpReq;
use solvers::dns::linode::Linode;
use solvers::dns::route53::{Budget, Route53, endpoint_at};
use solvers::dns::vultr::Vultr;
use testkit::SimDns;
use testkit::doubles::{self, azure::Azure, google::Google};

use crate::stage::{Stage, ZONE};

/// A service by its feature's name.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) stage: fn() -> Stage,
}

/// Every service that has a double and a provider of lego's.
pub(crate) const SUBJECTS: &[Subject] = &[
    Subject { name: "akamai", stage: akamai },
    Subject { name: "azure-dns", stage: azure_dns },
    Subject { name: "cloud-dns", stage: cloud_dns },
    Subject { name: "cloudflare", stage: cloudflare },
    Subject { name: "desec", stage: desec },
    Subject { name: "digitalocean", stage: digitalocean },
    Subject { name: "gandi", stage: gandi },
    Subject { name: "hetzner", stage: hetzner },
    Subject { name: "httpreq", stage: httpreq },
    Subject { name: "linode", stage: linode },
    Subject { name: "route53", stage: route53 },
    Subject { name: "vultr", stage: vultr },
];

fn akamai() -> Stage {
    let dns = SimDns::new();
    let host = "akab-host.luna.akamaiapis.net";
    let service = doubles::akamai::Akamai::new(["client", "access", "key"], ZONE, dns.clone(), clock());
    let ours = |url: &str| {
        let client = EdgeGrid::new(&secret("client"), &secret("access"), &secret("key"));
        let transport = Arc::new(Elsewhere(url.to_owned(), transport()));
        provider(Akamai::new(host, fixed(client), transport, clock()).expect("an address"))
    };
    let settings = [("host", host), ("client", "client"), ("access", "access"), ("secret", "key")];
    Stage::new(&dns, service, ours, "edgedns", &settings)
}

fn azure_dns() -> Stage {
    let dns = SimDns::new();
    let ours = |url: &str| {
        let identity = ManagedIdentity::new(Cloud::Public, None, transport()).at(url);
        let identity = Arc::new(Refreshing::new(identity));
        let azure = AzureDns::new(Azure::SUBSCRIPTION, Azure::GROUP, identity, transport(), clock());
        provider(azure.and_then(|it| it.at(url)).expect("an address"))
    };
    let settings = [("login", "managed"), ("subscription", Azure::SUBSCRIPTION), ("group", Azure::GROUP)];
    Stage::new(&dns, Azure::new("secret", "assertion", ZONE, dns.clone()), ours, "azuredns", &settings)
}

fn cloud_dns() -> Stage {
    let dns = SimDns::new();
    let ours = |url: &str| {
        let identity = Arc::new(Refreshing::new(Metadata::new(Scope::CLOUD_DNS, transport()).at(url)));
        let cloud = CloudDns::new(Google::PROJECT, identity, transport(), clock());
        provider(cloud.and_then(|it| it.at(url)).expect("an address"))
    };
    let file = json!({
        "type": "service_account", "project_id": Google::PROJECT, "private_key_id": Google::KEY_ID,
        "private_key": KEY.to_pem().expose(), "client_email": Google::EMAIL, "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    });
    let settings = [("key", &*file.to_string()), ("project", Google::PROJECT)];
    let service = Google::new(KEY.public_key().as_ref(), ZONE, dns.clone(), clock());
    Stage::new(&dns, service, ours, "gcloud", &settings)
}

fn cloudflare() -> Stage {
    let dns = SimDns::new();
    let ours = |url: &str| {
        let cloudflare = Cloudflare::new(fixed(Access::token(&secret("token"))), transport(), clock());
        provider(cloudflare.and_then(|it| it.at(&format!("{url}/client/v4"))).expect("an address"))
    };
    let service = doubles::cloudflare::Cloudflare::new("token", dns.clone()).with_zone(ZONE, "z1");
    Stage::new(&dns, service, ours, "cloudflare", &[("token", "token")])
}

fn desec() -> Stage {
    let dns = SimDns::new();
    let ours = |url: &str| {
        let token = Token::bearer(&secret("token")).with_scheme("Token ");
        let desec = Desec::new(fixed(token), transport(), clock());
        provider(desec.and_then(|it| it.at(&format!("{url}/api/v1"))).expect("an address"))
    };
    Stage::new(&dns, doubles::desec::Desec::new("token", ZONE, dns.clone()), ours, "desec", &[("token", "token")])
}

fn digitalocean() -> Stage {
    let dns = SimDns::new();
    let ours = |url: &str| {
        provider(DigitalOcean::new(token(), transport(), clock()).and_then(|it| it.at(url)).expect("an address"))
    };
    let service = doubles::digitalocean::DigitalOcean::new("token", &[ZONE], dns.clone());
    Stage::new(&dns, service, ours, "digitalocean", &[("token", "token")])
}

fn gandi() -> Stage {
    let dns = SimDns::new();
    let ours = |url: &str| {
        let gandi = Gandi::new(token(), transport(), clock());
        provider(gandi.and_then(|it| it.at(&format!("{url}/v5/livedns"))).expect("an address"))
    };
    Stage::new(&dns, doubles::gandi::Gandi::new("token", ZONE, dns.clone()), ours, "gandiv5", &[("token", "token")])
}

fn hetzner() -> Stage {
    let dns = SimDns::new();
    let ours = |url: &str| {
        let hetzner = Hetzner::new(token(), transport(), clock());
        provider(hetzner.and_then(|it| it.at(&format!("{url}/v1"))).expect("an address"))
    };
    Stage::new(&dns, doubles::hetzner::Hetzner::new("token", ZONE, dns.clone()), ours, "hetzner", &[("token", "token")])
}

fn httpreq() -> Stage {
    let dns = SimDns::new();
    let ours = |url: &str| provider(HttpReq::new(url, transport(), clock()).expect("an address"));
    Stage::new(&dns, doubles::httpreq::HttpReq::new(dns.clone()), ours, "httpreq", &[])
}

fn linode() -> Stage {
    let dns = SimDns::new();
    let ours = |url: &str| {
        let linode = Linode::new(token(), transport(), clock());
        provider(linode.and_then(|it| it.at(&format!("{url}/v4"))).expect("an address"))
    };
    Stage::new(&dns, doubles::linode::Linode::new("token", ZONE, dns.clone()), ours, "linode", &[("token", "token")])
}

fn route53() -> Stage {
    let dns = SimDns::new();
    let keys = || Credentials::new("AKIDEXAMPLE", &secret("key"));
    let ours = |url: &str| {
        let endpoint = endpoint_at(url, Partition::Aws).expect("an address");
        let client = Client::new(endpoint, fixed(keys()), transport(), clock());
        // The double throttles nobody here, as lego asks for more than Route 53 allows.
        provider(Route53::new(client).with_budget(Arc::new(Budget::per_second(10_000))))
    };
    let service = doubles::route53::Route53::new(keys(), dns.clone(), clock()).with_zone(ZONE, "Z1").at_once();
    Stage::new(&dns, service, ours, "route53", &[("id", "AKIDEXAMPLE"), ("secret", "key")])
}

fn vultr() -> Stage {
    let dns = SimDns::new();
    let ours = |url: &str| {
        let vultr = Vultr::new(token(), transport(), clock());
        provider(vultr.and_then(|it| it.at(&format!("{url}/v2"))).expect("an address"))
    };
    Stage::new(&dns, doubles::vultr::Vultr::new("token", ZONE, dns.clone()), ours, "vultr", &[("token", "token")])
}

fn provider(provider: impl solvers::dns01::DnsProvider + 'static) -> Arc<dyn solvers::dns01::DnsProvider> {
    Arc::new(provider)
}

fn token() -> Arc<Fixed<Token>> {
    fixed(Token::bearer(&secret("token")))
}

fn fixed<T>(credential: T) -> Arc<Fixed<T>> {
    Arc::new(Fixed::new(credential))
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn transport() -> Arc<dyn Transport> {
    Arc::new(ReqwestTransport::new().expect("a transport"))
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(Wall)
}

/// Sends what is meant for any host to one address, where a signature names the host.
struct Elsewhere(String, Arc<dyn Transport>);

#[async_trait]
impl Transport for Elsewhere {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let host = request.uri().authority().and_then(|it| it.as_str().parse().ok()).expect("a host");
        let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
        *request.uri_mut() = format!("{}{path}", self.0).parse().expect("a URL");
        request.headers_mut().insert(HOST, host);
        self.1.send(request).await
    }
}

/// lego goes by it.
struct Wall;

impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
    fn now(&self) -> Timestamp {
        std::time::SystemTime::now().into()
    }
}

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate(KeyType::Rsa2048).expect("a key"));
