//! The files that servers read.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use certwright::acme_core::{PrivateKey, Secret};
use certwright::certstore::keystore::{Seed, pkcs12::Profile};
use certwright::certstore::output::Output;
use certwright::certstore::{Credential, Serve};
use certwright::{Error, ErrorKind, Identifier};

/// Writes each certificate that is installed, with its key and the root above, into a folder.
pub(crate) struct Files(pub(crate) PathBuf);

impl Serve for Files {
    fn install(&self, _: &str, _: &[Identifier], credential: &Credential) -> Result<(), Error> {
        let key = private_key(credential)?;
        let mut output = Output::new(&key, &credential.chain);
        if let Some(root) = &credential.root {
            output = output.with_root(root);
        }
        let store =
            output.keystore()?.to_pkcs12(Profile::default(), &Secret::new("changeit".into()), &Seed::random()?)?;
        let root = output.root_pem().unwrap_or_default();
        let key = output.key_pem();
        for (name, bytes) in [
            ("tls.crt", output.chain_pem().as_bytes()),
            ("tls.key", key.expose().as_bytes()),
            ("ca.crt", root.as_bytes()),
            ("keystore.p12", store.expose()),
        ] {
            // Keys are for their owner alone.
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(self.0.join(name));
            file.and_then(|mut file| file.write_all(bytes)).map_err(|source| {
                Error::new(ErrorKind::Internal, format!("{name} could not be written")).with_source(source)
            })?;
        }
        Ok(())
    }

    fn withdraw(&self, _: &str) {}
}

/// The key of a stored certificate.
pub(crate) fn private_key(credential: &Credential) -> Result<PrivateKey, Error> {
    PrivateKey::from_pkcs8_der(Secret::new(credential.key.expose().clone()))
}
