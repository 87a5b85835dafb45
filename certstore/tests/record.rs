//! Records as bytes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use acme_core::client::Chain;
use acme_core::{Identifier, KeyType, Secret, Timestamp};
use certwright_certstore::record::{Claim, FORMAT, Failure, History, Pending, Record, RenewalPlan};
use certwright_certstore::{Credential, ErrorKind, Spec};
use issuers::IssuerId;

/// What the first release writes. It is read for as long as the README promises; a change here is a new format.
const GOLDEN: &str = include_str!("record/format-1.json");

#[test]
fn the_first_format_is_read_and_written_byte_for_byte() {
    let record = Record::decode(GOLDEN.trim_end().as_bytes()).unwrap();
    assert_eq!(record.writes, 7);
    assert_eq!(
        record.spec.identifiers,
        [Identifier::parse("example.com").unwrap(), Identifier::parse("192.0.2.1").unwrap()]
    );
    assert_eq!(record.current().unwrap().key.expose(), b"a private key");
    assert_eq!(record.pending.as_ref().unwrap().progress.as_ref().unwrap().expose(), b"progress");
    assert_eq!(record.claim.as_ref().unwrap().epoch, 3);
    assert_eq!(record.history.failures, 1);
    assert!(record.renewal.as_ref().unwrap().window.is_some());
    let written = record.encode().unwrap();
    assert_eq!(String::from_utf8_lossy(written.expose()), GOLDEN.trim_end());
}

#[test]
fn a_newer_format_is_named_and_left_alone() {
    let newer = GOLDEN.replacen(&format!("\"format\":{FORMAT}"), &format!("\"format\":{}", FORMAT + 1), 1);
    let error = Record::decode(newer.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("newer release"), "{error}");
}

#[test]
fn what_is_no_record_is_an_error() {
    for bytes in [
        &b""[..],
        b"{}",
        b"null",
        b"{\"format\":1}",
        b"{\"format\":1,\"record\":{}}",
        b"\xff",
        &GOLDEN.as_bytes()[..100],
    ] {
        assert_eq!(Record::decode(bytes).unwrap_err().kind(), ErrorKind::Malformed);
    }
}

#[test]
fn no_key_is_printed() {
    let record = Record::decode(GOLDEN.trim_end().as_bytes()).unwrap();
    let printed = format!("{record:?}");
    for secret in ["a private key", "YSBwcml2YXRl", "97, 32, 112", "the next key", "progress\"", "cHJvZ3Jlc3M"] {
        assert!(!printed.contains(secret), "{secret}: {printed}");
    }
}

#[test]
fn a_record_that_no_store_takes_is_refused() {
    let mut record = Record::new(Spec::new(["example.com"]).unwrap());
    record.served.push(credential(vec![0; 200 * 1024]));
    let error = record.encode().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("example.com"), "{error}");
}

fn credential(key: Vec<u8>) -> Credential {
    let chain = Chain::new(vec![b"leaf".to_vec().into(), b"above".to_vec().into()]);
    let names = vec![Identifier::parse("example.com").unwrap()];
    Credential::new(
        Secret::new(key),
        KeyType::EcdsaP256,
        chain,
        names,
        IssuerId::new("acme"),
        Timestamp::from_unix_seconds(1_767_323_045),
    )
}

// The types of a record are public: users' own tools read records.
#[expect(dead_code, reason = "it is enough that it compiles")]
fn every_part_can_be_named(_: (Claim, Failure, History, Pending, RenewalPlan)) {}
