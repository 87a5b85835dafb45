//! Name constraints, judged by OpenSSL and rustls-webpki where they compare the same.

use acme_core::ErrorKind;
use acme_core::client::Chain;
use certwright_issuers::chain::{self, Constraints};
use certwright_issuers::csr::RawGeneralName;
use rcgen::{CidrSubnet, DistinguishedName, DnType, DnValue, GeneralSubtree, KeyPair, NameConstraints, SanType};

use crate::authority::{Authority, by_openssl, by_webpki_path as by_webpki, key_of, leaf, now};

#[test]
fn names_are_within_what_is_permitted_and_not_excluded() {
    let dns = |text: &str| GeneralSubtree::DnsName(text.to_owned());
    let email = |text: &str| GeneralSubtree::Rfc822Name(text.to_owned());
    let ip = |text: &str| GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(text.parse().unwrap(), 24));
    for (permitted, excluded, name, is_permitted) in [
        (vec![dns("example")], vec![], "a.example", true),
        (vec![dns("A.EXAMPLE")], vec![], "a.example", true),
        (vec![dns("a.example")], vec![], "b.a.example", true),
        (vec![dns("a.example")], vec![], "ba.example", false),
        (vec![dns("a.example")], vec![], "example", false),
        (vec![dns(".a.example")], vec![], "b.a.example", true),
        (vec![dns("b.example"), dns("a.example")], vec![], "a.example", true),
        (vec![dns("a.example")], vec![], "*.a.example", true),
        (vec![dns("a.example")], vec![], "*.example", false),
        (vec![dns("")], vec![], "a.example", true),
        (vec![], vec![dns("a.example")], "a.example", false),
        (vec![], vec![dns("a.example")], "c.b.a.example", false),
        (vec![], vec![dns("b.a.example")], "a.example", true),
        (vec![], vec![dns("a.example")], "*.a.example", false),
        (vec![], vec![dns("")], "a.example", false),
        (vec![dns("example")], vec![dns("a.example")], "a.example", false),
        (vec![dns("example")], vec![dns("a.example")], "b.example", true),
        (vec![ip("192.0.2.0")], vec![], "192.0.2.200", true),
        (vec![ip("192.0.2.0")], vec![], "192.0.3.1", false),
        (vec![], vec![ip("192.0.2.0")], "192.0.2.1", false),
        (vec![ip("192.0.2.0")], vec![], "2001:db8::1", false),
        (vec![ip("192.0.2.0")], vec![], "b.example", true),
        (vec![dns("a.example")], vec![], "192.0.2.1", true),
        (vec![email("ops@a.example")], vec![], "mailto:ops@A.example", true),
        (vec![email("ops@a.example")], vec![], "mailto:Ops@a.example", false),
        (vec![email("a.example")], vec![], "mailto:any@a.example", true),
        (vec![email("a.example")], vec![], "mailto:any@b.a.example", false),
        (vec![email(".a.example")], vec![], "mailto:any@b.a.example", true),
        (vec![email(".a.example")], vec![], "mailto:any@a.example", false),
        (vec![], vec![email("a.example")], "mailto:any@a.example", false),
    ] {
        let what = format!("{name}: permitted {permitted:?}, excluded {excluded:?}");
        let is_email = name.starts_with("mailto:");
        let root = Authority::new("Root").changed(|it| {
            it.name_constraints = Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: excluded });
        });
        let mut params = leaf("a.example");
        params.subject_alt_names = vec![match name.strip_prefix("mailto:") {
            Some(address) => SanType::Rfc822Name(address.try_into().unwrap()),
            None => match name.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(name.try_into().unwrap()),
            },
        }];
        let leaf = root.issue(&params, &KeyPair::generate().unwrap());

        let checked = chain::check(&Chain::new(vec![leaf.clone(), root.root()]), &key_of(&leaf), &[], now());

        assert_eq!(checked.is_ok(), is_permitted, "{what}: {checked:?}");
        assert_eq!(
            by_openssl(std::slice::from_ref(&leaf), &root.root()).is_ok(),
            is_permitted,
            "{what}: openssl differs"
        );
        // rustls-webpki compares no e-mail addresses, and takes an empty name for an address of another family.
        if !is_email {
            assert_eq!(by_webpki(&[leaf], &root.root()).is_ok(), is_permitted, "{what}: webpki differs");
        }
    }
}

