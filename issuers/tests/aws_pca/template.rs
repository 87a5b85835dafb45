//! Which template is asked for.

use acme_core::Timestamp;
use certwright_issuers::chain::Leaf;
use certwright_issuers::template::Usages;
use certwright_issuers::{CertificateRequest, Issuer as _};
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
        // Said by the signing request, and said beside it.
        let asking = Asking::with(usages.clone());
        assert_eq!(asked_for(&asking.request()), expected, "{words:?}");
        let asking = Asking::new();
        let mut request = asking.request();
        request.usages = Some(&usages);
        assert_eq!(asked_for(&request), expected, "{words:?}");
    }
}

#[test]
fn an_authority_has_none_below_it() {
    let asking = Asking::new();
    let mut request = asking.request();
    request.is_ca = true;
    assert_eq!(asked_for(&request), "SubordinateCACertificate_PathLen0/V1");
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

/// The template that the first state names, whether the double has it or not.
fn asked_for(request: &CertificateRequest<'_>) -> String {
    let world = World::new();
    let mut progress = Kept::default();
    let _ = run(&world.clock, world.issuer().issue(request, &mut progress));
    let state: serde_json::Value = serde_json::from_slice(&progress.states[0]).unwrap();
    let arn = state["state"]["template"].as_str().unwrap();
    arn.strip_prefix("arn:aws:acm-pca:::template/").unwrap().to_owned()
}
