//! How the API server is reached: the Pod's ServiceAccount, or a kubeconfig.

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::options::ApiServer;
use crate::{Error, ErrorKind, usage};

/// A client for the API server that was asked for, and the namespace this process lives in.
///
/// A kubeconfig that was named comes first, then the Pod's ServiceAccount, then `KUBECONFIG` and the file in the home folder, as with client-go.
///
/// # Errors
/// `Malformed` when what was given cannot be used; `NotFound` when there is nothing to use.
pub async fn connect(from: &ApiServer) -> Result<(Client, String), Error> {
    let mut config = match &from.kubeconfig {
        Some(path) => {
            let broken = |source| usage(format!("the kubeconfig {} cannot be used", path.display())).with_source(source);
            let kubeconfig = Kubeconfig::read_from(path).map_err(broken)?;
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(broken)?
        }
        None => match Config::incluster() {
            Ok(config) => config,
            Err(_) => Config::infer().await.map_err(|source| {
                Error::new(
                    ErrorKind::NotFound,
                    "no API server: this is no Pod with a ServiceAccount, and there is no kubeconfig; give --kubeconfig",
                )
                .with_source(source)
            })?,
        },
    };
    if let Some(master) = &from.master {
        config.cluster_url =
            master.parse().map_err(|source| usage(format!("--master: {master:?} is not a URL")).with_source(source))?;
    }
    let namespace = config.default_namespace.clone();
    let agent = concat!("certwright-operator/", env!("CARGO_PKG_VERSION"));
    Ok((kube_adapter::client::connect(config, agent)?, namespace))
}
