//! The real servers start, answer, obey their settings, and never outlive a test.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use certwright_testkit::servers::{
    Bind, ChallTestSrv, Endpoint, Pebble, TsigAlgorithm, TsigKey, Zone, free_port,
};

#[test]
fn pebble_serves_its_directory_to_who_trusts_its_root() {
    let pebble = Pebble::builder().strict().start();

    let answer = https_get(&pebble, "/dir");

    assert!(
        answer.contains("200 OK") && answer.contains("newOrder"),
        "{answer}"
    );
    assert!(pebble.log().contains("strict mode"));
}

#[test]
fn pebble_counts_what_clients_ask_and_nothing_else() {
    let pebble = Pebble::start();
    assert!(
        pebble.requests().is_empty(),
        "our own readiness check is not a client's"
    );

    https_get(&pebble, "/dir");
    let before = pebble.requests();
    https_get(&pebble, "/nonce-plz");
    let _ = pebble.issuance_root_pem(0);

    assert_eq!(before.count(Endpoint::Directory), 1);
    assert_eq!(
        pebble.requests().since(&before).to_string(),
        "1: newNonce 1"
    );
    assert_eq!(pebble.requests().to_string(), "2: directory 1, newNonce 1");
}

#[test]
fn pebble_takes_every_setting() {
    let pebble = Pebble::builder()
        .nonce_reject(90)
        .authz_reuse(100)
        .always_valid()
        .validation_delay(Duration::from_secs(2))
        .authz_retry_after(Duration::from_secs(3))
        .order_retry_after(Duration::from_secs(5))
        .eab_key(
            "kid-1",
            "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
        )
        .profile("short", Duration::from_secs(6 * 86_400))
        .profile("classic", Duration::from_secs(90 * 86_400))
        .alternate_roots(2)
        .chain_length(2)
        .orders_per_page(2)
        .blocked_name("blocked.test")
        .start();

    let directory = https_get(&pebble, "/dir");
    for word in [
        "\"externalAccountRequired\": true",
        "\"short\"",
        "\"classic\"",
    ] {
        assert!(directory.contains(word), "{word} is not in {directory}");
    }
    let log = pebble.log();
    let said = [
        "reject 90% of good",
        "100% of the time",
        "always returns valid",
        "sleep time to 2 seconds",
        "show 2 orders per page",
    ];
    for words in said {
        assert!(log.contains(words), "{words} is not in {log}");
    }
    assert_ne!(
        pebble.issuance_root_pem(0),
        pebble.issuance_root_pem(2),
        "three chains, three roots"
    );
}

#[test]
#[should_panic(expected = "set-renewal-info")]
fn pebble_sets_renewal_information_only_for_what_it_issued() {
    let pebble = Pebble::start();
    pebble.set_renewal_info(pebble.root_pem(), "{}");
}

#[test]
fn a_restarted_pebble_has_forgotten_everything_but_its_address() {
    let mut pebble = Pebble::start();
    let root = pebble.issuance_root_pem(0);
    https_get(&pebble, "/dir");

    pebble.restart();

    assert_ne!(pebble.issuance_root_pem(0), root);
    assert!(pebble.requests().is_empty());
    assert!(
        https_get(&pebble, "/dir").contains("200 OK"),
        "same port, same endpoint certificate"
    );
}

#[test]
fn the_challenge_test_server_answers_what_it_is_told() {
    let server = ChallTestSrv::start();
    let ask = |name: &str, kind: &str| {
        dig(
            server.dns_address(),
            &["+noall", "+comments", "+answer", name, kind],
        )
    };
    assert!(
        ask("a.test", "A").contains("127.0.0.1"),
        "the default address"
    );
    assert!(
        ask("a.test", "AAAA").contains("ANSWER: 0"),
        "no default IPv6 address"
    );

    server.add_a("a.test", &[Ipv4Addr::new(127, 0, 0, 9)]);
    server.set_txt("_acme-challenge.a.test.", "one");
    server.set_txt("_acme-challenge.a.test", "two");
    server.set_cname("alias.test", "_acme-challenge.a.test");
    server.set_servfail("broken.test");

    assert!(ask("a.test", "A").contains("127.0.0.9"));
    let txt = ask("alias.test", "TXT");
    assert!(txt.contains("\"one\"") && txt.contains("\"two\""), "{txt}");
    assert!(ask("broken.test", "TXT").contains("SERVFAIL"));
    let history: Vec<_> = server
        .dns_history("a.test")
        .iter()
        .map(|question| question.kind)
        .collect();
    assert_eq!(history, [1, 28, 1]);

    server.clear_txt("_acme-challenge.a.test");
    server.clear_servfail("broken.test");
    server.clear_dns_history("a.test");

    assert!(!ask("_acme-challenge.a.test", "TXT").contains("\"one\""));
    assert!(!ask("broken.test", "TXT").contains("SERVFAIL"));
    assert!(server.dns_history("a.test").is_empty());
}

