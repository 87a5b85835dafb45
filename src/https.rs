//! The front door: names, a certificate authority and a folder become an HTTPS service. It only assembles a keeper.

mod running;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use acme_core::protocol::{ChallengeType, ExternalAccount, Registration, Url};
use acme_core::transport::ReqwestTransport;
use acme_core::{Directory, Error, ErrorKind, Identifier, KeyType, Store};
use certstore::{FileStore, Keeper, Resolver, Spec};
use issuers::acme::directories::Known;
use issuers::acme::{AccountSettings, AcmeIssuer};
use issuers::{Issuer, TokioTimer};
use solvers::http01::listener::Listener as Http01Listener;
use solvers::tls_alpn01::TlsAlpn01;
use solvers::{Answers, Http01, Selector, Solver, SolverId, Solvers};

pub use running::Running;

/// Whether the terms of service of the certificate authority are agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Terms {
    /// They are; whoever writes this has read them.
    Agreed,
    /// They are not. A certificate authority that has any refuses to make an account.
    NotAgreed,
}

/// Where certificates come from: one of [`directories`](crate::directories), or the URL of any ACME directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateAuthority(String);

impl From<Known> for CertificateAuthority {
    fn from(known: Known) -> Self {
        Self(known.url.to_owned())
    }
}

