//! What a certificate asks for beside names and addresses.

use acme_core::{ErrorKind, Identifier, Retry};
use certwright_certstore::Spec;
use certwright_certstore::spec::{Authority, Contents};
use issuers::name::Subject;
use issuers::template::{Extension, NameConstraints, Subtrees, Usages};

#[test]
fn names_are_in_cert_managers_order() {
    let spec = Spec::new(["192.0.2.1", "example.com"]).unwrap().with_contents(
        Contents::new()
            .with_other_name("1.3.6.1.4.1.311.20.2.3".parse().unwrap(), "jane@corp.example")
            .with_uri("spiffe://example.com/web")
            .with_email("ops@example.com"),
    );

    let extensions = spec.draft().unwrap().extensions();

    let names = extensions.find(&Extension::SUBJECT_ALTERNATIVE_NAME).unwrap().value();
    let kinds = [0x82, 0x81, 0x87, 0x86, 0xa0];
    let mut rest = &names[2..];
    for kind in kinds {
        assert_eq!(rest[0], kind, "{names:02x?}");
        rest = &rest[2 + usize::from(rest[1])..];
    }
    assert!(rest.is_empty());
}

#[test]
fn what_is_not_asked_for_is_left_to_the_issuer() {
    let spec = Spec::new(["example.com"]).unwrap();
    let extensions = spec.draft().unwrap().extensions();
    assert_eq!(extensions.iter().count(), 1, "the names alone, as ever");
    assert!(spec.draft().unwrap().subject().is_empty());
}

#[test]
fn an_authority_asks_for_its_constraints() {
    let permitted = Subtrees::new().with_dns_domains(["example.com"]);
    let constraints = NameConstraints::new(permitted, Subtrees::new());
    let authority = Authority::new().with_path_length(0).with_name_constraints(constraints.clone());
    let spec = Spec::called("ca").with_contents(
        Contents::new()
            .with_common_name("Example CA")
            .with_usages(Usages::parse(["digital signature"]).unwrap())
            .for_authority(authority),
    );

    let extensions = spec.draft().unwrap().extensions();

    let order: Vec<_> = extensions.iter().map(|it| it.oid().to_string()).collect();
    assert_eq!(order, ["2.5.29.15", "2.5.29.19", "2.5.29.30"]);
    assert_eq!(extensions.find(&Extension::NAME_CONSTRAINTS), Some(&constraints.to_extension().unwrap()));
}

#[test]
fn what_is_wrong_is_said_and_no_time_mends_it() {
    let mut subject = Subject::default();
    subject.organizations = vec!["Example".to_owned()];
    let literal = Contents::new().with_literal_subject("CN=example.com");
    let constraints = NameConstraints::new(Subtrees::new(), Subtrees::new());
    for (contents, kind, why) in [
        (
            literal.clone().with_common_name("example.com"),
            ErrorKind::Malformed,
            "When providing a `LiteralSubject` no `commonName` may be provided.",
        ),
        (
            literal.clone().with_subject(subject),
            ErrorKind::Malformed,
            "When providing a `LiteralSubject` no `Subject` properties may be provided.",
        ),
        (Contents::new().with_literal_subject("FOO=a"), ErrorKind::Malformed, "\"FOO\" is not a known attribute type"),
        (Contents::new().with_literal_subject("O=Example"), ErrorKind::Malformed, "the request is empty"),
        (Contents::new(), ErrorKind::Malformed, "the request is empty"),
        (Contents::new().with_common_name("a".repeat(65)), ErrorKind::Malformed, "longer than 64 octets"),
        (Contents::new().with_email("ops@bücher.example"), ErrorKind::Unsupported, "letters beyond ASCII"),
        (Contents::new().with_uri("example.com"), ErrorKind::Malformed, "not an absolute URI"),
        (Contents::new().with_other_name("1.2.3".parse().unwrap(), ""), ErrorKind::Malformed, "is empty"),
        (
            literal.for_authority(Authority::new().with_name_constraints(constraints)),
            ErrorKind::Malformed,
            "something that is permitted or excluded",
        ),
    ] {
        let error = contents.draft(&[]).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!((error.kind(), error.retry()), (kind, Retry::Never), "{error}");
    }
    let strange: Identifier = serde_json::from_str(r#"{"type":"onion","value":"x"}"#).unwrap();
    assert_eq!(Contents::new().draft(&[strange]).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn dns_names_are_written_as_somebody_compares_them() {
    let names = [Identifier::parse("example.com").unwrap(), Identifier::parse("a.example").unwrap()];
    let written = ["a.example", "Example.COM", "example.com", "a.example"];
    let draft = Contents::new().with_dns_names_as_written(written).draft(&names).unwrap();
    let extensions = draft.extensions();
    let value = extensions.find(&Extension::SUBJECT_ALTERNATIVE_NAME).unwrap().value();
    let asked = written.map(|it| [&[0x82, u8::try_from(it.len()).unwrap()], it.as_bytes()].concat()).concat();
    assert_eq!(value[2..], asked);
    for written in [&["example.com"][..], &["example.com", "a.example", "b.example"], &["example.com.", "a.example"]] {
        let error = Contents::new().with_dns_names_as_written(written.to_vec()).draft(&names).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{written:?}");
    }
}
