//! Trust Protection Platform, as its interfaces `vedauth` and `vedsdk` are described.
//!
//! | what | where it is from |
//! |---|---|
//! | paths, members of bodies and answers | Venafi/vcert `pkg/venafi/tpp/tpp.go`: the constants `urlResource…`, the types `certificateRequest`, `certificateRetrieveRequest`, `certificateRevokeRequest`, `oauthGetRefreshTokenRequest`, `oauthRefreshAccessTokenRequest`, `authorizeResquest`, `serverPolicy` and their answers |
//! | `CertificateType`, `Reenable` | the WebSDK's page `POST Certificates/request`, cited in vcert's `prepareRequest` |
//! | 202 and 500 with `Stage` and `Status`, the two texts that a reset moves, 400 for an object that is not there | vcert `pkg/venafi/tpp/connector_test.go`, the tests of `RetrieveCertificate` |
//! | `CertificateDN` and `Restart` of a reset, its answer | the same tests; Venafi's WebSDK client in Python, `Certificates/Reset` |
//! | `PolicyDN: … does not exist` | vcert's `zoneNonFoundregexp` |
//! | `invalid_grant` and `error_description` | RFC 6749 section 5.2, which `vedauth` follows |

use std::collections::BTreeMap;
use std::time::Duration;

use acme_core::Timestamp;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use super::authority;
use super::double::{Work, answer_json, checked, members, no_other_headers, one_header};

/// The one policy folder that there is.
pub const FOLDER: &str = r"\VED\Policy\DevOps\Web";
/// Where the platform is.
pub const HOST: &str = "tpp.example";

/// A platform with one folder, and the user `operator` whose password is `correct horse`.
#[non_exhaustive]
pub struct Server {
    /// Access tokens that are taken, and until when.
    pub access: BTreeMap<String, Timestamp>,
    /// The one refresh token that is taken.
    pub refresh: String,
    /// Keys of old platforms that are taken.
    pub legacy_keys: Vec<String>,
    /// The integration that may log in.
    pub client_id: &'static str,
    /// How long access tokens are taken.
    pub token_life: Duration,
    grants: usize,
    objects: BTreeMap<String, Object>,
    /// What `request` says of a request that breaks a rule.
    pub policy: Option<&'static str>,
    /// Bodies of requests that were taken.
    pub requests: Vec<Value>,
    /// Thumbprints of certificates that were revoked, and why.
    pub revoked: Vec<(String, u64)>,
}

/// A certificate object in the folder.
#[non_exhaustive]
pub struct Object {
    work: Option<Work>,
    /// An error that lies on the object, and the text for it.
    pub trouble: Option<&'static str>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            access: BTreeMap::new(),
            refresh: "refresh-0".to_owned(),
            legacy_keys: Vec::new(),
            client_id: "certwright",
            token_life: Duration::from_secs(3600),
            grants: 0,
            objects: BTreeMap::new(),
            policy: None,
            requests: Vec::new(),
            revoked: Vec::new(),
        }
    }
}

impl Server {
    /// The object of this name, made where there is none.
    pub fn object(&mut self, name: &str) -> &mut Object {
        let dn = format!("{FOLDER}\\{name}");
        self.objects.entry(dn).or_insert(Object { work: None, trouble: None })
    }

    /// Forgets all objects.
    pub fn forget(&mut self) {
        self.objects.clear();
    }

    pub(super) fn serve(
        &mut self,
        request: &Request<Bytes>,
        taken: &mut usize,
        now: Timestamp,
        delay: Duration,
    ) -> Response<Bytes> {
        assert_eq!(request.uri().host(), Some(HOST));
        assert_eq!(request.uri().scheme_str(), Some("https"));
        assert_eq!(request.uri().query(), None);
        match request.uri().path() {
            "/vedauth/authorize/oauth" => self.grant(request, now),
            "/vedauth/authorize/token" => self.refresh(request, now),
            "/vedsdk/authorize/" => self.legacy(request, now),
            path => {
                if !self.is_let_in(request, now) {
                    return answer_json(
                        401,
                        &json!({"error": "invalid_token", "error_description": "Access token expired"}),
                    );
                }
                match path {
                    "/vedsdk/certificates/request" => self.request(request, taken, now, delay),
                    "/vedsdk/certificates/retrieve" => self.retrieve(request, now),
                    "/vedsdk/certificates/reset" => self.reset(request, now, delay),
                    "/vedsdk/certificates/revoke" => self.revoke(request),
                    "/vedsdk/certificates/checkpolicy" => self.check_policy(request),
                    other => panic!("the platform has no {other}"),
                }
            }
        }
    }

