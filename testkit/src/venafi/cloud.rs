//! TLS Protect Cloud, and Next-Gen Trust Security behind it.
//!
//! | what | where it is from |
//! |---|---|
//! | paths, members of bodies and answers | Venafi/vcert `pkg/venafi/cloud/cloud.go`, `pkg/venafi/ngts/cloud.go`: the types `certificateRequest`, `certificateRequestResponse`, `certificateStatus`, `ApplicationDetails`, `certificateTemplate` |
//! | which of `applicationId`, `certificateIssuingTemplateId`, `isVaaSGenerated` are required | the OpenAPI description of `POST /outagedetection/v1/certificaterequests` (`CertificateRequestRequest`) |
//! | `tppl-api-key` | Venafi's developer pages, "Listing applications" |
//! | 409 for a certificate that is not signed yet, `FAILED`, `ISSUED` | vcert `RetrieveCertificate`, `getCertIDFromPickupID` |
//! | `{"errors":[{"code","message","args"}]}`, 10051 | vcert `pkg/venafi/ngts/error.go`, `parseCertificateTemplateResult` |
//! | the template by its name and no application at Next-Gen Trust Security | vcert `getCloudRequest`, `getCit` of `pkg/venafi/ngts` |
//! | form, basic authentication and answer of the token endpoint; `tsg_id:` | vcert `GetAccessToken`, `validateScope`; cert-manager's `spec.venafi.ngts` |

use std::collections::BTreeMap;
use std::time::Duration;

use acme_core::Timestamp;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use super::authority;
use super::double::{Work, answer, answer_json, bare, checked, members, no_other_headers, one_header};

/// The one application that there is.
pub const APPLICATION: &str = "Web Shop";
/// The alias of its issuing template, and the template's name.
pub const ALIAS: &str = "Public TLS";
const APPLICATION_ID: &str = "15927220-bcdf-11eb-aef6-d3dfbf271ceb";
const TEMPLATE_ID: &str = "7f3ff940-bcdf-11eb-9af9-c947417e28d0";

/// How one logs in, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Door {
    /// TLS Protect Cloud: with an API key.
    Key,
    /// Next-Gen Trust Security: as the service account `client`, whose secret is `top secret`.
    ServiceAccount,
}

/// A tenant with one application and one template.
#[non_exhaustive]
pub struct Server {
    door: Door,
    /// The API key that is taken.
    pub key: &'static str,
    /// Access tokens that are taken, and until when.
    pub access: BTreeMap<String, Timestamp>,
    grants: usize,
    work: BTreeMap<String, Work>,
    /// The status of every request from now on, and its message.
    pub verdict: Option<(&'static str, &'static str)>,
    /// What a request is refused with.
    pub policy: Option<&'static str>,
    /// Bodies of requests that were taken.
    pub requests: Vec<Value>,
}

impl Server {
    /// A tenant behind this door.
    pub fn new(door: Door) -> Self {
        Self {
            door,
            key: "a-key",
            access: BTreeMap::new(),
            grants: 0,
            work: BTreeMap::new(),
            verdict: None,
            policy: None,
            requests: Vec::new(),
        }
    }

    pub(super) fn serve(
        &mut self,
        request: &Request<Bytes>,
        taken: &mut usize,
        now: Timestamp,
        delay: Duration,
    ) -> Response<Bytes> {
        assert_eq!(request.uri().scheme_str(), Some("https"));
        assert_eq!(request.uri().host(), Some(self.host(request.uri().path())));
        if request.uri().path() == TOKENS {
            return self.grant(request, now);
        }
        let root = match self.door {
            Door::Key => "/",
            Door::ServiceAccount => "/ngts/",
        };
        if !self.is_let_in(request, now) {
            return errors(401, 10002, "the credentials were not accepted");
        }
        let path = request.uri().path().strip_prefix(root).expect("the root of the interface").to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        match (parts.as_slice(), self.door) {
            (["outagedetection", "v1", "applications", "name", name], Door::Key) => application(request, name),
            (["outagedetection", "v1", "applications", app, "certificateissuingtemplates", alias], Door::Key) => {
                self.template(request, app, alias)
            }
            (["v1", "certificateissuingtemplates"], Door::ServiceAccount) => {
                bare(request, "application/json");
                answer_json(200, &json!({"certificateIssuingTemplates": [other_template(), template()]}))
            }
            (["outagedetection", "v1", "certificaterequests"], _) => self.request(request, taken, now, delay),
            (["outagedetection", "v1", "certificaterequests", id], _) => self.status(request, id, now),
            (["outagedetection", "v1", "certificates", id, "contents"], _) => self.contents(request, id, now),
            _ => panic!("the service has no {path}"),
        }
    }

