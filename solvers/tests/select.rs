//! Which solver is taken for which name, and what is said when none fits.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use acme_core::protocol::ChallengeType;
use acme_core::{DnsName, Identifier};
use async_trait::async_trait;
use certwright_solvers::{Error, ErrorKind, Miss, Presentation, Readiness, Retry, Selector, Solver, SolverId, Solvers};

const ALL: [ChallengeType; 3] = [ChallengeType::TlsAlpn01, ChallengeType::Dns01, ChallengeType::Http01];

#[test]
fn names_beat_zones_beat_labels_beat_any() {
    let labelled = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
    let solvers = Solvers::new()
        .with("any", Of(ChallengeType::Dns01), Selector::any())
        .with("label", Of(ChallengeType::Dns01), Selector::any().label("team", "a"))
        .with("zone", Of(ChallengeType::Dns01), zones(&["example.com"]))
        .with("longer", Of(ChallengeType::Dns01), zones(&["b.example.com", "com"]))
        .with("name", Of(ChallengeType::Dns01), names(&["c.b.example.com"]));
    for (asked, labels, taken) in [
        ("c.b.example.com", &labelled, "name"),
        ("d.b.example.com", &labelled, "longer"),
        ("b.example.com", &labelled, "longer"),
        ("a.example.com", &labelled, "zone"),
        ("ab.example.org", &labelled, "label"),
        ("ab.example.org", &BTreeMap::new(), "any"),
        ("anexample.com", &BTreeMap::new(), "longer"),
    ] {
        let choice = solvers.choose(&id(asked), false, &ALL, labels).unwrap();
        assert_eq!(choice.id, SolverId::new(taken), "{asked}");
    }
}

#[test]
fn equally_specific_solvers_are_taken_in_order_whatever_the_server_lists_first() {
    let solvers = Solvers::new().with("http", Of(ChallengeType::Http01), Selector::any()).with(
        "tls",
        Of(ChallengeType::TlsAlpn01),
        Selector::any(),
    );
    let choice = choose(&solvers, "example.com", false, &ALL).unwrap();
    assert_eq!(choice.challenge, ChallengeType::Http01);
    let choice = choose(&solvers, "example.com", false, &[ChallengeType::TlsAlpn01]).unwrap();
    assert_eq!(choice.id.as_str(), "tls");
}

#[test]
fn more_labels_are_more_specific_and_all_of_them_must_match() {
    let solvers = Solvers::new().with("one", Of(ChallengeType::Dns01), Selector::any().label("a", "1")).with(
        "two",
        Of(ChallengeType::Dns01),
        Selector::any().label("a", "1").label("b", "2"),
    );
    let labels = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()
    };
    let take = |pairs| solvers.choose(&id("example.com"), false, &ALL, &labels(pairs));
    assert_eq!(take(&[("a", "1"), ("b", "2")]).unwrap().id.as_str(), "two");
    assert_eq!(take(&[("a", "1"), ("b", "3")]).unwrap().id.as_str(), "one");
    let error = take(&[("a", "2")]).unwrap_err();
    assert!(error.to_string().contains("lacks one of its labels"), "{error}");
}

#[test]
fn a_wildcard_is_matched_with_its_star() {
    let solvers = Solvers::new().with("apex", Of(ChallengeType::Dns01), names(&["example.com"])).with(
        "star",
        Of(ChallengeType::Dns01),
        names(&["*.example.com"]),
    );
    assert_eq!(choose(&solvers, "example.com", true, &ALL).unwrap().id.as_str(), "star");
    assert_eq!(choose(&solvers, "example.com", false, &ALL).unwrap().id.as_str(), "apex");
}

#[test]
fn a_wildcard_with_http_alone_says_what_it_needs() {
    let solvers = Solvers::new().with("web", Of(ChallengeType::Http01), Selector::any());
    let error = choose(&solvers, "example.com", true, &[ChallengeType::Dns01]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.retry(), Retry::Never);
    assert_eq!(
        error.to_string(),
        "*.example.com needs dns-01: a wildcard cannot be proven by `web` (http-01); add a dns-01 solver whose selector covers it"
    );
}

#[test]
fn an_address_with_dns_alone_says_what_it_needs() {
    let solvers = Solvers::new().with("dns", Of(ChallengeType::Dns01), Selector::any());
    let error = choose(&solvers, "192.0.2.1", false, &ALL).unwrap_err();
    assert!(error.to_string().starts_with("192.0.2.1 needs http-01 or tls-alpn-01"), "{error}");
}

