//! Distinguished names in DER, beside OpenSSL's and Go's.

use certwright_issuers::ErrorKind;
use certwright_issuers::name::{Attribute, AttributeType, DistinguishedName, RawName, RelativeName, Subject};

use super::certificates::hex;
use super::openssl::OpenSsl;

#[test]
fn every_attribute_is_openssls_to_the_byte() {
    let attributes = [
        ("C", "DE"),
        ("ST", "Bayern"),
        ("L", "München"),
        ("street", "Am Platz 1"),
        ("postalCode", "80331"),
        ("O", "Example & Söhne"),
        ("O", "Example GmbH"),
        ("OU", "Web"),
        ("OU", "Ops"),
        ("OU", "Web"),
        ("DC", "corp"),
        ("DC", "example"),
        ("UID", "jane"),
        ("serialNumber", "HRB 42"),
        ("title", "Dr."),
        ("SN", "Doe"),
        ("givenName", "Jane"),
        ("initials", "J.D."),
        ("generationQualifier", "III"),
        ("dnQualifier", "7"),
        ("pseudonym", "jd"),
        ("description", "a = b"),
        ("businessCategory", "Private"),
        ("telephoneNumber", "+49 89 1"),
        ("name", "Jane*"),
        ("jurisdictionC", "DE"),
        ("jurisdictionL", "Berlin"),
        ("jurisdictionST", "Berlin"),
        ("organizationIdentifier", "VATDE-1"),
        ("CN", "www.example.com"),
        ("emailAddress", "ops@example.com"),
    ];
    let openssl = OpenSsl::new();
    let mut config = "[req]\ndistinguished_name=dn\nprompt=no\nstring_mask=MASK:0x2002\nutf8=yes\n[dn]\n".to_owned();
    for (at, (name, value)) in attributes.iter().enumerate() {
        config.push_str(&format!("{at}.{name} = {value}\n"));
    }
    openssl.put("name.cnf", config.as_bytes());
    let request = openssl.run(&["req", "-new", "-key", "key.pem", "-config", "name.cnf", "-outform", "DER"]);

    let mut ours = DistinguishedName::new();
    for (name, value) in attributes {
        ours = ours.with(AttributeType::parse(name).unwrap(), value).unwrap();
    }

    let ours = hex(ours.to_raw().as_der());
    assert!(hex(&request).contains(&ours), "{ours}\n{}", openssl.says(&["asn1parse"], &request));
}

#[test]
fn several_attributes_of_one_relative_name_are_openssls_to_the_byte() {
    let openssl = OpenSsl::new();
    let request = openssl.run(&[
        "req",
        "-new",
        "-key",
        "key.pem",
        "-multivalue-rdn",
        "-subj",
        "/O=Example/OU=Web+UID=jane+L=Berlin/CN=a",
        "-outform",
        "DER",
        "-utf8",
    ]);
    let attribute = |kind, text| Attribute::new(kind, text).unwrap();

    let several = RelativeName::new(vec![
        attribute(AttributeType::USER_ID, "jane"),
        attribute(AttributeType::ORGANIZATIONAL_UNIT, "Web"),
        attribute(AttributeType::LOCALITY, "Berlin"),
    ]);
    let utf8 = |kind: AttributeType, text: &str| {
        let value = [&[0x0c, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        RelativeName::of(Attribute::encoded(kind, &value).unwrap())
    };
    let ours = DistinguishedName::new()
        .with_relative(utf8(AttributeType::ORGANIZATION, "Example"))
        .and_then(|it| it.with_relative(several.unwrap()))
        .and_then(|it| it.with_relative(utf8(AttributeType::COMMON_NAME, "a")))
        .unwrap();

    // OpenSSL writes UTF8String unless told otherwise.
    let printable_as_utf8 = hex(ours.to_raw().as_der()).replace("0b1303576562", "0b0c03576562");
    let printable_as_utf8 = printable_as_utf8.replace("01130", "010c0").replace("071306", "070c06");
    assert!(hex(&request).contains(&printable_as_utf8), "{printable_as_utf8}\n{}", hex(&request));
}

#[test]
fn a_subject_is_gos_to_the_byte() {
    let many = |values: &[&str]| values.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let mut subject = Subject::default();
    subject.countries = many(&["DE", "AT"]);
    subject.organizations = many(&["Zeta & Söhne", "Alpha"]);
    subject.organizational_units = many(&["Web", "Ops", "DB"]);
    subject.localities = many(&["Berlin"]);
    subject.provinces = many(&["Berlin"]);
    subject.street_addresses = many(&["Unter den Linden 1"]);
    subject.postal_codes = many(&["10117"]);
    subject.serial_number = Some("HRB_42".to_owned());

    let name = subject.to_name(Some("www.example.com")).unwrap();

    assert_eq!(hex(name.to_raw().as_der()), GO);
    assert!(Subject::default().to_name(None).unwrap().to_raw().is_empty());
}

#[test]
fn what_cannot_stand_in_a_name_says_why() {
    let long = "a".repeat(65);
    for (kind, value, why) in [
        (AttributeType::COMMON_NAME, long.as_str(), "longer than 64 octets"),
        (AttributeType::COMMON_NAME, "", "empty"),
        (AttributeType::DOMAIN_COMPONENT, "bücher", "xn--"),
        (AttributeType::EMAIL_ADDRESS, "ops@bücher.example", "beyond ASCII"),
    ] {
        let error = Attribute::new(kind, value).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().contains(why), "{error}");
    }
    for bytes in [&[][..], &[0x30], &[0x30, 2, 0x30, 0], &[0x30, 0, 0], &[0x31, 0]] {
        assert_eq!(RawName::new(bytes).unwrap_err().kind(), ErrorKind::Malformed, "{bytes:02x?}");
    }
    assert!(DistinguishedName::read(&RawName::new([0x30, 2, 0x31, 0]).unwrap()).is_err());
}

/// What `encoding/asn1` of Go 1.26 makes of `pkix.Name.ToRDNSequence` with the same parts.
const GO: &str = "3081dd311630090603550406130241543009060355040613024445310f300d060355040813064265726c696e310f300d060355040713064265726c\
696e311b301906035504091312556e7465722064656e204c696e64656e2031310e300c0603550411130531303131373124300c060355040a1305416c706861\
3014060355040a0c0d5a65746120262053c3b6686e6531233009060355040b13024442300a060355040b13034f7073300a060355040b1303576562311830\
160603550403130f7777772e6578616d706c652e636f6d310f300d06035504050c064852425f3432";
