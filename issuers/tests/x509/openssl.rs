//! OpenSSL as a judge, with a key that both it and we hold.

use std::process::Command;

use acme_core::key::KeyType;
use acme_core::{PrivateKey, Secret};

/// A folder to work in, and a key in it. Ed25519 signs the same twice, so that whole certificates can be compared.
pub(crate) struct OpenSsl {
    folder: tempfile::TempDir,
    pub(crate) key: PrivateKey,
}

impl OpenSsl {
    pub(crate) fn new() -> Self {
        let key = PrivateKey::generate(KeyType::Ed25519).unwrap();
        let openssl = Self { folder: tempfile::tempdir().unwrap(), key };
        openssl.put("key.pem", openssl.key.to_pem().expose().as_bytes());
        openssl
    }

    /// Another key, which stays in `key.pem` of its own folder.
    pub(crate) fn key_at(&self, name: &str) -> PrivateKey {
        let key = PrivateKey::generate(KeyType::Ed25519).unwrap();
        self.put(name, key.to_pem().expose().as_bytes());
        PrivateKey::from_pkcs8_der(Secret::new(key.to_pkcs8_der().expose().clone())).unwrap()
    }

    pub(crate) fn put(&self, name: &str, content: &[u8]) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
    }

    /// What it writes to standard output; it has to succeed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .expect("openssl must be installed");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// What it says about `input`, on both ways out.
    pub(crate) fn says(&self, arguments: &[&str], input: &[u8]) -> String {
        self.put("input", input);
        let output = Command::new("openssl")
            .args(arguments)
            .args(["-in", "input", "-inform", "DER"])
            .current_dir(self.folder.path())
            .output()
            .expect("openssl must be installed");
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }
}