    /// The host that has this path.
    pub(super) fn host(&self, path: &str) -> &'static str {
        match self.door {
            Door::Key => "api.venafi.cloud",
            Door::ServiceAccount if path == TOKENS => "auth.apps.paloaltonetworks.com",
            Door::ServiceAccount => "api.sase.paloaltonetworks.com",
        }
    }

    fn is_let_in(&self, request: &Request<Bytes>, now: Timestamp) -> bool {
        match self.door {
            Door::Key => {
                no_other_headers(request, &["tppl-api-key"]);
                one_header(request, "tppl-api-key").expect("a key") == self.key
            }
            Door::ServiceAccount => {
                no_other_headers(request, &["authorization"]);
                let bearer = one_header(request, "authorization").expect("a token");
                let token = bearer.strip_prefix("Bearer ").expect("a bearer token");
                self.access.get(token).is_some_and(|until| *until > now)
            }
        }
    }

    fn grant(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        no_other_headers(request, &["authorization"]);
        assert_eq!(request.method(), Method::POST);
        assert_eq!(one_header(request, "content-type").as_deref(), Some("application/x-www-form-urlencoded"));
        let basic = one_header(request, "authorization").expect("a client");
        let pair = BASE64_STANDARD.decode(basic.strip_prefix("Basic ").expect("basic authentication")).expect("base64");
        let form = std::str::from_utf8(request.body()).expect("a form");
        assert_eq!(form, "grant_type=client_credentials&scope=tsg_id%3A1000000001");
        if pair != b"client:top secret" {
            return answer_json(
                401,
                &json!({"error": "invalid_client", "error_description": "Invalid client or client credentials"}),
            );
        }
        self.grants += 1;
        let token = format!("token-{}", self.grants);
        self.access.insert(token.clone(), now + Duration::from_secs(899));
        answer_json(
            200,
            &json!({"access_token": token, "token_type": "Bearer", "expires_in": 899, "scope": "tsg_id:1000000001"}),
        )
    }

    fn template(&self, request: &Request<Bytes>, app: &str, alias: &str) -> Response<Bytes> {
        bare(request, "application/json");
        if (app, alias) == ("Web%20Shop", "Public%20TLS") {
            answer_json(200, &template())
        } else {
            errors(404, 10051, "Unable to find certificateIssuingTemplate")
        }
    }

    fn request(
        &mut self,
        request: &Request<Bytes>,
        taken: &mut usize,
        now: Timestamp,
        delay: Duration,
    ) -> Response<Bytes> {
        let mut needed = vec![
            "certificateSigningRequest",
            "certificateIssuingTemplateId",
            "isVaaSGenerated",
            "apiClientInformation",
        ];
        if self.door == Door::Key {
            needed.push("applicationId");
        }
        let body = members(request, &needed, &["validityPeriod"]);
        checked(&body["apiClientInformation"], &["type", "identifier"], &[], "apiClientInformation");
        assert_eq!(body["certificateIssuingTemplateId"], TEMPLATE_ID);
        assert_eq!(body["isVaaSGenerated"], false);
        if self.door == Door::Key {
            assert_eq!(body["applicationId"], APPLICATION_ID);
        }
        if let Some(text) = self.policy {
            return errors(400, 10700, text);
        }
        let pem = authority::sign(body["certificateSigningRequest"].as_str().expect("a text"));
        self.requests.push(Value::Object(body));
        *taken += 1;
        let id = format!("5a9ebd40-0000-0000-0000-{:012}", *taken);
        self.work.insert(id.clone(), Work { pem, ready: now + delay });
        let mut made = json!({"id": id, "companyId": "11447611", "certificateIssuingTemplateId": TEMPLATE_ID, "status": "REQUESTED"});
        if self.door == Door::Key {
            made["applicationId"] = json!(APPLICATION_ID);
        }
        answer_json(201, &json!({"certificateRequests": [made]}))
    }

    fn status(&self, request: &Request<Bytes>, id: &str, now: Timestamp) -> Response<Bytes> {
        bare(request, "application/json");
        let Some(work) = self.work.get(id) else {
            return errors(404, 10051, "Unable to find certificateRequest");
        };
        let mut body = json!({"id": id, "status": "PENDING", "certificateIds": null, "subjectDN": "CN=a"});
        if let Some((status, message)) = self.verdict {
            body["status"] = json!(status);
            body["errorInformation"] = json!({"type": "CA", "code": 1, "message": message, "args": []});
        } else if work.ready <= now {
            body["status"] = json!("ISSUED");
            body["certificateIds"] = json!([id.replace("5a9ebd40", "c0ffee00")]);
        }
        answer_json(200, &body)
    }

    fn contents(&self, request: &Request<Bytes>, id: &str, now: Timestamp) -> Response<Bytes> {
        bare(request, "*/*");
        assert_eq!(request.uri().query(), Some("chainOrder=EE_FIRST&format=PEM"));
        match self.work.get(&id.replace("c0ffee00", "5a9ebd40")) {
            // The inventory is a little behind the certificate authority.
            Some(work) if work.ready + Duration::from_secs(1) <= now => answer(200, &work.pem),
            Some(_) => errors(409, 10000, "the certificate is not signed yet"),
            None => errors(404, 10051, "Unable to find certificate"),
        }
    }
}

