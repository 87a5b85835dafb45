//! The real servers start, answer, obey their settings, and never outlive a test.

mod bind;
mod chall_test_srv;
mod control_plane;
mod judges;
mod moto;
mod pebble;
mod step_ca;
mod vault;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};

use certwright_testkit::servers::{Bind, ChallTestSrv, Pebble, free_port};

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
        let gone = std::iter::repeat_with(std::thread::yield_now).take(1_000_000).any(|()| !runs(pid));
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
    assert!(named.contains("CERTWRIGHT_PEBBLE names /nowhere/pebble"), "{named}");
    let built = run("CARGO_TARGET_DIR", "/nowhere");
    assert!(
        built.contains("there is no /nowhere/servers/pebble: run .ci/test, or testkit/servers/build.sh"),
        "{built}"
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

#[expect(clippy::print_stdout, reason = "how the parent learns whom to look for")]
fn three_servers() -> (Pebble, ChallTestSrv, Bind) {
    let servers = (Pebble::start(), ChallTestSrv::start(), Bind::builder().start());
    println!("\npids {} {} {}", servers.0.id(), servers.1.id(), servers.2.id());
    servers
}

fn three_pids(child: &mut Child) -> Vec<u32> {
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let line = output.lines().map_while(Result::ok).find_map(|line| line.strip_prefix("pids ").map(str::to_owned));
    let pids: Vec<u32> = line.expect("it started").split(' ').map(|pid| pid.parse().expect("a number")).collect();
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
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}

fn https_get(pebble: &Pebble, path: &str) -> String {
    let host = pebble.directory_url().replace("https://", "").replace("/dir", "");
    let arguments =
        ["s_client", "-quiet", "-verify_return_error", "-verify_ip", "127.0.0.1", "-connect", &host, "-CAfile"];
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: test\r\n\r\n");
    let output = feed(Command::new("openssl").args(arguments).arg(pebble.root_file()), &request);
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

fn feed(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a program of the system");
    child.stdin.as_mut().expect("piped").write_all(input.as_bytes()).expect("written");
    child.wait_with_output().expect("waited")
}
