//! What a test server shows clients over TLS: a fresh root, and what it signed for loopback.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

/// The files of a server's TLS endpoint, in the server's own folder.
#[derive(Debug)]
pub(super) struct EndpointFiles {
    pub(super) root: PathBuf,
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) root_pem: String,
}

impl EndpointFiles {
    /// Writes them into the folder, for `localhost` and 127.0.0.1.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        let files = Self {
            root: folder.join("root.pem"),
            certificate: folder.join("endpoint.pem"),
            key: folder.join("endpoint.key"),
            root_pem: String::new(),
        };
        files.fill().map_err(io::Error::other)
    }

    fn fill(mut self) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "root of a test server's endpoint");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(["localhost".to_owned(), Ipv4Addr::LOCALHOST.to_string()])?;
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &root)?;

        fs::write(&self.root, root.pem())?;
        fs::write(&self.certificate, certificate.pem())?;
        fs::write(&self.key, key.serialize_pem())?;
        self.root_pem = root.pem();
        Ok(self)
    }
}
