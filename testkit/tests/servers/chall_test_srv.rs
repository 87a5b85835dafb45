//! Pebble's challenge test server.

use std::net::Ipv4Addr;

use certwright_testkit::servers::ChallTestSrv;

use super::dig;

#[test]
fn the_challenge_test_server_answers_what_it_is_told() {
    let server = ChallTestSrv::start();
    let ask = |name: &str, kind: &str| dig(server.dns_address(), &["+noall", "+comments", "+answer", name, kind]);
    assert!(ask("a.test", "A").contains("127.0.0.1"), "the default address");
    assert!(ask("a.test", "AAAA").contains("ANSWER: 0"), "no default IPv6 address");

    server.add_a("a.test", &[Ipv4Addr::new(127, 0, 0, 9)]);
    server.set_txt("_acme-challenge.a.test.", "one");
    server.set_txt("_acme-challenge.a.test", "two");
    server.set_cname("alias.test", "_acme-challenge.a.test");
    server.set_servfail("broken.test");

    assert!(ask("a.test", "A").contains("127.0.0.9"));
    let txt = ask("alias.test", "TXT");
    assert!(txt.contains("\"one\"") && txt.contains("\"two\""), "{txt}");
    assert!(ask("broken.test", "TXT").contains("SERVFAIL"));
    let history: Vec<_> = server.dns_history("a.test").iter().map(|question| question.kind).collect();
    assert_eq!(history, [1, 28, 1]);

    server.clear_txt("_acme-challenge.a.test");
    server.clear_servfail("broken.test");
    server.clear_dns_history("a.test");

    assert!(!ask("_acme-challenge.a.test", "TXT").contains("\"one\""));
    assert!(!ask("broken.test", "TXT").contains("SERVFAIL"));
    assert!(server.dns_history("a.test").is_empty());
}
