//! The control plane, the kinds in it, and the operator beside it.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use certwright_operator::arguments::{self, Command};
use certwright_operator::options::Options;
use certwright_operator::process::Surroundings;
use certwright_operator::{logging, run};
use testkit::servers::ControlPlane;
use tokio::task::spawn_blocking;

use crate::Failure;

/// A running control plane that serves cert-manager's kinds.
pub(crate) struct Cluster {
    plane: ControlPlane,
    kubeconfig: PathBuf,
}

impl Cluster {
    /// Starts it in that folder, where it stays; without one it is gone afterwards.
    pub(crate) async fn start(folder: Option<PathBuf>) -> Result<Self, Failure> {
        let crds = kube_adapter::crd::all()?.into_iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
        let mut builder = ControlPlane::builder().crds(crds);
        if let Some(folder) = folder {
            builder = builder.folder(folder);
        }
        // Starting waits for processes, as everything in the test kit does.
        let plane = spawn_blocking(move || builder.start()).await?;
        let kubeconfig = plane.folder().join("kubeconfig");
        write_secret(&kubeconfig, &plane.kubeconfig())?;
        Ok(Self { plane, kubeconfig })
    }

    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Runs the operator in this process until Ctrl-C; it writes what it owes, and then the servers stop.
    pub(crate) async fn run_operator(self) -> Result<(), Failure> {
        let flags = [
            format!("--kubeconfig={}", self.kubeconfig.display()),
            "--roles=controller".to_owned(),
            "--leader-elect=false".to_owned(),
            "--metrics-listen-address=127.0.0.1:0".to_owned(),
            "--internal-healthz-listen-address=127.0.0.1:0".to_owned(),
            "--v=2".to_owned(),
        ];
        let Command::Run(settings) = arguments::read(flags)? else {
            return Err("these flags run the operator".into());
        };
        let options = Options::from_settings(&settings)?;
        logging::start(options.telling.format, options.telling.verbosity)?;
        run::run(options, Surroundings::read()).await?;
        spawn_blocking(move || drop(self.plane)).await?;
        Ok(())
    }
}

fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
