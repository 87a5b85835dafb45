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
    log: Arc<Mutex<String>>,
    _kubeconfig: NamedTempFile,
}

impl Operator {
    /// Starts one with these arguments beside kubeconfig and addresses.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut kubeconfig = NamedTempFile::new().unwrap();
        kubeconfig.write_all(cluster().kubeconfig().as_bytes()).unwrap();
        let (metrics, health, solver) = (free_address(), free_address(), free_address());
        let mut child = Command::new(env!("CARGO_BIN_EXE_certwright-operator"))
            .arg(format!("--kubeconfig={}", kubeconfig.path().display()))
            .arg(format!("--metrics-listen-address={metrics}"))
            .arg(format!("--internal-healthz-listen-address={health}"))
            .arg(format!("--http01-solver-listen-address={solver}"))
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
        Self { child, metrics, health, log, _kubeconfig: kubeconfig }
    }

    /// Starts one, and waits until it is ready.
    pub(crate) fn ready(arguments: &[&str]) -> Self {
        let operator = Self::start(arguments);
        operator.wait("it is ready", || operator.health("/readyz").0 == 200);
        operator
    }

    pub(crate) fn metrics(&self) -> String {
        let (status, body) = get(self.metrics, "/metrics");
        assert_eq!(status, 200, "{body}");
        body
    }

    pub(crate) fn health(&self, path: &str) -> (u16, String) {
        get(self.health, path)
    }

    pub(crate) fn leads(&self) -> bool {
        get(self.metrics, "/metrics").1.lines().any(|line| line == "certmanager_leader 1")
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
fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(2)) else {
        return (0, String::new());
    };
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    // A frozen process answers nothing.
    if stream.read_to_string(&mut answer).is_err() {
        return (0, String::new());
    }
    let status = answer.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
