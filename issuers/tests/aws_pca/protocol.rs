//! botocore judges the double and the issuer alike: it writes and signs the same requests from AWS's own model of the service, and reads the answers by it.

use std::time::Duration;

use acme_core::protocol::RevocationReason;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use certwright_issuers::Issuer as _;
use certwright_issuers::template::{BasicConstraints, KeyUsages, Usages};
use serde_json::{Value, json};
use testkit::run;
use testkit::servers::Moto;

use crate::double::Fault;
use crate::world::{Asking, World};

#[test]
fn botocore_sends_the_same_requests_and_understands_the_answers() {
    let world = World::new();
    world.double.fault("IssueCertificate", Fault::AnswerLost);
    world.double.state().takes = Duration::from_secs(5);
    let asking = Asking::new();
    let (issued, _) = world.issue(&asking.request()).unwrap();
    let usages = Usages::of_key(KeyUsages::CERT_SIGN | KeyUsages::CRL_SIGN);
    let constraints = BasicConstraints::Authority { path_length: Some(3) };
    let authority = Asking::drafted(|draft| draft.with_basic_constraints(constraints).with_usages(usages));
    let mut request = authority.request();
    request.is_ca = true;
    world.issue(&request).unwrap();
    let issuer = world.issuer();
    let leaf = issued.chain.leaf().unwrap();
    for _ in 0..2 {
        run(&world.clock, issuer.revoke().unwrap().revoke(leaf, Some(RevocationReason::Superseded))).unwrap();
    }

    let state = world.double.state();
    let requests: Vec<Value> = state
        .requests
        .iter()
        .map(|request| {
            let headers: Vec<_> =
                request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
            let body = String::from_utf8(request.body().to_vec()).unwrap();
            json!({"url": request.uri().to_string(), "headers": headers, "body": body})
        })
        .collect();
    let answers: Vec<Value> = state
        .answers
        .iter()
        .map(|(action, body)| json!({"action": action, "body": BASE64_STANDARD.encode(body)}))
        .collect();
    let question = json!({"requests": requests, "answers": answers, "token": state.token});

    let verdict: Value = serde_json::from_str(&Moto::python(BOTOCORE, &question.to_string())).unwrap();

    assert_eq!(verdict["faults"], json!([]));
    let actions = ["DescribeCertificateAuthority", "GetCertificate", "IssueCertificate", "RevokeCertificate"];
    assert_eq!(verdict["actions"], json!(actions));
    let codes = ["RequestAlreadyProcessedException", "RequestInProgressException"];
    assert_eq!(verdict["codes"], json!(codes));
    assert_eq!(verdict["answers"], state.answers.len());
}

const BOTOCORE: &str = r#"
import base64, datetime, json, sys
import botocore.auth as auth, botocore.session
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator

asked = json.load(sys.stdin)
model = botocore.session.Session().get_service_model("acm-pca")
serializer, parser, faults, actions, codes = create_serializer("json"), create_parser("json"), [], set(), set()

for request in asked["requests"]:
    headers = dict(request["headers"])
    action = headers["x-amz-target"].split(".")[1]
    actions.add(action)
    operation = model.operation_model(action)
    params = json.loads(request["body"])
    if "Csr" in params:
        params["Csr"] = base64.b64decode(params["Csr"])
    report = ParamValidator().validate(params, operation.input_shape)
    if report.has_errors():
        faults.append(report.generate_report())
    written = serializer.serialize_to_request(params, operation)
    if json.loads(written["body"]) != json.loads(request["body"]):
        faults.append(f"{action}: the body is {written['body']}")
    if written["url_path"] != "/" or written["method"] != "POST":
        faults.append(f"{action}: {written['method']} {written['url_path']}")
    for name, value in written["headers"].items():
        if headers.get(name.lower()) != value:
            faults.append(f"{action}: {name} is {value}")
    time = datetime.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
    auth.get_current_datetime = lambda *_: time
    plain = {name: value for name, value in headers.items() if name not in ("authorization", "x-amz-date", "x-amz-security-token")}
    again = AWSRequest(method="POST", url=request["url"], headers=plain, data=request["body"].encode())
    auth.SigV4Auth(Credentials("ASIADOUBLE", "TOP-SECRET-key", asked["token"]), "acm-pca", "eu-central-1").add_auth(again)
    if again.headers["Authorization"] != headers["authorization"]:
        faults.append(f"{action}: the signature is {again.headers['Authorization']}")

for answer in asked["answers"]:
    operation = model.operation_model(answer["action"])
    body = base64.b64decode(answer["body"])
    failed = b'"__type"' in body
    read = parser.parse({"body": body, "headers": {}, "status_code": 400 if failed else 200}, operation.output_shape)
    if failed:
        code = read["Error"]["Code"]
        codes.add(code)
        if code not in [shape.name for shape in operation.error_shapes]:
            faults.append(f"{answer['action']} never answers {code}")
    elif operation.output_shape is not None:
        lacking = set(json.loads(body)) - set(read)
        if lacking:
            faults.append(f"{answer['action']} answers no {lacking}")

print(json.dumps({"faults": faults, "actions": sorted(actions), "codes": sorted(codes), "answers": len(asked["answers"])}))
"#;
