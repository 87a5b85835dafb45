//! Who the servers are to each other: one authority, and what it signed.

use std::error::Error;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

/// Everything that is signed or signs, as files in one folder.
#[derive(Debug)]
pub(super) struct Identities {
    pub(super) root: PathBuf,
    pub(super) server: Files,
    pub(super) service_accounts: Files,
    pub(super) administrator: Identity,
    pub(super) controllers: Identity,
    pub(super) root_pem: String,
}

/// A key, and what others may know of it.
#[derive(Debug)]
pub(super) struct Files {
    /// A certificate, or a bare public key.
    pub(super) public: PathBuf,
    pub(super) private: PathBuf,
}

/// A client of the API server.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) certificate_pem: String,
    pub(super) key_pem: String,
}

impl Identities {
    /// Those in the folder; makes what is not there, so that a cluster that is started again trusts whom it trusted.
    pub(super) fn in_folder(folder: &Path) -> io::Result<Self> {
        if !folder.join(ROOT).is_file() {
            create(folder).map_err(io::Error::other)?;
        }
        let files = |public: &str, private: &str| Files { public: folder.join(public), private: folder.join(private) };
        let root = folder.join(ROOT);
        Ok(Self {
            root_pem: fs::read_to_string(&root)?,
            root,
            server: files(SERVER.0, SERVER.1),
            service_accounts: files(SERVICE_ACCOUNTS.0, SERVICE_ACCOUNTS.1),
            administrator: Identity::read(folder, ADMINISTRATOR)?,
            controllers: Identity::read(folder, CONTROLLERS)?,
        })
    }
}

impl Identity {
    fn read(folder: &Path, (certificate, key): (&str, &str)) -> io::Result<Self> {
        let text = |name| fs::read_to_string(folder.join(name));
        Ok(Self { certificate_pem: text(certificate)?, key_pem: text(key)? })
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

fn create(folder: &Path) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "root of a test's control plane");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let root = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

    let sign = |(certificate, private): (&str, &str), mut params: CertificateParams, usage: ExtendedKeyUsagePurpose| {
        let key = KeyPair::generate()?;
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        fs::write(folder.join(certificate), params.signed_by(&key, &root)?.pem())?;
        fs::write(folder.join(private), key.serialize_pem())?;
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    };
    let mut names = vec![Ipv4Addr::LOCALHOST.to_string()];
    names.extend(SERVER_NAMES.map(str::to_owned));
    sign(SERVER, CertificateParams::new(names)?, ExtendedKeyUsagePurpose::ServerAuth)?;
    // The API server takes the common name for the user, the organization for its group.
    let client = |user: &str, group: Option<&str>| {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, user);
        if let Some(group) = group {
            params.distinguished_name.push(DnType::OrganizationName, group);
        }
        params
    };
    let usage = ExtendedKeyUsagePurpose::ClientAuth;
    sign(ADMINISTRATOR, client("administrator", Some("system:masters")), usage.clone())?;
    sign(CONTROLLERS, client("system:kube-controller-manager", None), usage)?;

    let tokens = KeyPair::generate()?;
    fs::write(folder.join(SERVICE_ACCOUNTS.0), tokens.public_key_pem())?;
    fs::write(folder.join(SERVICE_ACCOUNTS.1), tokens.serialize_pem())?;
    // Last: who finds it finds all.
    fs::write(folder.join(ROOT), root.pem())?;
    Ok(())
}

const ROOT: &str = "root.pem";
const SERVER: (&str, &str) = ("server.pem", "server.key");
const ADMINISTRATOR: (&str, &str) = ("administrator.pem", "administrator.key");
const CONTROLLERS: (&str, &str) = ("controllers.pem", "controllers.key");
const SERVICE_ACCOUNTS: (&str, &str) = ("service-accounts.pub", "service-accounts.key");
const SERVER_NAMES: [&str; 4] = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
