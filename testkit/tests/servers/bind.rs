//! BIND.

use std::process::{Command, Output};

use certwright_testkit::servers::{Bind, TsigAlgorithm, TsigKey, Zone};

use super::{dig, feed};

#[test]
fn bind_answers_soa_and_takes_updates_signed_by_every_algorithm() {
    let keys = TsigAlgorithm::ALL.map(|algorithm| TsigKey::new(algorithm.name(), algorithm, "a secret of some length"));
    let zone = keys.iter().fold(Zone::new("example.test"), Zone::update_with);
    let bind = Bind::builder().zone(zone).zone(Zone::new("open.test").update_from_loopback()).start();
    assert!(dig(bind.address(), &["+short", "example.test", "SOA"]).starts_with("ns.example.test."));

    for key in &keys {
        let name = key.name();
        let output = nsupdate(&bind, "example.test", Some(key), &format!("add {name}.example.test. 60 TXT \"value\""));
        assert!(output.status.success(), "{name}: {output:?}");
        assert_eq!(bind.txt(&format!("{name}.example.test")), ["value"], "{name}");
    }
    assert!(nsupdate(&bind, "open.test", None, "add x.open.test. 60 TXT \"free\"").status.success());
    assert_eq!(bind.txt("x.open.test"), ["free"]);
    assert!(bind.records("open.test").iter().any(|record| record.contains("\"free\"")));
    assert!(bind.queries().iter().any(|query| query.name == "example.test" && query.kind == "SOA"));
}

#[test]
fn bind_refuses_who_may_not_update() {
    let key = TsigKey::new("known", TsigAlgorithm::HmacSha256, "a secret of some length");
    let forged = TsigKey::new("known", TsigAlgorithm::HmacSha256, "some other secret");
    let zone = Zone::new("example.test").update_with(&key);
    let bind = Bind::builder().zone(zone).zone(Zone::new("closed.test")).start();
    let txt = "add x.example.test. 60 TXT \"value\"";

    for (zone, key, change) in [
        ("example.test", None, txt),
        ("example.test", Some(&forged), txt),
        ("example.test", Some(&key), "add x.example.test. 60 A 127.0.0.1"),
        ("closed.test", Some(&key), "add x.closed.test. 60 TXT \"value\""),
    ] {
        let output = nsupdate(&bind, zone, key, change);
        assert!(!output.status.success(), "{zone} {change}: {output:?}");
    }

    assert!(bind.txt("x.example.test").is_empty());
}

#[test]
fn a_resolver_follows_a_cname_across_zones_where_an_authority_alone_does_not() {
    let here = Zone::new("example.test").record("_acme-challenge 60 IN CNAME x.elsewhere.test.");
    let elsewhere = Zone::new("elsewhere.test").record("x 60 IN TXT \"one\" \"two\"").update_from_loopback();
    let bind = Bind::builder().zone(here.clone()).zone(elsewhere.clone()).start();
    let both = Bind::builder().zone(here).zone(elsewhere).recursive().start();
    let resolver = bind.resolver();

    assert!(bind.txt("_acme-challenge.example.test").is_empty());
    assert_eq!(bind.txt("x.elsewhere.test"), ["onetwo"]);
    assert_eq!(resolver.txt("_acme-challenge.example.test"), ["onetwo"]);
    assert_eq!(both.txt("_acme-challenge.example.test"), ["onetwo"]);

    // An authority that resolves caches nothing: what was there, and what was not, changes at once.
    assert!(nsupdate(&both, "elsewhere.test", None, "delete x.elsewhere.test. TXT").status.success());
    assert!(both.txt("_acme-challenge.example.test").is_empty());
    assert!(nsupdate(&both, "elsewhere.test", None, "add x.elsewhere.test. 60 TXT \"three\"").status.success());
    assert_eq!(both.txt("_acme-challenge.example.test"), ["three"]);

    for server in [&both, &resolver] {
        let nowhere = dig(server.address(), &["+noall", "+comments", "www.nowhere.example", "A"]);
        assert!(nowhere.contains("NXDOMAIN"), "{nowhere}");
    }
    assert!(bind.queries().iter().any(|query| query.name == "www.nowhere.example"), "it was asked, and nobody else");
}

#[test]
fn a_restarted_bind_keeps_what_updates_wrote() {
    let mut bind = Bind::builder().zone(Zone::new("open.test").update_from_loopback()).start();
    assert!(nsupdate(&bind, "open.test", None, "add x.open.test. 60 TXT \"kept\"").status.success());

    bind.stop();
    bind.restart();

    assert_eq!(bind.txt("x.open.test"), ["kept"]);
}

#[test]
fn a_setting_that_the_server_refuses_is_told_with_its_log() {
    let mistake = Zone::new("example.test").update_policy("grant one two three four;");
    let refused = std::panic::catch_unwind(|| Bind::builder().zone(mistake).start()).expect_err("it cannot start");
    let message = refused.downcast_ref::<String>().expect("a sentence");
    assert!(message.contains("named ended at once") && message.contains("unexpected token"), "{message}");
}

fn nsupdate(bind: &Bind, zone: &str, key: Option<&TsigKey>, change: &str) -> Output {
    let (ip, port) = (bind.address().ip(), bind.address().port());
    let mut command = Command::new("nsupdate");
    if let Some(key) = key {
        command.args(["-y", &key.argument()]);
    }
    feed(&mut command, &format!("server {ip} {port}\nzone {zone}\nupdate {change}\nsend\n"))
}
