//! Route 53: by keys, by the token of a ServiceAccount, and by nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use acme_core::transport::ReqwestTransport;
use acme_core::{Error, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use certwright_kube_adapter::Ambient;
use http::{Method, Request, Response};
use serde_json::json;
use solvers::credentials::Fixed;
use solvers::credentials::aws::xml::Element;
use solvers::credentials::aws::{Client, Credentials, Partition};
use solvers::dns::route53::endpoint_at;
use testkit::SimDns;
use testkit::doubles::{Double, route53};
use testkit::servers::Moto;

use crate::kit::eventually;
use crate::scene::{Scene, Services, Wall, secret};

#[test]
fn keys_of_which_both_are_in_secrets() {
    let scene = Scene::new("route53");
    let keys = Credentials::new("AKIDEXAMPLE", &secret("TOP-SECRET-key"));
    let service = route53::Route53::new(keys, scene.dns.clone(), Arc::new(Wall)).with_zone("example.test", "Z1");
    scene.secret("aws", json!({ "id": "AKIDEXAMPLE", "key": "TOP-SECRET-wrong" }));
    scene.issuer(json!({ "route53": {
        "region": "eu-central-1",
        "accessKeyIDSecretRef": { "name": "aws", "key": "id" }, "secretAccessKeySecretRef": { "name": "aws", "key": "key" },
    } }));
    let _operator = scene.start(Services::at("route53.amazonaws.com", Double::new(service.at_once())));

    scene.ask("web");
    let told = scene.refused();
    assert!(told.contains("route53:ListHostedZonesByName on *"), "which action: {told}");
    assert!(told.contains("SignatureDoesNotMatch"), "{told}");
    scene.secret("aws", json!({ "key": "TOP-SECRET-key" }));
    scene.settled("web");
    assert_eq!(scene.left(), Vec::<String>::new());
}

#[test]
fn a_role_that_a_service_account_may_assume() {
    let scene = Scene::new("route53");
    let moto = Moto::start();
    let zone = Moto::python(ZONE, &moto.url()).trim().trim_start_matches("/hostedzone/").to_owned();
    scene.issuer(json!({ "route53": {
        "region": "eu-central-1", "hostedZoneID": zone, "role": "arn:aws:iam::123456789012:role/dns",
        "auth": { "kubernetes": { "serviceAccountRef": { "name": "dns" } } },
    } }));
    let aws = || Aws::new(&moto, &zone, &scene.dns);
    let services = Services::at("route53.amazonaws.com", aws()).and("sts.eu-central-1.amazonaws.com", aws());
    let _operator = scene.start(services);

    scene.ask("web");
    let told = scene.refused();
    let namespace = &scene.space.namespace;
    let wanted = format!(
        "error getting service account token: failed to request token for {namespace}/dns: serviceaccounts \"dns\" not found"
    );
    assert_eq!(told, wanted);
    scene.space.apply(&json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "dns" } }));
    scene.settled("web");
    assert_eq!(scene.left(), Vec::<String>::new());
    let asked = scene.proxy.calls().iter().filter(|it| it.call.resource == "serviceaccounts/token").count();
    assert!((2..10).contains(&asked), "one token lasts: {asked}");
    assert!(moto.log().contains("POST /2013-04-01/hostedzone/"), "{}", moto.log());
}

