//! The parent's side: a Pebble, a state folder, a web server over the folder of answers, and children to be killed.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use acme_core::Store as _;
use certstore::{FileStore, Record, Spec};
use tempfile::TempDir;
use testkit::servers::{ChallTestSrv, Endpoint, Pebble};

use crate::steps::List;

/// What the certificate is for.
pub(crate) const NAMES: [&str; 2] = ["example.test", "www.example.test"];

/// Everything that outlives a child.
pub(crate) struct Stage {
    pebble: Pebble,
    folder: TempDir,
    list: List,
}

impl Stage {
    /// A CA without accounts, an empty state folder, and an empty web root that Pebble's validator sees.
    pub(crate) fn new(dns: &ChallTestSrv, list: List) -> Self {
        let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
        let folder = TempDir::new().expect("a folder");
        fs::create_dir(web_root(folder.path())).expect("a folder");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, pebble.http_port()));
        let listener = TcpListener::bind(address).expect("the validator's port");
        let root = web_root(folder.path());
        // It ends with the process; the port is of no use to anybody else before.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let _ = answer(stream, &root);
            }
        });
        Self { pebble, folder, list }
    }

    /// Starts a child.
    pub(crate) fn child(&self) -> Running {
        let root = self.folder.path().join("ca.pem");
        fs::write(&root, self.pebble.root_pem()).expect("written");
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "child::keeps_one_certificate", "--ignored", "--nocapture"])
            .env("CERTWRIGHT_CRASH_DIRECTORY", self.pebble.directory_url())
            .env("CERTWRIGHT_CRASH_FOLDER", self.folder.path())
            .env("CERTWRIGHT_CRASH_LIST", if self.list == List::Shown { "shown" } else { "hidden" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("spawned");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Running { input: child.stdin.take(), lines, child }
    }

    /// Runs a child until it reaches this step for the n-th time (`times`), and kills it there; or to its end, where it never does (`false`).
    pub(crate) fn kill_at(&self, step: &str, times: usize) -> bool {
        let mut left = times;
        let here = |reached: &str| {
            left -= usize::from(reached == step);
            left == 0
        };
        self.run_until(here).is_some()
    }

    /// Runs a child for so many steps, and kills it at the last of them; `None` when it ended before.
    pub(crate) fn kill_after(&self, steps: usize) -> Option<String> {
        let mut left = steps;
        self.run_until(|_| {
            left -= 1;
            left == 0
        })
    }

    /// Runs a child until it is about to send the first request to an endpoint, lets it, and kills it as soon as the CA has the request: the
    /// answer is under way, or not even made.
    pub(crate) fn kill_in_flight(&self, path: &str, endpoint: Endpoint) {
        let mut child = self.child();
        let before = format!("before POST {path}");
        while child.next_step().expect("it is sent") != before {
            child.go_on();
        }
        // From here on it waits for nobody.
        child.input = None;
        while self.pebble.requests().count(endpoint) == 0 {
            std::thread::yield_now();
        }
        child.kill();
    }

    fn run_until(&self, mut here: impl FnMut(&str) -> bool) -> Option<String> {
        let mut child = self.child();
        while let Some(step) = child.next_step() {
            if here(&step) {
                child.kill();
                return Some(step);
            }
            child.go_on();
        }
        child.succeed();
        None
    }

    /// Runs a child to its end, and answers its steps.
    pub(crate) fn run_to_end(&self) -> Vec<String> {
        let mut child = self.child();
        let mut steps = Vec::new();
        while let Some(step) = child.next_step() {
            steps.push(step);
            child.go_on();
        }
        child.succeed();
        steps
    }

    /// How many orders the CA holds.
    pub(crate) fn orders(&self) -> usize {
        self.pebble.log().matches("Added order").count()
    }

    /// How many certificates the CA issued.
    pub(crate) fn certificates(&self) -> usize {
        self.pebble.log().matches("Issued certificate serial").count()
    }

    /// The root that they lead to.
    pub(crate) fn root(&self) -> String {
        self.pebble.issuance_root_pem(0)
    }

    /// The answers that lie in the web root.
    pub(crate) fn answers(&self) -> Vec<PathBuf> {
        let folder = web_root(self.folder.path()).join(".well-known/acme-challenge");
        fs::read_dir(folder).map_or_else(|_| Vec::new(), |files| files.flatten().map(|file| file.path()).collect())
    }

    /// The record as it lies in the state folder.
    pub(crate) fn record(&self) -> Record {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let store = FileStore::open(state(self.folder.path())).await.expect("a store");
            let key = Spec::key_of(NAMES[0]).expect("a key");
            let entry = store.get(&key).await.expect("read").expect("there");
            Record::decode(entry.value.expose()).expect("a record")
        })
    }
}

/// Where the child keeps its state, below the folder of a stage.
pub(crate) fn state(folder: &Path) -> PathBuf {
    folder.join("state")
}

/// Where the child puts its answers, below the folder of a stage.
pub(crate) fn web_root(folder: &Path) -> PathBuf {
    folder.join("www")
}

/// A child under way.
pub(crate) struct Running {
    child: Child,
    input: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
}

impl Running {
    fn next_step(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.lines.read_line(&mut line).expect("read") > 0 {
            if let Some(step) = line.trim_end().strip_prefix("step ") {
                return Some(step.to_owned());
            }
            line.clear();
        }
        None
    }

    fn go_on(&mut self) {
        self.input.as_mut().expect("piped").write_all(b"go\n").expect("written");
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("waited");
    }

    fn succeed(mut self) {
        let status = self.child.wait().expect("waited");
        let mut said = String::new();
        let _ = self.child.stderr.take().expect("piped").read_to_string(&mut said);
        assert!(status.success(), "the child failed: {said}");
    }
}

/// Serves one file.
fn answer(stream: TcpStream, root: &Path) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let mut stream = reader.into_inner();
    match fs::read(root.join(path)) {
        Ok(body) => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(head.as_bytes())?;
            stream.write_all(&body)
        }
        Err(_) => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    }
}
