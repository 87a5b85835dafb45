//! Distinguished names in the words of RFC 4514: cert-manager's `literalSubject`.

use certwright_issuers::name::{Attribute, AttributeType, DistinguishedName, RelativeName};
use certwright_issuers::{ErrorKind, ObjectIdentifier, csr, limits};
use futures_util::FutureExt as _;
use proptest::prelude::*;

use super::certificates::hex;
use super::openssl::OpenSsl;

#[test]
fn the_last_relative_name_written_is_the_first_encoded() {
    let name = parse("CN=www.example.com,OU=Web,OU=Ops,O=Example,DC=example,DC=com,C=DE");

    let kinds: Vec<String> = name.parts().iter().map(|it| it.attributes()[0].kind().to_string()).collect();
    assert_eq!(kinds, ["C", "DC", "DC", "O", "OU", "OU", "CN"]);
    assert_eq!(name.parts()[1].attributes()[0].text().as_deref(), Some("com"));
    assert_eq!(name.common_name().as_deref(), Some("www.example.com"));
}

#[test]
fn the_examples_of_rfc_4514_are_read_and_printed() {
    for example in [
        "UID=jsmith,DC=example,DC=net",
        "OU=Sales+CN=J.  Smith,DC=example,DC=net",
        r#"CN=James \"Jim\" Smith\, III,DC=example,DC=net"#,
        r"CN=Before\0dAfter,DC=example,DC=net",
        "1.3.6.1.4.1.1466.0=#04024869",
        "CN=Lučić",
        "",
    ] {
        assert_eq!(parse(example).to_string(), example);
    }
    assert_eq!(parse(r"CN=Lu\C4\8Di\C4\87"), parse("CN=Lučić"));
}

#[test]
fn what_people_write_is_read() {
    for (written, meant) in [
        (" cn = www.example.com , o = Example  ", "CN=www.example.com,O=Example"),
        ("CN=a;O=b", "CN=a,O=b"),
        ("CN=a=b", "CN=a=b"),
        (r"CN=\20 padded \ ", r"CN=\  padded \ "),
        (r"CN=\#7 a#b", r"CN=\#7 a#b"),
        (r"CN=\2B\,\3d", r"CN=\+\,="),
        (r"O=a\+b+OU=c", r"O=a\+b+OU=c"),
        ("oid.2.5.4.3=a", "CN=a"),
        ("2.5.4.10=Example", "O=Example"),
        ("commonName=a,E=ops@example.com", "CN=a,emailAddress=ops@example.com"),
        (
            "SERIALNUMBER=42, L=a, ST=b, STREET=c, CN=d, OU=Dept., O=Corp., C=US+1.2.3= A Test Value ",
            "SERIALNUMBER=42,L=a,ST=b,STREET=c,CN=d,OU=Dept.,O=Corp.,C=US+1.2.3=#130c4120546573742056616c7565",
        ),
        ("CN=#0c0161", "CN=a"),
        ("CN=\u{85}", r"CN=\c2\85"),
    ] {
        assert_eq!(parse(written).to_string(), meant, "{written}");
    }
}

#[test]
fn values_behind_a_hash_stand_in_the_name_byte_for_byte() {
    let name = parse("CN=#1e0200e4,1.2.3=#0201ff");
    let hexadecimal = hex(name.to_raw().as_der());
    assert!(hexadecimal.contains("1e0200e4") && hexadecimal.contains("0201ff"), "{hexadecimal}");
}

