//! What it refuses, and with which words.

use std::process::{Command, Output};

#[test]
fn a_flag_that_does_not_exist_names_the_nearest() {
    assert_refused(
        &["--leader-elect-namespace=x"],
        "there is no flag --leader-elect-namespace; did you mean --leader-election-namespace?",
    );
}

#[test]
fn a_role_that_is_none_and_one_that_is_not_there_yet_are_told_apart() {
    assert_refused(&["--roles=solvr"], "there is no role \"solvr\"; did you mean solver?");
    let output = run(&["--roles=controller,webhook"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("the role webhook is not there yet"), "{}", text(&output.stderr));
}

#[test]
fn a_value_that_makes_no_sense_names_its_flag() {
    assert_refused(&["--dns01-check-retry-period=soon"], "--dns01-check-retry-period: \"soon\" is not a time span");
    assert_refused(&["--concurrent-workers=many"], "--concurrent-workers: \"many\" is not a whole number");
    assert_refused(
        &["--leader-election-lease-duration=10s", "--leader-election-renew-deadline=20s"],
        "must be longer than the renew deadline",
    );
    assert_refused(&["--acme-http01-solver-resource-limits-cpu=much"], "\"much\" is not an amount such as 100m");
    assert_refused(&["--metrics-tls-cert-file=/a"], "belong together");
    assert_refused(&["--metrics-dynamic-serving-ca-secret-name=a"], "belong together");
    assert_refused(
        &[
            "--metrics-tls-cert-file=/a",
            "--metrics-tls-private-key-file=/b",
            "--metrics-dynamic-serving-ca-secret-namespace=a",
            "--metrics-dynamic-serving-ca-secret-name=b",
            "--metrics-dynamic-serving-dns-names=c",
        ],
        "exclude each other",
    );
    assert_refused(&["--feature-gates=Everything=true"], "there is no gate Everything");
    let many: Vec<String> = (0..51).map(|it| format!("team-{it}")).collect();
    assert_refused(&[&format!("--namespaces={}", many.join(","))], "--namespaces names 51 namespaces, and takes 50");
}

#[test]
fn a_configuration_file_that_is_not_there_is_named() {
    assert_refused(&["--config=/nowhere/config.yaml"], "--config: /nowhere/config.yaml cannot be read");
}

#[test]
fn a_kubeconfig_that_is_not_there_is_named() {
    assert_refused(&["--kubeconfig=/nowhere/config"], "the kubeconfig /nowhere/config cannot be used");
}

#[test]
fn definitions_and_version_are_printed() {
    let crds = run(&["crds"]);
    assert!(crds.status.success());
    assert_eq!(text(&crds.stdout).matches("\nkind: CustomResourceDefinition").count(), 6);
    let version = run(&["version"]);
    assert_eq!(text(&version.stdout), concat!("certwright-operator ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[track_caller]
fn assert_refused(arguments: &[&str], words: &str) {
    let output = run(arguments);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(words), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_certwright-operator")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
