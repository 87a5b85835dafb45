//! A double of AWS Private CA as its documents describe it, with what moto hides: checked signatures, certificates that take their time, idempotency
//! tokens, throttling, the authority's own end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use acme_core::client::Chain;
use acme_core::{Clock as _, Error, ErrorKind, Secret, Timestamp, Transport};
use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use certwright_issuers::template::Validity;
use certwright_issuers::{chain, csr};
use http::{Request, Response};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use solvers::credentials::aws::{Credentials, Scope};
use testkit::VirtualClock;

use crate::pki::Pki;

pub(crate) const ARN: &str =
    "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/12345678-1234-1234-1234-123456789012";

/// The double. Copies share everything.
#[derive(Clone)]
pub(crate) struct Double {
    state: Arc<Mutex<State>>,
    clock: VirtualClock,
}

pub(crate) struct State {
    pub(crate) pki: Pki,
    pub(crate) end: Timestamp,
    pub(crate) status: &'static str,
    /// How long a certificate takes.
    pub(crate) takes: Duration,
    /// Actions that the principal may not perform.
    pub(crate) denied: Vec<&'static str>,
    /// What happens to the next calls of an action.
    pub(crate) faults: VecDeque<(&'static str, Fault)>,
    /// The session token that is good now.
    pub(crate) token: String,
    pub(crate) made: Vec<Made>,
    pub(crate) revoked: Vec<(String, String)>,
    pub(crate) requests: Vec<Request<Bytes>>,
    pub(crate) answers: Vec<(String, Bytes)>,
}

/// A certificate, and what was asked for.
pub(crate) struct Made {
    pub(crate) token: String,
    pub(crate) at: Timestamp,
    pub(crate) asked: Value,
    certificate: CertificateDer<'static>,
}

#[derive(Clone)]
pub(crate) enum Fault {
    /// It refuses, with this status, code and message.
    Says(u16, &'static str, &'static str),
    /// It acts, and the answer is lost.
    AnswerLost,
    /// The request is lost.
    RequestLost,
}

type Refusal = (u16, &'static str, String);

impl Double {
    pub(crate) fn new(clock: &VirtualClock) -> Self {
        let now = clock.now();
        let end = now + Duration::from_secs(365 * 24 * 3600);
        let state = State {
            pki: Pki::new(now - Duration::from_secs(24 * 3600), end),
            end,
            status: "ACTIVE",
            takes: Duration::from_secs(2),
            denied: Vec::new(),
            faults: VecDeque::new(),
            token: "TOP-SECRET-token".to_owned(),
            made: Vec::new(),
            revoked: Vec::new(),
            requests: Vec::new(),
            answers: Vec::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), clock: clock.clone() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next call of `action` fails so.
    pub(crate) fn fault(&self, action: &'static str, fault: Fault) {
        self.state().faults.push_back((action, fault));
    }

    /// How often `action` was called.
    pub(crate) fn calls(&self, action: &str) -> usize {
        self.state().requests.iter().filter(|request| action_of(request) == action).count()
    }

    /// The credentials that are good now.
    pub(crate) fn credentials(&self) -> Credentials {
        Credentials::new("ASIADOUBLE", &Secret::new("TOP-SECRET-key".to_owned()))
            .with_session_token(&Secret::new(self.state().token.clone()))
    }

    fn answer(&self, request: &Request<Bytes>) -> Result<Value, Refusal> {
        self.authenticate(request)?;
        let action = action_of(request);
        if self.state().denied.contains(&action.as_str()) {
            let message = format!(
                "User: arn:aws:sts::123456789012:assumed-role/issuer/certwright is not authorized to perform: acm-pca:{action} on resource: {ARN}"
            );
            return Err((400, "AccessDeniedException", message));
        }
        let body: Value = serde_json::from_slice(request.body())
            .map_err(|_| (400, "SerializationException", "not JSON".to_owned()))?;
        if body["CertificateAuthorityArn"] != ARN {
            return Err((
                400,
                "ResourceNotFoundException",
                format!("Could not find {}", body["CertificateAuthorityArn"]),
            ));
        }
        match action.as_str() {
            "IssueCertificate" => self.issue(&body),
            "GetCertificate" => self.get(&body),
            "DescribeCertificateAuthority" => Ok(self.describe()),
            "RevokeCertificate" => self.revoke(&body),
            other => Err((400, "UnknownOperationException", other.to_owned())),
        }
    }

    fn authenticate(&self, request: &Request<Bytes>) -> Result<(), Refusal> {
        assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/"));
        assert_eq!(request.headers()["content-type"], "application/x-amz-json-1.1");
        let now = self.clock.now();
        let header = |name: &str| request.headers().get(name).map(|it| it.to_str().unwrap().to_owned());
        if header("x-amz-security-token") != Some(self.state().token.clone()) {
            let message = "The security token included in the request is expired".to_owned();
            return Err((400, "ExpiredTokenException", message));
        }
        let mut again = request.clone();
        let scope = Scope::new("acm-pca", "eu-central-1".parse().unwrap());
        scope.sign(&mut again, &self.credentials(), now).unwrap();
        if again.headers()["authorization"] != request.headers()["authorization"] {
            return Err((
                400,
                "InvalidSignatureException",
                "The request signature we calculated does not match".into(),
            ));
        }
        Ok(())
    }

    fn issue(&self, body: &Value) -> Result<Value, Refusal> {
        let invalid = |what: &str| Err((400, "ValidationException", what.to_owned()));
        let mut state = self.state();
        if state.status != "ACTIVE" {
            let message = format!("The certificate authority {ARN} is not in the correct state");
            return Err((400, "InvalidStateException", message));
        }
        let fields: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        let known =
            ["CertificateAuthorityArn", "Csr", "IdempotencyToken", "SigningAlgorithm", "TemplateArn", "Validity"];
        if fields != known {
            return invalid("fields");
        }
        if body["SigningAlgorithm"] != "SHA256WITHECDSA" {
            return Err((400, "InvalidArgsException", "The algorithm does not fit the key of the authority".into()));
        }
        let Some(template) = body["TemplateArn"].as_str().unwrap().strip_prefix("arn:aws:acm-pca:::template/") else {
            return Err((400, "InvalidArnException", "no template".into()));
        };
        let pem = BASE64_STANDARD.decode(body["Csr"].as_str().unwrap()).unwrap();
        let malformed = || (400, "MalformedCSRException", "The certificate signing request is invalid".to_owned());
        let der = rustls_pki_types::CertificateSigningRequestDer::from_pem_slice(&pem).map_err(|_| malformed())?;
        let request = csr::Request::read(&der).map_err(|_| malformed())?;
        request.verify().map_err(|_| malformed())?;
        let now = self.clock.now();
        let token = body["IdempotencyToken"].as_str().unwrap().to_owned();
        if token.is_empty() || token.len() > 36 {
            return invalid("IdempotencyToken");
        }
        let remembered = state.made.iter().position(|it| it.token == token && now < it.at + Duration::from_secs(300));
        if let Some(number) = remembered {
            assert_eq!(state.made[number].asked["Csr"], body["Csr"], "one token for two requests");
            return Ok(json!({ "CertificateArn": arn_of(number) }));
        }
        let value = body["Validity"]["Value"].as_i64().unwrap();
        let not_after = match body["Validity"]["Type"].as_str().unwrap() {
            "DAYS" => now + Duration::from_secs(u64::try_from(value).unwrap() * 24 * 3600),
            "END_DATE" => end_date(value),
            _ => return invalid("Validity"),
        };
        if not_after > state.end {
            return invalid("The certificate validity specified exceeds the certificate authority validity");
        }
        let validity = Validity { not_before: now - Duration::from_secs(3600), not_after };
        let number = state.made.len();
        let serial = 0x80_00_00_00 + u32::try_from(number).unwrap();
        let Some(certificate) = state.pki.leaf(&request, template, validity, serial) else {
            return Err((400, "InvalidArnException", "no such template".into()));
        };
        state.made.push(Made { token, at: now, asked: body.clone(), certificate });
        Ok(json!({ "CertificateArn": arn_of(number) }))
    }

    fn get(&self, body: &Value) -> Result<Value, Refusal> {
        let state = self.state();
        let number = (0..state.made.len()).find(|number| body["CertificateArn"] == arn_of(*number));
        let Some(made) = number.map(|number| &state.made[number]) else {
            return Err((400, "ResourceNotFoundException", "Could not find the certificate".into()));
        };
        if self.clock.now() < made.at + state.takes {
            return Err((
                400,
                "RequestInProgressException",
                "The request to issue certificate is still in progress".into(),
            ));
        }
        let pem =
            |certificates: Vec<CertificateDer<'static>>| chain::to_pem(&Chain::new(certificates)).trim_end().to_owned();
        Ok(json!({
            "Certificate": pem(vec![made.certificate.clone()]),
            "CertificateChain": pem(vec![state.pki.authority.clone(), state.pki.root.clone()]),
        }))
    }

    fn describe(&self) -> Value {
        let state = self.state();
        json!({ "CertificateAuthority": {
            "Arn": ARN, "OwnerAccount": "123456789012", "CreatedAt": 1.7e9, "Type": "SUBORDINATE", "Status": state.status, "NotAfter": state.end.unix_seconds(),
            "CertificateAuthorityConfiguration": {
                "KeyAlgorithm": "EC_prime256v1", "SigningAlgorithm": "SHA256WITHECDSA", "Subject": { "CommonName": "Double Authority" },
            },
        }})
    }

    fn revoke(&self, body: &Value) -> Result<Value, Refusal> {
        let mut state = self.state();
        let serial = body["CertificateSerial"].as_str().unwrap().to_owned();
        let reason = body["RevocationReason"].as_str().unwrap().to_owned();
        let known = (0..state.made.len()).any(|number| serial == format!("80:00:00:{number:02x}"));
        if !known {
            return Err((400, "ResourceNotFoundException", "Could not find the certificate".into()));
        }
        if state.revoked.iter().any(|(it, _)| *it == serial) {
            return Err((400, "RequestAlreadyProcessedException", "Your request has already been completed".into()));
        }
        state.revoked.push((serial, reason));
        Ok(Value::Null)
    }
}

#[async_trait]
impl Transport for Double {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let action = action_of(&request);
        let fault = {
            let mut state = self.state();
            state.requests.push(request.clone());
            let next = state.faults.iter().position(|(it, _)| *it == action);
            next.and_then(|at| state.faults.remove(at)).map(|(_, fault)| fault)
        };
        let lost = || Error::new(ErrorKind::Unreachable, "the connection was cut");
        let answer = match fault {
            Some(Fault::RequestLost) => return Err(lost()),
            Some(Fault::AnswerLost) => {
                self.answer(&request).unwrap();
                return Err(lost());
            }
            Some(Fault::Says(status, code, message)) => Err((status, code, message.to_owned())),
            None => self.answer(&request),
        };
        let (status, body) = match answer {
            Ok(Value::Null) => (200, Bytes::new()),
            Ok(body) => (200, Bytes::from(body.to_string())),
            Err((status, code, message)) => {
                (status, Bytes::from(json!({ "__type": code, "message": message }).to_string()))
            }
        };
        self.state().answers.push((action, body.clone()));
        Ok(Response::builder().status(status).body(body).unwrap())
    }
}

fn action_of(request: &Request<Bytes>) -> String {
    let target = request.headers()["x-amz-target"].to_str().unwrap();
    target.strip_prefix("ACMPrivateCA.").unwrap().to_owned()
}

fn arn_of(number: usize) -> String {
    format!("{ARN}/certificate/{:032x}", 0x80_00_00_00 + number)
}

/// `YYYYMMDDHHMMSS`.
fn end_date(value: i64) -> Timestamp {
    let text = value.to_string();
    assert_eq!(text.len(), 14, "{text}");
    let part = |from: usize, to: usize| &text[from..to];
    let text =
        format!("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12), part(12, 14));
    Timestamp::parse_rfc3339(&text).unwrap()
}
