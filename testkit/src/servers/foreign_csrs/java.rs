//! What people make with Java's keytool. It starts a machine for every step.

use std::collections::BTreeMap;
use std::process::Command;

use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;

use crate::servers::judges::{Folder, said};
use crate::servers::programs::Program;

pub(super) fn requests() -> BTreeMap<String, Vec<u8>> {
    let keytool = Program::Keytool.find().unwrap_or_else(|error| panic!("{error}"));
    let folder = Folder::new();
    let run = |kind: &str, store: &str, arguments: String| {
        let mut command = Command::new(&keytool);
        command.current_dir(folder.path());
        command.args(["-J-Xshare:auto", "-J-XX:TieredStopAtLevel=1"]);
        command.args(arguments.split_whitespace());
        command.args(["-keystore", store, "-storepass", "password", "-alias", "key"]);
        let output = command.output().unwrap_or_else(|error| panic!("keytool did not run: {error}"));
        assert!(output.status.success(), "keytool {kind}: {}", said(&output));
        output.stdout
    };
    KINDS
        .iter()
        .map(|(kind, key, signature, extension)| {
            let store = format!("{kind}.p12");
            run(kind, &store, format!("-genkeypair {key} -dname OU=second,OU=first,O=Foreign,C=AQ"));
            let pem = run(kind, &store, format!("-certreq {signature} {extension}"));
            // Its label is the one of before RFC 7468.
            let pem = String::from_utf8_lossy(&pem).replace("NEW CERTIFICATE REQUEST", "CERTIFICATE REQUEST");
            let der = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes()).expect("a signing request in PEM");
            ((*kind).to_owned(), der.as_ref().to_vec())
        })
        .collect()
}

const KINDS: &[(&str, &str, &str, &str)] = &[
    ("p256-sha384", "-keyalg EC -groupname secp256r1", "-sigalg SHA384withECDSA", "-ext SAN=dns:java.foreign.example"),
    ("p521-sha512", "-keyalg EC -groupname secp521r1", "", "-ext SAN=dns:java.foreign.example"),
    ("ed25519", "-keyalg Ed25519", "", ""),
    (
        "rsa-sha256",
        "-keyalg RSA -keysize 2048",
        "-sigalg SHA256withRSA",
        "-ext EKU=clientAuth,serverAuth -ext KU=digitalSignature",
    ),
    ("rsa-pss", "-keyalg RSA -keysize 2048", "-sigalg RSASSA-PSS", "-ext SAN=dns:java.foreign.example,ip:192.0.2.9"),
];
