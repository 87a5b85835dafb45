//! A certificate authority in a Secret, shared by all replicas: what this program serves to others in the cluster is signed by it.
//!
//! cert-manager calls it dynamic serving. The Secret is its, too: the same fields, the same annotation for its CA injector, the same lifetimes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::client::Chain;
use acme_core::hash::sha256;
use acme_core::key::{KeyType, PrivateKey};
use acme_core::{Clock, Error, ErrorKind, Identifier, Signer as _, Timestamp};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use issuers::ca::Authority;
use issuers::certify::{Application, Terms};
use issuers::template::{ExtendedKeyUsage, KeyUsages, SerialNumber, Usages};
use issuers::{Timer, TokioTimer, chain, csr};
use k8s_openapi::api::core::v1::Secret;
use rustls_pki_types::CertificateDer;
use serde_json::{Value, json};

use crate::api::{Api, Manager, Refusal, Resource, Room};
use crate::key::Name;
use crate::settings::WriteLimits;

/// Signs what this process serves, with an authority that it shares with others of its kind.
///
/// Ask it for a pair with [`renew`](Self::renew), and every minute or so whether that one is still good.
pub struct ServingAuthority {
    api: Api,
    secret: Name,
    names: Vec<Identifier>,
    lifetime: Duration,
    timer: Arc<dyn Timer>,
}

/// A certificate to serve with, and its key.
#[non_exhaustive]
pub struct ServingPair {
    /// The leaf, then its authority.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's key.
    pub key: PrivateKey,
    authority: CertificateDer<'static>,
    renew_at: Timestamp,
}

impl ServingAuthority {
    /// An authority in the Secret `namespace`/`secret` that signs for these DNS names and IP addresses.
    ///
    /// # Errors
    /// `Malformed` for a name that is none, and without any.
    pub fn new(client: kube::Client, namespace: &str, secret: &str, names: &[String]) -> Result<Self, Error> {
        let names = names.iter().map(|name| name.parse()).collect::<Result<Vec<Identifier>, _>>()?;
        if names.is_empty() {
            return Err(Error::new(
                ErrorKind::Malformed,
                "no name to serve under: give the DNS names that clients use",
            ));
        }
        let timer: Arc<dyn Timer> = Arc::new(TokioTimer);
        let room = Arc::new(Room::new(WriteLimits::default()));
        let api = Api::new(client, room, Arc::clone(&timer) as Arc<dyn Clock>, PATIENCE);
        Ok(Self { api, secret: Name::new(namespace, secret), names, lifetime: LEAF, timer })
    }

