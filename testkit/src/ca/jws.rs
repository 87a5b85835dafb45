//! Signed requests (RFC 8555 section 6, RFC 7515), read strictly.

use acme_core::protocol::{Problem, ProblemType};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, header};
use serde_json::Value;

use super::answer::Refusal;
use super::fault::Endpoint;
use super::keys::{ALGORITHMS, PublicKey};
use super::state::State;

/// A request whose signature is good.
pub(crate) struct Signed {
    pub(crate) by: SignedBy,
    pub(crate) payload: Vec<u8>,
    pub(crate) url: String,
}

pub(crate) enum SignedBy {
    /// An account in use, by its id.
    Account(String),
    /// The key in the request.
    Key { key: PublicKey, jwk: Value },
}

impl Signed {
    /// The payload of anything but POST-as-GET.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        match serde_json::from_slice(&self.payload) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) | Err(_) => Err(Refusal::malformed("the payload is not a JSON object")),
        }
    }

    /// Whether this is a POST-as-GET (RFC 8555 section 6.3).
    pub(crate) fn is_look(&self) -> bool {
        self.payload.is_empty()
    }

    pub(crate) fn must_be_look(&self) -> Result<(), Refusal> {
        if self.is_look() { Ok(()) } else { Err(Refusal::malformed("POST-as-GET requests have an empty payload")) }
    }

    pub(crate) fn account(&self) -> Result<&str, Refusal> {
        match &self.by {
            SignedBy::Account(id) => Ok(id),
            SignedBy::Key { .. } => Err(Refusal::malformed("this request must name its account in kid")),
        }
    }
}

/// A JWS in the flattened JSON serialization, its signature not yet checked.
pub(crate) struct Flattened {
    pub(crate) header: Value,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) input: Vec<u8>,
}

impl Flattened {
    pub(crate) fn read(value: &Value) -> Result<Self, Refusal> {
        let members = value.as_object().ok_or_else(|| Refusal::malformed("the JWS is not an object"))?;
        if members.len() != 3 {
            return Err(Refusal::malformed("a flattened JWS has protected, payload and signature, and nothing else"));
        }
        let word = |name: &str| {
            members
                .get(name)
                .and_then(Value::as_str)
                .ok_or_else(|| Refusal::malformed(format!("the JWS has no {name}")))
        };
        let octets = |name: &str| {
            BASE64_URL_SAFE_NO_PAD
                .decode(word(name)?)
                .map_err(|_| Refusal::malformed(format!("{name} is not base64url")))
        };
        let header: Value = serde_json::from_slice(&octets("protected")?)
            .map_err(|_| Refusal::malformed("the protected header is not JSON"))?;
        if header.get("b64").is_some() || header.get("crit").is_some() {
            return Err(Refusal::malformed("the protected header asks for extensions"));
        }
        Ok(Self {
            header,
            payload: octets("payload")?,
            signature: octets("signature")?,
            input: format!("{}.{}", word("protected")?, word("payload")?).into_bytes(),
        })
    }

