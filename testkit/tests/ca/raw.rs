//! A client without mercy: every member of a request can be set, nothing is retried.

use acme_core::hash::sha256;
use acme_core::{Clock as _, Identifier};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use certwright_testkit::VirtualClock;
use certwright_testkit::ca::{ModelCa, Settings};
use http::{Request, Response};
use serde_json::{Value, json};

/// An authority, a clock, a key, and an account once there is one.
pub(crate) struct Raw {
    pub(crate) ca: ModelCa,
    pub(crate) clock: VirtualClock,
    pub(crate) key: EcdsaKeyPair,
    pub(crate) account: Option<String>,
}

impl Raw {
    pub(crate) fn new(settings: Settings) -> Self {
        Self::on(ModelCa::new(settings), VirtualClock::new())
    }

    pub(crate) fn on(ca: ModelCa, clock: VirtualClock) -> Self {
        Self { ca, clock, key: new_key(), account: None }
    }

    /// With an account.
    pub(crate) fn registered(settings: Settings) -> Self {
        let mut raw = Self::new(settings);
        raw.register();
        raw
    }

    pub(crate) fn register(&mut self) {
        let answer = self.post(&self.endpoint("newAccount"), &json!({ "termsOfServiceAgreed": true }));
        assert_eq!(answer.status(), 201);
        self.account = Some(header(&answer, "location").unwrap());
    }

    pub(crate) fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.ca.handle(&request, self.clock.now())
    }

    pub(crate) fn get(&self, url: &str) -> Response<Bytes> {
        let request = Request::get(url).header("user-agent", "raw");
        self.handle(request.body(Bytes::new()).unwrap())
    }

    pub(crate) fn endpoint(&self, name: &str) -> String {
        let directory = body(&self.get(self.ca.directory_url().as_str()));
        directory[name].as_str().unwrap().to_owned()
    }

    pub(crate) fn nonce(&self) -> String {
        header(&self.get(&self.endpoint("newNonce")), "replay-nonce").unwrap()
    }

    pub(crate) fn jwk(&self) -> Value {
        jwk_of(&self.key)
    }

    pub(crate) fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        BASE64.encode(sha256(canonical.as_bytes()))
    }

    /// The protected header of a good request.
    pub(crate) fn header(&self, url: &str) -> Value {
        let mut header = json!({ "alg": "ES256", "nonce": self.nonce(), "url": url });
        match &self.account {
            Some(account) => header["kid"] = account.as_str().into(),
            None => header["jwk"] = self.jwk(),
        }
        header
    }

    /// A good POST.
    pub(crate) fn post(&self, url: &str, payload: &Value) -> Response<Bytes> {
        self.send(url, &self.header(url), payload.to_string().as_bytes())
    }

    /// A good POST-as-GET.
    pub(crate) fn look(&self, url: &str) -> Response<Bytes> {
        self.send(url, &self.header(url), b"")
    }

    /// A POST with any header and payload, signed by the key.
    pub(crate) fn send(&self, url: &str, header: &Value, payload: &[u8]) -> Response<Bytes> {
        self.send_jws(url, &sign(&self.key, header, payload))
    }

    pub(crate) fn send_jws(&self, url: &str, jws: &Value) -> Response<Bytes> {
        let request = Request::post(url).header("user-agent", "raw").header("content-type", "application/jose+json");
        self.handle(request.body(jws.to_string().into()).unwrap())
    }

    /// A new order; its URL and its object.
    pub(crate) fn order(&self, names: &[&str]) -> (String, Value) {
        let answer = self.post(&self.endpoint("newOrder"), &order_of(names));
        assert_eq!(answer.status(), 201, "{}", body(&answer));
        (header(&answer, "location").unwrap(), body(&answer))
    }

    /// Accepts the first challenge of each authorization, and looks until the order is ready.
    pub(crate) fn prove(&self, order: &str) -> Value {
        let shown = body(&self.look(order));
        for url in shown["authorizations"].as_array().unwrap() {
            let authorization = body(&self.look(url.as_str().unwrap()));
            if authorization["status"] == "pending" {
                let challenge = authorization["challenges"][0]["url"].as_str().unwrap();
                assert_eq!(self.post(challenge, &json!({})).status(), 200);
            }
        }
        body(&self.look(order))
    }

    /// An order from its beginning to its certificate; its URL, and the order as it is then.
    pub(crate) fn issue(&self, names: &[&str]) -> (String, Value) {
        let (url, _) = self.order(names);
        let ready = self.prove(&url);
        assert_eq!(ready["status"], "ready", "{ready}");
        let finalize = ready["finalize"].as_str().unwrap();
        let answer = self.post(finalize, &csr_of(names));
        assert_eq!(answer.status(), 200, "{}", body(&answer));
        (url, body(&answer))
    }
}

pub(crate) fn new_key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

pub(crate) fn jwk_of(key: &EcdsaKeyPair) -> Value {
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    json!({ "kty": "EC", "crv": "P-256", "x": BASE64.encode(x), "y": BASE64.encode(y) })
}

pub(crate) fn sign(key: &EcdsaKeyPair, header: &Value, payload: &[u8]) -> Value {
    let protected = BASE64.encode(header.to_string());
    let payload = BASE64.encode(payload);
    let input = format!("{protected}.{payload}");
    let signature = key.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    json!({
        "protected": protected,
        "payload": payload,
        "signature": BASE64.encode(signature.as_ref()),
    })
}

pub(crate) fn order_of(names: &[&str]) -> Value {
    let identifiers: Vec<Identifier> = names.iter().map(|it| Identifier::parse(it).unwrap()).collect();
    json!({ "identifiers": identifiers })
}

/// The payload of finalize, with a new P-256 key.
pub(crate) fn csr_of(names: &[&str]) -> Value {
    csr_by(&rcgen::KeyPair::generate().unwrap(), names)
}

pub(crate) fn csr_by(key: &rcgen::KeyPair, names: &[&str]) -> Value {
    let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
    let mut params = rcgen::CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let csr = params.serialize_request(key).unwrap();
    json!({ "csr": BASE64.encode(csr.der()) })
}

pub(crate) fn header(answer: &Response<Bytes>, name: &str) -> Option<String> {
    let value = answer.headers().get(name)?;
    Some(value.to_str().unwrap().to_owned())
}

pub(crate) fn body(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

/// The last word of a problem's type.
pub(crate) fn problem(answer: &Response<Bytes>) -> String {
    let value = body(answer);
    let kind = value["type"].as_str().unwrap_or_default();
    kind.rsplit(':').next().unwrap_or_default().to_owned()
}
