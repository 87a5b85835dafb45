//! The operator as it is shipped needs nothing around it: no C library, no shell, no list of users, no hosts file.
//!
//! Run by `.ci/static`, which links the binary, and as root in a network of its own: names are asked for at port 53.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::servers::{ChallTestSrv, ControlPlane, Pebble};

#[test]
#[ignore = "run by .ci/static"]
#[expect(clippy::disallowed_methods, reason = "the script says where it linked the binary")]
fn a_binary_alone_in_its_root_folder_resolves_names_and_issues() {
    let operator = PathBuf::from(std::env::var_os("CERTWRIGHT_STATIC_OPERATOR").expect("set by .ci/static"));
    assert_eq!(interpreter(&fs::read(&operator).unwrap()), None, "{} is not static", operator.display());
    let dns = ChallTestSrv::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 53)));
    let pebble = Pebble::builder().dns_server(dns.dns_address()).start();
    let plane = ControlPlane::builder().crds(crds()).start();
    for object in ["accounts.yaml", "rbac.yaml"].iter().flat_map(|file| read("manifests", file)) {
        plane.apply(&object);
    }
    let root = Root::with(&operator, &plane, &pebble);
    let running = root.run(&plane);

    for object in read("samples", "private-ca.yaml") {
        plane.apply(&object);
        running.wait_until_ready(&plane, &object);
    }
    let server = pebble.directory_url().replace("127.0.0.1", "localhost");
    let solvers = json!([{ "http01": { "ingress": {} } }]);
    let acme = json!({ "server": server, "privateKeySecretRef": { "name": "account" }, "solvers": solvers });
    let metadata = json!({ "name": "acme", "namespace": "shop" });
    let issuer =
        json!({ "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": metadata, "spec": { "acme": acme } });
    plane.apply(&issuer);
    running.wait_until_ready(&plane, &issuer);

    assert!(!dns.dns_history("localhost").is_empty(), "the name was asked of the name server in resolv.conf");
}

/// A folder that becomes the root of a process: what the image holds, and what a kubelet adds to it.
struct Root(TempDir);

impl Root {
    fn with(operator: &Path, plane: &ControlPlane, pebble: &Pebble) -> Self {
        let root = Self(tempfile::tempdir().expect("a folder"));
        root.add("etc/resolv.conf", "nameserver 127.0.0.1\n");
        // Where the image has the authorities that Debian trusts.
        root.add("etc/ssl/certs/ca-certificates.crt", pebble.root_pem());
        let account = "var/run/secrets/kubernetes.io/serviceaccount";
        root.add(&format!("{account}/token"), &plane.token_of("certwright", "certwright-controller"));
        root.add(&format!("{account}/ca.crt"), plane.root_pem());
        root.add(&format!("{account}/namespace"), "certwright");
        // What every container runtime adds; a static binary finds no getrandom(2) to call, and reads these.
        root.device("random", "8");
        root.device("urandom", "9");
        fs::copy(operator, root.0.path().join("certwright-operator")).expect("copied");
        // It is the kit's user alone who may enter.
        fs::set_permissions(root.0.path(), fs::Permissions::from_mode(0o755)).expect("opened");
        root
    }

    fn add(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn device(&self, name: &str, minor: &str) {
        fs::create_dir_all(self.0.path().join("dev")).expect("made");
        let device = self.0.path().join("dev").join(name);
        let made = Command::new("mknod").arg("-m=666").arg(device).args(["c", "1", minor]).status();
        assert!(made.expect("mknod, of coreutils").success());
    }

    /// Starts the operator as the user of the image, with the arguments of its Deployment.
    fn run(&self, plane: &ControlPlane) -> Running {
        let log = self.0.path().with_extension("log");
        let output = File::create(&log).expect("created");
        let mut chroot = Command::new("/usr/sbin/chroot");
        chroot.arg("--userspec=65532:65532").arg(self.0.path()).arg("/certwright-operator");
        chroot.args(["--roles=controller", "--cluster-resource-namespace=certwright"]);
        let address = plane.address();
        chroot.env_clear().env("POD_NAMESPACE", "certwright").env("POD_UID", "a-pod");
        chroot.env("KUBERNETES_SERVICE_HOST", address.ip().to_string());
        chroot.env("KUBERNETES_SERVICE_PORT", address.port().to_string());
        chroot.stdin(Stdio::null()).stdout(output.try_clone().expect("cloned")).stderr(output);
        Running { process: chroot.spawn().expect("chroot, of coreutils"), log }
    }
}

/// The operator at work, killed when dropped.
struct Running {
    process: Child,
    log: PathBuf,
}

impl Running {
    /// Waits for an Issuer or a Certificate; other objects are there at once.
    fn wait_until_ready(&self, plane: &ControlPlane, object: &Value) {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
        let (kind, name) = (word(&object["kind"]), word(&object["metadata"]["name"]));
        if !matches!(kind.as_str(), "issuer" | "certificate") {
            return;
        }
        let path = format!("/apis/cert-manager.io/v1/namespaces/shop/{kind}s/{name}");
        let is_ready = |it: &Value| it["type"] == "Ready" && it["status"] == "True";
        let all_well = |it: &Value| it["status"]["conditions"].as_array().is_some_and(|them| them.iter().any(is_ready));
        if let Err(object) = plane.wait_for(&path, all_well) {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            panic!("{kind} {name} is not ready: {:#}\nthe operator said:\n{log}", object["status"]);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // All fail only for what is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.log);
    }
}

fn crds() -> impl Iterator<Item = Value> {
    let crds = kube_adapter::crd::all().expect("definitions");
    crds.into_iter().map(|crd| serde_json::to_value(crd).expect("JSON"))
}

/// The objects of a file beside the operator.
fn read(folder: &str, file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(file);
    let text = fs::read_to_string(&path).expect("a manifest");
    serde_saphyr::from_multiple(&text).expect("YAML")
}

/// The program that a 64-bit ELF file wants to be loaded by: the number of its header of type PT_INTERP.
fn interpreter(elf: &[u8]) -> Option<usize> {
    assert!(elf.starts_with(b"\x7fELF\x02\x01"), "64 bits, little endian");
    let short = |at: usize| usize::from(u16::from_le_bytes([elf[at], elf[at + 1]]));
    let start = usize::try_from(u64::from_le_bytes(elf[32..40].try_into().expect("eight bytes"))).expect("in memory");
    let (size, count) = (short(54), short(56));
    (0..count).find(|number| elf[start + number * size..].starts_with(&[3, 0, 0, 0]))
}
