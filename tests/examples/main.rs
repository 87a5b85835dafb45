//! The examples as programs: built beside the tests, run as a reader would run them, judged by OpenSSL.

mod program;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use program::{Program, eventually, openssl_verifies, page, served_by};
use tempfile::TempDir;
use testkit::servers::{Bind, ChallTestSrv, Pebble, TsigAlgorithm, TsigKey, Zone, free_port};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A file that holds `text`, in `folder`.
fn file(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

#[test]
fn quick_start_needs_nothing_but_loopback() {
    let folder = folder();
    let output = Program::new("quick_start", &folder).arguments(["--once", "--state", "state"]).output();
    for wanted in ["quick.example, www.quick.example", "serial", "renewal", "Hello from certwright"] {
        assert!(output.contains(wanted), "{wanted} is missing: {output}");
    }
    assert!(folder.path().join("state").is_dir());
}

#[test]
fn a_dns_provider_of_ones_own_keeps_its_contract() {
    let output = Program::new("custom_dns_provider", &folder()).output();
    assert!(output.contains("the provider keeps its contract"), "{output}");
}

#[test]
fn quick_start_asks_a_real_certificate_authority() {
    let (folder, dns) = (folder(), ChallTestSrv::start());
    let pebble = Pebble::builder().dns_server(dns.dns_address()).start();
    let (url, listen) = (pebble.directory_url(), format!("127.0.0.1:{}", pebble.tls_port()));
    let root = file(&folder, "root.pem", pebble.root_pem());
    let arguments = [
        "--once",
        "--directory",
        &url,
        "--root",
        &root,
        "--name",
        "a.test",
        "--email",
        "ops@a.test",
        "--listen",
        &listen,
    ];
    let output = Program::new("quick_start", &folder).arguments(arguments).output();
    assert!(output.contains("Pebble") && output.contains("https://a.test/"), "{output}");
}

#[test]
fn quick_start_says_what_it_does_not_understand() {
    let said = Program::new("quick_start", &folder()).arguments(["--onec"]).failure();
    assert!(said.contains("--onec") && said.contains("usage"), "{said}");
}

#[test]
fn the_lower_layers_print_a_chain() {
    for name in ["lower_layers", "tls_alpn01_only"] {
        let output = Program::new(name, &folder()).output();
        assert_eq!(output.matches("-----BEGIN CERTIFICATE-----").count(), 2, "{name}: {output}");
    }
}

#[test]
fn the_axum_server_serves_its_page() {
    let (folder, dns) = (folder(), ChallTestSrv::start());
    let pebble = Pebble::builder().dns_server(dns.dns_address()).start();
    let (url, listen) = (pebble.directory_url(), format!("127.0.0.1:{}", pebble.tls_port()));
    let root = file(&folder, "root.pem", pebble.root_pem());
    let _server = Program::new("axum_server", &folder).arguments(["b.test", &url, &root, &listen]).start();
    let issued = file(&folder, "issued.pem", &pebble.issuance_root_pem(0));
    eventually("the page", || page(&listen, "b.test", &issued).filter(|it| it.contains("Hello from axum.")));
}

#[test]
fn the_proxy_takes_names_while_it_runs() {
    let (folder, dns) = (folder(), ChallTestSrv::start());
    let pebble = Pebble::builder().dns_server(dns.dns_address()).start();
    let (url, listen) = (pebble.directory_url(), format!("127.0.0.1:{}", pebble.tls_port()));
    let root = file(&folder, "root.pem", pebble.root_pem());
    let upstream = plain_upstream();
    let mut proxy = Program::new("proxy", &folder).arguments([&listen, &upstream, &url, &root]).start();
    let issued = file(&folder, "issued.pem", &pebble.issuance_root_pem(0));
    for name in ["one.test", "two.test"] {
        proxy.say(name);
        eventually(name, || page(&listen, name, &issued).filter(|it| it.contains("from upstream")));
    }
}

#[test]
fn a_wildcard_and_its_apex_are_proven_by_dns() {
    let folder = folder();
    let key = TsigKey::new("acme-key", TsigAlgorithm::HmacSha256, "0123456789abcdef0123456789abcdef");
    let bind = Bind::builder().zone(Zone::new("c.test").update_with(&key)).recursive().start();
    let pebble = Pebble::builder().dns_server(bind.address()).start();
    let root = file(&folder, "root.pem", pebble.root_pem());
    let (server, secret, url) = (bind.address().to_string(), key.secret_base64(), pebble.directory_url());
    let output = Program::new("wildcard_dns01", &folder)
        .arguments(["c.test", &server, "acme-key", &secret, &url, &root])
        .output();
    assert!(output.contains("c.test: certificate"), "{output}");
    assert!(bind.txt("_acme-challenge.c.test").is_empty(), "an answer was left behind");
}

#[test]
fn the_third_authority_issues_while_the_first_is_down_and_the_second_refuses() {
    const MAC: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let (folder, dns) = (folder(), ChallTestSrv::start());
    let builder = || Pebble::builder().dns_server(dns.dns_address()).http_port(http_port());
    let (mut first, third) = (builder().start(), builder().eab_key("google", MAC).start());
    // The second does not know the key that the example shows, and makes no account.
    let second = builder().eab_key("somebody else", MAC).start();
    first.stop();
    let roots = [&first, &second, &third].map(Pebble::root_pem).concat();
    let listen = format!("127.0.0.1:{}", http_port());
    let binding = |id: &str| format!("{id},{MAC}");
    let output = Program::new("failover", &folder)
        .arguments(["e.test", &listen, &binding("zerossl"), &binding("google")])
        .arguments([first.directory_url(), second.directory_url(), third.directory_url()])
        .arguments([file(&folder, "roots.pem", &roots)])
        .output();
    assert!(output.contains("lets-encrypt rests until") && output.contains("zerossl rests until"), "{output}");
    let chain = file(&folder, "chain.pem", &output[output.find("-----BEGIN").expect("a chain")..]);
    let issued = file(&folder, "issued.pem", &third.issuance_root_pem(0));
    openssl_verifies(&issued, &chain, "e.test");
}

/// One port on which the validators of several authorities ask.
fn http_port() -> u16 {
    static PORT: OnceLock<u16> = OnceLock::new();
    *PORT.get_or_init(free_port)
}

#[test]
fn served_chains_name_who_issued_them() {
    let (folder, dns) = (folder(), ChallTestSrv::start());
    let pebble = Pebble::builder().dns_server(dns.dns_address()).start();
    let (url, listen) = (pebble.directory_url(), format!("127.0.0.1:{}", pebble.tls_port()));
    let root = file(&folder, "root.pem", pebble.root_pem());
    let arguments = ["--directory", &url, "--root", &root, "--name", "d.test", "--listen", &listen];
    let _server = Program::new("quick_start", &folder).arguments(arguments).start();
    let issued = file(&folder, "issued.pem", &pebble.issuance_root_pem(0));
    eventually("a chain", || served_by(&listen, "d.test", &issued).filter(|it| it.contains("Pebble Intermediate")));
}

#[test]
fn a_private_authority_fills_a_folder_for_servers() {
    let folder = folder();
    let run = || Program::new("private_ca", &folder).arguments([".", "a.test", "192.0.2.7", "--once"]).output();
    let said = run();
    assert!(said.contains("server"), "{said}");
    let verified =
        openssl(&folder, &["verify", "-x509_strict", "-CAfile", "ca.crt", "-verify_hostname", "a.test", "tls.crt"]);
    assert!(verified.contains("tls.crt: OK"), "{verified}");
    let public_key = openssl(&folder, &["x509", "-in", "tls.crt", "-noout", "-pubkey"]);
    assert_eq!(openssl(&folder, &["pkey", "-in", "tls.key", "-pubout"]), public_key);
    let inside = openssl(&folder, &["pkcs12", "-in", "keystore.p12", "-passin", "pass:changeit", "-nodes"]);
    assert!(inside.contains("BEGIN PRIVATE KEY") && inside.matches("BEGIN CERTIFICATE").count() == 2, "{inside}");

    // Another run goes on with the root and the certificate that are there.
    let before = ["ca.crt", "tls.crt"].map(|name| std::fs::read(folder.path().join(name)).expect("a file"));
    run();
    assert_eq!(before, ["ca.crt", "tls.crt"].map(|name| std::fs::read(folder.path().join(name)).expect("a file")));
}

#[test]
fn the_revocation_server_makes_the_urls_of_its_certificates_true() {
    let folder = folder();
    let _server = Program::new("revocation_server", &folder).arguments(["."]).start();
    let verify =
        |leaf| openssl(&folder, &["verify", "-x509_strict", "-crl_check", "-crl_download", "-CAfile", "ca.pem", leaf]);
    eventually("the list", || verify("good.pem").contains("good.pem: OK").then_some(()));
    let revoked = verify("revoked.pem");
    assert!(revoked.contains("certificate revoked"), "{revoked}");

    let url = openssl(&folder, &["x509", "-in", "good.pem", "-noout", "-ocsp_uri"]);
    let (url, trust) = (url.trim(), ["ocsp", "-CAfile", "ca.pem", "-issuer", "ca.pem"]);
    let ask = |leaf| openssl(&folder, &[&trust[..], &["-url", url, "-cert", leaf]].concat());
    let (good, revoked) = (ask("good.pem"), ask("revoked.pem"));
    assert!(good.contains("Response verify OK") && good.contains("good.pem: good"), "{good}");
    assert!(revoked.contains("revoked.pem: revoked") && revoked.contains("Reason: keyCompromise"), "{revoked}");

    // The same question by GET, its base64 in the path (RFC 5019).
    openssl(&folder, &["ocsp", "-issuer", "ca.pem", "-cert", "good.pem", "-no_nonce", "-reqout", "request.der"]);
    let request = BASE64_STANDARD.encode(std::fs::read(folder.path().join("request.der")).expect("a request"));
    let (address, path) = url.trim_start_matches("http://").split_once('/').expect("a path");
    let answer = got(address, &format!("/{path}/{}", request.replace('/', "%2F").replace('+', "%2B")));
    std::fs::write(folder.path().join("answer.der"), answer).expect("a file");
    let look = ["-respin", "answer.der", "-cert", "good.pem", "-no_nonce"];
    let by_get = openssl(&folder, &[&trust[..], &look].concat());
    assert!(by_get.contains("Response verify OK") && by_get.contains("good.pem: good"), "{by_get}");
}

/// What OpenSSL says in a folder, however it ends.
fn openssl(folder: &TempDir, arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).current_dir(folder.path()).output().expect("openssl");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The body of an OCSP answer by GET.
fn got(address: &str, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("a question");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let body = answer.windows(4).position(|it| it == b"\r\n\r\n").expect("a body") + 4;
    let head = String::from_utf8_lossy(&answer[..body]).into_owned();
    assert!(head.contains("200 OK") && head.contains("content-type: application/ocsp-response"), "{head}");
    answer.split_off(body)
}

/// A server of plain TCP that says one thing.
fn plain_upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a time limit");
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nfrom upstream\n");
        }
    });
    address
}
