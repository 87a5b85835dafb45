//! Against moto: what it checks, it accepts from us and refuses when it is wrong.

use std::fs;
use std::sync::Arc;

use acme_core::transport::ReqwestTransport;
use acme_core::{Clock, Secret, Timestamp, Transport as _};
use certwright_solvers::credentials::aws::sts::{self, Role};
use certwright_solvers::credentials::aws::{AssumeRole, Client, Credentials, Endpoint, Instance, Region, WebIdentity};
use certwright_solvers::credentials::{CredentialSource as _, Fetch, Fixed, Refreshing};
use certwright_solvers::{Error, ErrorKind};
use http::{HeaderMap, Request, StatusCode};
use testkit::servers::Moto;

use crate::{at, example};

#[tokio::test]
async fn signatures_are_checked_and_hold() {
    let moto = Moto::builder().checking_after(3).start();
    let key: serde_json::Value = serde_json::from_str(&Moto::python(USER, &moto.url())).unwrap();
    let (id, secret) = (key["AccessKeyId"].as_str().unwrap(), key["SecretAccessKey"].as_str().unwrap());
    let with = |secret: &str| Credentials::new(id, &Secret::new(secret.to_owned()));

    let who = client(&moto, with(secret)).send("sts:GetCallerIdentity", who_am_i()).await.unwrap();
    assert!(String::from_utf8_lossy(who.body()).contains("<Arn>arn:aws:iam::123456789012:user/issuer</Arn>"));

    let error = client(&moto, with("another")).send("sts:GetCallerIdentity", who_am_i()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert!(error.to_string().contains("SignatureDoesNotMatch"), "{error}");

    // What Vault is given is the same proof.
    let request = sts::caller_identity(&endpoint(&moto), &with(secret), HeaderMap::new(), Wall.now()).unwrap();
    assert_eq!(transport().send(request).await.unwrap().status(), StatusCode::OK);
    let forged = sts::caller_identity(&endpoint(&moto), &with("another"), HeaderMap::new(), Wall.now()).unwrap();
    assert_eq!(transport().send(forged).await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn temporary_credentials_come_from_every_side() {
    let moto = Moto::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "a.web.token").unwrap();
    let role = || Role::new("arn:aws:iam::123456789012:role/issuer").unwrap();
    let base = Arc::new(Fixed::new(example()));

    let assumed = AssumeRole::new(role(), base, endpoint(&moto), transport());
    let web = WebIdentity::new(role().session_name("web"), &file, endpoint(&moto), transport());
    let instance = Instance::at(&moto.url(), transport()).unwrap();

    let arn = caller(&moto, &assumed).await.unwrap();
    assert_eq!(arn, "arn:aws:sts::123456789012:assumed-role/issuer/certwright");
    let arn = caller(&moto, &web).await.unwrap();
    assert_eq!(arn, "arn:aws:sts::123456789012:assumed-role/issuer/web");
    let answer = instance.fetch(Wall.now()).await.unwrap();
    assert!(answer.expires.is_some_and(|it| it > Wall.now()));
    assert!(answer.credential.session_token().is_some());
}

/// Who the credentials of `source` belong to, and that they are kept.
async fn caller(moto: &Moto, source: &(impl Fetch<Credentials> + ?Sized)) -> Result<String, Error> {
    let fetched = source.fetch(Wall.now()).await?;
    let request = sts::caller_identity(&endpoint(moto), &fetched.credential, HeaderMap::new(), Wall.now())?;
    let answer = transport().send(request).await?;
    let text = String::from_utf8(answer.into_body().to_vec()).unwrap();
    Ok(text.split("<Arn>").nth(1).unwrap().split("</Arn>").next().unwrap().to_owned())
}

#[tokio::test]
async fn what_was_fetched_from_moto_is_kept() {
    let moto = Moto::start();
    let source = Refreshing::new(Instance::at(&moto.url(), transport()).unwrap());

    let first = source.credential(Wall.now()).await.unwrap();
    let second = source.credential(Wall.now()).await.unwrap();
    source.rejected();
    let third = source.credential(Wall.now()).await.unwrap();

    assert!(Arc::ptr_eq(&first, &second));
    assert!(!Arc::ptr_eq(&first, &third));
}

struct Wall;

impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "moto goes by the wall clock")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::from(std::time::SystemTime::now());
        assert!(now > at("2025-01-01T00:00:00Z"));
        now
    }
}

fn transport() -> Arc<ReqwestTransport> {
    Arc::new(ReqwestTransport::new().unwrap())
}

fn endpoint(moto: &Moto) -> Endpoint {
    sts::endpoint_at(&moto.url(), &Region::parse("eu-central-1").unwrap()).unwrap()
}

fn client(moto: &Moto, credentials: Credentials) -> Client {
    Client::new(endpoint(moto), Arc::new(Fixed::new(credentials)), transport(), Arc::new(Wall))
}

fn who_am_i() -> Request<bytes::Bytes> {
    Request::post("/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("Action=GetCallerIdentity&Version=2011-06-15".into())
        .unwrap()
}

/// Three calls: a user, a key, and leave to do everything.
const USER: &str = r#"
import json, sys, boto3
url = sys.stdin.read()
iam = boto3.client("iam", endpoint_url=url, region_name="us-east-1", aws_access_key_id="setup", aws_secret_access_key="setup")
iam.create_user(UserName="issuer")
key = iam.create_access_key(UserName="issuer")["AccessKey"]
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
iam.put_user_policy(UserName="issuer", PolicyName="all", PolicyDocument=json.dumps(policy))
print(json.dumps({"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]}))
"#;
