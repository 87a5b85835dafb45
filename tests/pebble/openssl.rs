//! The judge: OpenSSL, which shares no code with us.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use tempfile::NamedTempFile;

/// Fails unless the first certificate of `chain` leads through the others to `root`.
#[track_caller]
pub(crate) fn verify(root: &str, chain: &str) {
    let (root, chain) = (file(root), file(chain));
    let output = Command::new("openssl")
        .args(["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile"])
        .arg(root.path())
        .arg("-untrusted")
        .arg(chain.path())
        .arg(chain.path())
        .output()
        .expect("openssl");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains(": OK"), "openssl verify: {said}");
}

/// What OpenSSL prints of the first certificate in `pem`.
#[track_caller]
pub(crate) fn text(pem: &str) -> String {
    run(&["x509", "-noout", "-text"], pem)
}

/// The names of the first certificate in `pem` as OpenSSL prints them, sorted: `DNS:a.test`, `IP Address:127.0.0.1`.
#[track_caller]
pub(crate) fn names(pem: &str) -> Vec<String> {
    let printed = run(&["x509", "-noout", "-ext", "subjectAltName"], pem);
    let line = printed.lines().last().unwrap_or_default();
    let mut names: Vec<String> = line.split(", ").map(|name| name.trim().to_owned()).collect();
    names.sort();
    names
}

/// How [`names`] prints these.
pub(crate) fn as_printed(names: &[&str]) -> Vec<String> {
    let mut printed: Vec<String> = names
        .iter()
        .map(|name| match name.parse::<std::net::IpAddr>() {
            Ok(address) => format!("IP Address:{address}"),
            Err(_) => format!("DNS:{name}"),
        })
        .collect();
    printed.sort();
    printed
}

/// The public key of the first certificate in `pem`.
#[track_caller]
pub(crate) fn certificate_public_key(pem: &str) -> String {
    run(&["x509", "-noout", "-pubkey"], pem)
}

/// The public key of a private key.
#[track_caller]
pub(crate) fn private_public_key(pem: &str) -> String {
    run(&["pkey", "-pubout"], pem)
}

/// The PEM of the leaf that the server at `address` shows to a client that asks for `name` and trusts `root` alone; fails unless the chain and the name are right.
#[track_caller]
pub(crate) fn served(address: SocketAddr, name: &str, root: &str) -> String {
    let root = file(root);
    let output = Command::new("openssl")
        .args(["s_client", "-verify_return_error", "-verify_hostname", name, "-servername", name, "-connect"])
        .arg(address.to_string())
        .arg("-CAfile")
        .arg(root.path())
        .stdin(Stdio::null())
        .output()
        .expect("openssl");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let verified = output.status.success() && said.contains("Verify return code: 0 (ok)");
    assert!(verified, "openssl s_client: {said}{}", String::from_utf8_lossy(&output.stderr));
    run(&["x509"], &said)
}

/// Runs a command of OpenSSL over its standard input.
#[track_caller]
pub(crate) fn run(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    file
}
