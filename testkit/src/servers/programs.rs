//! Where the programs are, and what to do when they are not.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One of the servers we start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    Pebble,
    ChallTestSrv,
    Named,
    Knot,
    Vault,
    StepCa,
    ControlPlane,
    CertManager,
    /// The interpreter of moto's own environment.
    Moto,
    Judge,
    Lego,
    Pkilint,
    OpenSsl,
    Keytool,
}

impl Program {
    /// Finds the program, or says how to get it.
    pub(super) fn find(self) -> io::Result<PathBuf> {
        let variable = self.variable();
        if let Some(path) = environment(variable) {
            let path = PathBuf::from(path);
            if path.is_file() {
                return Ok(path);
            }
            let path = path.display();
            return Err(io::Error::other(format!(
                "{variable} names {path}, which is no file: correct it, or unset it"
            )));
        }
        match self {
            Self::Pebble
            | Self::ChallTestSrv
            | Self::Vault
            | Self::StepCa
            | Self::ControlPlane
            | Self::Judge
            | Self::Lego
            | Self::Pkilint => {
                let path = servers_folder().join(self.name());
                if path.is_file() { Ok(path) } else { Err(self.missing(&path.display().to_string())) }
            }
            Self::CertManager => {
                let path = peers_folder().join(self.name());
                if path.is_file() { Ok(path) } else { Err(self.missing(&path.display().to_string())) }
            }
            Self::Moto => {
                let path = servers_folder().join("moto/bin/python3");
                if path.is_file() { Ok(path) } else { Err(self.missing(&path.display().to_string())) }
            }
            Self::OpenSsl | Self::Keytool | Self::Knot => {
                in_system(self.name()).ok_or_else(|| self.missing(&format!("{} in PATH", self.name())))
            }
            Self::Named => {
                in_system("named").ok_or_else(|| self.missing("named in PATH")).and_then(|path| unconfined(&path))
            }
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pebble => "pebble",
            Self::ChallTestSrv => "pebble-challtestsrv",
            Self::Named => "named",
            Self::Knot => "knotd",
            Self::Vault => "vault",
            Self::StepCa => "step-ca",
            Self::ControlPlane => "control-plane",
            Self::CertManager => "cert-manager",
            Self::Moto => "moto",
            Self::Judge => "judge",
            Self::Lego => "lego",
            Self::Pkilint => "pkilint/bin/python3",
            Self::OpenSsl => "openssl",
            Self::Keytool => "keytool",
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Pebble => "CERTWRIGHT_PEBBLE",
            Self::ChallTestSrv => "CERTWRIGHT_CHALLTESTSRV",
            Self::Named => "CERTWRIGHT_NAMED",
            Self::Knot => "CERTWRIGHT_KNOT",
            Self::Vault => "CERTWRIGHT_VAULT",
            Self::StepCa => "CERTWRIGHT_STEP_CA",
            Self::ControlPlane => "CERTWRIGHT_CONTROL_PLANE",
            Self::CertManager => "CERTWRIGHT_CERT_MANAGER",
            Self::Moto => "CERTWRIGHT_MOTO_PYTHON",
            Self::Judge => "CERTWRIGHT_JUDGE",
            Self::Lego => "CERTWRIGHT_LEGO",
            Self::Pkilint => "CERTWRIGHT_PKILINT",
            Self::OpenSsl => "CERTWRIGHT_OPENSSL",
            Self::Keytool => "CERTWRIGHT_KEYTOOL",
        }
    }

    fn missing(self, place: &str) -> io::Error {
        let how = match self {
            Self::Pebble
            | Self::ChallTestSrv
            | Self::Vault
            | Self::StepCa
            | Self::ControlPlane
            | Self::Judge
            | Self::Lego => "testkit/servers/build.sh (needs Go)",
            Self::CertManager => "benches/peers/build.sh cert-manager (needs Go)",
            Self::Pkilint => "testkit/servers/build.sh (needs python3-venv)",
            Self::Named => "apt-get install bind9 bind9-dnsutils",
            Self::Knot => "apt-get install knot",
            Self::Moto => "testkit/servers/build.sh (needs python3-venv)",
            Self::OpenSsl => "apt-get install openssl",
            Self::Keytool => "apt-get install default-jre-headless",
        };
        let variable = self.variable();
        io::Error::other(format!("there is no {place}: run .ci/test, or {how}, or name the program in {variable}"))
    }
}

/// Looks in `PATH` and where daemons live, which an ordinary user's `PATH` often lacks.
pub(super) fn in_system(name: &str) -> Option<PathBuf> {
    let path = environment("PATH").unwrap_or_default();
    let daemons = ["/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(daemons).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Debian confines `/usr/sbin/named` by its path (AppArmor), to folders that a test cannot use: a copy is free.
fn unconfined(named: &Path) -> io::Result<PathBuf> {
    let folder = servers_folder();
    let copy = folder.join("named");
    let newest = |path: &Path| fs::metadata(path).and_then(|file| file.modified());
    if let (Ok(ours), Ok(theirs)) = (newest(&copy), newest(named))
        && ours >= theirs
    {
        return Ok(copy);
    }
    fs::create_dir_all(&folder)?;
    let part = tempfile::NamedTempFile::new_in(&folder)?.into_temp_path();
    fs::copy(named, &part)?;
    part.persist(&copy)?;
    Ok(copy)
}

/// The kubeconfig of a cluster that the user lends to tests which need no audit log: the file that `CERTWRIGHT_TEST_KUBECONFIG` names.
///
/// Everything a test makes there it makes in namespaces of its own; without one, start a [`ControlPlane`](super::ControlPlane).
///
/// # Panics
///
/// When the file cannot be read.
#[must_use]
pub fn lent_kubeconfig() -> Option<String> {
    let path = PathBuf::from(environment(LENT)?);
    Some(fs::read_to_string(&path).unwrap_or_else(|error| panic!("{LENT} names {}: {error}", path.display())))
}

/// The definitions of the Gateway API's standard channel, for [`ControlPlaneBuilder::crds`](super::ControlPlaneBuilder::crds).
///
/// # Panics
///
/// When they have not been collected; the message says how to.
#[must_use]
#[track_caller]
pub fn gateway_api_crds() -> Vec<Value> {
    let path = servers_folder().join("gateway-api.json");
    let text = fs::read(&path).unwrap_or_else(|_| {
        panic!("there is no {}: run .ci/test, or testkit/servers/build.sh (needs Go)", path.display())
    });
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn servers_folder() -> PathBuf {
    target_folder().join("servers")
}

/// Where `benches/peers/build.sh` puts the rivals.
fn peers_folder() -> PathBuf {
    target_folder().join("peers")
}

fn target_folder() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    workspace.join(environment("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the test servers are is the environment's to say, and this is a test kit"
)]
fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

const LENT: &str = "CERTWRIGHT_TEST_KUBECONFIG";
