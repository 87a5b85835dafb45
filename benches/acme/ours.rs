//! Our own path, as a program has it: an `AcmeIssuer`, driven.

use std::sync::Arc;
use std::time::Duration;

use acme_core::protocol::Registration;
use acme_core::transport::ReqwestTransport;
use acme_core::{Directory, Expect, Identifier, Key, KeyType, PrivateKey, Secret, Store, Version};
use async_trait::async_trait;
use certstore::{FileStore, MemoryStore};
use issuers::acme::{AccountSettings, AcmeIssuer};
use issuers::{CertificateRequest, Error, InMemory, Progress, ProgressError, TokioTimer, chain, csr, drive};
use solvers::{Answers, Http01, Selector, Solvers};
use tempfile::TempDir;
use testkit::servers::Pebble;

use crate::contender::{Contender, Lap, clock};

/// We ourselves. The account is made by the warm-up, as everything else that belongs to no certificate.
pub(crate) struct Ours {
    issuer: AcmeIssuer,
    keeping: Keeping,
}

/// Where an issuance keeps what it knows.
enum Keeping {
    /// It dies with the process.
    InMemory,
    /// Key, state and chain are durable, each before what relies on it.
    OnDisk { store: FileStore, _folder: TempDir },
}

impl Ours {
    /// Keeps everything in memory.
    pub(crate) fn in_memory(pebble: &Pebble) -> Result<Self, String> {
        let issuer = issuer(pebble, Arc::new(MemoryStore::new())).map_err(|error| error.to_string())?;
        Ok(Self { issuer, keeping: Keeping::InMemory })
    }

    /// Keeps everything in files.
    pub(crate) async fn on_disk(pebble: &Pebble) -> Result<Self, String> {
        let folder = TempDir::new_in(scratch()).map_err(|error| error.to_string())?;
        let store = FileStore::open(folder.path()).await.map_err(|error| error.to_string())?;
        let issuer = issuer(pebble, Arc::new(store.clone())).map_err(|error| error.to_string())?;
        Ok(Self { issuer, keeping: Keeping::OnDisk { store, _folder: folder } })
    }

    async fn certificate(&self, identifiers: &[Identifier]) -> Result<String, Error> {
        let key = PrivateKey::generate(KeyType::EcdsaP256)?;
        let csr = csr::create(&key, identifiers).await?;
        let request = CertificateRequest::new(&csr, identifiers);
        match &self.keeping {
            Keeping::InMemory => {
                let issued = drive(&self.issuer, &request, &mut InMemory::new(), &TokioTimer).await?;
                Ok(chain::to_pem(&issued.chain))
            }
            Keeping::OnDisk { store, .. } => {
                let name = identifiers.first().map_or_else(String::new, ToString::to_string);
                let mut record = Record::begin(store, &name, &key).await?;
                let issued = drive(&self.issuer, &request, &mut record, &TokioTimer).await?;
                let chain = chain::to_pem(&issued.chain);
                record.write(chain.as_bytes()).await?;
                Ok(chain)
            }
        }
    }
}

#[async_trait]
impl Contender for Ours {
    fn name(&self) -> &'static str {
        match self.keeping {
            Keeping::InMemory => IN_MEMORY,
            Keeping::OnDisk { .. } => ON_DISK,
        }
    }

    async fn obtain(&mut self, lap: &Lap) -> Result<Duration, String> {
        let names = lap.names_for(self.name());
        let identifiers: Result<Vec<Identifier>, _> = names.iter().map(|it| it.parse()).collect();
        let identifiers = identifiers.map_err(|error: Error| error.to_string())?;
        let clock = clock();
        let chain = self.certificate(&identifiers).await.map_err(|error| error.to_string())?;
        let time = clock.elapsed();
        if chain.is_empty() { Err("the chain is empty".to_owned()) } else { Ok(time) }
    }
}

/// An issuer as a program would build it, with the table that its HTTP-01 listener would serve; nobody asks, for this CA always says valid.
fn issuer(pebble: &Pebble, store: Arc<dyn Store>) -> Result<AcmeIssuer, Error> {
    let transport =
        ReqwestTransport::builder().add_root_pem(pebble.root_pem().as_bytes())?.only_given_roots().build()?;
    let clock = Arc::new(TokioTimer);
    let directory = Directory::new(pebble.directory_url().parse()?, Arc::new(transport), clock.clone());
    let solvers = Solvers::new().with("http", Http01::new(Answers::new()), Selector::any());
    let settings = AccountSettings::new(Registration::agreeing_to_terms());
    AcmeIssuer::builder("pebble", directory, solvers, clock).account(store, settings).build()
}

/// Where builds go, which is a disk; the folder for temporary files often is memory.
fn scratch() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// One entry of a store: the key, and behind it the state or the chain.
struct Record<'a> {
    store: &'a FileStore,
    name: Key,
    key: &'a PrivateKey,
    version: Version,
    state: Option<Vec<u8>>,
}

impl<'a> Record<'a> {
    async fn begin(store: &'a FileStore, name: &str, key: &'a PrivateKey) -> Result<Self, Error> {
        let name = Key::new(format!("certificates/{}", Key::segment(name)))?;
        // The certificates of earlier rounds, where the names are the same.
        store.delete(&name, Expect::Anything).await?;
        let version = store.put(&name, value(key, b""), Expect::Absent).await?;
        Ok(Self { store, name, key, version, state: None })
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let expect = Expect::Version(self.version.clone());
        self.version = self.store.put(&self.name, value(self.key, bytes), expect).await?;
        Ok(())
    }
}

#[async_trait]
impl Progress for Record<'_> {
    fn state(&self) -> Option<&[u8]> {
        self.state.as_deref()
    }

    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError> {
        self.write(state).await.map_err(ProgressError::Failed)?;
        self.state = Some(state.to_vec());
        Ok(())
    }
}

fn value(key: &PrivateKey, bytes: &[u8]) -> Secret<Vec<u8>> {
    Secret::new([key.to_pem().expose().as_bytes(), bytes].concat())
}

pub(crate) const IN_MEMORY: &str = "certwright";
pub(crate) const ON_DISK: &str = "certwright, on disk";