#[test]
fn what_is_no_name_says_where_and_why() {
    let long = format!("CN={}", "a".repeat(65));
    let too_long = format!("O={}", "a".repeat(limits::NAME_TEXT));
    let many = "OU=a,".repeat(limits::NAME_ATTRIBUTES) + "OU=a";
    for (text, why) in [
        ("CN=a,", "an attribute type (as in CN=…) is missing (at character 6)"),
        (",CN=a", "is missing (at character 1)"),
        ("CN=a,,O=b", "is missing (at character 6)"),
        ("CN=ä,b,O=c", "`=` belong in front of every value"),
        ("example.com", "`=` belong in front of every value"),
        (r#"CN="a, b""#, "quotation marks around values are of RFC 2253"),
        (r#"CN=a"b"#, r"write `\22` for this character (at character 5)"),
        ("CN=<a>", r"write `\3c`"),
        (r"CN=a\zb", r"a `\` stands before a special character or two hexadecimal digits"),
        (r"CN=a\", "stands before a special character"),
        (r"CN=\C4", "are not UTF-8"),
        ("CN=#", "not one value of DER"),
        ("CN=#04", "not one value of DER"),
        ("CN=#0401610", "pairs of hexadecimal digits"),
        ("CN=#xyz", r"is written `\#`"),
        ("CN=#04016104", "not one value of DER"),
        ("CN=", "the CN of a name is empty"),
        ("CN=  +O=a", "the CN of a name is empty"),
        ("DC=bücher", "xn--"),
        ("1.2.x=a", "is not an object identifier"),
        (&long, "longer than 64 octets"),
        (&too_long, "longer than 65536 octets"),
        (&many, "more than 128 attributes"),
    ] {
        let error = DistinguishedName::parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().contains(why), "{text}: {error}");
    }
}

#[test]
fn an_attribute_that_nobody_knows_is_named_with_those_that_are_known() {
    let error = DistinguishedName::parse("CN=a,FOO=b").unwrap_err().to_string();
    assert!(error.contains("\"FOO\" is not a known attribute type of names"), "{error}");
    for known in ["CN", "OU", "STREET", "SERIALNUMBER", "DC", "UID", "postalCode", "dotted form"] {
        assert!(error.contains(known), "{known}: {error}");
    }
}

#[test]
fn openssl_prints_the_same_words() {
    let openssl = OpenSsl::new();
    for name in [
        "CN=www.example.com,OU=Web,OU=Ops,O=Example,DC=example,DC=com,C=DE",
        r"CN=a\, b\+c\;d\<e\>f\\g,O=\ x \ ,OU=\#1",
        "CN=J.  Smith+OU=Sales,DC=example,DC=net",
        "emailAddress=ops@example.com,UID=jane,ST=Bayern,L=München",
    ] {
        let draft = csr::Draft::of(Vec::new(), &parse(name).with(AttributeType::COMMON_NAME, "x").unwrap()).unwrap();
        let request = draft.sign(&openssl.key).now_or_never().unwrap().unwrap();
        let shown =
            openssl.says(&["req", "-verify", "-noout", "-subject", "-nameopt", "RFC2253,-esc_msb,utf8"], &request);
        assert!(shown.contains(&format!("subject=CN=x,{name}\n")), "{name}: {shown}");
    }
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same(name in any_name()) {
        let printed = name.to_string();
        let read = DistinguishedName::parse(&printed).unwrap();
        prop_assert_eq!(&read, &name, "{}", printed);
    }

    #[test]
    fn what_is_encoded_is_read_as_the_same(name in any_name()) {
        let raw = name.to_raw();
        let read = DistinguishedName::read(&raw).unwrap();
        prop_assert_eq!(read.to_raw(), raw);
        prop_assert_eq!(read.parts().len(), name.parts().len());
    }

    #[test]
    fn no_text_is_too_strange(text in r#"(CN|[oO]|1\.2|[a-z]{0,3})?=?[ -~é\\,+;#="]{0,40}"#) {
        if let Ok(name) = DistinguishedName::parse(&text) {
            let printed = name.to_string();
            prop_assert_eq!(DistinguishedName::parse(&printed).unwrap().to_string(), printed);
        }
    }
}

fn any_name() -> impl Strategy<Value = DistinguishedName> {
    let kind = prop_oneof![
        Just(AttributeType::COMMON_NAME),
        Just(AttributeType::ORGANIZATION),
        Just(AttributeType::DOMAIN_COMPONENT),
        Just(AttributeType::from(ObjectIdentifier::parse("1.2.3.4").unwrap())),
    ];
    let value = prop_oneof![r#"[ -~]{1,20}"#, r#"[ #\\"+,;<>=\x00-\x1f]{1,6}"#, "\\PC{1,8}",];
    let text = (kind.clone(), value)
        .prop_filter_map("no text of this type", |(kind, value)| Attribute::new(kind, &value).ok());
    let octets = (kind, prop::collection::vec(any::<u8>(), 0..5)).prop_map(|(kind, octets)| {
        let value = [&[0x04, u8::try_from(octets.len()).unwrap()], octets.as_slice()].concat();
        Attribute::encoded(kind, &value).unwrap()
    });
    let part = prop::collection::vec(prop_oneof![4 => text, 1 => octets], 1..4);
    prop::collection::vec(part, 0..6).prop_map(|parts| {
        parts
            .into_iter()
            .fold(DistinguishedName::new(), |name, part| name.with_relative(RelativeName::new(part).unwrap()).unwrap())
    })
}

fn parse(text: &str) -> DistinguishedName {
    DistinguishedName::parse(text).unwrap()
}

#[test]
fn a_name_can_be_written_as_go_writes_it() {
    let name = DistinguishedName::parse("CN=a*b,emailAddress=a@example.com,DC=example").expect("a name");
    let tags = |name: &DistinguishedName| -> Vec<u8> {
        name.parts().iter().flat_map(|part| part.attributes()).map(|it| it.to_der()[0]).collect()
    };
    assert_eq!(tags(&name), [IA5_STRING, IA5_STRING, UTF8_STRING]);
    let go = name.clone().in_directory_strings();
    assert_eq!(tags(&go), [PRINTABLE_STRING, UTF8_STRING, UTF8_STRING]);
    assert_eq!(go.to_string(), name.to_string());
}

const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;
