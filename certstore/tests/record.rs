//! Records as bytes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use acme_core::client::Chain;
use acme_core::{Identifier, KeyType, Secret, Timestamp};
use certwright_certstore::record::{Claim, FORMAT, Failure, History, Pending, Record, RenewalPlan};
use certwright_certstore::spec::{Authority, Contents, Telling};
use certwright_certstore::{Credential, ErrorKind, Keys, Spec};
use issuers::IssuerId;
use issuers::name::Subject;
use issuers::template::{NameConstraints, Subtrees, Usages};

/// What the first release writes. It is read for as long as the README promises; a change here is a new format.
const GOLDEN: &str = include_str!("record/format-1.json");
/// The same with all that the second format added.
const SECOND: &str = include_str!("record/format-2.json");

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
fn the_second_format_is_read_and_written_byte_for_byte() {
    let record = Record::decode(SECOND.trim_end().as_bytes()).unwrap();
    let contents = everything();
    assert_eq!(record.spec.contents, contents);
    assert_eq!(record.current().unwrap().contents, contents);
    assert_eq!(record.pending.as_ref().unwrap().contents, contents);
    assert_eq!(String::from_utf8_lossy(record.encode().unwrap().expose()), SECOND.trim_end());
}

#[test]
fn a_record_is_written_in_the_oldest_format_that_holds_it() {
    let format = |spec: Spec| {
        let written = Record::new(spec).encode().unwrap();
        String::from_utf8_lossy(&written.expose()[..11]).into_owned()
    };
    let names = Spec::new(["example.com"]).unwrap();
    assert_eq!(format(names.clone()), r#"{"format":1"#);
    assert_eq!(format(names.clone().with_keys(Keys::Pinned)), r#"{"format":2"#);
    assert_eq!(format(names.with_contents(Contents::new().with_common_name("example.com"))), r#"{"format":2"#);
}

#[test]
fn a_newer_format_is_named_and_left_alone() {
    let newer = GOLDEN.replacen("\"format\":1", &format!("\"format\":{}", FORMAT + 1), 1);
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

fn everything() -> Contents {
    let mut subject = Subject::default();
    subject.organizations = vec!["Example".to_owned(), "Beispiel".to_owned()];
    subject.countries = vec!["DE".to_owned()];
    subject.serial_number = Some("42".to_owned());
    let permitted = Subtrees::new()
        .with_dns_domains(["example.com"])
        .with_ip_ranges(["10.0.0.0/8".parse().unwrap()])
        .with_email_addresses([".example.com"])
        .with_uri_domains(["example.com"]);
    let constraints = NameConstraints::new(permitted, Subtrees::new().with_dns_domains(["secret.example.com"]));
    Contents::new()
        .with_subject(subject)
        .with_common_name("example.com")
        .with_email("ops@example.com")
        .with_uri("spiffe://example.com/web")
        .with_other_name("1.3.6.1.4.1.311.20.2.3".parse().unwrap(), "jane@corp.example")
        .with_usages(Usages::parse(["digital signature", "server auth", "1.2.3.4"]).unwrap())
        .with_usages_told(Telling::BesideRequest)
        .for_authority(Authority::new().with_path_length(1).with_name_constraints(constraints))
}

// The types of a record are public: users' own tools read records.
#[expect(dead_code, reason = "it is enough that it compiles")]
fn every_part_can_be_named(_: (Claim, Failure, History, Pending, RenewalPlan)) {}
