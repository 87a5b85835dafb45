//! The controller in a process of its own: SIGKILL ends it, SIGSTOP freezes it.

use std::io::Read as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use certwright_kube_adapter::Controller;
use certwright_kube_adapter::client::connect;
use certwright_kube_adapter::leader::{Elector, KubeLease, Leadership, Monotonic, Timing};
use tokio::runtime;
use tokio::sync::watch;

use super::manner::Manner;
use super::proxy::{Proxy, Victim};

/// A process that is this program again, and runs one controller and nothing else.
#[derive(Debug)]
pub struct Process {
    child: Arc<Mutex<Child>>,
    /// Its end is the order to stop.
    _life_line: ChildStdin,
}

impl Process {
    /// Starts one. When the proxy is told to kill or to freeze, it does so to this one.
    pub fn start(proxy: &Proxy, manner: &Manner) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", RUNS, "--ignored", "--nocapture"])
            .env(URL, proxy.url())
            .env(MANNER, serde_json::to_string(manner).expect("JSON"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("a child");
        let life_line = child.stdin.take().expect("piped");
        let child = Arc::new(Mutex::new(child));
        proxy.strikes_at(Box::new(Struck(Arc::clone(&child))));
        Self { child, _life_line: life_line }
    }

    /// Is it still alive, frozen or not?
    pub fn is_alive(&self) -> bool {
        lock(&self.child).try_wait().expect("a child").is_none()
    }

    /// Goes on with a frozen one.
    pub fn thaw(&self) {
        signal(lock(&self.child).id(), "CONT");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = lock(&self.child);
        // It ended already where this fails.
        _ = child.kill();
        _ = child.wait();
    }
}

/// What the child does: a test that is run by name, and by nobody else.
pub fn run_controller() {
    super::definitions::choose_provider();
    let manner: Manner = serde_json::from_str(&of_environment(MANNER)).expect("a manner");
    let config = kube::Config::new(of_environment(URL).parse().expect("the proxy's address"));
    let (stop, stopped) = watch::channel(false);
    thread::spawn(move || {
        // Whatever it says, its end is the end.
        _ = std::io::stdin().read_to_end(&mut Vec::new());
        _ = stop.send(true);
    });
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        let client = connect(config, "certwright-kit").expect("a client");
        let mut settings = manner.settings();
        let mut leadership = Leadership::undisputed();
        if let Some(candidate) = &manner.candidate {
            let timing = timing();
            settings.patience = timing.longest_act();
            let lease = Arc::new(KubeLease::new(client.clone(), &manner.namespace, LEASE));
            let (elector, told) = Elector::new(candidate, timing, lease, Arc::new(Monotonic::new()));
            tokio::spawn(elector.run(std::future::pending()));
            leadership = told;
        }
        let controller = Controller::new(client, settings).led_by(leadership);
        controller.run(stopped).await.expect("the controller ends well");
    });
}

/// Times of an election that is over in a moment.
fn timing() -> Timing {
    let [duration, deadline, renew] = [4000, 3500, 800].map(Duration::from_millis);
    Timing::new(duration, deadline, renew).expect("times")
}

/// A child that something happens to.
struct Struck(Arc<Mutex<Child>>);

impl Victim for Struck {
    fn kill(&mut self) {
        let mut child = lock(&self.0);
        child.kill().expect("a child");
        child.wait().expect("its end");
    }

    fn freeze(&mut self) {
        signal(lock(&self.0).id(), "STOP");
    }
}

fn signal(id: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), id.to_string()]).status().expect("kill");
    assert!(sent.success(), "the child {id} takes no {name}");
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::disallowed_methods, reason = "a child learns from its parent what to do")]
fn of_environment(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: the parent sets it"))
}

/// The test that calls [`run_controller`].
const RUNS: &str = "child::runs_a_controller";
const URL: &str = "CERTWRIGHT_KIT_URL";
const MANNER: &str = "CERTWRIGHT_KIT_MANNER";
/// The Lease of an election.
pub const LEASE: &str = "cert-manager-controller";