fn application(request: &Request<Bytes>, name: &str) -> Response<Bytes> {
    bare(request, "application/json");
    if name != "Web%20Shop" {
        return errors(404, 10051, "Unable to find application");
    }
    answer_json(
        200,
        &json!({
            "id": APPLICATION_ID, "companyId": "11447611", "name": APPLICATION, "description": "",
            "ownerIdsAndTypes": [{"ownerId": "11ae3460", "ownerType": "USER"}], "fqDns": [], "internalFqDns": [],
            "certificateIssuingTemplateAliasIdMap": {ALIAS: TEMPLATE_ID, "Test Certs": "51cb8340-a993-11ea-8a4f-3f9fa45442b2"},
        }),
    )
}

fn template() -> Value {
    json!({
        "id": TEMPLATE_ID, "companyId": "11447611", "name": ALIAS, "certificateAuthority": "BUILTIN",
        "systemGenerated": false, "validityPeriod": "P90D", "subjectCNRegexes": [".*"], "keyReuse": false,
        "recommendedSettings": {
            "subjectOValue": "Example Inc.", "subjectOUValue": "Web", "subjectSTValue": "Utah", "subjectLValue": "Salt Lake",
            "subjectCValue": "US", "key": {"type": "RSA", "length": 2048, "curve": null}, "keyReuse": false,
        },
    })
}

fn other_template() -> Value {
    json!({"id": "51cb8340-a993-11ea-8a4f-3f9fa45442b2", "name": "Test Certs", "recommendedSettings": null})
}

fn errors(status: u16, code: i64, message: &str) -> Response<Bytes> {
    answer_json(status, &json!({"errors": [{"code": code, "message": message, "args": []}]}))
}

/// Where service accounts are given tokens.
const TOKENS: &str = "/oauth2/access_token";
