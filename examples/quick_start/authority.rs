//! Who issues: a certificate authority inside this process, or a real one.

use std::error::Error;

use certwright::issuers::TokioTimer;
use testkit::ca::{ModelCa, Settings};
use testkit::https::{HttpsFront, RealValidator};

use super::options::Options;

/// Who issues.
pub(crate) struct Authority {
    pub(crate) name: String,
    pub(crate) directory: String,
    /// What vouches for the directory's own HTTPS, where the system does not.
    pub(crate) directory_root: Option<String>,
    /// What vouches for the certificates, where that is known.
    pub(crate) issuance_root: Option<String>,
    /// Keeps the embedded one alive.
    _front: Option<HttpsFront>,
}

/// The one that the command line names, or an embedded one that validates by TLS-ALPN-01 at `port`.
pub(crate) async fn choose(options: &Options, port: u16) -> Result<Authority, Box<dyn Error>> {
    if let Some(directory) = &options.directory {
        let directory_root = match &options.root {
            Some(file) => Some(std::fs::read_to_string(file)?),
            None => None,
        };
        return Ok(Authority {
            name: directory.clone(),
            directory: directory.clone(),
            directory_root,
            issuance_root: None,
            _front: None,
        });
    }
    let clock = std::sync::Arc::new(TokioTimer);
    let front =
        HttpsFront::start_validating(ModelCa::new(Settings::default()), clock, RealValidator::new(0, port)).await?;
    Ok(Authority {
        name: format!("the embedded certificate authority at {}", front.address()),
        directory: front.directory_url().to_string(),
        directory_root: Some(front.root_pem().to_owned()),
        issuance_root: front.ca().root_pem(0),
        _front: Some(front),
    })
}
