//! Other people's pipelines: rcgen in this process, Go's crypto/x509 in one of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::CertificateSigningRequestDer;
use serde_json::Value;

use crate::pipeline::{Local, Pipeline};

/// The whole pipeline with rcgen, on the same provider as ours.
pub(crate) const RCGEN: &str = "rcgen";
/// The whole pipeline with Go's crypto/x509.
pub(crate) const GO: &str = "Go crypto/x509";

/// Key, request, its check, certificate, PEM, with rcgen.
pub(crate) fn rcgen(names: &'static [&'static str]) -> Result<impl Pipeline, String> {
    let authority = authority().map_err(|error| error.to_string())?;
    Ok(Local(move || {
        let issue = || -> Result<usize, rcgen::Error> {
            let key = KeyPair::generate()?;
            let mut wanted = CertificateParams::new(names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())?;
            wanted.distinguished_name = DistinguishedName::new();
            let request = wanted.serialize_request(&key)?;
            let mut asked =
                CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(request.der().as_ref()))?;
            asked.params.use_authority_key_identifier_extension = true;
            asked.params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            asked.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            let certificate = asked.signed_by(&authority)?;
            Ok(certificate.pem().len() + key.serialize_pem().len())
        };
        issue().map(drop).map_err(|error| error.to_string())
    }))
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Peer Root");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

/// The Go program of `benches/peers/x509`. It ends when its input does, and is killed when this is dropped.
pub(crate) struct Go {
    child: Child,
    steps: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Go {
    /// Starts the program and waits until it has its certificate authority.
    pub(crate) fn start() -> Result<Self, String> {
        let program = programs().join("x509");
        if !program.is_file() {
            return Err(format!("there is no {}: run benches/peers/build.sh (needs Go)", program.display()));
        }
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("could not be started: {error}"))?;
        let (Some(steps), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("has no input or output".to_owned());
        };
        let mut go = Self { child, steps, lines: BufReader::new(output) };
        go.hear("ready")?;
        Ok(go)
    }

    /// The time that goes with the event which is waited for.
    fn hear(&mut self, event: &str) -> Result<Duration, String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) => return Err(format!("ended: {}", self.last_words())),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
        let said: Value = serde_json::from_str(&line).map_err(|error| format!("said {line:?}: {error}"))?;
        match (said["event"].as_str(), said["ms"].as_f64()) {
            (Some(heard), Some(ms)) if heard == event => Ok(Duration::from_secs_f64(ms / 1000.0)),
            _ => Err(format!("said {line:?} where {event} was due")),
        }
    }

    fn last_words(&mut self) -> String {
        let mut words = String::new();
        if let Some(errors) = &mut self.child.stderr {
            // What cannot be read was not said.
            let _ = errors.take(2000).read_to_string(&mut words);
        }
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Pipeline for Go {
    fn issue(&mut self, count: usize) -> Result<Duration, String> {
        writeln!(self.steps, "{count}").map_err(|error| format!("does not listen: {error}"))?;
        self.hear("issued")
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        // Both fail only for a child that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where `benches/peers/build.sh` puts them.
#[expect(clippy::disallowed_methods, reason = "where things are built is the environment's to say")]
fn programs() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").filter(|it| !it.is_empty()).unwrap_or_else(|| "target".into());
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(target).join("peers")
}