#[test]
fn directory_names_hold_for_the_subject() {
    let directory = |organization: DnValue, country: &str| {
        let mut name = DistinguishedName::new();
        name.push(DnType::CountryName, country);
        name.push(DnType::OrganizationName, organization);
        name
    };
    let text = |it: &str| DnValue::Utf8String(it.to_owned());
    let root = Authority::new("Root").changed(|it| {
        it.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DirectoryName(directory(text("Example"), "DE"))],
            excluded_subtrees: Vec::new(),
        });
    });
    for (organization, country, is_permitted) in [
        (text("Example"), "DE", true),
        (DnValue::PrintableString("EXAMPLE".try_into().unwrap()), "DE", true),
        (text("Example Other"), "DE", false),
        (text("Example"), "AT", false),
    ] {
        let mut params = leaf("a.example");
        params.distinguished_name = directory(organization, country);
        params.distinguished_name.push(DnType::CommonName, "a.example");
        let leaf = root.issue(&params, &KeyPair::generate().unwrap());

        let checked = chain::check(&Chain::new(vec![leaf.clone(), root.root()]), &key_of(&leaf), &[], now());

        assert_eq!(checked.is_ok(), is_permitted, "{checked:?}");
        assert_eq!(by_openssl(&[leaf], &root.root()).is_ok(), is_permitted);
    }
}

#[test]
fn a_request_is_refused_before_anything_is_signed() {
    let root = Authority::new("Example Root").changed(|it| {
        it.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example".to_owned())],
            excluded_subtrees: vec![GeneralSubtree::DnsName("b.a.example".to_owned())],
        });
    });
    let constraints = Constraints::of(&[Authority::new("Unbounded").root(), root.root()]).unwrap();
    let permit = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|it| RawGeneralName::Dns(it.as_bytes())).collect();
        constraints.permit(EMPTY, &names)
    };

    permit(&["a.example", "*.c.example", "example"]).unwrap();
    let outside = permit(&["a.example", "a.test"]).unwrap_err();
    let excluded = permit(&["b.a.example"]).unwrap_err();
    // A wildcard stands for the excluded name too, whatever OpenSSL makes of it.
    let wildcard = permit(&["*.a.example"]).unwrap_err();

    assert_eq!((outside.kind(), outside.retry()), (ErrorKind::Refused, acme_core::Retry::Never));
    assert_eq!(
        outside.to_string(),
        "the name constraints of \"Example Root\" forbid a.test: it is not among the DNS names that are permitted"
    );
    assert!(excluded.to_string().ends_with("forbid b.a.example: it is within \"b.a.example\", which is excluded"));
    assert!(wildcard.to_string().contains("forbid *.a.example"));
    assert_eq!(Constraints::of(&[]).unwrap().permit(EMPTY, &[]).map_err(|it| it.to_string()), Ok(()));
}

#[test]
fn hosts_of_uris_are_compared() {
    for (constraint, uri, is_permitted) in [
        ("a.example", "https://a.example/x", true),
        ("a.example", "spiffe://A.EXAMPLE", true),
        ("a.example", "https://user@a.example:8443/?x#y", true),
        ("a.example", "https://b.a.example/", false),
        (".a.example", "https://c.b.a.example/", true),
        (".a.example", "https://a.example/", false),
        ("a.example", "https://192.0.2.1/", false),
        ("a.example", "https://[2001:db8::1]/", false),
        ("a.example", "urn:x:a.example", false),
        ("a.example", "mailto:a@a.example", false),
    ] {
        let root = Authority::new("Root").changed(|it| {
            it.custom_extensions.push(constraints_extension(&[0x86], constraint.as_bytes(), None));
        });
        let names = [RawGeneralName::Uri(uri.as_bytes())];

        let outcome = Constraints::of(&[root.root()]).unwrap().permit(EMPTY, &names);

        assert_eq!(outcome.is_ok(), is_permitted, "{constraint} {uri}: {outcome:?}");
    }
}

