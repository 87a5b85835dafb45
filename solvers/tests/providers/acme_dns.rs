//! acme-dns.

use std::fs;

use acme_core::Identifier;
use acme_core::protocol::{ChallengeType, KeyAuthorization, Url};
use certwright_solvers::credentials::{Refreshing, SecretFile};
use certwright_solvers::dns::acme_dns::{Accounts, AcmeDns, register};
use certwright_solvers::dns01::{Dns01, DnsProvider as _, Resolver};
use certwright_solvers::{ErrorKind, Presentation, Readiness, Retry, Solver as _};
use testkit::doubles::{Double, NameServer, acme_dns};
use testkit::{ScriptedTransport, conformance};

use super::secrecy::{assert_silent, echoed};
use super::*;

#[tokio::test]
async fn acme_dns_keeps_what_it_can_of_the_contract() {
    let place = Place::new().await;
    let lookup = async |owner: &DnsName| texts(&place.dns, owner.as_str());
    conformance::two_slot_dns_provider(|| place.provider(), lookup, &record("")).await.unwrap();
}

#[tokio::test]
async fn apex_and_wildcard_share_an_account_through_the_whole_solver() {
    let place = Place::new().await;
    let solver = Dns01::new(place.provider(), place.resolver());
    let challenge = |token: &str| {
        Presentation::new(
            Identifier::parse("www.example.org").unwrap(),
            ChallengeType::Dns01,
            KeyAuthorization::new(token, "thumbprint").unwrap(),
            Url::parse("https://ca.test/acct/1").unwrap(),
        )
    };
    for token in ["apex", "wildcard"] {
        assert!(matches!(solver.check(&challenge(token)).await.unwrap(), Readiness::NotYet { .. }));
        solver.present(&challenge(token)).await.unwrap();
    }
    for token in ["apex", "wildcard"] {
        assert_eq!(solver.check(&challenge(token)).await.unwrap(), Readiness::Ready);
        solver.clean_up(&challenge(token)).await.unwrap();
    }
}

#[tokio::test]
async fn lego_finds_the_same_service_in_the_double() {
    let place = Place::new().await;
    let storage = place.folder.path().join("lego.json");
    fs::copy(&place.file, &storage).unwrap();
    let served = place.double.serve();
    let settings = [("storage", storage.to_str().unwrap())];
    let lego = Lego::open("acme-dns", &served.url(), "example.org", &settings);
    let value = lego.present("www.example.org", "token", "token.thumbprint").unwrap();
    assert_eq!(texts(&place.dns, OWNER), [value]);

    // What lego registers, we read; what we registered, it read.
    let error = lego.present("new.example.org", "token", "token.thumbprint").unwrap_err();
    assert!(error.contains("_acme-challenge.new.example.org. CNAME"), "{error}");
    Accounts::from_json(&secret(&fs::read_to_string(&storage).unwrap())).unwrap();
}

#[tokio::test]
async fn a_name_without_its_alias_is_told_which_record_to_make() {
    let place = Place::new().await;
    place.dns.remove_cname(OWNER);
    let error = place.provider().add_txt(&record(&value("v"))).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Backoff));
    let hint = format!(
        "{OWNER} is not delegated to the acme-dns account of www.example.org; make this record: {OWNER}. CNAME {}.",
        place.full_domain
    );
    assert!(error.to_string().ends_with(&hint), "{error}");
    assert_eq!(place.double.calls(), ["POST /register"]);
}

#[tokio::test]
async fn a_name_without_an_account_is_told() {
    let place = Place::new().await;
    let other = TxtRecord::new(name("_acme-challenge.other.example.org"), value("v"), name("other.example.org"));
    let error = place.provider().add_txt(&other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let told = "there is no acme-dns account for other.example.org among those given (there are: www.example.org); register one and add it";
    assert!(error.to_string().ends_with(told), "{error}");
}

#[tokio::test]
async fn a_changed_password_is_read_after_one_refused_call() {
    let place = Place::new().await;
    let provider = place.provider();
    provider.add_txt(&record(&value("before"))).await.unwrap();
    place.double.service().change_passwords();
    let error = provider.add_txt(&record(&value("after"))).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Backoff));
    let told = "acme-dns answered forbidden (the server knows no such account, or the account may not be updated from this address (allowfrom))";
    assert!(error.to_string().ends_with(told), "{error}");

    let text = fs::read_to_string(&place.file).unwrap();
    fs::write(&place.file, text.replace(&"s".repeat(29), &"n".repeat(29))).unwrap();
    provider.add_txt(&record(&value("after"))).await.unwrap();
    assert_eq!(texts(&place.dns, OWNER).len(), 2);
}

