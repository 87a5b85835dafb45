//! Providers inside the solver: zones by SOA, delegation by CNAME, a look at name servers, all through a name server that shows what the double holds.

use acme_core::Identifier;
use acme_core::protocol::{ChallengeType, KeyAuthorization, Url};
use certwright_solvers::dns::cloudflare::{Access, Cloudflare};
use certwright_solvers::dns::digitalocean::DigitalOcean;
use certwright_solvers::dns::http_api::Token;
use certwright_solvers::dns01::{Dns01, DnsProvider as _, Resolver, Vacancy};
use certwright_solvers::{ErrorKind, Presentation, Readiness, Solver as _};
use testkit::conformance;
use testkit::doubles::{Double, NameServer, cloudflare, digitalocean, empty};

use super::*;

#[tokio::test]
async fn cloudflare_in_the_solver_keeps_the_contract_of_solvers() {
    let (dns, _server, resolver) = internet();
    let double = Double::new(cloudflare::Cloudflare::new("token", dns.clone()).with_zone("example.org", "z1"));
    let access = fixed(Access::token(&secret("token")));
    let provider = Cloudflare::new(access, Arc::new(double), clock()).unwrap();
    let identifier = Identifier::parse("www.example.org").unwrap();
    conformance::solver(|| Dns01::new(provider.clone(), resolver.clone()), &identifier).await.unwrap();
    assert!(texts(&dns, OWNER).is_empty());
}

#[tokio::test]
async fn a_name_may_be_delegated_to_another_provider() {
    let (dns, _server, resolver) = internet();
    dns.add_cname(OWNER, "www.challenges.example.net");
    let double = Double::new(digitalocean::DigitalOcean::new("token", &["challenges.example.net"], dns.clone()));
    let solver = Dns01::new(digital_ocean(&double), resolver);
    for token in ["apex", "wildcard"] {
        solver.present(&challenge(token)).await.unwrap();
        assert_eq!(solver.check(&challenge(token)).await.unwrap(), Readiness::Ready);
    }
    assert_eq!(texts(&dns, "www.challenges.example.net").len(), 2);
    for token in ["apex", "wildcard"] {
        solver.clean_up(&challenge(token)).await.unwrap();
    }
    assert!(texts(&dns, "www.challenges.example.net").is_empty());
}

#[tokio::test]
async fn a_zone_cut_inside_the_name_is_found_before_the_provider_is_asked() {
    let (dns, _server, resolver) = internet();
    dns.add_zone("www.example.org", &["ns.www.example.org"]);
    let double = Double::new(digitalocean::DigitalOcean::new("token", &["example.org"], dns));
    let error = Dns01::new(digital_ocean(&double), resolver).present(&challenge("token")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let told = format!("adding a TXT value at {OWNER} in the zone www.example.org: DigitalOcean answered not_found");
    assert!(error.to_string().starts_with(&told), "{error}");
}

#[tokio::test]
async fn a_name_costs_two_calls_where_a_service_takes_a_value_twice() {
    let (dns, _server, resolver) = internet();
    let double = Double::new(digitalocean::DigitalOcean::new("token", &["example.org"], dns));
    let solver = Dns01::new(digital_ocean(&double), resolver);
    for token in ["first", "second"] {
        let before = double.calls().len();
        solver.present(&challenge(token).with_first(true)).await.unwrap();
        solver.present(&challenge(token)).await.unwrap();
        solver.clean_up(&challenge(token)).await.unwrap();
        assert_eq!(double.calls().len() - before, 2, "{token}");
    }
    assert_eq!(double.service().records(), 0);
}

#[tokio::test]
async fn what_stands_at_a_name_is_asked_where_somebody_makes_something_of_it() {
    let (dns, server, resolver) = internet();
    let double = Double::new(digitalocean::DigitalOcean::new("token", &["example.org"], dns.clone()));
    let twice = Dns01::new(digital_ocean(&double), resolver.clone());
    let double = Double::new(cloudflare::Cloudflare::new("token", dns).with_zone("example.org", "z1"));
    let once = Cloudflare::new(fixed(Access::token(&secret("token"))), Arc::new(double), clock()).unwrap();
    let once = Dns01::new(once, resolver);
    for (solver, asked) in [(&twice, [1, 0, 0]), (&once, [0, 0, 0])] {
        let mut found = Vec::new();
        for step in 0..3 {
            let before = server.texts_asked(OWNER);
            match step {
                0 => solver.present(&challenge("token").with_first(true)).await.unwrap(),
                1 => solver.present(&challenge("token")).await.unwrap(),
                _ => solver.clean_up(&challenge("token")).await.unwrap(),
            }
            found.push(server.texts_asked(OWNER) - before);
        }
        assert_eq!(found, asked);
    }
}

#[tokio::test]
async fn what_a_dead_process_left_is_seen_in_the_dns_and_goes() {
    let (dns, _server, resolver) = internet();
    comes_back(&Double::new(digitalocean::DigitalOcean::new("token", &["example.org"], dns)), &resolver).await;
}

#[tokio::test]
async fn what_a_dead_process_left_goes_before_any_name_server_shows_it() {
    let (_, _server, resolver) = internet();
    // The service holds what its name servers will show some minutes later.
    comes_back(&Double::new(digitalocean::DigitalOcean::new("token", &["example.org"], SimDns::new())), &resolver)
        .await;
}

/// A process that dies over an addition, and the next one that presents the same and takes it away.
async fn comes_back(double: &Double<digitalocean::DigitalOcean>, resolver: &Resolver) {
    let process = || Dns01::new(digital_ocean(double), resolver.clone());
    process().present(&challenge("token").with_first(true)).await.unwrap();
    let next = process();
    next.present(&challenge("token")).await.unwrap();
    assert_eq!(double.service().records(), 1);
    next.clean_up(&challenge("token")).await.unwrap();
    assert_eq!(double.service().records(), 0);
}

#[tokio::test]
async fn an_addition_of_which_nothing_was_heard_is_looked_for_although_no_name_server_shows_it_yet() {
    let double = Double::new(digitalocean::DigitalOcean::new("token", &["example.org"], SimDns::new()));
    let provider = digital_ocean(&double);
    let vacant = record("value").with_vacancy(Vacancy::Vacant);
    // It was written, and the answer was lost.
    double.fail_next(empty(502));
    provider.add_txt(&vacant).await.unwrap_err();
    double.service().write("example.org", OWNER, "value");
    provider.add_txt(&vacant).await.unwrap();
    assert_eq!(double.service().records(), 1);
    provider.remove_txt(&vacant).await.unwrap();
    assert_eq!(double.service().records(), 0);
}

/// Two zones, and a resolver that sees them.
fn internet() -> (SimDns, NameServer, Resolver) {
    let dns = SimDns::new();
    dns.add_zone("example.org", &["ns.example.org"]);
    dns.add_zone("challenges.example.net", &["ns.challenges.example.net"]);
    let server = NameServer::start(dns.clone());
    let resolver = Resolver::new([server.address()], clock()).unwrap().with_authoritative_port(server.address().port());
    (dns, server, resolver)
}

fn digital_ocean(double: &Double<digitalocean::DigitalOcean>) -> DigitalOcean {
    DigitalOcean::new(fixed(Token::bearer(&secret("token"))), Arc::new(double.clone()), clock()).unwrap()
}

fn challenge(token: &str) -> Presentation {
    Presentation::new(
        Identifier::parse("www.example.org").unwrap(),
        ChallengeType::Dns01,
        KeyAuthorization::new(token, "thumbprint").unwrap(),
        Url::parse("https://ca.test/acct/1").unwrap(),
    )
}
