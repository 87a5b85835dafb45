//! cert-manager's own controller beside ours, where there is one: with the flags that its release ships, on control planes of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::bare::text;
use crate::cluster::{Cluster, clock, kubeconfig_file, pause};
use crate::operator::resident;
use crate::report::Writes;

/// What it did with Certificates that were all there at once.
#[derive(Debug)]
pub(crate) struct Rival {
    /// How many there were.
    pub(crate) count: usize,
    /// How many became ready while it was measured: fewer than there were where time ran out.
    pub(crate) issued: usize,
    /// For how long that was.
    pub(crate) time: Duration,
    /// All it wrote, also before.
    pub(crate) writes: Writes,
    /// How many were ready in the end.
    pub(crate) ready: usize,
    /// Memory at the end, in bytes.
    pub(crate) resident: u64,
}

impl Rival {
    /// What its rate leaves out, where time ran out.
    pub(crate) fn limit(&self) -> String {
        match self.ready {
            ready if ready == self.count => String::new(),
            ready => {
                format!(" or more (stopped after {:.0} s with {ready} ready; its rate falls)", self.time.as_secs_f64())
            }
        }
    }
}

/// Has it issue so many Certificates, for no longer than `patience`.
///
/// A few it finds there, as ours does: it is stopped while they are made. A crowd takes longer to make than its Lease holds, so that it works meanwhile. Its
/// rate is taken from there on, when all are made, and of those alone that become ready then. Where time runs out that is the rate of its beginning, which is
/// its best: it falls as there are more.
pub(crate) async fn measure(program: &Path, count: usize, patience: Duration) -> Result<Rival, String> {
    let cluster = Cluster::start().await?;
    let field = cluster.field("rival").await?;
    let file = kubeconfig_file(&cluster)?;
    let mut child = start(program, file.path())?;
    let id = child.id().ok_or("cert-manager ended at once")?;
    cluster.issuer_is_ready(&field).await?;
    let position = cluster.position();
    let is_held = count <= HELD;
    if is_held {
        signal(id, Signal::STOP)?;
    }
    cluster.certificates(&field, "cert", count).await?;
    let mut readiness = cluster.readiness(&field).await?;
    let before = readiness.count();
    let begin = clock();
    if is_held {
        signal(id, Signal::CONT)?;
    }
    // Only how far it came matters, not why no further.
    let _ = tokio::time::timeout(patience, readiness.reaches(count)).await;
    let time = begin.elapsed();
    let ready = readiness.count();
    let resident = resident(id)?;
    // What was ready a moment ago is not written to any more.
    pause(Duration::from_secs(1)).await;
    let writes = Writes::of(cluster.requests_of(AGENT, position));
    child.start_kill().map_err(text)?;
    child.wait().await.map_err(text)?;
    Ok(Rival { count, issued: ready - before, time, writes, ready, resident })
}

fn signal(process: u32, signal: Signal) -> Result<(), String> {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw).ok_or("no such process")?;
    kill_process(process, signal).map_err(text)
}

fn start(program: &Path, kubeconfig: &Path) -> Result<Child, String> {
    let mut command = Command::new(program);
    command.arg("--kubeconfig").arg(kubeconfig).arg("--metrics-listen-address=127.0.0.1:0");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().map_err(|error| format!("{VARIABLE} names {}: {error}", program.display()))
}

/// Where cert-manager's controller is, if the environment says so.
#[expect(clippy::disallowed_methods, reason = "where things are built is the environment's to say")]
pub(crate) fn program() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|it| !it.is_empty()).map(Into::into)
}

/// So many are made in a few seconds.
const HELD: usize = 1000;
/// How the audit log calls all parts of it.
const AGENT: &str = "cert-manager";
const VARIABLE: &str = "CERTWRIGHT_CERT_MANAGER";
