//! The floor: what the protocol asks for and nothing else.
//!
//! Key, signing request, account, nonces and connection are ready before the clock starts. All authorizations are read at
//! once, all challenges accepted at once, the order is looked at again and again without a pause worth the name. No state, no
//! checks, no retries: whatever is not as it should be ends the bench.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acme_core::protocol::Registration;
use acme_core::transport::ReqwestTransport;
use acme_core::{Client as _, Directory, Identifier, KeyType, PrivateKey};
use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::future::try_join_all;
use issuers::TokioTimer;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use testkit::servers::Pebble;

use crate::contender::{Contender, Lap, clock};

/// The floor probe.
pub(crate) struct Floor {
    http: reqwest::Client,
    key: EcdsaKeyPair,
    random: SystemRandom,
    account: String,
    new_order: String,
    nonces: Mutex<VecDeque<String>>,
}

impl Floor {
    /// Makes an account, a connection and `names` nonces.
    pub(crate) async fn start(pebble: &Pebble, names: usize) -> Result<Self, String> {
        let key = PrivateKey::generate(KeyType::EcdsaP256).map_err(text)?;
        let signing =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.to_pkcs8_der().expose()).map_err(text)?;
        let account = account(pebble, key).await?;
        let http = client(pebble.root_pem())?;
        let directory = http.get(pebble.directory_url()).send().await.map_err(text)?;
        let directory = json_of(&directory.bytes().await.map_err(text)?)?;
        let floor = Self {
            http,
            key: signing,
            random: SystemRandom::new(),
            account,
            new_order: string(&directory, "newOrder")?,
            nonces: Mutex::default(),
        };
        let new_nonce = string(&directory, "newNonce")?;
        for _ in 0..names {
            let answer = floor.http.head(&new_nonce).send().await.map_err(text)?;
            floor.keep_nonce(&answer);
        }
        Ok(floor)
    }

    async fn run(&self, identifiers: &[Value], csr: &str) -> Result<Vec<u8>, String> {
        let (answer, order) = self.post(&self.new_order, Some(json!({ "identifiers": identifiers }))).await?;
        let url = header(&answer, "location")?;
        let order = json_of(&order)?;
        if order["status"] == "pending" {
            let authorizations = order["authorizations"].as_array().ok_or("an order without authorizations")?;
            let read = authorizations.iter().filter_map(Value::as_str).map(|url| self.post(url, None));
            let challenges = try_join_all(read).await?;
            let challenges: Vec<String> =
                challenges.iter().map(|(_, body)| http01(&json_of(body)?)).collect::<Result<_, _>>()?;
            try_join_all(challenges.iter().map(|url| self.post(url, Some(json!({}))))).await?;
            self.until(&url, "ready").await?;
        }
        let finalize = string(&order, "finalize")?;
        let (_, order) = self.post(&finalize, Some(json!({ "csr": csr }))).await?;
        let mut order = json_of(&order)?;
        if order["status"] != "valid" {
            order = self.until(&url, "valid").await?;
        }
        let (_, chain) = self.post(&string(&order, "certificate")?, None).await?;
        Ok(chain)
    }

    /// Looks at an order until it stands there.
    async fn until(&self, url: &str, status: &str) -> Result<Value, String> {
        for _ in 0..LOOKS {
            tokio_pause().await;
            let order = json_of(&self.post(url, None).await?.1)?;
            match order["status"].as_str() {
                Some(now) if now == status => return Ok(order),
                Some("pending" | "processing") => {}
                _ => return Err(format!("the order should be {status}: {order}")),
            }
        }
        Err(format!("the order is not {status} after {LOOKS} looks"))
    }

    /// Signs and sends; the payload of POST-as-GET is none.
    async fn post(&self, url: &str, payload: Option<Value>) -> Result<(reqwest::header::HeaderMap, Vec<u8>), String> {
        let nonce = self.nonces.lock().unwrap_or_else(PoisonError::into_inner).pop_back().ok_or("no nonce is left")?;
        let protected = json!({ "alg": "ES256", "kid": self.account, "nonce": nonce, "url": url }).to_string();
        let protected = BASE64_URL_SAFE_NO_PAD.encode(protected);
        let payload = payload.map_or_else(String::new, |it| BASE64_URL_SAFE_NO_PAD.encode(it.to_string()));
        let input = format!("{protected}.{payload}");
        let signature = self.key.sign(&self.random, input.as_bytes()).map_err(text)?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        let body = json!({ "protected": protected, "payload": payload, "signature": signature }).to_string();
        let request = self.http.post(url).header("content-type", "application/jose+json").body(body);
        let answer = request.send().await.map_err(text)?;
        self.keep_nonce(&answer);
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(text)?.to_vec();
        if !status.is_success() {
            return Err(format!("{url} answers {status}: {}", String::from_utf8_lossy(&body)));
        }
        Ok((headers, body))
    }

    fn keep_nonce(&self, answer: &reqwest::Response) {
        if let Some(nonce) = answer.headers().get("replay-nonce").and_then(|it| it.to_str().ok()) {
            self.nonces.lock().unwrap_or_else(PoisonError::into_inner).push_back(nonce.to_owned());
        }
    }
}

