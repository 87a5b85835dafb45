//! Route 53: moto, and a double that is as strict and as slow as the service is.

use std::time::Duration;

use acme_core::transport::ReqwestTransport;
use acme_core::{Error as CoreError, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use certwright_solvers::credentials::aws::xml::Element;
use certwright_solvers::credentials::aws::{Client, Credentials, Partition};
use certwright_solvers::dns::route53::{Budget, Route53, endpoint, endpoint_at};
use certwright_solvers::dns01::{DnsProvider as _, Zones};
use certwright_solvers::{ErrorKind, Readiness, Retry};
use futures_util::future::join_all;
use http::{Request, Response};
use testkit::conformance;
use testkit::doubles::Double;
use testkit::doubles::route53::{self, refused};
use testkit::servers::Moto;
use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn route_53_keeps_the_contract_of_providers() {
    let (dns, double, clock) = service();
    let budget = Arc::new(Budget::default());
    let lookup = async |owner: &DnsName| texts(&dns, owner.as_str());
    let provider = || provider(&double, &clock).with_budget(budget.clone());
    conformance::dns_provider(provider, lookup, &record("")).await.unwrap();
}

#[tokio::test]
async fn moto_finds_the_contract_kept_too() {
    let moto = Moto::start();
    let zone = Moto::python(ZONE, &moto.url());
    let budget = Arc::new(Budget::per_second(1000));
    let client = || {
        let endpoint = endpoint_at(&moto.url(), Partition::Aws).unwrap();
        Client::new(endpoint, fixed(credentials()), Arc::new(ReqwestTransport::new().unwrap()), Arc::new(Wall))
    };
    let provider = || Route53::new(client()).with_budget(budget.clone());
    let lookup = async |owner: &DnsName| {
        let path = format!("/2013-04-01{}/rrset", zone.trim());
        let answer = client().send("looking", Request::get(path).body(Bytes::new()).unwrap()).await.unwrap();
        values_at(std::str::from_utf8(answer.body()).unwrap(), owner)
    };
    conformance::dns_provider(provider, lookup, &record("")).await.unwrap();
}

#[test]
fn the_aws_sdk_in_lego_finds_the_same_service_in_the_double() {
    let dns = SimDns::new();
    let service = route53::Route53::new(credentials(), dns.clone(), Arc::new(Wall));
    let double = Double::new(service.with_zone("example.net", "Z0").with_zone("example.org", "Z1").at_once());
    let served = double.serve();
    let settings = [("id", "AKIDEXAMPLE"), ("secret", "TOP-SECRET-key")];
    lego_comes_and_goes(&Lego::open("route53", &served.url(), "example.org", &settings), &dns);
    // lego reads before each change and asks after it: four calls for each of two values and their removal.
    assert_eq!(double.calls().len(), 16);
    let wrong = [("id", "AKIDEXAMPLE"), ("secret", "another")];
    let error = Lego::open("route53", &served.url(), "example.org", &wrong).present("www.example.org", "t", "t.k");
    assert!(error.unwrap_err().contains("SignatureDoesNotMatch"));
}

#[tokio::test(start_paused = true)]
async fn fifty_two_values_of_one_zone_cost_two_batches() {
    let (dns, double, clock) = service();
    let provider = provider(&double, &clock);
    let values: Vec<String> = (10..62).map(|number| format!("value-{number}")).collect();
    let owner = |value: &str| format!("_acme-challenge.{value}.example.org");
    let record = |value: &str| {
        TxtRecord::new(name(&owner(value)), value, name("example.org")).with_zone(Zone::new(name("example.org")))
    };
    let adding = values.iter().map(|value| {
        let (provider, record) = (&provider, record(value));
        async move { provider.add_txt(&record).await }
    });
    join_all(adding).await.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(double.service().batches(), [1, 51]);
    assert!(values.iter().all(|value| texts(&dns, &owner(value)) == [value.as_str()]));

    // One look for each batch, whoever asks.
    let before = double.calls().len();
    for value in &values {
        assert!(matches!(provider.settled(value).await.unwrap(), Readiness::NotYet { .. }));
    }
    pass(Duration::from_secs(31)).await;
    for value in &values {
        assert_eq!(provider.settled(value).await.unwrap(), Readiness::Ready);
    }
    assert_eq!(double.calls().len() - before, 4);

    let removing = values.iter().map(|value| {
        let (provider, record) = (&provider, record(value));
        async move { provider.remove_txt(&record).await }
    });
    join_all(removing).await.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(double.service().batches(), [1, 51, 1, 51]);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_harms_nobody_who_waits() {
    let (dns, double, clock) = service();
    let provider = provider(&double, &clock).with_zone_id("Z1");
    let (first, second, third) = (record("first"), record("second"), record("third"));
    let mut leader = Box::pin(provider.add_txt(&first));
    let mut given_up = Box::pin(provider.add_txt(&second));
    let mut follower = Box::pin(provider.add_txt(&third));
    assert!(futures_util::poll!(&mut leader).is_pending());
    assert!(futures_util::poll!(&mut given_up).is_pending());
    assert!(futures_util::poll!(&mut follower).is_pending());
    drop(leader);
    drop(given_up);
    // Route 53 acts on what was sent, whoever waits for the answer.
    pass(Duration::from_millis(200)).await;
    follower.await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["first", "third"]);
    assert_eq!(double.service().batches(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_added_and_removed_at_once_ends_as_it_was_asked_last() {
    let (dns, double, clock) = service();
    let provider = provider(&double, &clock).with_zone_id("Z1");
    let (other, value) = (record("other"), record("value"));
    let (first, added, removed) =
        futures_util::join!(provider.add_txt(&other), provider.add_txt(&value), provider.remove_txt(&value));
    first.and(added).and(removed).unwrap();
    assert_eq!(texts(&dns, OWNER), ["other"]);
    assert_eq!(double.service().batches(), [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn what_other_tools_wrote_in_one_set_stays_and_is_joined() {
    let (dns, double, clock) = service();
    double.service().write_simple("Z1", OWNER, &["theirs"]);
    let provider = provider(&double, &clock);
    provider.add_txt(&record("ours")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["ours", "theirs"]);
    pass(Duration::from_secs(1)).await;
    provider.remove_txt(&record("ours")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["theirs"]);
    pass(Duration::from_secs(1)).await;
    provider.remove_txt(&record("ours")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["theirs"]);
}

#[tokio::test(start_paused = true)]
async fn one_misfit_does_not_spoil_a_batch() {
    let (dns, double, clock) = service();
    double.service().write_simple("Z1", "_acme-challenge.taken.example.org", &["theirs"]);
    let provider = provider(&double, &clock);
    let at =
        |owner: &str| TxtRecord::new(name(owner), "v", name("example.org")).with_zone(Zone::new(name("example.org")));
    let records = [
        "_acme-challenge.a.example.org",
        "_acme-challenge.taken.example.org",
        "_acme-challenge.b.example.org",
        "_acme-challenge.example.com",
    ];
    let records = records.map(at);
    let outcomes = join_all(records.iter().map(|record| patiently(&provider, record))).await;
    assert!(outcomes[..3].iter().all(Result::is_ok), "{outcomes:?}");
    let error = outcomes[3].as_ref().unwrap_err();
    assert!(error.to_string().contains("is not permitted in zone example.org."), "{error}");
    assert_eq!(texts(&dns, "_acme-challenge.taken.example.org"), ["theirs", "v"]);
}

#[tokio::test(start_paused = true)]
async fn a_set_with_another_ttl_is_removed_all_the_same() {
    let (dns, double, clock) = service();
    let provider = provider(&double, &clock);
    provider.add_txt(&record("value").with_ttl(Duration::from_secs(10))).await.unwrap();
    provider.remove_txt(&record("value")).await.unwrap();
    assert!(texts(&dns, OWNER).is_empty());
}

#[tokio::test(start_paused = true)]
async fn with_the_zones_id_one_permission_suffices() {
    let (dns, double, clock) = service();
    for action in ["ListHostedZonesByName", "GetChange", "ListResourceRecordSets"] {
        double.service().deny(&format!("route53:{action}"));
    }
    let provider = provider(&double, &clock).with_zone_id("/hostedzone/Z1");
    assert!(matches!(provider.zones(), Zones::Unneeded));
    let record = |value| TxtRecord::new(name(OWNER), value, name("www.example.org"));
    provider.add_txt(&record("value")).await.unwrap();
    assert_eq!(provider.settled("value").await.unwrap(), Readiness::Ready);
    provider.add_txt(&record("other")).await.unwrap();
    assert_eq!(provider.settled("other").await.unwrap(), Readiness::Ready);
    assert_eq!(double.calls().iter().filter(|it| it.contains("/change/")).count(), 1);
    provider.remove_txt(&record("value")).await.unwrap();
    provider.remove_txt(&record("other")).await.unwrap();
    pass(Duration::from_secs(1)).await;
    provider.remove_txt(&record("value")).await.unwrap();
    assert!(texts(&dns, OWNER).is_empty());
}

#[tokio::test(start_paused = true)]
async fn private_zones_are_passed_over() {
    let (_, double, clock) = service();
    provider(&double, &clock).add_txt(&record("value")).await.unwrap();
    assert_eq!(double.calls().last().unwrap(), "POST /2013-04-01/hostedzone/Z1/rrset/");
    let inside = TxtRecord::new(name("_acme-challenge.corp.example"), "v", name("corp.example"))
        .with_zone(Zone::new(name("corp.example")));
    let error = provider(&double, &clock).add_txt(&inside).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("the hosted zone corp.example is private"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_sixth_request_in_a_second_waits_outside() {
    let (_, double, clock) = service();
    let provider = provider(&double, &clock).with_zone_id("Z1");
    for number in 0..5 {
        pass(Duration::from_millis(50)).await;
        provider.add_txt(&record(&format!("{number}"))).await.unwrap_or_else(|error| panic!("{number}: {error}"));
        pass(Duration::from_millis(50)).await;
    }
    let mut refused = 0;
    for number in 0..5 {
        if let Err(error) = provider.add_txt(&record(&format!("more-{number}"))).await {
            assert_eq!(error.kind(), ErrorKind::Busy);
            assert!(matches!(error.retry(), Retry::After(_)), "{error:?}");
            refused += 1;
        }
    }
    assert!(refused > 0);
}

#[tokio::test(start_paused = true)]
async fn refusals_name_the_action_and_the_thing() {
    let zone = "arn:aws:route53:::hostedzone/Z1";
    let (_, double, clock) = service();
    double.service().deny("route53:ChangeResourceRecordSets");
    let error = provider(&double, &clock).add_txt(&record("v")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never));
    let begins = format!(
        "adding a TXT value at {OWNER}: route53:ChangeResourceRecordSets on {zone}: AWS answered AccessDenied: "
    );
    assert!(error.to_string().starts_with(&begins), "{error}");

    let (_, double, clock) = service();
    double.service().deny("route53:ListHostedZonesByName");
    let error = provider(&double, &clock).add_txt(&record("v")).await.unwrap_err();
    assert!(error.to_string().contains("route53:ListHostedZonesByName on *"), "{error}");

    let (_, double, clock) = service();
    double.service().write_simple("Z1", OWNER, &["theirs"]);
    double.service().deny("route53:ListResourceRecordSets");
    let error = provider(&double, &clock).add_txt(&record("v")).await.unwrap_err();
    assert!(error.to_string().contains("but a non multivalue answer rrset exists"), "{error}");
    assert!(
        error
            .to_string()
            .ends_with(&format!("allow route53:ListResourceRecordSets on {zone}, so that what is there can be seen")),
        "{error}"
    );

    let (_, double, clock) = service();
    let error = provider(&double, &clock).add_txt(&elsewhere()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::NotFound, Retry::Backoff));
    assert!(error.to_string().contains("Route 53 has no hosted zone example.com in the account"), "{error}");

    for code in ["PriorRequestNotComplete", "Throttling"] {
        let (_, double, clock) = service();
        double.fail_next(refused(400, code, "Later."));
        let error = provider(&double, &clock).with_zone_id("Z1").add_txt(&record("v")).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::Backoff), "{code}");
    }
}

#[test]
fn each_partition_has_one_address_and_one_region() {
    for (partition, url, region) in [
        (Partition::Aws, "https://route53.amazonaws.com", "us-east-1"),
        (Partition::China, "https://route53.amazonaws.com.cn", "cn-northwest-1"),
        (Partition::UsGov, "https://route53.us-gov.amazonaws.com", "us-gov-west-1"),
    ] {
        let endpoint = endpoint(partition).unwrap();
        assert_eq!((endpoint.url().as_str(), endpoint.scope().region().as_str()), (url, region));
    }
}

/// Lets time pass on the paused clock of the runtime.
#[expect(clippy::disallowed_methods, reason = "the runtime's clock is paused and jumps")]
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// The TXT values at `owner` in an answer to ListResourceRecordSets.
fn values_at(answer: &str, owner: &DnsName) -> Vec<String> {
    let root = Element::parse(answer).unwrap();
    let sets = root.child("ResourceRecordSets").unwrap().children();
    let ours =
        sets.iter().filter(|it| it.find(&["Name"]) == Some(&format!("{owner}.")) && it.find(&["Type"]) == Some("TXT"));
    let records = ours.flat_map(|it| it.child("ResourceRecords").unwrap().children());
    records.map(|it| it.find(&["Value"]).unwrap().trim_matches('"').to_owned()).collect()
}

/// Adds as a driver does: what is busy until a time is called again then.
async fn patiently(provider: &Route53, record: &TxtRecord) -> Result<(), CoreError> {
    loop {
        match provider.add_txt(record).await {
            Err(error) => match error.retry() {
                Retry::After(wait) => pass(wait).await,
                Retry::Backoff | Retry::Never => return Err(error),
            },
            Ok(()) => return Ok(()),
        }
    }
}

/// The clock of the paused runtime: it jumps when everybody waits.
struct Paused(Instant);

impl Clock for Paused {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(1_767_323_045) + self.0.elapsed()
    }
}

/// Each exchange takes a tenth of a second and a bit more, so that things can happen meanwhile.
struct Far<S>(Double<S>);

#[async_trait]
impl<S: testkit::doubles::Service> Transport for Far<S> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, CoreError> {
        let answer = self.0.send(request).await;
        pass(Duration::from_millis(120)).await;
        answer
    }
}

fn credentials() -> Credentials {
    Credentials::new("AKIDEXAMPLE", &secret("TOP-SECRET-key"))
}

fn service() -> (SimDns, Double<route53::Route53>, Arc<dyn Clock>) {
    let (dns, clock): (_, Arc<dyn Clock>) = (SimDns::new(), Arc::new(Paused(Instant::now())));
    let service = route53::Route53::new(credentials(), dns.clone(), clock.clone())
        .with_private_zone("example.org", "Z0")
        .with_zone("example.org", "Z1")
        .with_zone("www.example.org.uk", "Z2")
        .with_private_zone("corp.example", "Z3");
    (dns, Double::new(service), clock)
}

fn provider(double: &Double<route53::Route53>, clock: &Arc<dyn Clock>) -> Route53 {
    let transport = Arc::new(Far(double.clone()));
    Route53::new(Client::new(endpoint(Partition::Aws).unwrap(), fixed(credentials()), transport, clock.clone()))
}

const ZONE: &str = r#"
import sys, boto3
route53 = boto3.client("route53", endpoint_url=sys.stdin.read(), region_name="us-east-1", aws_access_key_id="setup", aws_secret_access_key="setup")
print(route53.create_hosted_zone(Name="example.org", CallerReference="r")["HostedZone"]["Id"])
"#;