#[test]
fn bind_answers_soa_and_takes_updates_signed_by_every_algorithm() {
    let keys = TsigAlgorithm::ALL
        .map(|algorithm| TsigKey::new(algorithm.name(), algorithm, "a secret of some length"));
    let zone = keys
        .iter()
        .fold(Zone::new("example.test"), Zone::update_with);
    let bind = Bind::builder()
        .zone(zone)
        .zone(Zone::new("open.test").update_from_loopback())
        .start();
    assert!(
        dig(bind.address(), &["+short", "example.test", "SOA"]).starts_with("ns.example.test.")
    );

    for key in &keys {
        let name = key.name();
        let output = nsupdate(
            &bind,
            "example.test",
            Some(key),
            &format!("add {name}.example.test. 60 TXT \"value\""),
        );
        assert!(output.status.success(), "{name}: {output:?}");
        assert_eq!(
            bind.txt(&format!("{name}.example.test")),
            ["value"],
            "{name}"
        );
    }
    assert!(
        nsupdate(&bind, "open.test", None, "add x.open.test. 60 TXT \"free\"")
            .status
            .success()
    );
    assert_eq!(bind.txt("x.open.test"), ["free"]);
    assert!(
        bind.records("open.test")
            .iter()
            .any(|record| record.contains("\"free\""))
    );
    assert!(
        bind.queries()
            .iter()
            .any(|query| query.name == "example.test" && query.kind == "SOA")
    );
}

#[test]
fn bind_refuses_who_may_not_update() {
    let key = TsigKey::new(
        "known",
        TsigAlgorithm::HmacSha256,
        "a secret of some length",
    );
    let forged = TsigKey::new("known", TsigAlgorithm::HmacSha256, "some other secret");
    let zone = Zone::new("example.test").update_with(&key);
    let bind = Bind::builder()
        .zone(zone)
        .zone(Zone::new("closed.test"))
        .start();
    let txt = "add x.example.test. 60 TXT \"value\"";

    for (zone, key, change) in [
        ("example.test", None, txt),
        ("example.test", Some(&forged), txt),
        (
            "example.test",
            Some(&key),
            "add x.example.test. 60 A 127.0.0.1",
        ),
        (
            "closed.test",
            Some(&key),
            "add x.closed.test. 60 TXT \"value\"",
        ),
    ] {
        let output = nsupdate(&bind, zone, key, change);
        assert!(!output.status.success(), "{zone} {change}: {output:?}");
    }

    assert!(bind.txt("x.example.test").is_empty());
}

#[test]
fn a_resolver_follows_a_cname_across_zones_where_an_authority_alone_does_not() {
    let here = Zone::new("example.test").record("_acme-challenge 60 IN CNAME x.elsewhere.test.");
    let elsewhere = Zone::new("elsewhere.test")
        .record("x 60 IN TXT \"one\" \"two\"")
        .update_from_loopback();
    let bind = Bind::builder()
        .zone(here.clone())
        .zone(elsewhere.clone())
        .start();
    let both = Bind::builder()
        .zone(here)
        .zone(elsewhere)
        .recursive()
        .start();
    let resolver = bind.resolver();

    assert!(bind.txt("_acme-challenge.example.test").is_empty());
    assert_eq!(bind.txt("x.elsewhere.test"), ["onetwo"]);
    assert_eq!(resolver.txt("_acme-challenge.example.test"), ["onetwo"]);
    assert_eq!(both.txt("_acme-challenge.example.test"), ["onetwo"]);

    // An authority that resolves caches nothing: what was there, and what was not, changes at once.
    assert!(
        nsupdate(
            &both,
            "elsewhere.test",
            None,
            "delete x.elsewhere.test. TXT"
        )
        .status
        .success()
    );
    assert!(both.txt("_acme-challenge.example.test").is_empty());
    assert!(
        nsupdate(
            &both,
            "elsewhere.test",
            None,
            "add x.elsewhere.test. 60 TXT \"three\""
        )
        .status
        .success()
    );
    assert_eq!(both.txt("_acme-challenge.example.test"), ["three"]);

    for server in [&both, &resolver] {
        let nowhere = dig(
            server.address(),
            &["+noall", "+comments", "www.nowhere.example", "A"],
        );
        assert!(nowhere.contains("NXDOMAIN"), "{nowhere}");
    }
    assert!(
        bind.queries()
            .iter()
            .any(|query| query.name == "www.nowhere.example"),
        "it was asked, and nobody else"
    );
}

#[test]
fn a_restarted_bind_keeps_what_updates_wrote() {
    let mut bind = Bind::builder()
        .zone(Zone::new("open.test").update_from_loopback())
        .start();
    assert!(
        nsupdate(&bind, "open.test", None, "add x.open.test. 60 TXT \"kept\"")
            .status
            .success()
    );

    bind.stop();
    bind.restart();

    assert_eq!(bind.txt("x.open.test"), ["kept"]);
}

#[test]
fn free_ports_differ() {
    let mut ports: Vec<_> = (0..50).map(|_| free_port()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 50);
}

#[test]
fn a_server_outlives_the_thread_that_started_it() {
    let pebble = std::thread::spawn(Pebble::start).join().expect("started");
    assert!(https_get(&pebble, "/dir").contains("200 OK"));
}

