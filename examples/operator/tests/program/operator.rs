//! The operator's process, and what it answers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use crate::cluster::cluster;

/// A running operator, killed when dropped.
pub(crate) struct Operator {
    child: Child,
    metrics: SocketAddr,
    health: SocketAddr,
    solver: SocketAddr,
    log: Arc<Mutex<String>>,
    // Last, so that the process is gone before its file.
    _kubeconfig: NamedTempFile,
}

impl Operator {
    /// Starts one with these arguments beside kubeconfig and addresses.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut kubeconfig = NamedTempFile::new().unwrap();
        kubeconfig.write_all(cluster().kubeconfig().as_bytes()).unwrap();
        let (metrics, health, solver) = (free_address(), free_address(), free_address());
        let mut all = vec![
            format!("--kubeconfig={}", kubeconfig.path().display()),
            format!("--metrics-listen-address={metrics}"),
            format!("--internal-healthz-listen-address={health}"),
            format!("--http01-solver-listen-address={solver}"),
        ];
        all.extend(arguments.iter().map(|it| (*it).to_owned()));
        Self::spawn(&all, [metrics, health, solver], kubeconfig)
    }

    /// Starts one with these arguments and no other.
    pub(crate) fn command(arguments: &[&str]) -> Self {
        let all: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        Self::spawn(&all, [free_address(), free_address(), free_address()], NamedTempFile::new().unwrap())
    }

    fn spawn(arguments: &[String], [metrics, health, solver]: [SocketAddr; 3], kubeconfig: NamedTempFile) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_certwright-operator"))
            .args(arguments)
            .env_remove("POD_UID")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, kept) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut log = kept.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Self { child, metrics, health, solver, log, _kubeconfig: kubeconfig }
    }

    /// Starts one, and waits until it is ready.
    pub(crate) fn ready(arguments: &[&str]) -> Self {
        let operator = Self::start(arguments);
        operator.wait("it is ready", || operator.health("/readyz").0 == 200);
        operator
    }

    pub(crate) fn solver(&self) -> SocketAddr {
        self.solver
    }

    pub(crate) fn metrics_address(&self) -> SocketAddr {
        self.metrics
    }

    pub(crate) fn metrics(&self) -> String {
        let (status, body) = get(self.metrics, "/metrics", "scraper");
        assert_eq!(status, 200, "{body}");
        body
    }

    pub(crate) fn health(&self, path: &str) -> (u16, String) {
        get(self.health, path, "kubelet")
    }

    pub(crate) fn leads(&self) -> bool {
        get(self.metrics, "/metrics", "scraper").1.lines().any(|line| line == "certmanager_leader 1")
    }

    /// Waits until `done`, for a minute at most, and says how long it took.
    pub(crate) fn wait(&self, what: &str, done: impl Fn() -> bool) -> Duration {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(60), "still not: {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        start.elapsed()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "it does not end\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // It has ended already where this fails.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Status and body; status 0 when nobody listens.
pub(crate) fn get(address: SocketAddr, path: &str, host: &str) -> (u16, String) {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(2)) else {
        return (0, String::new());
    };
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    // A frozen process answers nothing.
    if stream.read_to_string(&mut answer).is_err() {
        return (0, String::new());
    }
    let status = answer.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
