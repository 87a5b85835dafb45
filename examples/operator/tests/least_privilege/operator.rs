//! The operator as a process of its own, as one ServiceAccount.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use testkit::servers::{ControlPlane, free_port};

/// A running operator, killed when dropped.
#[derive(Debug)]
pub(crate) struct Operator {
    process: Child,
    log: PathBuf,
    _folder: TempDir,
}

impl Operator {
    /// Starts it with these flags, with the token of a ServiceAccount in namespace `certwright`, as in a Pod there.
    pub(crate) fn start(plane: &ControlPlane, service_account: &str, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = folder.path().join("kubeconfig");
        fs::write(&kubeconfig, plane.kubeconfig_of(NAMESPACE, service_account)).expect("written");
        let log = folder.path().join("log");
        let output = File::create(&log).expect("created");
        let free = || SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let mut operator = Command::new(env!("CARGO_BIN_EXE_certwright-operator"));
        operator.arg(format!("--kubeconfig={}", kubeconfig.display()));
        operator.arg(format!("--metrics-listen-address={}", free()));
        operator.arg(format!("--internal-healthz-listen-address={}", free()));
        operator.args(flags).env("POD_NAMESPACE", NAMESPACE).env("POD_UID", service_account);
        operator.stdin(Stdio::null()).stdout(output.try_clone().expect("cloned")).stderr(output);
        Self { process: operator.spawn().expect("started"), log, _folder: folder }
    }

    /// Waits until a Certificate is Ready.
    pub(crate) fn wait_until_ready(&self, plane: &ControlPlane, namespace: &str, certificate: &str) {
        let path = format!("/apis/cert-manager.io/v1/namespaces/{namespace}/certificates/{certificate}");
        let is_ready = |it: &Value| it["type"] == "Ready" && it["status"] == "True";
        let all_well = |it: &Value| it["status"]["conditions"].as_array().is_some_and(|them| them.iter().any(is_ready));
        if let Err(object) = plane.wait_for(&path, all_well) {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            panic!("{certificate} is not Ready: {:#}\nthe operator said:\n{log}", object["status"]);
        }
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // Both fail only for a child that is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What `certwright-operator role` prints for these objects.
pub(crate) fn roles(objects: &str) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_certwright-operator"));
    let mut role = command.arg("role").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
    role.stdin.take().expect("piped").write_all(objects.as_bytes()).expect("read");
    let output = role.wait_with_output().expect("its end");
    assert!(output.status.success());
    let list: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    list["items"].as_array().cloned().expect("a list")
}

pub(crate) const NAMESPACE: &str = "certwright";
