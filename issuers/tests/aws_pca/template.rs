//! Which template is asked for.

use acme_core::{ErrorKind, Timestamp};
use certwright_issuers::chain::Leaf;
use certwright_issuers::csr::Draft;
use certwright_issuers::template::{
    BasicConstraints, Criticality, Extension, KeyUsages, NameConstraints, Subtrees, Usages,
};
use certwright_issuers::{CertificateRequest, Issuer as _, ObjectIdentifier};
use testkit::run;

use crate::world::{Asking, Kept, World};

#[test]
fn the_usages_choose_as_they_do_for_cert_manager() {
    for (words, expected) in [
        (&["server auth", "client auth"][..], "EndEntityCertificate/V1"),
        (&["client auth", "server auth"], "EndEntityCertificate/V1"),
        (&["server auth"], "EndEntityServerAuthCertificate/V1"),
        (&["client auth"], "EndEntityClientAuthCertificate/V1"),
        (&["code signing"], "CodeSigningCertificate/V1"),
        (&["ocsp signing"], "OCSPSigningCertificate/V1"),
        (&["digital signature", "key encipherment"], "BlankEndEntityCertificate_APICSRPassthrough/V1"),
        (&["digital signature", "server auth"], "BlankEndEntityCertificate_APICSRPassthrough/V1"),
        (&["email protection"], "BlankEndEntityCertificate_APICSRPassthrough/V1"),
        (&[], "BlankEndEntityCertificate_APICSRPassthrough/V1"),
    ] {
        let usages = Usages::parse(words).unwrap();
        // Said by the signing request, and said beside it as well.
        let asking = Asking::with(usages.clone());
        let mut request = asking.request();
        assert_eq!(asked_for(&request), expected, "{words:?}");
        request.usages = Some(&usages);
        assert_eq!(asked_for(&request), expected, "{words:?}");
    }
}

#[test]
fn usages_told_beside_the_request_are_granted_or_refused_before_anything_is_sent() {
    let asking = Asking::new();
    let mut request = asking.request();
    let usages = Usages::parse(["server auth"]).unwrap();
    request.usages = Some(&usages);
    assert_eq!(asked_for(&request), "EndEntityServerAuthCertificate/V1");

    let usages = Usages::parse(["digital signature", "server auth"]).unwrap();
    request.usages = Some(&usages);
    assert_refused(&request, "from the signing request alone");
    request.is_ca = true;
    assert_refused(&request, "from the signing request alone");
}

#[test]
fn other_extensions_of_the_request_are_passed_through() {
    let usages = Usages::parse(["server auth"]).unwrap();
    let asking = Asking::drafted(|draft| draft.with_usages(usages).with_extension(must_staple()));
    assert_eq!(asked_for(&asking.request()), "EndEntityServerAuthCertificate_CSRPassthrough/V1");

    let (issued, _) = World::new().issue(&asking.request()).unwrap();
    assert!(contains(issued.chain.leaf().unwrap(), must_staple().value()));
}

#[test]
fn an_authority_has_none_below_it_unless_more_is_asked_for() {
    let asking = Asking::new();
    let mut request = asking.request();
    request.is_ca = true;
    assert_eq!(asked_for(&request), "SubordinateCACertificate_PathLen0/V1");
    for length in 0..=3 {
        let asking = authority(Some(length), |draft| draft);
        let mut request = asking.request();
        request.is_ca = true;
        assert_eq!(asked_for(&request), format!("SubordinateCACertificate_PathLen{length}/V1"));
    }
}

#[test]
fn a_longer_path_than_there_is_a_template_for_is_refused_before_anything_is_sent() {
    let asking = authority(Some(4), |draft| draft);
    let mut request = asking.request();
    request.is_ca = true;
    assert_refused(&request, "of path length 3 at most, and 4 was asked for");
}