#[test]
fn a_role_on_top_of_keys_which_may_assume_it_later() {
    let scene = Scene::new("route53");
    let moto = Moto::start();
    let zone = Moto::python(ZONE, &moto.url()).trim().trim_start_matches("/hostedzone/").to_owned();
    scene.secret("aws", json!({ "key": "TOP-SECRET-key" }));
    scene.issuer(json!({ "route53": {
        "region": "eu-central-1", "hostedZoneID": zone, "role": "arn:aws:iam::123456789012:role/dns",
        "accessKeyID": "AKIDEXAMPLE", "secretAccessKeySecretRef": { "name": "aws", "key": "key" },
    } }));
    let aws = || Aws::new(&moto, &zone, &scene.dns);
    let (is_open, assumed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let gate = Gate { aws: aws(), is_open: Arc::clone(&is_open), assumed: Arc::clone(&assumed) };
    let services = Services::at("route53.amazonaws.com", aws()).and("sts.eu-central-1.amazonaws.com", gate);
    let _operator = scene.start(services);

    scene.ask("web");
    let told = scene.refused();
    let wanted = "error instantiating route53 challenge solver: unable to assume role: sts:AssumeRole on arn:aws:iam::123456789012:role/dns";
    assert!(told.starts_with(wanted) && told.contains("AccessDenied"), "{told}");
    is_open.store(true, Ordering::Relaxed);
    scene.settled("web");
    assert_eq!(scene.left(), Vec::<String>::new());
    assert_eq!(assumed.load(Ordering::Relaxed), 1, "what a role gives lasts");
}

#[test]
fn what_the_process_runs_with_where_an_issuer_may_use_it() {
    let scene = Scene::new("route53");
    let moto = Moto::start();
    let zone = Moto::python(ZONE, &moto.url()).trim().trim_start_matches("/hostedzone/").to_owned();
    scene.issuer(json!({ "route53": { "hostedZoneID": zone } }));
    let aws = || Aws::new(&moto, &zone, &scene.dns);
    let services = Services::at("route53.amazonaws.com", aws()).and("169.254.169.254", aws());
    let mut settings = scene.space.settings();
    settings.ambient_credentials.issuers = Ambient::Allowed;
    let _operator = scene.start_with(settings, services);

    scene.ask("web");
    scene.settled("web");
    assert_eq!(scene.left(), Vec::<String>::new());
    assert!(moto.log().contains("/latest/meta-data/iam/security-credentials/"), "{}", moto.log());
    assert!(moto.log().contains("POST /2013-04-01/hostedzone/"), "{}", moto.log());
}

#[test]
fn an_issuer_of_a_namespace_does_not_use_what_the_process_runs_with() {
    let scene = Scene::new("route53");
    scene.issuer(json!({ "route53": { "region": "eu-central-1" } }));
    let _operator = scene.start(Services::default());
    scene.ask("web");
    let wanted = "error instantiating route53 challenge solver: unable to construct route53 provider: empty credentials; perhaps you meant to enable ambient credentials? (--issuer-ambient-credentials)";
    eventually("a word about credentials", || {
        let told =
            scene.space.list("challenges").iter().map(|it| it["status"]["reason"].to_string()).collect::<String>();
        if told.starts_with(&format!("\"{wanted}")) { Ok(()) } else { Err(told) }
    });
}

/// moto behind the names of AWS; what it holds of the zone is what the world sees.
struct Aws {
    url: String,
    zone: String,
    dns: SimDns,
    way: Arc<ReqwestTransport>,
    client: Client,
}

impl Aws {
    fn new(moto: &Moto, zone: &str, dns: &SimDns) -> Self {
        let way = Arc::new(ReqwestTransport::new().expect("a transport"));
        let keys = Arc::new(Fixed::new(Credentials::new("AKIDEXAMPLE", &secret("TOP-SECRET-key"))));
        let endpoint = endpoint_at(&moto.url(), Partition::Aws).expect("an endpoint");
        let client = Client::new(endpoint, keys, Arc::clone(&way) as Arc<dyn Transport>, Arc::new(Wall));
        Self { url: moto.url(), zone: zone.to_owned(), dns: dns.clone(), way, client }
    }

    async fn show(&self) -> Result<(), Error> {
        let path = format!("/2013-04-01/hostedzone/{}/rrset", self.zone);
        let answer = self.client.send("looking", Request::get(path).body(Bytes::new()).expect("a request")).await?;
        let text = std::str::from_utf8(answer.body()).expect("text");
        for name in self.dns.names_with_txt() {
            for value in self.dns.lookup_txt(&name).unwrap_or_default() {
                self.dns.remove_txt(&name, &value);
            }
        }
        let root = Element::parse(text).expect("XML");
        let sets = root.child("ResourceRecordSets").expect("record sets").children();
        for set in sets.iter().filter(|it| it.find(&["Type"]) == Some("TXT")) {
            let name = set.find(&["Name"]).expect("a name").trim_end_matches('.');
            for record in set.child("ResourceRecords").expect("records").children() {
                self.dns.add_txt(name, record.find(&["Value"]).expect("a value").trim_matches('"'));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Transport for Aws {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
        let changes = request.method() == Method::POST && path.ends_with("/rrset/");
        *request.uri_mut() = format!("{}{path}", self.url).parse().expect("a URL");
        let answer = self.way.send(request).await?;
        if changes {
            self.show().await?;
        }
        Ok(answer)
    }
}

/// The service that gives what a role may use, which refuses at first.
struct Gate {
    aws: Aws,
    is_open: Arc<AtomicBool>,
    assumed: Arc<AtomicUsize>,
}

#[async_trait]
impl Transport for Gate {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        if self.is_open.load(Ordering::Relaxed) {
            self.assumed.fetch_add(1, Ordering::Relaxed);
            return self.aws.send(request).await;
        }
        let refusal = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>";
        Ok(Response::builder().status(403).body(Bytes::from_static(refusal.as_bytes())).expect("an answer"))
    }
}

/// Makes the zone and prints its id.
const ZONE: &str = r#"
import sys
import boto3
url = sys.stdin.read()
route53 = boto3.client("route53", endpoint_url=url, region_name="us-east-1", aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="TOP-SECRET-key")
print(route53.create_hosted_zone(Name="example.test.", CallerReference="1")["HostedZone"]["Id"])
"#;
