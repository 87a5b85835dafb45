//! A stand-in for the kubelet: gives solver Pods an address, and answers there what their arguments say.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

use super::space::Space;
use super::wait::{eventually, pause};

/// Runs the solver Pods of a namespace in this process.
#[derive(Debug)]
pub struct Kubelet {
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Kubelet {
    /// Starts one, as soon as Pods can be made there.
    pub fn start(space: &Space) -> Self {
        let (plane, namespace) = (space.plane, space.namespace.clone());
        let accounts = format!("/api/v1/namespaces/{namespace}/serviceaccounts/default");
        eventually("the account that Pods run under", || match plane.call("GET", &accounts, None).status {
            200 => Ok(()),
            status => Err(status.to_string()),
        });
        let stopped = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stopped);
        let thread = thread::spawn(move || {
            let pods = format!("/api/v1/namespaces/{namespace}/pods");
            while !until.load(Ordering::Relaxed) {
                let answer = plane.call("GET", &pods, None);
                for pod in answer.body["items"].as_array().into_iter().flatten() {
                    if pod["status"]["podIP"].is_null()
                        && let Some(status) = run(pod)
                    {
                        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
                        plane.call("PATCH", &format!("{pods}/{name}/status"), Some(&json!({ "status": status })));
                    }
                }
                pause(LOOK_AGAIN);
            }
        });
        Self { stopped, thread: Some(thread) }
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts what a Pod would run; answers its status.
fn run(pod: &Value) -> Option<Value> {
    let arguments = pod["spec"]["containers"][0]["args"].as_array()?;
    let read = |flag: &str| arguments.iter().filter_map(Value::as_str).find_map(|it| it.strip_prefix(flag));
    let (token, key) = (read("--token=")?.to_owned(), read("--key=")?.to_owned());
    let port: u16 = read("--listen-port=")?.parse().ok()?;
    let listener = listen(port);
    let address = listener.local_addr().ok()?.ip();
    // It ends with the process: a test has a handful of them.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(stream, &token, &key);
        }
    });
    Some(json!({
        "phase": "Running", "podIP": address.to_string(), "podIPs": [{ "ip": address.to_string() }],
        "conditions": [{ "type": "Ready", "status": "True" }],
    }))
}

/// An address of the loopback network that nobody uses this port on.
fn listen(port: u16) -> TcpListener {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let process = std::process::id().to_le_bytes();
    loop {
        let at = NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        let address = Ipv4Addr::new(127, 64 + process[1] % 128, process[0], at[0].max(2));
        if let Ok(listener) = TcpListener::bind(SocketAddr::from((address, port))) {
            return listener;
        }
    }
}

fn answer(mut stream: TcpStream, token: &str, key: &str) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut line = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    reader.read_line(&mut line)?;
    let mut rest = String::new();
    while reader.read_line(&mut rest)? > 2 {
        rest.clear();
    }
    let path = line.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match path == format!("/.well-known/acme-challenge/{token}") {
        true => ("200 OK", key),
        false => ("404 Not Found", ""),
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

/// How often it looks for Pods.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
