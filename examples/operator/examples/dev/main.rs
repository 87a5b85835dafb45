//! A cluster without a cluster: a real control plane on this machine, and the operator in it.
//!
//! ```console
//! $ testkit/servers/build.sh                                          # once; the control plane takes five minutes to build
//! $ cargo run -p certwright-operator --example dev                    # everything is gone after Ctrl-C
//! $ cargo run -p certwright-operator --example dev -- --folder FOLDER # the cluster stays there, and goes on when it is started again
//! ```
//!
//! It prints what to try with kubectl. There is no node, so Pods stay pending; certificates need none.

mod cluster;
mod story;

use std::error::Error;
use std::path::PathBuf;

use cluster::Cluster;

/// Whatever ends the example early, for whoever reads the terminal.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // kube's client takes the process's provider, and two are compiled in.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return Err("the process has a provider for rustls already".into());
    }
    let cluster = Cluster::start(folder()?).await?;
    story::print(cluster.kubeconfig());
    cluster.run_operator().await
}

fn folder() -> Result<Option<PathBuf>, Failure> {
    let mut arguments = std::env::args_os().skip(1);
    match (arguments.next(), arguments.next(), arguments.next()) {
        (None, ..) => Ok(None),
        (Some(flag), Some(folder), None) if flag == "--folder" => Ok(Some(folder.into())),
        _ => Err("usage: dev [--folder FOLDER]".into()),
    }
}