    fn is_let_in(&self, request: &Request<Bytes>, now: Timestamp) -> bool {
        no_other_headers(request, &["authorization", "x-venafi-api-key"]);
        if let Some(key) = one_header(request, "x-venafi-api-key") {
            assert!(one_header(request, "authorization").is_none(), "two credentials");
            return self.legacy_keys.contains(&key);
        }
        let bearer = one_header(request, "authorization").expect("a credential");
        let token = bearer.strip_prefix("Bearer ").expect("a bearer token");
        self.access.get(token).is_some_and(|until| *until > now)
    }

    fn tokens(&mut self, now: Timestamp, more: Value) -> Response<Bytes> {
        self.grants += 1;
        let (access, until) = (format!("access-{}", self.grants), now + self.token_life);
        self.refresh = format!("refresh-{}", self.grants);
        self.access.insert(access.clone(), until);
        let mut body = json!({
            "access_token": access, "expires": until.unix_seconds(), "identity": "local:{0000}",
            "refresh_token": self.refresh, "refresh_until": until.unix_seconds() + 86400, "token_type": "Bearer",
        });
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
        }
        answer_json(200, &body)
    }

    fn grant(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        no_other_headers(request, &[]);
        let body = members(request, &["client_id", "username", "password", "scope"], &[]);
        let is_right = body["client_id"] == self.client_id
            && body["username"] == "operator"
            && body["password"] == "correct horse";
        if !is_right {
            return answer_json(
                400,
                &json!({"error": "invalid_grant", "error_description": "Username or password was incorrect"}),
            );
        }
        self.tokens(now, json!({"scope": body["scope"]}))
    }

    fn refresh(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        no_other_headers(request, &[]);
        let body = members(request, &["client_id", "refresh_token"], &[]);
        if body["client_id"] != self.client_id || body["refresh_token"] != self.refresh.as_str() {
            return answer_json(
                400,
                &json!({"error": "invalid_grant", "error_description": "Grant has been revoked, has expired, or the refresh token is invalid"}),
            );
        }
        self.tokens(now, json!({}))
    }

    fn legacy(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        no_other_headers(request, &[]);
        let body = members(request, &["Username", "Password"], &[]);
        if body["Username"] != "operator" || body["Password"] != "correct horse" {
            return answer_json(401, &json!({"Error": "Authentication error"}));
        }
        let key = format!("key-{}", self.legacy_keys.len());
        self.legacy_keys = vec![key.clone()];
        let until = (now + Duration::from_secs(180)).unix_seconds() * 1000;
        answer_json(200, &json!({"APIKey": key, "ValidUntil": format!("/Date({until})/")}))
    }

    fn request(
        &mut self,
        request: &Request<Bytes>,
        taken: &mut usize,
        now: Timestamp,
        delay: Duration,
    ) -> Response<Bytes> {
        let needed = [
            "PolicyDN",
            "ObjectName",
            "PKCS10",
            "CASpecificAttributes",
            "Origin",
            "CertificateType",
            "DisableAutomaticRenewal",
            "Reenable",
        ];
        let body = members(request, &needed, &["CustomFields"]);
        if body["PolicyDN"] != FOLDER {
            let text = format!("PolicyDN: {} does not exist", body["PolicyDN"].as_str().expect("a text"));
            return answer_json(400, &json!({"Error": text}));
        }
        for attribute in body["CASpecificAttributes"].as_array().expect("a list") {
            checked(attribute, &["Name", "Value"], &[], "CASpecificAttributes");
        }
        for field in body.get("CustomFields").into_iter().flat_map(|it| it.as_array().expect("a list")) {
            checked(field, &["Name", "Values"], &[], "CustomFields");
        }
        assert_eq!((&body["DisableAutomaticRenewal"], &body["Reenable"]), (&Value::Bool(true), &Value::Bool(true)));
        assert_eq!(body["CertificateType"], "AUTO");
        if let Some(text) = self.policy {
            return answer_json(400, &json!({"Error": text}));
        }
        let name = body["ObjectName"].as_str().expect("a text").to_owned();
        let pem = authority::sign(body["PKCS10"].as_str().expect("a text"));
        self.requests.push(Value::Object(body));
        *taken += 1;
        let object = self.object(&name);
        object.work = Some(Work { pem, ready: now + delay });
        answer_json(
            200,
            &json!({"CertificateDN": format!("{FOLDER}\\{name}"), "Guid": "{e7a29b2c-0000-0000-0000-000000000000}"}),
        )
    }

    fn retrieve(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        let body = members(request, &["CertificateDN", "Format", "IncludeChain"], &["RootFirstOrder"]);
        assert_eq!((&body["Format"], &body["IncludeChain"]), (&json!("base64"), &json!(true)));
        let dn = body["CertificateDN"].as_str().expect("a text");
        let Some(object) = self.objects.get(dn) else { return not_there(dn) };
        if let Some(text) = object.trouble {
            return answer_json(500, &json!({"Stage": 500, "Status": text}));
        }
        match &object.work {
            Some(work) if work.ready <= now => {
                let data = BASE64_STANDARD.encode(&work.pem);
                answer_json(200, &json!({"CertificateData": data, "Filename": "certificate.cer", "Format": "base64"}))
            }
            Some(_) | None => answer_json(202, &json!({"Stage": 500, "Status": "Post CSR"})),
        }
    }

    fn reset(&mut self, request: &Request<Bytes>, now: Timestamp, delay: Duration) -> Response<Bytes> {
        let body = members(request, &["CertificateDN", "Restart"], &[]);
        let dn = body["CertificateDN"].as_str().expect("a text");
        let Some(object) = self.objects.get_mut(dn) else { return not_there(dn) };
        if object.trouble.take().is_none() {
            return answer_json(
                400,
                &json!({"Error": "Reset is not completed. No reset is required for the certificate."}),
            );
        }
        let restart = body["Restart"] == true;
        if restart && let Some(work) = &mut object.work {
            work.ready = now + delay;
        }
        answer_json(200, &json!({"ProcessingResetCompleted": true, "RestartCompleted": restart}))
    }

    fn revoke(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let body = members(request, &["Thumbprint", "Reason", "Comments", "Disable"], &[]);
        let thumbprint = body["Thumbprint"].as_str().expect("a text").to_owned();
        assert!(thumbprint.len() == 40 && thumbprint.bytes().all(|it| it.is_ascii_digit() || it.is_ascii_uppercase()));
        assert_eq!(body["Disable"], false);
        let is_known = self.revoked.iter().any(|(known, _)| *known == thumbprint);
        self.revoked.push((thumbprint, body["Reason"].as_u64().expect("a number")));
        answer_json(200, &json!({"Requested": !is_known, "Success": true}))
    }

    fn check_policy(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let body = members(request, &["PolicyDN"], &[]);
        let dn = body["PolicyDN"].as_str().expect("a text");
        if dn != FOLDER {
            return answer_json(400, &json!({"Error": format!("PolicyDN: {dn} does not exist")}));
        }
        let open = |value: &str| json!({"Locked": false, "Value": value});
        answer_json(
            200,
            &json!({"Policy": {
                "CertificateAuthority": open(""), "CsrGeneration": open("UserProvided"), "KeyGeneration": open(""),
                "KeyPair": {
                    "KeyAlgorithm": open("RSA"), "KeySize": {"Locked": true, "Value": 2048}, "EllipticCurve": open(""),
                },
                "ManagementType": open("Enrollment"), "PrivateKeyReuseAllowed": false, "SubjAltNameDnsAllowed": true,
                "Subject": {
                    "City": open("Salt Lake"), "Country": {"Locked": true, "Value": "US"}, "Organization": open("Example Inc."),
                    "OrganizationalUnit": {"Locked": false, "Values": ["Engineering", "Web"]}, "State": open("Utah"),
                },
                "UniqueSubjectEnforced": false, "WhitelistedDomains": [], "WildcardsAllowed": false,
            }}),
        )
    }
}

fn not_there(dn: &str) -> Response<Bytes> {
    answer_json(400, &json!({"Error": format!("Certificate {dn} does not exist.")}))
}
