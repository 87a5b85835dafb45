//! From the start to an orderly end.

use serde_json::{Value, json};

use crate::cluster::{cluster, lease, namespace};
use crate::operator::Operator;

#[test]
fn it_becomes_ready_leads_serves_metrics_and_gives_everything_back() {
    let space = namespace("lifecycle");
    let operator = Operator::ready(&[&format!("--leader-election-namespace={space}"), "--v=2"]);
    operator.wait("it leads", || operator.leads());
    assert_eq!(operator.health("/livez"), (200, "ok".to_owned()));
    assert_eq!(operator.health("/elsewhere").0, 404);
    let metrics = operator.metrics();
    for family in ["certmanager_certificate_ready_status", "certmanager_queue_depth", "process_resident_memory_bytes"] {
        assert!(metrics.contains(&format!("# TYPE {family} ")), "{metrics}");
    }
    let holder = lease(&space).unwrap()["holderIdentity"].as_str().unwrap().to_owned();
    assert!(!holder.is_empty());

    let mut operator = operator;
    operator.signal("TERM");
    assert_eq!(operator.end().code(), Some(0), "{}", operator.log());
    let spec = lease(&space).unwrap();
    assert_eq!((&spec["holderIdentity"], &spec["leaseDurationSeconds"]), (&Value::Null, &json!(1)), "{spec}");
}

#[test]
fn metrics_show_the_objects_of_the_cluster() {
    let space = namespace("measured");
    let certificate = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
        "metadata": { "name": "web", "namespace": space },
        "spec": { "secretName": "web-tls", "dnsNames": ["web.example"], "issuerRef": { "name": "nobody", "kind": "Issuer" } },
    });
    cluster().write("POST", &format!("/apis/cert-manager.io/v1/namespaces/{space}/certificates"), &certificate);
    let arguments = [&format!("--leader-election-namespace={space}"), &format!("--namespace={space}")];
    let operator = Operator::ready(&arguments.map(String::as_str));
    let labels = r#"issuer_group="",issuer_kind="Issuer",issuer_name="nobody""#;
    let line =
        format!(r#"certmanager_certificate_expiration_timestamp_seconds{{{labels},name="web",namespace="{space}"}} 0"#);
    operator.wait("the certificate is among the metrics", || operator.metrics().lines().any(|it| it == line));

    let sums = Operator::ready(&[&arguments.map(String::as_str)[..], &["--metrics-series=sums"]].concat());
    let metrics = sums.metrics();
    assert!(metrics.contains(&format!("{labels}}} 1")), "{metrics}");
    assert!(!metrics.contains(r#"name="web""#), "{metrics}");
}

#[test]
fn a_configuration_file_is_obeyed_and_flags_go_before_it() {
    let space = namespace("configured");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(
        &mut file,
        b"apiVersion: controller.config.cert-manager.io/v1alpha1
kind: ControllerConfiguration
logging: {verbosity: 0, format: json}
kubernetesAPIQPS: 100
leaderElectionConfig: {namespace: elsewhere, leaseDuration: 9s, renewDeadline: 6s, retryPeriod: 3s}
",
    )
    .unwrap();
    let config = format!("--config={}", file.path().display());
    let operator = Operator::ready(&[&config, &format!("--leader-election-namespace={space}"), "--v=2"]);
    operator.wait("it leads", || operator.leads());
    assert_eq!(lease(&space).unwrap()["leaseDurationSeconds"], 9);

    let log = operator.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let said =
        |text: &str| lines.iter().filter(|it| it["message"].as_str().is_some_and(|it| it.contains(text))).count();
    assert_eq!(said("kubernetesAPIQPS in the configuration file has no effect here"), 1, "{log}");
}

#[test]
fn a_certificate_is_issued_counted_and_logged() {
    let space = namespace("issued");
    let apis = format!("/apis/cert-manager.io/v1/namespaces/{space}");
    let operator = Operator::ready(&[
        &format!("--leader-election-namespace={space}"),
        &format!("--namespaces={space}"),
        "--controllers=*,-ingress-shim",
        "--logging-format=json",
        "--v=2",
    ]);
    let issuer = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Issuer",
        "metadata": { "name": "self-signed" }, "spec": { "selfSigned": {} },
    });
    cluster().write("POST", &format!("{apis}/issuers"), &issuer);
    let certificate = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": { "name": "web" },
        "spec": {
            "secretName": "web-tls", "dnsNames": ["web.example"], "privateKey": { "algorithm": "ECDSA" },
            "issuerRef": { "name": "self-signed" },
        },
    });
    cluster().write("POST", &format!("{apis}/certificates"), &certificate);

    let issuer = r#"issuer_group="",issuer_kind="",issuer_name="self-signed""#;
    for line in [
        format!("certmanager_certificate_issuances_total{{{issuer}}} 1"),
        format!("certmanager_certificate_issuance_duration_seconds_count{{{issuer}}} 1"),
        format!(
            r#"certmanager_certificate_ready_status{{condition="True",{issuer},name="web",namespace="{space}"}} 1"#
        ),
        format!(r#"certmanager_issuer_ready_status{{condition="True",name="self-signed",namespace="{space}"}} 1"#),
    ] {
        operator.wait(&line, || operator.metrics().lines().any(|it| it == line));
    }
    let secret = cluster().read(&format!("/api/v1/namespaces/{space}/secrets/web-tls"));
    assert_eq!(secret["type"], "kubernetes.io/tls");

    let name = format!("{space}/web");
    let told = |line: &str| {
        let line: Value = serde_json::from_str(line).expect(line);
        line["certificate"] == *name
            && line["object"] == *name
            && line["reason"] == "Issuing"
            && line["level"] == "INFO"
    };
    operator.wait("the log says that it was issued", || operator.log().lines().any(told));
}