#[test]
fn names_that_cannot_be_compared_are_refused_where_they_are_constrained() {
    let root = Authority::new("Root").changed(|it| {
        it.custom_extensions.push(constraints_extension(&[0x88], &[0x2a, 3], None));
    });
    let constraints = Constraints::of(&[root.root()]).unwrap();

    let refused = constraints.permit(EMPTY, &[RawGeneralName::Registered(&[0x2a, 3, 4])]).unwrap_err();
    assert!(refused.to_string().contains("a name of a form that cannot be compared"), "{refused}");
    constraints.permit(EMPTY, &[RawGeneralName::Dns(b"a.example")]).unwrap();

    for (base, minimum, value) in [(0x87, None, &[1, 2, 3][..]), (0x82, Some(1), b"a.example"), (0x8f, None, b"x")] {
        let root = Authority::new("Root")
            .changed(|it| it.custom_extensions.push(constraints_extension(&[base], value, minimum)));
        let unreadable = Constraints::of(&[root.root()]).unwrap_err();
        assert!(unreadable.to_string().contains("the name constraints of \"Root\" cannot be read"), "{unreadable}");
    }
}

#[test]
fn an_authority_in_between_keeps_to_the_constraints_above_it() {
    let root = Authority::new("Root").changed(|it| {
        it.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DirectoryName({
                let mut name = DistinguishedName::new();
                name.push(DnType::OrganizationName, "Example");
                name
            })],
            excluded_subtrees: Vec::new(),
        });
    });
    let outside = Authority::new("Middle");
    let within = outside.changed(|it| {
        it.distinguished_name = DistinguishedName::new();
        it.distinguished_name.push(DnType::OrganizationName, "Example");
        it.distinguished_name.push(DnType::CommonName, "Middle");
    });
    for (middle, is_permitted) in [(outside, false), (within, true)] {
        let parts = [middle.leaf(), root.certify(&middle), root.root()];
        let checked = chain::check(&Chain::new(parts.to_vec()), &key_of(&parts[0]), &[], now());

        assert_eq!(checked.is_ok(), is_permitted, "{checked:?}");
        // rustls-webpki takes the leaf's empty subject for a name that is not permitted.
        assert_eq!(by_openssl(&parts[..2], &parts[2]).is_ok(), is_permitted);
    }
}

#[test]
fn comparisons_are_bounded() {
    let many: Vec<_> = (0..2000).map(|it| GeneralSubtree::DnsName(format!("{it}.example"))).collect();
    let root = Authority::new("Root").changed(|it| {
        it.name_constraints = Some(NameConstraints { permitted_subtrees: Vec::new(), excluded_subtrees: many });
    });
    let constraints = Constraints::of(&[root.root()]).unwrap();
    let name = RawGeneralName::Dns(b"a.example");

    constraints.permit(EMPTY, &[name; 125]).unwrap();
    let said = constraints.permit(EMPTY, &[name; 126]).unwrap_err().to_string();
    assert!(said.contains("more than 250000 comparisons"), "{said}");
}

/// An extension that permits one subtree of this tag.
fn constraints_extension(tag: &[u8], value: &[u8], minimum: Option<u8>) -> rcgen::CustomExtension {
    let tlv = |tag: u8, content: Vec<u8>| [vec![tag, u8::try_from(content.len()).unwrap()], content].concat();
    let minimum = minimum.map(|it| vec![0x80, 1, it]).unwrap_or_default();
    let subtree = tlv(0x30, [tlv(tag[0], value.to_vec()), minimum].concat());
    rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 30], tlv(0x30, tlv(0xa0, subtree)))
}

/// A subject without a name in it.
const EMPTY: &[u8] = &[0x30, 0];