    /// Certificates live this long, a week unless told otherwise, and are renewed after two thirds of it.
    #[must_use]
    pub fn lasting(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// A fresh pair, unless `current` can go on: its time has not come, and its authority is still the one in the Secret.
    ///
    /// An authority that is missing, broken or two thirds through its life is made anew first; of replicas that do so at once, one wins.
    ///
    /// # Errors
    /// What the API server says; `Unreachable` when another replica was faster: ask again.
    pub async fn renew(&self, current: Option<&ServingPair>) -> Result<Option<ServingPair>, Error> {
        let now = self.timer.now();
        let authority = self.authority(now).await?;
        if current.is_some_and(|it| !it.renew_at.is_due(now) && it.authority == *authority.certificate()) {
            return Ok(None);
        }
        let key = PrivateKey::generate(KeyType::EcdsaP256)?;
        let draft = csr::Draft::new(&self.names)?;
        let application = Application::new(&draft, key.public_key())?;
        let usages = Usages::of_key(KeyUsages::DIGITAL_SIGNATURE).with(ExtendedKeyUsage::ServerAuth);
        let terms = Terms::new().lasting(self.lifetime).with_usages(usages);
        // The key is random, and so is what is hashed of it.
        let mut serial = [0; 20];
        serial.copy_from_slice(&sha256(key.public_key())[..20]);
        let issued = authority.sign_now(&application, &terms, SerialNumber::from_random(serial), now)?;
        let lives = self.lifetime.min(authority.not_after().since(now));
        Ok(Some(ServingPair {
            chain: issued.chain.certificates().to_vec(),
            key,
            authority: authority.certificate().clone(),
            renew_at: now + lives * 2 / 3,
        }))
    }

    /// The authority in the Secret, or a new one in its place.
    async fn authority(&self, now: Timestamp) -> Result<Authority, Error> {
        let found = self.api.read::<Secret>(Resource::SECRETS, &self.secret).await;
        let found = found.map_err(|refusal| self.refused("read", &refusal))?;
        let why = match found.as_ref().map(|secret| read(secret, now)) {
            None => "the Secret does not exist",
            Some(Err(why)) => why,
            Some(Ok(authority)) => return Ok(authority),
        };
        tracing::info!(secret = %self.secret, why, "a new certificate authority for serving");
        let key = PrivateKey::generate(KeyType::EcdsaP384)?;
        let pem = BASE64_STANDARD.encode(key.to_pem().expose());
        let authority = Authority::self_signed(COMMON_NAME, key, AUTHORITY, now)?;
        let certificate = chain::to_pem(&Chain::new(vec![authority.certificate().clone()]));
        let certificate = BASE64_STANDARD.encode(certificate);
        let data = json!({ "ca.crt": certificate, "tls.crt": certificate, "tls.key": pem });
        self.store(found.as_ref(), &data).await?;
        Ok(authority)
    }

    /// Makes the Secret, or replaces exactly what was found in it.
    async fn store(&self, found: Option<&Secret>, data: &Value) -> Result<(), Error> {
        let stored = match found {
            None => {
                let object = json!({
                    "apiVersion": "v1", "kind": "Secret", "data": data,
                    "metadata": { "name": self.secret.object(), "annotations": { INJECTABLE: "true" } },
                });
                let (api, secret) = (&self.api, &self.secret);
                api.create(Resource::SECRETS, secret, &object, Manager::SERVING, "serving-authority").await
            }
            Some(found) => {
                let patch = json!({ "metadata": { "resourceVersion": found.metadata.resource_version }, "data": data });
                self.api.patch(Resource::SECRETS, &self.secret, &patch, Manager::SERVING, "serving-authority").await
            }
        };
        stored.map(drop).map_err(|refusal| self.refused("written", &refusal))
    }

    fn refused(&self, done: &str, refusal: &Refusal) -> Error {
        refusal.to_error(&format!("the Secret {} could not be {done}", self.secret))
    }
}

impl fmt::Debug for ServingAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServingAuthority")
            .field("secret", &self.secret)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ServingPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServingPair").field("renew_at", &self.renew_at).finish_non_exhaustive()
    }
}

/// The authority of a Secret; why it should not go on signing, by cert-manager's rules.
fn read(secret: &Secret, now: Timestamp) -> Result<Authority, &'static str> {
    let field = |name: &str| secret.data.as_ref()?.get(name).filter(|it| !it.0.is_empty());
    let (Some(ca), Some(certificate), Some(key)) = (field("ca.crt"), field("tls.crt"), field("tls.key")) else {
        return Err("the Secret lacks ca.crt, tls.crt or tls.key");
    };
    if ca != certificate {
        return Err("its ca.crt and tls.crt differ");
    }
    let chain = chain::bundle_from_pem(&certificate.0).map_err(|_| "its certificate cannot be read")?;
    let key = std::str::from_utf8(&key.0).ok().and_then(|pem| PrivateKey::from_pem(pem).ok());
    let key = key.ok_or("its key cannot be read")?;
    let authority = Authority::new(Chain::new(chain), key, now)
        .map_err(|_| "its certificate is not an authority's, not that of its key, or has expired")?;
    if authority.not_after().since(now) < AUTHORITY / 3 {
        return Err("two thirds of its life are over");
    }
    Ok(authority)
}

/// cert-manager's, whose CA injector looks for it.
const COMMON_NAME: &str = "cert-manager-dynamic-ca";
const INJECTABLE: &str = "cert-manager.io/allow-direct-injection";
const AUTHORITY: Duration = Duration::from_secs(365 * 24 * 3600);
const LEAF: Duration = Duration::from_secs(7 * 24 * 3600);
const PATIENCE: Duration = Duration::from_secs(10);