#[test]
fn a_type_that_is_not_offered_lists_what_is() {
    let solvers = Solvers::new().with("dns", Of(ChallengeType::Dns01), zones(&["example.com"]));
    let offered = [ChallengeType::Http01, ChallengeType::Other("new-01".into())];
    let error = choose(&solvers, "www.example.com", false, &offered).unwrap_err();
    assert!(error.to_string().contains("offers http-01, new-01"), "{error}");
    assert!(error.to_string().contains("`dns` (dns-01)"), "{error}");
}

#[test]
fn a_name_outside_every_zone_says_so() {
    let solvers = Solvers::new().with("dns", Of(ChallengeType::Dns01), zones(&["example.com"]));
    let error = choose(&solvers, "example.org", false, &ALL).unwrap_err();
    assert!(error.to_string().contains("no solver covers example.org"), "{error}");
    assert!(error.to_string().contains("none of its zones holds it"), "{error}");
    let error = choose(&Solvers::new(), "example.org", false, &ALL).unwrap_err();
    assert!(error.to_string().contains("no solver is configured"), "{error}");
}

#[test]
fn the_solver_that_almost_matched_is_named_with_what_it_lacks() {
    let any = BTreeMap::new;
    let far = || Solvers::new().with("far", Of(ChallengeType::Dns01), zones(&["example.org"]));
    for (selector, asked, wanted) in [
        (
            names(&["example.com"]),
            "*.example.com",
            "it lists example.com, and a name and its wildcard are two names: list *.example.com, too",
        ),
        (
            names(&["*.example.com"]),
            "www.example.com",
            "it lists *.example.com, which is a name of its own and no pattern: list www.example.com, or the zone example.com",
        ),
        (
            zones(&["shop.example.com"]),
            "example.com",
            "its zone shop.example.com lies below example.com: take the zone example.com",
        ),
        (zones(&["shop.example.com"]), "web.example.com", "its zone shop.example.com does not hold web.example.com"),
        (
            zones(&["example.com"]).label("team", "a"),
            "example.com",
            "it covers example.com for requests with the label team=a",
        ),
    ] {
        let solvers = far().with("near", Of(ChallengeType::Dns01), selector);
        let name = DnsName::parse(asked).unwrap();
        let error = solvers.choose(&name.base().into(), name.is_wildcard(), &ALL, &any()).unwrap_err();
        assert!(error.to_string().ends_with(&format!("; the nearest is `near` (dns-01): {wanted}")), "{error}");
    }
    let error = far().choose(&id("example.com"), false, &ALL, &any()).unwrap_err();
    assert!(error.to_string().ends_with("; widen a selector, or add a solver"), "{error}");
}

#[test]
fn an_explanation_names_the_choice_and_the_near_misses() {
    let solvers = Solvers::new()
        .with("web", Of(ChallengeType::Http01), Selector::any())
        .with("other", Of(ChallengeType::Dns01), zones(&["example.org"]))
        .with("dns", Of(ChallengeType::Dns01), Selector::any());
    let told = solvers.explain(&id("example.com"), true, &ALL, &BTreeMap::new());
    assert_eq!(told.misses.iter().map(|it| it.why).collect::<Vec<_>>(), [Miss::Wildcard, Miss::Zones]);
    assert_eq!(
        told.to_string(),
        "*.example.com: `dns` (dns-01)\n  not `web` (http-01): its challenge cannot prove a wildcard\n  not `other` (dns-01): none of its zones holds it"
    );
}

fn choose(
    solvers: &Solvers,
    name: &str,
    wildcard: bool,
    offered: &[ChallengeType],
) -> Result<certwright_solvers::Choice, Error> {
    solvers.choose(&id(name), wildcard, offered, &BTreeMap::new())
}

fn id(name: &str) -> Identifier {
    Identifier::parse(name).unwrap()
}

fn names(of: &[&str]) -> Selector {
    Selector::any().names(of.iter().map(|name| id(name)))
}

fn zones(of: &[&str]) -> Selector {
    Selector::any().zones(of.iter().map(|name| DnsName::parse(name).unwrap()))
}

/// Answers nothing; only its type matters here.
struct Of(ChallengeType);

#[async_trait]
impl Solver for Of {
    fn challenge(&self) -> ChallengeType {
        self.0.clone()
    }

    async fn present(&self, _: &Presentation) -> Result<(), Error> {
        Ok(())
    }

    async fn check(&self, _: &Presentation) -> Result<Readiness, Error> {
        Ok(Readiness::Ready)
    }

    async fn clean_up(&self, _: &Presentation) -> Result<(), Error> {
        Ok(())
    }
}