#[test]
fn a_panicking_test_leaves_nothing_behind() {
    let mut child = in_a_process_of_its_own("three_servers_and_a_panic")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("spawned");
    let pids = three_pids(&mut child);

    assert!(!child.wait().expect("waited").success(), "it panicked");
    for pid in pids {
        assert!(!runs(pid), "{pid} is still there");
    }
}

#[test]
fn a_killed_test_process_leaves_nothing_behind() {
    let mut child = in_a_process_of_its_own("three_servers_and_a_wait")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("spawned");
    let pids = three_pids(&mut child);
    assert!(pids.iter().all(|&pid| runs(pid)), "they run until then");

    child.kill().expect("killed");
    child.wait().expect("waited");

    // The kernel kills the servers in its own time, right after.
    for pid in pids {
        let gone = std::iter::repeat_with(std::thread::yield_now)
            .take(1_000_000)
            .any(|()| !runs(pid));
        assert!(gone, "{pid} is still there");
    }
}

#[test]
fn a_missing_program_says_how_to_get_it() {
    let run = |variable: &str, value: &str| {
        let output = in_a_process_of_its_own("three_servers_and_a_panic")
            .env_remove("CERTWRIGHT_PEBBLE")
            .env(variable, value)
            .output();
        let output = output.expect("ran");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };

    let named = run("CERTWRIGHT_PEBBLE", "/nowhere/pebble");
    assert!(
        named.contains("CERTWRIGHT_PEBBLE names /nowhere/pebble"),
        "{named}"
    );
    let built = run("CARGO_TARGET_DIR", "/nowhere");
    assert!(
        built.contains(
            "there is no /nowhere/servers/pebble: run .ci/test, or testkit/servers/build.sh"
        ),
        "{built}"
    );
}

#[test]
fn a_setting_that_the_server_refuses_is_told_with_its_log() {
    let mistake = Zone::new("example.test").update_policy("grant one two three four;");
    let refused = std::panic::catch_unwind(|| Bind::builder().zone(mistake).start())
        .expect_err("it cannot start");
    let message = refused.downcast_ref::<String>().expect("a sentence");
    assert!(
        message.contains("named ended at once") && message.contains("unexpected token"),
        "{message}"
    );
}

#[test]
#[ignore = "panics by design; run by a_panicking_test_leaves_nothing_behind"]
fn three_servers_and_a_panic() {
    let _servers = three_servers();
    panic!("as a failing test does");
}

#[test]
#[ignore = "waits to be killed; run by a_killed_test_process_leaves_nothing_behind"]
fn three_servers_and_a_wait() {
    let _servers = three_servers();
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[expect(
    clippy::print_stdout,
    reason = "how the parent learns whom to look for"
)]
fn three_servers() -> (Pebble, ChallTestSrv, Bind) {
    let servers = (
        Pebble::start(),
        ChallTestSrv::start(),
        Bind::builder().start(),
    );
    println!(
        "\npids {} {} {}",
        servers.0.id(),
        servers.1.id(),
        servers.2.id()
    );
    servers
}

fn three_pids(child: &mut Child) -> Vec<u32> {
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let line = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("pids ").map(str::to_owned));
    let pids: Vec<u32> = line
        .expect("it started")
        .split(' ')
        .map(|pid| pid.parse().expect("a number"))
        .collect();
    assert_eq!(pids.len(), 3);
    pids
}

fn in_a_process_of_its_own(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command
}

fn runs(pid: u32) -> bool {
    // A zombie that nobody has waited for yet does not run.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}

fn https_get(pebble: &Pebble, path: &str) -> String {
    let host = pebble
        .directory_url()
        .replace("https://", "")
        .replace("/dir", "");
    let arguments = [
        "s_client",
        "-quiet",
        "-verify_return_error",
        "-verify_ip",
        "127.0.0.1",
        "-connect",
        &host,
        "-CAfile",
    ];
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: test\r\n\r\n");
    let output = feed(
        Command::new("openssl")
            .args(arguments)
            .arg(pebble.root_file()),
        &request,
    );
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn dig(server: SocketAddr, arguments: &[&str]) -> String {
    let port = server.port().to_string();
    let output = Command::new("dig")
        .args(["-r", "+tries=1", &format!("@{}", server.ip()), "-p", &port])
        .args(arguments)
        .output();
    let output = output.expect("dig, from apt-get install bind9-dnsutils");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn nsupdate(bind: &Bind, zone: &str, key: Option<&TsigKey>, change: &str) -> Output {
    let (ip, port) = (bind.address().ip(), bind.address().port());
    let mut command = Command::new("nsupdate");
    if let Some(key) = key {
        command.args(["-y", &key.argument()]);
    }
    feed(
        &mut command,
        &format!("server {ip} {port}\nzone {zone}\nupdate {change}\nsend\n"),
    )
}

fn feed(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a program of the system");
    child
        .stdin
        .as_mut()
        .expect("piped")
        .write_all(input.as_bytes())
        .expect("written");
    child.wait_with_output().expect("waited")
}