#[tokio::test]
async fn what_a_hostile_server_repeats_is_cut_out() {
    let place = Place::new().await;
    for status in [302, 400, 401, 403, 500] {
        let echo = ScriptedTransport::new();
        echo.whenever(move |request| Some(echoed(status, request)));
        let accounts = fixed(Accounts::from_json(&secret(&fs::read_to_string(&place.file).unwrap())).unwrap());
        let provider = AcmeDns::new("https://auth.test", accounts, place.resolver(), Arc::new(echo), clock()).unwrap();
        let error = provider.add_txt(&record(&value("v"))).await.unwrap_err();
        assert_silent(&format!("{provider:?} {error} {error:?}"));
    }
}

#[tokio::test]
async fn accounts_may_be_bound_to_networks() {
    let place = Place::new().await;
    let transport = || Arc::new(place.double.clone());
    let account = register("https://auth.test", &["192.0.2.0/24"], transport(), clock()).await.unwrap();
    assert!(account.to_json().expose().contains("\"allowfrom\":[\"192.0.2.0/24\"]"));
    assert_silent(&format!("{account:?}"));
    assert_silent(&format!("{:?}", Accounts::new().with(name("a.test"), account)));
    let error = register("https://auth.test", &["192.0.2.1"], transport(), clock()).await.unwrap_err();
    assert_eq!(error.what(), "registering an account: acme-dns answered invalid_allowfrom_cidr");
}

#[test]
fn accounts_that_are_none_are_refused_without_showing_them() {
    let error = Accounts::from_json(&secret("{\"a.test\": {\"password\": \"TOP-SECRET\"}}")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(!format!("{error:?}").contains("TOP-SECRET"), "{error:?}");
}

/// An acme-dns server, an account for www.example.org in a file, its alias, and a name server that shows all of it.
struct Place {
    dns: SimDns,
    name_server: NameServer,
    double: Double<acme_dns::AcmeDns>,
    full_domain: DnsName,
    folder: tempfile::TempDir,
    file: std::path::PathBuf,
}

impl Place {
    async fn new() -> Self {
        let dns = SimDns::new();
        dns.add_zone("example.org", &["ns.example.org"]);
        dns.add_zone("auth.example.net", &["ns.auth.example.net"]);
        let double = Double::new(acme_dns::AcmeDns::new("auth.example.net", dns.clone()));
        let account = register("https://auth.test", &[], Arc::new(double.clone()), clock()).await.unwrap();
        let full_domain = account.full_domain().clone();
        assert_eq!(account.delegation_of(&name("*.www.example.org")), format!("{OWNER}. CNAME {full_domain}."));
        dns.add_cname(OWNER, full_domain.as_str());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("accounts.json");
        fs::write(&file, format!("{{\"www.example.org\": {}}}", account.to_json().expose())).unwrap();
        Self { name_server: NameServer::start(dns.clone()), dns, double, full_domain, folder, file }
    }

    fn provider(&self) -> AcmeDns {
        let accounts = Arc::new(Refreshing::new(SecretFile::parsed(&self.file, Accounts::from_json)));
        AcmeDns::new("https://auth.test/", accounts, self.resolver(), Arc::new(self.double.clone()), clock()).unwrap()
    }

    fn resolver(&self) -> Resolver {
        let address = self.name_server.address();
        Resolver::new([address], clock()).unwrap().with_authoritative_port(address.port())
    }
}

/// A value as long as those of challenges.
fn value(text: &str) -> String {
    format!("{text:_<43}")
}
