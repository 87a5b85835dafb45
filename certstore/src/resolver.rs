//! What rustls asks in the middle of a handshake: which certificate for this name?

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use acme_core::{Error, ErrorKind, Identifier};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;

use crate::{Credential, Serve};

mod entry;
mod names;

use entry::Entry;
use names::Names;

/// Resolves server names to certificates, for any number of them.
///
/// A lookup takes no lock: an exact name first, then the wildcard above it. Replacing one certificate touches that one's names alone.
/// Private keys are parsed at the first handshake that wants them.
///
/// Give it to `Keeper::builder(..).serve(..)`, and to rustls through [`server_config`](Self::server_config) or as a
/// [`ResolvesServerCert`]. Until there is a certificate for a name, its handshakes fail with an alert, unless there is a
/// [placeholder](Self::with_placeholder).
pub struct Resolver {
    provider: Arc<CryptoProvider>,
    names: Names,
    /// For those who write: what is installed under which certificate's name.
    installed: Mutex<Installed>,
    without_name: Option<Box<str>>,
    placeholder: Option<Arc<CertifiedKey>>,
}

#[derive(Default)]
struct Installed {
    certificates: HashMap<Box<str>, Arc<Entry>>,
    /// What leads from leaves to roots, shared by all leaves that have it in common.
    chains: Vec<Weak<[CertificateDer<'static>]>>,
}

impl Resolver {
    /// A resolver without certificates; `provider` parses the keys.
    pub fn new(provider: Arc<CryptoProvider>) -> Self {
        Self { provider, names: Names::new(), installed: Mutex::default(), without_name: None, placeholder: None }
    }

    /// Serves the certificate for `name` to clients that name no server.
    #[must_use]
    pub fn with_default(mut self, name: &str) -> Self {
        self.without_name = Some(name.to_ascii_lowercase().into());
        self
    }

    /// Serves this to clients for whose server name there is no certificate (yet). See `placeholder`.
    #[must_use]
    pub fn with_placeholder(mut self, placeholder: Arc<CertifiedKey>) -> Self {
        self.placeholder = Some(placeholder);
        self
    }

    /// A configuration that serves these certificates to anybody, and speaks the given protocols (`h2`, `http/1.1`).
    ///
    /// # Errors
    /// `Unsupported` when the provider has no usable version of TLS.
    pub fn server_config(self: &Arc<Self>, protocols: &[&[u8]]) -> Result<Arc<ServerConfig>, Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|source| {
                Error::new(ErrorKind::Unsupported, "the rustls provider has no usable version of TLS")
                    .with_source(source)
            })?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
        Ok(Arc::new(config))
    }

    /// The certificate for a server name: exactly that name's, or the wildcard's above it. Not the placeholder.
    pub fn lookup(&self, server_name: &str) -> Option<Arc<CertifiedKey>> {
        let name = server_name.strip_suffix('.').unwrap_or(server_name);
        let name = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            Cow::Borrowed(name)
        };
        self.names
            .find(&name)
            .or_else(|| self.names.find_wildcard_above(&name))
            .and_then(|entry| entry.certified_key(&self.provider))
    }

    /// How many certificates are installed.
    pub fn len(&self) -> usize {
        self.lock().certificates.len()
    }

    /// Whether no certificate is installed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Installed> {
        // Nothing between a lock and its release can leave the tables half changed.
        self.installed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Serve for Resolver {
    fn install(&self, certificate: &str, names: &[Identifier], credential: &Credential) -> Result<(), Error> {
        let mut installed = self.lock();
        let above = installed.share(credential);
        let entry = Arc::new(Entry::new(names, credential, above)?);
        let former = match installed.certificates.get_mut(certificate) {
            Some(place) => Some(std::mem::replace(place, Arc::clone(&entry))),
            None => {
                installed.certificates.insert(certificate.into(), Arc::clone(&entry));
                None
            }
        };
        for name in entry.names() {
            self.names.put(name, &entry);
        }
        if let Some(former) = former {
            let gone = |name: &&str| !entry.names().any(|it| it == *name);
            for name in former.names().filter(gone) {
                self.names.remove_if(name, &former);
            }
        }
        Ok(())
    }

    fn withdraw(&self, certificate: &str) {
        let mut installed = self.lock();
        if let Some(former) = installed.certificates.remove(certificate) {
            for name in former.names() {
                self.names.remove_if(name, &former);
            }
        }
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().or(self.without_name.as_deref());
        name.and_then(|name| self.lookup(name)).or_else(|| self.placeholder.clone())
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver")
            .field("certificates", &self.len())
            .field("without_name", &self.without_name)
            .finish_non_exhaustive()
    }
}

impl Installed {
    /// What follows the leaf, in common with those that have the same.
    fn share(&mut self, credential: &Credential) -> Arc<[CertificateDer<'static>]> {
        let above = credential.chain.certificates().get(1..).unwrap_or_default();
        let mut found = None;
        self.chains.retain(|chain| match chain.upgrade() {
            Some(chain) => {
                if *chain == *above {
                    found = Some(chain);
                }
                true
            }
            None => false,
        });
        found.unwrap_or_else(|| {
            let chain: Arc<[CertificateDer<'static>]> = above.into();
            if self.chains.len() == CHAINS {
                self.chains.remove(0);
            }
            self.chains.push(Arc::downgrade(&chain));
            chain
        })
    }
}

/// Certificate authorities use a handful of intermediates at a time.
const CHAINS: usize = 32;
