//! An example as a program, and what OpenSSL sees of it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// An example that is about to run in a folder of its own.
pub(crate) struct Program(Command);

impl Program {
    pub(crate) fn new(name: &str, folder: &TempDir) -> Self {
        let path = beside_the_tests().join(name);
        assert!(path.exists(), "there is no {}: build it with `cargo build --examples --all-features`", path.display());
        let mut command = Command::new(path);
        command.current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command)
    }

    pub(crate) fn arguments<S: AsRef<std::ffi::OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.0.args(arguments);
        self
    }

    /// What it prints, if it ends well.
    #[track_caller]
    pub(crate) fn output(mut self) -> String {
        let output = self.0.output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// What it complains of, if it fails.
    #[track_caller]
    pub(crate) fn failure(mut self) -> String {
        let output = self.0.output().expect("it runs");
        assert!(!output.status.success(), "it should have failed");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Runs it until the value is dropped.
    pub(crate) fn start(mut self) -> Running {
        self.0.stdout(Stdio::null()).stderr(Stdio::null());
        Running(self.0.spawn().expect("it runs"))
    }
}

/// An example that runs.
pub(crate) struct Running(Child);

impl Running {
    /// Types a line.
    pub(crate) fn say(&mut self, line: &str) {
        let stdin = self.0.stdin.as_mut().expect("its input is piped");
        writeln!(stdin, "{line}").expect("it reads");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks again until there is an answer, for as long as a slow machine needs.
#[track_caller]
#[expect(
    clippy::disallowed_methods,
    reason = "a program of its own has no virtual time; a look takes a process, so nothing spins"
)]
pub(crate) fn eventually<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{what} did not come");
    }
}

/// The page that `name` serves at `address`, if OpenSSL trusts the certificate.
pub(crate) fn page(address: &str, name: &str, root: &str) -> Option<String> {
    let request = format!("GET / HTTP/1.0\r\nhost: {name}\r\n\r\n");
    s_client(address, name, root, &["-quiet", "-ign_eof"], &request)
}

/// What OpenSSL prints of the chain that is served for `name`, if it trusts it.
pub(crate) fn served_by(address: &str, name: &str, root: &str) -> Option<String> {
    s_client(address, name, root, &["-showcerts"], "")
}

/// OpenSSL's word on a chain in a file: it leads to `root` and is for `name`.
#[track_caller]
pub(crate) fn openssl_verifies(root: &str, chain: &str, name: &str) {
    let output = Command::new("openssl")
        .args(["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", name])
        .args(["-CAfile", root, "-untrusted", chain, chain])
        .output()
        .expect("openssl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn s_client(address: &str, name: &str, root: &str, more: &[&str], input: &str) -> Option<String> {
    let mut child = Command::new("openssl")
        .args(["s_client", "-connect", address, "-servername", name, "-verify_hostname", name])
        .args(["-verify_return_error", "-CAfile", root])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().expect("openssl ends");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where cargo puts examples, seen from a test.
fn beside_the_tests() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    profile.join("examples")
}
