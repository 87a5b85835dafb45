//! What a scrape reads.

use std::sync::Arc;
use std::time::Duration;

use acme_core::{Error, Timestamp, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use certwright_kube_adapter::metrics::{
    AcmeCall, Attempt, AttemptEnd, Census, CertificateRow, ChallengeRow, IssuerOf, IssuerRow, Metrics, OrderRow, Ready,
    RequestRow, Series,
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_323_045);
const ISSUER: IssuerOf<'static> = IssuerOf { group: "cert-manager.io", kind: "ClusterIssuer", name: "letsencrypt" };

#[test]
fn the_series_of_each_object_are_cert_managers() {
    let text = Metrics::default().render(&Shop, Series::Objects, NOW);
    let certificate = r#"issuer_group="cert-manager.io",issuer_kind="ClusterIssuer",issuer_name="letsencrypt",name="web",namespace="shop""#;
    for line in [
        "# TYPE certmanager_certificate_ready_status gauge".to_owned(),
        format!(r#"certmanager_certificate_ready_status{{condition="True",{certificate}}} 1"#),
        format!(r#"certmanager_certificate_ready_status{{condition="False",{certificate}}} 0"#),
        format!(r#"certmanager_certificate_ready_status{{condition="Unknown",{certificate}}} 0"#),
        format!("certmanager_certificate_not_before_timestamp_seconds{{{certificate}}} 1767322045"),
        format!("certmanager_certificate_not_after_timestamp_seconds{{{certificate}}} 1767333045"),
        format!("certmanager_certificate_expiration_timestamp_seconds{{{certificate}}} 1767333045"),
        format!("certmanager_certificate_renewal_timestamp_seconds{{{certificate}}} 0"),
        r#"certmanager_issuer_ready_status{condition="False",name="local",namespace="shop"} 1"#.to_owned(),
        r#"certmanager_clusterissuer_ready_status{condition="True",name="letsencrypt"} 1"#.to_owned(),
        r#"certmanager_certificate_challenge_status{domain="web.example",name="web-1-2-3",namespace="shop",processing="true",reason="DNS record for \"web.example\" not yet propagated",status="pending",type="DNS-01"} 1"#.to_owned(),
        "certmanager_clock_time_seconds_gauge 1767323045".to_owned(),
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\nis not in\n{text}");
    }
    assert_eq!(
        text.matches("certmanager_certificate_challenge_status{").count(),
        8,
        "cert-manager has eight for a Challenge"
    );
}

#[test]
fn what_users_ask_for_is_summed_up_by_issuer() {
    let text = Metrics::default().render(&Shop, Series::Sums, NOW);
    let issuer = r#"issuer_group="cert-manager.io",issuer_kind="ClusterIssuer",issuer_name="letsencrypt""#;
    for line in [
        format!(r#"certmanager_certificates{{condition="True",{issuer}}} 1"#),
        format!(r#"certmanager_certificates{{condition="False",{issuer}}} 1"#),
        format!("certmanager_certificates_earliest_expiration_timestamp_seconds{{{issuer}}} 1767333045"),
        format!("certmanager_certificates_backing_off{{{issuer}}} 1"),
        format!("certmanager_certificates_next_attempt_timestamp_seconds{{{issuer}}} 1767326645"),
        format!(r#"certmanager_certificate_requests{{{issuer},reason="Issued"}} 2"#),
        format!(r#"certmanager_orders{{{issuer},state="pending"}} 1"#),
        r#"certmanager_queue_depth{class="new"} 7"#.to_owned(),
        "certmanager_leader 1".to_owned(),
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\nis not in\n{text}");
    }
    assert!(!text.contains("name=\"web\""), "the number of sums does not grow with the number of certificates");
}

#[test]
fn what_happened_is_counted_by_issuer_and_reason() {
    let metrics = Metrics::default();
    for took in [40, 400, 4_000] {
        metrics.attempt(&Attempt { issuer: ISSUER, end: AttemptEnd::Issued(Some(Duration::from_millis(took))) });
    }
    metrics.attempt(&Attempt { issuer: ISSUER, end: AttemptEnd::Failed("Denied") });
    metrics.synced("certificates-issuing");
    metrics.sync_failed("certificates-issuing");
    metrics.event_dropped("Normal");
    let call = |status, millis| AcmeCall {
        scheme: "https",
        host: "acme.example",
        action: "get_order",
        method: "POST",
        status,
        took: Duration::from_millis(millis),
    };
    (1..=100).for_each(|millis| metrics.acme_call(&call(Some(200), millis)));
    metrics.acme_call(&call(None, 10_000));

    let text = metrics.render(&Shop, Series::Sums, NOW);
    let issuer = r#"issuer_group="cert-manager.io",issuer_kind="ClusterIssuer",issuer_name="letsencrypt""#;
    let acme = r#"action="get_order",host="acme.example",method="POST",scheme="https""#;
    for line in [
        format!("certmanager_certificate_issuances_total{{{issuer}}} 3"),
        format!(r#"certmanager_certificate_failures_total{{{issuer},reason="Denied"}} 1"#),
        format!(r#"certmanager_certificate_issuance_duration_seconds_bucket{{{issuer},le="0.05"}} 1"#),
        format!(r#"certmanager_certificate_issuance_duration_seconds_bucket{{{issuer},le="0.5"}} 2"#),
        format!(r#"certmanager_certificate_issuance_duration_seconds_bucket{{{issuer},le="+Inf"}} 3"#),
        format!("certmanager_certificate_issuance_duration_seconds_sum{{{issuer}}} 4.44"),
        format!("certmanager_certificate_issuance_duration_seconds_count{{{issuer}}} 3"),
        format!(r#"certmanager_http_acme_client_request_count{{{acme},status="200"}} 100"#),
        format!(r#"certmanager_http_acme_client_request_count{{{acme},status="999"}} 1"#),
        format!(r#"certmanager_http_acme_client_request_duration_seconds{{{acme},status="200",quantile="0.9"}} 0.09"#),
        r#"certmanager_controller_sync_call_count{controller="certificates-issuing"} 1"#.to_owned(),
        r#"certmanager_controller_sync_error_count{controller="certificates-issuing"} 1"#.to_owned(),
        r#"certmanager_events_dropped_total{type="Normal"} 1"#.to_owned(),
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\nis not in\n{text}");
    }
}

#[test]
fn every_family_is_said_once_and_every_line_is_one() {
    let metrics = Metrics::default();
    metrics.attempt(&Attempt { issuer: ISSUER, end: AttemptEnd::Issued(Some(Duration::from_millis(1))) });
    let text = metrics.render(&Shop, Series::Objects, NOW);
    let mut families: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let count = families.len();
    families.sort_unstable();
    families.dedup();
    assert_eq!(families.len(), count);
    let mut family = "";
    for line in text.lines() {
        match line.strip_prefix("# TYPE ") {
            Some(rest) => family = rest.split(' ').next().unwrap(),
            None if line.starts_with('#') => {}
            None => {
                assert!(line.starts_with(family), "{line} stands under {family}");
                let (_, value) = line.rsplit_once(' ').unwrap();
                assert!(value.parse::<f64>().is_ok(), "{line}");
            }
        }
    }
}

#[tokio::test]
async fn requests_to_an_acme_server_are_counted_by_what_they_are_for() {
    let metrics = Metrics::default();
    let transport = metrics.counting(Arc::new(Teapot));
    let ask = async || {
        let request = http::Request::get("https://acme.example:14000/dir").body(Bytes::new()).expect("a request");
        transport.send(request).await.expect("an answer");
    };
    ask().await;
    Metrics::during("register_account", ask()).await;
    let text = metrics.render(&Shop, Series::Sums, NOW);
    for action in ["discover", "register_account"] {
        let line = format!(
            r#"certmanager_http_acme_client_request_count{{action="{action}",host="acme.example:14000",method="GET",scheme="https",status="418"}} 1"#
        );
        assert!(text.lines().any(|it| it == line), "{line}\nis not in\n{text}");
    }
}

#[tokio::test]
async fn requests_to_venafis_services_are_counted_by_what_they_are_for() {
    let metrics = Metrics::default();
    let transport = metrics.counting_venafi(Arc::new(Teapot));
    for (method, path) in [
        ("POST", "vedauth/authorize/oauth"),
        ("POST", "vedsdk/certificates/checkpolicy"),
        ("POST", "vedsdk/certificates/reset"),
        ("POST", "vedsdk/certificates/request"),
        ("POST", "vedsdk/certificates/retrieve"),
        ("GET", "outagedetection/v1/applications/name/Web%20Shop"),
        ("POST", "outagedetection/v1/certificaterequests"),
        ("GET", "outagedetection/v1/certificaterequests/17"),
        ("GET", "outagedetection/v1/certificates/17/contents?format=PEM"),
    ] {
        let request = http::Request::builder().method(method).uri(format!("https://venafi.example/{path}"));
        transport.send(request.body(Bytes::new()).expect("a request")).await.expect("an answer");
    }
    let text = metrics.render(&Shop, Series::Sums, NOW);
    let calls = [
        ("read_zone_configuration", 2),
        ("request_certificate", 2),
        ("reset_certificate", 1),
        ("retrieve_certificate", 3),
    ];
    let counts = calls.map(|(call, count)| {
        format!(r#"certmanager_http_venafi_client_request_duration_seconds_count{{api_call="{call}"}} {count}"#)
    });
    let tokens = [
        r#"certmanager_venafi_oauth_token_requests_total{status="failure"} 1"#,
        r#"certmanager_venafi_oauth_token_requests_total{status="success"} 0"#,
        r#"certmanager_venafi_oauth_token_request_duration_seconds_bucket{le="30"} 1"#,
        "certmanager_venafi_oauth_token_request_duration_seconds_count 1",
    ];
    for line in counts.iter().map(String::as_str).chain(tokens) {
        assert!(text.lines().any(|it| it == line), "{line}\nis not in\n{text}");
    }
}

/// Answers everything the same.
struct Teapot;

#[async_trait]
impl Transport for Teapot {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, Error> {
        Ok(http::Response::builder().status(418).body(Bytes::new()).expect("an answer"))
    }
}

/// Two certificates of one issuer.
struct Shop;

impl Census for Shop {
    fn certificates(&self, row: &mut dyn FnMut(CertificateRow<'_>)) {
        let web = CertificateRow {
            namespace: "shop",
            name: "web",
            issuer: ISSUER,
            ready: Ready::True,
            not_before: Some(NOW - Duration::from_secs(1_000)),
            not_after: Some(NOW + Duration::from_secs(10_000)),
            renewal: None,
            next_attempt: None,
        };
        row(web);
        row(CertificateRow {
            name: "mail",
            ready: Ready::False,
            not_before: None,
            not_after: None,
            next_attempt: Some(NOW + Duration::from_secs(3_600)),
            ..web
        });
    }

    fn issuers(&self, row: &mut dyn FnMut(IssuerRow<'_>)) {
        row(IssuerRow { namespace: None, name: "letsencrypt", ready: Ready::True });
        row(IssuerRow { namespace: Some("shop"), name: "local", ready: Ready::False });
    }

    fn requests(&self, row: &mut dyn FnMut(RequestRow<'_>)) {
        for _ in 0..2 {
            row(RequestRow { issuer: ISSUER, reason: "Issued" });
        }
    }

    fn orders(&self, row: &mut dyn FnMut(OrderRow<'_>)) {
        row(OrderRow { issuer: ISSUER, state: "pending" });
    }

    fn challenges(&self, row: &mut dyn FnMut(ChallengeRow<'_>)) {
        row(ChallengeRow {
            namespace: "shop",
            name: "web-1-2-3",
            domain: "web.example",
            kind: "DNS-01",
            state: "pending",
            reason: "DNS record for \"web.example\" not yet propagated",
            processing: true,
        });
    }

    fn queue(&self, row: &mut dyn FnMut(&str, usize)) {
        row("new", 7);
    }

    fn leads(&self) -> bool {
        true
    }
}
