//! Nothing secret is printed by any provider, whatever the other side repeats of what it was sent.

use std::collections::BTreeSet;

use acme_core::Transport;
use certwright_solvers::credentials::aws::{Client, Credentials, Partition};
use certwright_solvers::credentials::{AccessToken, CredentialSource};
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
use certwright_solvers::dns::route53::{self, Route53};
use certwright_solvers::dns::vultr::Vultr;
use certwright_solvers::dns::webhook::Webhook;
use certwright_solvers::dns01::DnsProvider;
use http::Request;
use testkit::transport::Answer;
use testkit::{ScriptedTransport, VirtualClock, logged, run};

use super::*;

#[test]
fn what_a_hostile_service_repeats_is_cut_out() {
    let text = logged(|| {
        for status in [200, 204, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503] {
            let echo = ScriptedTransport::new();
            echo.whenever(move |request| Some(echoed(status, request)));
            for (_, provider) in providers(&Arc::new(echo)) {
                let clock = VirtualClock::new();
                for outcome in [
                    run(&clock, provider.add_txt(&record("value"))),
                    run(&clock, provider.remove_txt(&record("value"))),
                ] {
                    if let Err(error) = outcome {
                        assert_silent(&format!("{error} {error:?} {:?}", std::error::Error::source(&error)));
                    }
                }
            }
        }
    });
    assert!(text.contains("a DNS service refused"), "{text}");
    assert_silent(&text);
}

#[test]
fn no_provider_is_forgotten_here() {
    // acme-dns wants a name server (`acme_dns`), a program no credential, and keys of DNS UPDATE never travel (`tests/dns`).
    let elsewhere = ["acme_dns", "exec", "rfc2136"];
    let here: BTreeSet<_> = providers(&Arc::default()).iter().map(|(module, _)| *module).chain(elsewhere).collect();
    assert_eq!(here, places::modules());
}

#[test]
fn nothing_secret_is_in_what_is_printed_of_a_credential() {
    let word = secret("TOP-SECRET");
    assert_silent(&format!("{:?} {:?}", Access::token(&word), Access::global_key("a@example.org", &word)));
    assert_silent(&format!(
        "{:?} {:?} {:?}",
        Token::bearer(&word),
        Basic::new("user", &word),
        Credentials::new("id", &word)
    ));
}

/// Every provider that needs no name server, with credentials that hold the words `TOP-SECRET`, and what is printed of it.
fn providers(transport: &Arc<ScriptedTransport>) -> Vec<Shown> {
    let transport = || -> Arc<dyn Transport> { transport.clone() };
    let token = || Token::bearer(&secret("TOP-SECRET-token"));
    let access = Access::token(&secret("TOP-SECRET-token"));
    let key = Access::global_key("a@example.org", &secret("TOP-SECRET-key"));
    let login = Basic::new("user", &secret("TOP-SECRET-word"));
    let keys =
        Credentials::new("AKIDEXAMPLE", &secret("TOP-SECRET-key")).with_session_token(&secret("TOP-SECRET-session"));
    let aws = Client::new(route53::endpoint(Partition::Aws).unwrap(), fixed(keys), transport(), clock());
    let (base, hook) = ("https://api.test", "acme.example.com");
    let [client_token, access_token, client_secret] =
        ["client", "access", "key"].map(|it| secret(&format!("TOP-SECRET-{it}")));
    let grid = EdgeGrid::new(&client_token, &access_token, &client_secret);
    vec![
        shown("akamai", Akamai::new("akab-host.luna.akamaiapis.net", fixed(grid), transport(), clock()).unwrap()),
        shown("azure_dns", AzureDns::new("s", "g", bearer(), transport(), clock()).unwrap()),
        shown("azure_dns", AzureDns::new("s", "g", azure_dns::principal(transport()), transport(), clock()).unwrap()),
        shown("cloud_dns", CloudDns::new("p", bearer(), transport(), clock()).unwrap().with_zone_id("z")),
        shown("cloud_dns", CloudDns::new("p", cloud_dns::account(transport()), transport(), clock()).unwrap()),
        shown("cloudflare", Cloudflare::new(fixed(access), transport(), clock()).unwrap().with_zone_id("z")),
        shown("cloudflare", Cloudflare::new(fixed(key), transport(), clock()).unwrap()),
        shown("desec", Desec::new(fixed(token()), transport(), clock()).unwrap()),
        shown("hetzner", Hetzner::new(fixed(token()), transport(), clock()).unwrap()),
        shown("linode", Linode::new(fixed(token()), transport(), clock()).unwrap()),
        shown("vultr", Vultr::new(fixed(token()), transport(), clock()).unwrap()),
        shown("digitalocean", DigitalOcean::new(fixed(token()), transport(), clock()).unwrap()),
        shown("gandi", Gandi::new(fixed(token()), transport(), clock()).unwrap()),
        shown("httpreq", HttpReq::with_login(base, fixed(Some(login)), transport(), clock()).unwrap()),
        shown("route53", Route53::new(aws)),
        shown(
            "webhook",
            Webhook::with_token(base, hook, "solver", fixed(Some(token())), transport(), clock()).unwrap(),
        ),
    ]
}

fn bearer() -> Arc<dyn CredentialSource<AccessToken>> {
    fixed(AccessToken::new(&secret("TOP-SECRET-token")))
}

/// A provider and its module.
type Shown = (&'static str, Box<dyn DnsProvider>);

fn shown(module: &'static str, provider: impl DnsProvider + std::fmt::Debug + 'static) -> Shown {
    assert_silent(&format!("{provider:?}"));
    (module, Box::new(provider))
}

pub(crate) fn assert_silent(text: &str) {
    // Also as basic authentication sends it.
    for secret in ["TOP-SECRET", "dXNlcjpUT1AtU0VDUkVULXdvcmQ"] {
        assert!(!text.contains(secret), "a secret is in {text}");
    }
}

/// All headers, the URL and the body, wherever a service may put a message.
pub(crate) fn echoed(status: u16, request: &Request<bytes::Bytes>) -> Answer {
    let headers: Vec<_> = request.headers().values().map(|it| String::from_utf8_lossy(it.as_bytes())).collect();
    let text = format!("{} {} {}", request.uri(), headers.join(" "), String::from_utf8_lossy(request.body()));
    let body = serde_json::json!({
        "success": false, "errors": [{ "code": 1, "message": text }], "id": text, "code": text, "message": text,
        "reason": text, "error": text, "error_description": text, "detail": text, "title": text,
    });
    Answer::new(status, "application/json", body.to_string())
}