    pub(crate) fn word(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    /// Checks the signature by `key` and that the algorithm is the key's.
    pub(crate) fn verify(&self, key: &PublicKey) -> Result<(), Refusal> {
        let algorithm = self.word("alg").unwrap_or_default();
        if !ALGORITHMS.contains(&algorithm) {
            let mut problem = Problem::new(
                ProblemType::BadSignatureAlgorithm,
                format!("signatures of algorithm {algorithm:?} are not taken"),
            )
            .with_status(400);
            problem.algorithms = ALGORITHMS.map(ToOwned::to_owned).to_vec();
            return Err(Refusal::from_problem(&problem));
        }
        if algorithm != key.algorithm() {
            return Err(Refusal::malformed(format!(
                "algorithm {algorithm} does not go with this key, {} does",
                key.algorithm()
            )));
        }
        if key.verifies_jose(&self.input, &self.signature) {
            Ok(())
        } else {
            Err(Refusal::malformed("the JWS's signature is wrong"))
        }
    }

    /// Checks the MAC of an external account binding.
    pub(crate) fn verify_mac(&self, key: &[u8]) -> Result<(), Refusal> {
        let algorithm = match self.word("alg") {
            Some("HS256") => hmac::HMAC_SHA256,
            Some("HS384") => hmac::HMAC_SHA384,
            Some("HS512") => hmac::HMAC_SHA512,
            _ => {
                return Err(Refusal::malformed(
                    "the external account binding is not signed with HS256, HS384 or HS512",
                ));
            }
        };
        let key = hmac::Key::new(algorithm, key);
        hmac::verify(&key, &self.input, &self.signature)
            .map_err(|_| Refusal::unauthorized("the MAC of the external account binding is wrong"))
    }
}

impl State {
    /// Opens a signed request: transport rules, nonce, URL, key, signature, in this order.
    pub(crate) fn open(&mut self, request: &Request<Bytes>, url: &str, endpoint: Endpoint) -> Result<Signed, Refusal> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        if content_type.is_none_or(|it| it != "application/jose+json") {
            return Err(Refusal::new(415, ProblemType::Malformed, "the content type must be application/jose+json"));
        }
        let body: Value =
            serde_json::from_slice(request.body()).map_err(|_| Refusal::malformed("the body is not JSON"))?;
        let jws = Flattened::read(&body)?;
        let nonce = jws.word("nonce").ok_or_else(|| self.bad_nonce("there is no nonce"))?;
        if !self.memory.nonces.remove(nonce) {
            return Err(self.bad_nonce("the nonce is not known, or was used before"));
        }
        if jws.word("url") != Some(url) {
            return Err(Refusal::unauthorized("the url of the protected header is not the URL of the request"));
        }
        let (by, key) = self.signer(&jws, endpoint)?;
        jws.verify(&key)?;
        Ok(Signed { by, payload: jws.payload, url: url.to_owned() })
    }

    pub(crate) fn bad_nonce(&self, why: &str) -> Refusal {
        Refusal::new(400, ProblemType::BadNonce, why)
    }

    fn signer(&self, jws: &Flattened, endpoint: Endpoint) -> Result<(SignedBy, PublicKey), Refusal> {
        match (jws.header.get("jwk"), jws.header.get("kid")) {
            (Some(_), Some(_)) => Err(Refusal::malformed("kid and jwk exclude each other")),
            (None, None) => Err(Refusal::malformed("there is neither kid nor jwk")),
            (Some(jwk), None) => {
                if !matches!(endpoint, Endpoint::NewAccount | Endpoint::RevokeCert) {
                    return Err(Refusal::malformed("this request must name its account in kid"));
                }
                let key = read_key(jwk)?;
                let by = SignedBy::Key { key: key.clone(), jwk: jwk.clone() };
                Ok((by, key))
            }
            (None, Some(kid)) => {
                if endpoint == Endpoint::NewAccount {
                    return Err(Refusal::malformed("a new account's request carries its jwk"));
                }
                let id = kid.as_str().and_then(|it| it.strip_prefix(&self.url("acct/"))).unwrap_or_default();
                let account = self.memory.accounts.get(id).ok_or_else(|| {
                    Refusal::new(400, ProblemType::AccountDoesNotExist, "no account has the URL in kid")
                })?;
                if account.deactivated {
                    return Err(Refusal::unauthorized("the account is deactivated"));
                }
                Ok((SignedBy::Account(id.to_owned()), account.key.clone()))
            }
        }
    }
}

/// Reads a JWK and refuses what no account may have.
pub(crate) fn read_key(jwk: &Value) -> Result<PublicKey, Refusal> {
    let bad = |why: &str| Refusal::new(400, ProblemType::BadPublicKey, why);
    let key = PublicKey::from_jwk(jwk).map_err(|why| bad(&why))?;
    match key.weakness() {
        Some(why) => Err(bad(why)),
        None => Ok(key),
    }
}

/// The account that a request claims to come from, its signature not looked at.
pub(crate) fn claimed_account(body: &[u8]) -> Option<String> {
    let jws: Value = serde_json::from_slice(body).ok()?;
    let header = BASE64_URL_SAFE_NO_PAD.decode(jws.get("protected")?.as_str()?).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    header.get("kid")?.as_str().map(ToOwned::to_owned)
}