#[test]
fn an_authority_keeps_the_name_constraints_and_usages_asked_for() {
    let subtrees = Subtrees::new().with_dns_domains(["constrained.example"]);
    let constraints = NameConstraints::new(subtrees, Subtrees::new());
    let usages = Usages::of_key(KeyUsages::CERT_SIGN | KeyUsages::KEY_ENCIPHERMENT);
    for (usages, expected) in [
        (Usages::default(), "SubordinateCACertificate_PathLen2_CSRPassthrough/V1"),
        (usages, "BlankSubordinateCACertificate_PathLen2_CSRPassthrough/V1"),
    ] {
        let asking =
            authority(Some(2), |draft| draft.with_usages(usages.clone()).with_name_constraints(&constraints).unwrap());
        let mut request = asking.request();
        request.is_ca = true;
        assert_eq!(asked_for(&request), expected);

        let (issued, _) = World::new().issue(&request).unwrap();
        let leaf = issued.chain.leaf().unwrap();
        assert!(contains(leaf, b"constrained.example"));
        assert!(contains(leaf, BasicConstraints::Authority { path_length: Some(2) }.to_extension().value()));
        for usage in usages.to_extensions() {
            assert!(contains(leaf, usage.value()));
        }
    }
}

#[test]
fn a_profile_is_refused_before_anything_is_sent() {
    let asking = Asking::new();
    let mut request = asking.request();
    request.profile = Some("shortlived");
    assert_refused(&request, "no profile \"shortlived\"");
}

#[test]
fn names_that_were_not_asked_for_are_refused_before_anything_is_sent() {
    let world = World::new();
    let asking = Asking::new();
    let mut request = asking.request();
    request.identifiers = &[];
    let error = world.issue(&request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.what().contains("differ, in www.example.com for one"), "{error}");
    assert!(world.double.state().requests.is_empty());
}

#[test]
fn one_that_is_given_is_taken() {
    let world = World::new();
    for template in ["EndEntityCertificate/V1", "arn:aws:acm-pca:::template/EndEntityCertificate/V1"] {
        let asking = Asking::new();
        let issuer = world.issuer().with_template(template);
        let (issued, _) = world.go_on(&issuer, &asking.request(), &mut Kept::default()).unwrap();
        assert!(Leaf::read(issued.chain.leaf().unwrap()).unwrap().not_after > Timestamp::EPOCH);
        let asked = world.double.state().made.last().unwrap().asked["TemplateArn"].clone();
        assert_eq!(asked, "arn:aws:acm-pca:::template/EndEntityCertificate/V1");
    }
}

fn authority(path_length: Option<u32>, more: impl FnOnce(Draft) -> Draft) -> Asking {
    Asking::drafted(|draft| more(draft.with_basic_constraints(BasicConstraints::Authority { path_length })))
}

/// TLS feature (RFC 7633): status_request.
fn must_staple() -> Extension {
    let oid = ObjectIdentifier::parse("1.3.6.1.5.5.7.1.24").unwrap();
    Extension::new(oid, Criticality::NotCritical, [0x30, 0x03, 0x02, 0x01, 0x05])
}

fn contains(certificate: &[u8], part: &[u8]) -> bool {
    certificate.windows(part.len()).any(|it| it == part)
}

fn assert_refused(request: &CertificateRequest<'_>, why: &str) {
    let world = World::new();
    let error = world.issue(request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.what().contains(why), "{error}");
    assert!(world.double.state().requests.is_empty());
}

/// The template that the first state names, whether the double has it or not.
fn asked_for(request: &CertificateRequest<'_>) -> String {
    let world = World::new();
    let mut progress = Kept::default();
    let _ = run(&world.clock, world.issuer().issue(request, &mut progress));
    let state: serde_json::Value = serde_json::from_slice(&progress.states[0]).unwrap();
    let arn = state["state"]["template"].as_str().unwrap();
    arn.strip_prefix("arn:aws:acm-pca:::template/").unwrap().to_owned()
}
