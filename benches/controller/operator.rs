//! The controller as a process of its own: this program, started again.

use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use kube_adapter::client::connect;
use kube_adapter::leader::{Leadership, Standing};
use kube_adapter::{Controller, Settings};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;

use crate::bare::text;
use crate::cluster::{clock, pause};
use crate::processor;

/// A controller in a process of its own. It ends when its input does, and is killed when this is dropped.
pub(crate) struct Operator {
    child: Child,
    orders: ChildStdin,
    id: u32,
}

impl Operator {
    /// Starts one that watches, and acts when it is told to. Without a namespace it looks after the whole cluster.
    pub(crate) fn start(kubeconfig: &Path, namespace: Option<&str>) -> Result<Self, String> {
        let mut command = Command::new(std::env::current_exe().map_err(text)?);
        command.arg(ROLE).arg(kubeconfig).args(namespace).env("GLIBC_TUNABLES", TUNABLES);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
        let mut child = command.spawn().map_err(text)?;
        let orders = child.stdin.take().ok_or("no input")?;
        let id = child.id().ok_or("it ended")?;
        Ok(Self { child, orders, id })
    }

    /// Lets it act.
    pub(crate) async fn go(&mut self) -> Result<(), String> {
        self.orders.write_all(b"go\n").await.map_err(text)
    }

    /// Has it watch only.
    pub(crate) async fn halt(&mut self) -> Result<(), String> {
        self.orders.write_all(b"halt\n").await.map_err(text)
    }

    /// Ends it as a Pod is ended.
    pub(crate) async fn stop(mut self) -> Result<(), String> {
        drop(self.orders);
        tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await.map_err(text)?.map_err(text)?;
        Ok(())
    }

    /// Memory that is resident now, in bytes.
    pub(crate) fn resident(&self) -> Result<u64, String> {
        resident(self.id)
    }

    /// Processor time it used so far.
    pub(crate) fn processor(&self) -> Result<Duration, String> {
        processor::of(self.id)
    }

    /// Waits until it uses next to nothing for two seconds; answers the processor time up to there.
    pub(crate) async fn quiet(&self) -> Result<Duration, String> {
        let end = clock() + Duration::from_secs(120);
        let mut before = self.processor()?;
        while clock() < end {
            pause(Duration::from_secs(2)).await;
            let now = self.processor()?;
            if now - before <= Duration::from_millis(10) && processor::has_begun(self.id)? {
                return Ok(now);
            }
            before = now;
        }
        Err("it never came to rest".to_owned())
    }
}

/// Memory of a process that is resident now, in bytes.
pub(crate) fn resident(process: u32) -> Result<u64, String> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).map_err(text)?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().map_err(text)?;
    Ok(kibibytes * 1024)
}

/// What the child does: runs the controller as its input says, until that ends.
pub(crate) fn main(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let Some(kubeconfig) = arguments.next() else { return ExitCode::FAILURE };
    let namespace = arguments.next();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    match runtime.map_err(text).and_then(|runtime| runtime.block_on(run(&kubeconfig, namespace))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the controller ended: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(kubeconfig: &str, namespace: Option<String>) -> Result<(), String> {
    // It is the first and only choice of this process.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let kubeconfig = kube::config::Kubeconfig::read_from(kubeconfig).map_err(text)?;
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(text)?;
    let client = connect(config, AGENT).map_err(text)?;
    let mut settings = Settings::default();
    settings.namespaces = namespace.map(|it| vec![it]);
    let waiting = || Standing::Waiting { holder: None };
    let (lead, standing) = watch::channel(waiting());
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        let mut orders = BufReader::new(tokio::io::stdin()).lines();
        while let Ok(Some(order)) = orders.next_line().await {
            let _ = lead.send(if order == "go" { Standing::Leading } else { waiting() });
        }
        let _ = stop.send(true);
        // Whoever was let lead leads to the end.
        std::future::pending::<()>().await;
        drop(lead);
    });
    // As the operator has it: on the main thread each answer would be handed from thread to thread.
    let controller = Controller::new(client, settings).led_by(Leadership::told_by(standing));
    tokio::spawn(controller.run(stopped)).await.map_err(text)?.map_err(text)
}

/// The argument that makes this program the controller.
pub(crate) const ROLE: &str = "--as-the-controller";
/// How the audit log calls it.
pub(crate) const AGENT: &str = "certwright-bench-controller";
/// As the operator's image has it.
const TUNABLES: &str = "glibc.malloc.arena_max=1:glibc.malloc.trim_threshold=131072:glibc.malloc.mmap_threshold=16384";
const THREADS: usize = 1;
