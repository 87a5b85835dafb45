//! A program, as lego calls it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use acme_core::protocol::KeyAuthorization;
use certwright_solvers::dns::exec::Exec;
use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{ErrorKind, Retry};
use testkit::conformance;

use super::*;

#[tokio::test]
async fn a_program_keeps_the_contract_of_providers() {
    let folder = tempfile::tempdir().unwrap();
    let program = script(folder.path(), KEEPS);
    let lookup = async |_: &DnsName| lines(&folder.path().join("values"));
    conformance::dns_provider(|| Exec::new(&program), lookup, &record("")).await.unwrap();
}

#[tokio::test]
async fn lego_calls_the_program_in_the_same_words() {
    for mode in ["", "RAW"] {
        let folder = tempfile::tempdir().unwrap();
        let program = script(folder.path(), NOTES);
        let settings = [("program", program.to_str().unwrap()), ("mode", mode)];
        let lego = Lego::open("exec", "", "example.org", &settings);
        let value = lego.present("www.example.org", "-token", "-token.thumbprint").unwrap();
        lego.clean_up("www.example.org", "-token", "-token.thumbprint").unwrap();

        let ours = if mode.is_empty() { Exec::new(&program) } else { Exec::new(&program).raw() };
        let proof = KeyAuthorization::new("-token", "thumbprint").unwrap();
        let record = record(&value).with_key_authorization(proof);
        ours.add_txt(&record).await.unwrap();
        ours.remove_txt(&record).await.unwrap();

        let calls = lines(&folder.path().join("calls"));
        assert_eq!(calls[..2], calls[2..], "{calls:?}");
    }
}

#[tokio::test]
async fn a_failure_is_told_without_what_was_printed() {
    let folder = tempfile::tempdir().unwrap();
    let program = script(folder.path(), "echo TOP-SECRET >&2; exit 3");
    let error = Exec::new(&program).add_txt(&record("value")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Backoff));
    let text = format!("{error} {error:?}");
    assert!(text.contains(&format!("present for a TXT value at {OWNER}: it ended with exit status: 3")), "{text}");
    assert!(!text.contains("TOP-SECRET"), "{text}");
}

#[tokio::test]
async fn a_program_that_is_not_there_or_hangs_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = Exec::new(folder.path().join("none")).add_txt(&record("value")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let hangs = Exec::new(script(folder.path(), "exec sleep 600")).with_time_limit(Duration::from_millis(200));
    let error = hangs.remove_txt(&record("value")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unreachable, Retry::Backoff));
    assert!(error.to_string().ends_with("it did not end within 200ms and was killed"), "{error}");
}

fn script(folder: &Path, body: &str) -> PathBuf {
    let (draft, path) = (folder.join("draft"), folder.join("program"));
    fs::write(&draft, format!("#!/bin/sh\ncd {}\n{body}\n", folder.display())).unwrap();
    // Written by another process: a test that forks meanwhile must not hold it open for writing.
    assert!(Command::new("install").args(["-m", "700"]).args([&draft, &path]).status().unwrap().success());
    path
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(ToOwned::to_owned).collect()
}

/// Reads, changes and writes one file, as such programs do.
const KEEPS: &str = r#"
touch values
grep -vxF -- "$3" values > next
[ "$1" = present ] && echo "$3" >> next
mv next values
"#;

const NOTES: &str = r#"echo "$@" >> calls"#;