#[async_trait]
impl Contender for Floor {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn obtain(&mut self, lap: &Lap) -> Result<Duration, String> {
        let names = lap.names_for(self.name());
        let identifiers: Vec<Identifier> = names.iter().map(|it| it.parse()).collect::<Result<_, _>>().map_err(text)?;
        let key = PrivateKey::generate(KeyType::EcdsaP256).map_err(text)?;
        let csr = issuers::csr::create(&key, &identifiers).await.map_err(text)?;
        let csr = BASE64_URL_SAFE_NO_PAD.encode(csr.as_ref());
        let identifiers: Vec<Value> = names.iter().map(|it| json!({ "type": "dns", "value": it })).collect();
        let clock = clock();
        let chain = self.run(&identifiers, &csr).await?;
        let time = clock.elapsed();
        CertificateDer::from_pem_slice(&chain).map_err(|_| "the chain holds no certificate")?;
        Ok(time)
    }
}

/// Registers `key`, and says where.
async fn account(pebble: &Pebble, key: PrivateKey) -> Result<String, String> {
    let transport = ReqwestTransport::builder().add_root_pem(pebble.root_pem().as_bytes()).map_err(text)?;
    let transport = transport.only_given_roots().build().map_err(text)?;
    let url = pebble.directory_url().parse().map_err(text)?;
    let directory = Directory::new(url, Arc::new(transport), Arc::new(TokioTimer));
    let session = directory.register(Arc::new(key), &Registration::agreeing_to_terms()).await.map_err(text)?;
    Ok(session.account().as_str().to_owned())
}

fn client(root: &str) -> Result<reqwest::Client, String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root.as_bytes()).map_err(text)?).map_err(text)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(text)?;
    let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client =
        reqwest::Client::builder().user_agent("floor").tls_backend_preconfigured(tls).tcp_nodelay(true).no_proxy();
    client.timeout(ANSWER).build().map_err(text)
}

/// The pause before a look: as short as tokio's clock knows.
async fn tokio_pause() {
    #[expect(clippy::disallowed_methods, reason = "the floor waits for real")]
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn http01(authorization: &Value) -> Result<String, String> {
    let challenges = authorization["challenges"].as_array().ok_or("an authorization without challenges")?;
    let challenge = challenges.iter().find(|it| it["type"] == "http-01").ok_or("no HTTP-01 is offered")?;
    string(challenge, "url")
}

fn json_of(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(text)
}

fn string(value: &Value, member: &str) -> Result<String, String> {
    value[member].as_str().map(ToOwned::to_owned).ok_or_else(|| format!("no {member} in {value}"))
}

fn header(headers: &reqwest::header::HeaderMap, name: &str) -> Result<String, String> {
    let value = headers.get(name).and_then(|it| it.to_str().ok());
    value.map(ToOwned::to_owned).ok_or_else(|| format!("an answer without {name}"))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Who it is, in the report.
pub(crate) const NAME: &str = "floor";
const LOOKS: usize = 1000;
const ANSWER: Duration = Duration::from_secs(20);
