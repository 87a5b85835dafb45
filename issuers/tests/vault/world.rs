//! A Vault with a root, an intermediate and a role, and requests to be signed there.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use acme_core::transport::ReqwestTransport;
use acme_core::{Clock as _, Error, Identifier, Secret, Transport};
use certwright_issuers::vault::auth::{AppRole, Auth, Fixed};
use certwright_issuers::vault::{Server, VaultIssuer};
use certwright_issuers::{CertificateRequest, InMemory, Issued, Issuer as _, Step, TokioTimer, chain, csr};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::VirtualClock;
use testkit::servers::Vault;

/// A Vault with a CA in two tiers at `root` and `pki`, a role `web` for `example.test`, and the policy `signer`, which may sign with it.
pub(crate) struct World {
    pub(crate) vault: Vault,
    pub(crate) clock: VirtualClock,
    pub(crate) root_pem: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Vault::start())
    }

    pub(crate) fn with(vault: Vault) -> Self {
        for mount in ["root", "pki"] {
            vault.write(
                &format!("sys/mounts/{mount}"),
                &json!({ "type": "pki", "config": { "max_lease_ttl": "87600h" } }),
            );
        }
        let root = json!({ "common_name": "root of a test", "key_type": "ec", "ttl": "87600h" });
        let root_pem = text(&vault.write("root/root/generate/internal", &root), "certificate");
        let asked = json!({ "common_name": "intermediate of a test", "key_type": "ec", "key_bits": 384 });
        let csr = text(&vault.write("pki/intermediate/generate/internal", &asked), "csr");
        let signing = json!({ "csr": csr, "use_csr_values": true, "ttl": "43800h", "max_path_length": 0 });
        let intermediate = text(&vault.write("root/root/sign-intermediate", &signing), "certificate");
        vault.write("pki/intermediate/set-signed", &json!({ "certificate": format!("{intermediate}\n{root_pem}") }));
        let role = json!({
            "allowed_domains": "example.test,conformance.example", "allow_subdomains": true, "allow_bare_domains": true,
            "allowed_uri_sans": "spiffe://example.test/*", "key_type": "any", "require_cn": false, "max_ttl": "720h",
        });
        vault.write("pki/roles/web", &role);
        vault.policy("signer", r#"path "pki/sign/web" { capabilities = ["update"] }"#);
        Self { vault, clock: VirtualClock::starting_at(TokioTimer.now()), root_pem }
    }

    /// How Vault is reached over plain HTTP, or over TLS with its root.
    pub(crate) fn server(&self) -> Server {
        let builder = ReqwestTransport::builder();
        let builder = match self.vault.root_pem() {
            Some(root) => builder.add_root_pem(root.as_bytes()).unwrap().only_given_roots(),
            None => builder,
        };
        self.server_over(Arc::new(builder.build().unwrap()))
    }

    pub(crate) fn server_over(&self, transport: Arc<dyn Transport>) -> Server {
        Server::new(&self.vault.url(), transport, Arc::new(self.clock.clone())).unwrap()
    }

    /// An issuer that signs at `pki/sign/web`.
    pub(crate) fn issuer(&self, auth: impl Auth + 'static) -> VaultIssuer {
        self.issuer_at("pki/sign/web", auth)
    }

    pub(crate) fn issuer_at(&self, path: &str, auth: impl Auth + 'static) -> VaultIssuer {
        VaultIssuer::new("vault", self.server(), path, auth).unwrap()
    }

    /// A token with these settings of `auth/token/create`.
    pub(crate) fn token(&self, settings: &Value) -> String {
        self.vault.write("auth/token/create", settings)["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    /// Enables AppRole with a role `web`, and answers its role id.
    pub(crate) fn app_role(&self, role: &Value) -> String {
        self.vault.write("sys/auth/approle", &json!({ "type": "approle" }));
        self.vault.write("auth/approle/role/web", role);
        text(&self.vault.read("auth/approle/role/web/role-id"), "role_id")
    }

    /// A new secret id of the AppRole role `web`.
    pub(crate) fn secret_id(&self) -> Secret<String> {
        Secret::new(text(&self.vault.write("auth/approle/role/web/secret-id", &json!({})), "secret_id"))
    }

    /// An issuer that logs in with AppRole.
    pub(crate) fn app_role_issuer(&self, role: &Value) -> VaultIssuer {
        let role_id = self.app_role(role);
        self.issuer(AppRole::new(role_id, Fixed::new(self.secret_id())))
    }

    /// How often clients asked for `path`.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.vault.requests().iter().filter(|it| it.path == path).count()
    }

    /// Ends every token that a login made.
    pub(crate) fn revoke_logins(&self) {
        self.vault.write("sys/leases/revoke-prefix/auth/approle", &json!({ "sync": true }));
    }
}

/// The settings of a role whose tokens may sign.
pub(crate) fn signer_role() -> Value {
    json!({ "token_policies": "signer", "token_ttl": "1h", "token_max_ttl": "4h" })
}

/// A field of an answer's `data`.
pub(crate) fn text(answer: &Value, field: &str) -> String {
    answer["data"][field].as_str().unwrap_or_else(|| panic!("no {field} in {answer}")).to_owned()
}

pub(crate) fn fixed(secret: &str) -> Fixed<Secret<String>> {
    Fixed::new(Secret::new(secret.to_owned()))
}

/// A signing request of OpenSSL's.
pub(crate) struct Wanted {
    pub(crate) csr: CertificateSigningRequestDer<'static>,
    pub(crate) identifiers: Vec<Identifier>,
}

impl Wanted {
    /// For one name, with a key on P-256.
    pub(crate) fn name(name: &str) -> Self {
        Self::new(&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "/", &format!("DNS:{name}"))
    }

    /// With a key of these arguments to `openssl req`, this subject and these subject alternative names.
    pub(crate) fn new(key: &[&str], subject: &str, names: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let (key_file, file) = (folder.path().join("key.pem"), folder.path().join("csr.pem"));
        let output = Command::new("openssl")
            .args(["req", "-new", "-nodes", "-subj", subject, "-addext", &format!("subjectAltName={names}")])
            .args(key)
            .arg("-keyout")
            .arg(&key_file)
            .arg("-out")
            .arg(&file)
            .output()
            .expect("openssl, from apt-get install openssl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let csr = CertificateSigningRequestDer::from_pem_slice(&fs::read(&file).unwrap()).unwrap();
        let identifiers = csr::read(&csr).unwrap().identifiers;
        Self { csr, identifiers }
    }

    pub(crate) fn request(&self) -> CertificateRequest<'_> {
        CertificateRequest::new(&self.csr, &self.identifiers)
    }

    /// One issuance, checked as a keeper checks it.
    pub(crate) async fn from(&self, issuer: &VaultIssuer) -> Result<Issued, Error> {
        let Step::Issued(issued) = issuer.issue(&self.request(), &mut InMemory::new()).await? else {
            panic!("Vault signs at once");
        };
        let key = csr::read(&self.csr).unwrap().public_key;
        chain::check(&issued.chain, &key, &self.identifiers, TokioTimer.now()).unwrap();
        Ok(issued)
    }
}

/// Runs what talks to a real server.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Everything that anybody could read of an error.
pub(crate) fn everything(error: &Error) -> String {
    let mut all = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(it) = cause {
        all.push_str(&format!(" {it} {it:?}"));
        cause = it.source();
    }
    all
}

/// The error with its kind, for a table of them.
pub(crate) fn refusal(issuer: &VaultIssuer, wanted: &Wanted) -> Error {
    block_on(wanted.from(issuer)).expect_err("Vault was to refuse this")
}