impl From<&str> for CertificateAuthority {
    fn from(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl From<String> for CertificateAuthority {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl From<&Url> for CertificateAuthority {
    fn from(url: &Url) -> Self {
        Self(url.to_string())
    }
}

/// HTTPS for a service: collect what is wanted, then [`start`](Self::start).
///
/// Names are proven by TLS-ALPN-01 on the port that [`Running::listen`] binds; add [`http01`](Self::http01) for HTTP-01 on a port of its own, and
/// [`solver`](Self::solver) for DNS-01, which wildcards need.
#[must_use]
pub struct Https {
    names: Vec<String>,
    directory: Option<(CertificateAuthority, Terms)>,
    state: Option<State>,
    emails: Vec<String>,
    external_account: Option<ExternalAccount>,
    account_key: KeyType,
    key_type: KeyType,
    profile: Option<String>,
    preferred_chain: Option<String>,
    roots: Vec<Vec<u8>>,
    http01: Option<SocketAddr>,
    node: Option<String>,
    solvers: Vec<(SolverId, Arc<dyn Solver>, Selector)>,
    protocols: Vec<Vec<u8>>,
    #[cfg(feature = "placeholder")]
    placeholder: bool,
}

enum State {
    Folder(PathBuf),
    Store(Arc<dyn Store>),
}

impl Https {
    /// HTTPS under these names or addresses, in one certificate.
    pub fn new<I>(names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self {
            names: names.into_iter().map(Into::into).collect(),
            directory: None,
            state: None,
            emails: Vec::new(),
            external_account: None,
            account_key: KeyType::default(),
            key_type: KeyType::default(),
            profile: None,
            preferred_chain: None,
            roots: Vec::new(),
            http01: None,
            node: None,
            solvers: Vec::new(),
            protocols: vec![b"http/1.1".to_vec()],
            #[cfg(feature = "placeholder")]
            placeholder: false,
        }
    }

    /// Where certificates come from, and whether its terms are agreed to.
    pub fn directory(mut self, authority: impl Into<CertificateAuthority>, terms: Terms) -> Self {
        self.directory = Some((authority.into(), terms));
        self
    }

    /// The folder for keys, certificates and everything that must survive a crash.
    pub fn state(mut self, folder: impl Into<PathBuf>) -> Self {
        self.state = Some(State::Folder(folder.into()));
        self
    }

    /// A store in place of a folder.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.state = Some(State::Store(store));
        self
    }

    /// Whom the certificate authority shall tell.
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.emails.push(address.into());
        self
    }

    /// The binding to an account elsewhere, where the certificate authority wants one.
    pub fn external_account(mut self, external_account: ExternalAccount) -> Self {
        self.external_account = Some(external_account);
        self
    }

    /// The kind of the account's key; P-256 unless told.
    pub fn account_key(mut self, key_type: KeyType) -> Self {
        self.account_key = key_type;
        self
    }

    /// The kind of the certificate's key; P-256 unless told.
    pub fn key_type(mut self, key_type: KeyType) -> Self {
        self.key_type = key_type;
        self
    }

    /// The profile, one that the certificate authority advertises.
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Prefers the chain whose topmost certificate was issued under this common name.
    pub fn preferred_chain(mut self, common_name: impl Into<String>) -> Self {
        self.preferred_chain = Some(common_name.into());
        self
    }

    /// Trusts one more root, in PEM, when talking to the certificate authority: for private ones.
    pub fn root_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Proves names by HTTP-01 too, answered at this address: port 80, or what port 80 is forwarded to.
    pub fn http01(mut self, address: SocketAddr) -> Self {
        self.http01 = Some(address);
        self
    }

    /// Proves the names that `selector` matches through a solver of your own, such as `Dns01`.
    pub fn solver(mut self, id: impl Into<String>, solver: Arc<dyn Solver>, selector: Selector) -> Self {
        self.solvers.push((SolverId::new(id), solver, selector));
        self
    }

    /// The protocols offered by ALPN; `http/1.1` unless told. Offer `h2` when the service speaks it.
    pub fn protocols<I>(mut self, protocols: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Vec<u8>>,
    {
        self.protocols = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// This process's name among those that share the state. One that stays the same lets a restart go on at once with what a crash left; it must
    /// be of no other living process over the same state. Without one, a restart waits until the claim of the former life ends, a minute at most.
    pub fn node(mut self, name: impl Into<String>) -> Self {
        self.node = Some(name.into());
        self
    }

    /// Shows a self-signed certificate until the first one is there; otherwise handshakes fail until then.
    #[cfg(feature = "placeholder")]
    pub fn placeholder(mut self) -> Self {
        self.placeholder = true;
        self
    }

    /// Opens the state, serves what it holds, and starts the keeper.
    ///
    /// Issuing begins at once where a solver of your own or HTTP-01 can prove the names, and otherwise when [`Running::listen`] has bound its port.
    ///
    /// # Errors
    /// `Malformed` when a name, the directory's URL or a root cannot be read or something is missing, `Unsupported` when no solver covers a name,
    /// `Conflict` or `Unauthorized` when a port cannot be bound, and what the store says when the state cannot be opened.
    pub async fn start(self) -> Result<Running, Error> {
        let spec = self.spec()?;
        let (authority, terms) =
            self.directory.clone().ok_or_else(|| missing("no certificate authority is named: call `directory`"))?;
        let url = Url::parse(&authority.0)?;
        let store = match &self.state {
            Some(State::Store(store)) => Arc::clone(store),
            Some(State::Folder(folder)) => Arc::new(FileStore::open(folder).await?) as Arc<dyn Store>,
            None => return Err(missing("no place for keys and certificates is named: call `state`")),
        };
        let timer = Arc::new(TokioTimer);
        let directory = Directory::new(url, self.transport()?, timer.clone());

        let answers = Answers::new();
        let http01 = match self.http01 {
            Some(address) => Some(Http01Listener::bind(address, answers.clone()).await?.redirect_to_https()),
            None => None,
        };
        let solvers = self.solvers(&answers);
        let waits_for_port = self.covered(&spec, &solvers)?;

        let mut registration = Registration::default();
        registration.terms_agreed = terms == Terms::Agreed;
        for address in &self.emails {
            registration = registration.with_email(address);
        }
        registration.external_account = self.external_account;
        let settings = AccountSettings::new(registration).with_key_type(self.account_key);
        let mut issuer =
            AcmeIssuer::builder("acme", directory, solvers, timer.clone()).account(store.clone(), settings);
        if let Some(common_name) = &self.preferred_chain {
            issuer = issuer.preferred_chain(common_name);
        }
        let issuer = Arc::new(issuer.build()?);

        let provider = certstore::provider();
        let mut resolver = Resolver::new(provider.clone());
        if let Some(name) = spec.identifiers.iter().find_map(Identifier::dns) {
            resolver = resolver.with_default(name.as_str());
        }
        #[cfg(feature = "placeholder")]
        if self.placeholder {
            let names: Vec<&str> = spec.identifiers.iter().filter_map(Identifier::dns).map(|it| it.as_str()).collect();
            resolver = resolver.with_placeholder(certstore::placeholder(&names, &provider)?);
        }
        let resolver = Arc::new(resolver);
        let mut keeper = Keeper::builder(store, [issuer as Arc<dyn Issuer>], timer).serve(resolver.clone());
        if let Some(node) = self.node {
            keeper = keeper.node(node);
        }
        if waits_for_port {
            keeper = keeper.hold_back();
        }
        let keeper = keeper.spawn().await?;
        keeper.ensure(spec.clone()).await?;
        Ok(Running::new(running::Parts {
            keeper,
            resolver,
            answers,
            provider,
            certificate: spec.name,
            protocols: self.protocols,
            http01: http01.map(|listener| tokio::spawn(listener.serve()).abort_handle()),
        }))
    }

    fn spec(&self) -> Result<Spec, Error> {
        let mut spec = Spec::new(&self.names)?.with_key_type(self.key_type);
        spec.profile.clone_from(&self.profile);
        Ok(spec)
    }

    fn transport(&self) -> Result<Arc<ReqwestTransport>, Error> {
        let mut builder = ReqwestTransport::builder();
        for root in &self.roots {
            builder = builder.add_root_pem(root)?;
        }
        builder.build().map(Arc::new)
    }

    fn solvers(&self, answers: &Answers) -> Solvers {
        let mut solvers = Solvers::new();
        for (id, solver, selector) in &self.solvers {
            solvers.insert(id.clone(), Arc::clone(solver), selector.clone());
        }
        if self.http01.is_some() {
            solvers = solvers.with(HTTP_01, Http01::new(answers.clone()), Selector::any());
        }
        solvers.with(TLS_ALPN_01, TlsAlpn01::new(answers.clone()), Selector::any())
    }

    /// Whether each name has a solver; and whether any must wait for the port to be served.
    fn covered(&self, spec: &Spec, solvers: &Solvers) -> Result<bool, Error> {
        let everything = [
            ChallengeType::Http01,
            ChallengeType::TlsAlpn01,
            ChallengeType::Dns01,
            ChallengeType::DnsAccount01,
            ChallengeType::DnsPersist01,
        ];
        let mut waits = false;
        for identifier in &spec.identifiers {
            let base = identifier.dns().map_or_else(|| identifier.clone(), |name| name.base().into());
            let choice = solvers.choose(&base, identifier.is_wildcard(), &everything, &spec.labels)?;
            waits |= choice.id == SolverId::new(TLS_ALPN_01);
        }
        Ok(waits)
    }
}

impl fmt::Debug for Https {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Https")
            .field("names", &self.names)
            .field("directory", &self.directory)
            .field("key_type", &self.key_type)
            .field("http01", &self.http01)
            .finish_non_exhaustive()
    }
}

fn missing(what: &'static str) -> Error {
    Error::new(ErrorKind::Malformed, what)
}

const HTTP_01: &str = "http-01";
const TLS_ALPN_01: &str = "tls-alpn-01";
