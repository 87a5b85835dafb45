//! A keeper over issuers of this process: a root that signs for itself, and what it issues.

use std::sync::Arc;

use acme_core::client::Chain;
use acme_core::{ErrorKind, PrivateKey, Retry, Secret};
use certwright_certstore::Spec;
use certwright_certstore::keeper::{Happening, Why};
use certwright_certstore::policy::reissue::Difference;
use certwright_certstore::spec::{Authority, Contents};
use issuers::ca::CaIssuer;
use issuers::name::DistinguishedName;
use issuers::self_signed::SelfSigned;
use issuers::template::{KeyUsages, NameConstraints, Subtrees, Usages};
use issuers::{Issuer, Remark};
use testkit::servers::judges::{OpenSsl, Trial};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::world::{DAY, World, spec, until};

#[test]
fn a_root_signs_for_itself_with_the_key_that_the_keeper_lends() {
    let world = World::new();
    let chain = root(&world, Subtrees::new().with_dns_domains(["example.com"])).0;

    let (_, read) = X509Certificate::from_der(chain.leaf().unwrap()).unwrap();
    let name = DistinguishedName::parse("CN=Example Root,O=Example").unwrap().to_raw();
    assert_eq!(read.subject().as_raw(), name.as_der());
    assert_eq!(read.issuer().as_raw(), name.as_der());
    let constraints = read.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(1));
    let usage = read.key_usage().unwrap().unwrap();
    assert!(usage.critical && usage.value.key_cert_sign() && usage.value.crl_sign());
    assert!(read.name_constraints().unwrap().unwrap().critical);
    read.verify_signature(None).unwrap();
}

#[test]
fn what_a_root_issues_says_what_was_wanted_and_is_verified_by_openssl() {
    let world = World::new();
    let (chain, key) = root(&world, Subtrees::new().with_dns_domains(["example.com"]));
    let leaves = World::new();
    leaves.run(async {
        let keeper =
            leaves.start(leaves.builder_with(Arc::new(leaves.store.clone()), issuer(&leaves, &chain, key))).await;
        let contents = Contents::new()
            .with_literal_subject("CN=www.example.com,OU=Web+L=Berlin,O=Example")
            .with_uri("spiffe://example.com/web")
            .with_usages(Usages::parse(["digital signature", "server auth", "client auth"]).unwrap());

        keeper.ensure(spec("www.example.com").with_contents(contents.clone())).await.unwrap();
        keeper.ready("www.example.com").await.unwrap();

        let record = leaves.record("www.example.com");
        let issued = record.current().unwrap().chain.certificates();
        assert_eq!(record.current().unwrap().root.as_ref(), chain.leaf(), "what some call ca.crt is kept");
        let trial = Trial::new(issued, chain.certificates(), leaves.now()).for_server("www.example.com");
        OpenSsl::find().verify(&trial).unwrap();
        let (_, read) = X509Certificate::from_der(&issued[0]).unwrap();
        assert_eq!(read.subject().as_raw(), contents.subject().unwrap().to_raw().as_der());
        let usage = read.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.server_auth && usage.client_auth && !usage.any);

        let mut events = keeper.events();
        let fewer = contents.with_usages(Usages::of_key(KeyUsages::DIGITAL_SIGNATURE));
        keeper.ensure(spec("www.example.com").with_contents(fewer)).await.unwrap();
        let began = until(&mut events, |it| matches!(it, Happening::Began { .. })).await;
        assert_eq!(began.event.what, Happening::Began { why: Why::Changed(Difference::Usages) });
        until(&mut events, |it| matches!(it, Happening::Issued { .. })).await;
        let record = leaves.record("www.example.com");
        let (_, read) = X509Certificate::from_der(record.current().unwrap().chain.leaf().unwrap()).unwrap();
        assert!(read.extended_key_usage().unwrap().is_none());
    });
}

#[test]
fn what_its_root_may_not_issue_fails_once_and_says_why() {
    let world = World::new();
    let (chain, key) = root(&world, Subtrees::new().with_dns_domains(["example.com"]));
    let leaves = World::new();
    leaves.run(async {
        let keeper =
            leaves.start(leaves.builder_with(Arc::new(leaves.store.clone()), issuer(&leaves, &chain, key))).await;
        let mut events = keeper.events();

        keeper.ensure(spec("www.example.org")).await.unwrap();

        let failed = until(&mut events, |it| matches!(it, Happening::Failed { .. })).await;
        let Happening::Failed { fault, .. } = failed.event.what else { unreachable!() };
        assert_eq!((fault.kind, fault.retry), (ErrorKind::Refused, Retry::Never));
        assert!(fault.what.contains("www.example.org"), "{}", fault.what);
    });
}

#[test]
fn what_ends_with_its_root_is_issued_with_a_remark() {
    let world = World::new();
    let (chain, key) = root(&world, Subtrees::new().with_dns_domains(["example.com"]));
    let leaves = World::new();
    leaves.run(async {
        let keeper =
            leaves.start(leaves.builder_with(Arc::new(leaves.store.clone()), issuer(&leaves, &chain, key))).await;
        let mut events = keeper.events();

        keeper.ensure(spec("www.example.com").with_duration(4000 * DAY)).await.unwrap();

        let remarked = until(&mut events, |it| matches!(it, Happening::Remarked { .. })).await;
        let Happening::Remarked { remark } = remarked.event.what else { unreachable!() };
        assert!(matches!(remark, Remark::Shortened { .. }) && remark.to_string().contains("renew the authority"));
        until(&mut events, |it| matches!(it, Happening::Issued { .. })).await;
    });
}

/// A root that a keeper made: its chain and its key.
fn root(world: &World, permitted: Subtrees) -> (Chain, PrivateKey) {
    world.run(async {
        let issuer = Arc::new(SelfSigned::new("self", Arc::new(world.clock.clone())));
        let keeper = world.start(world.builder_with(Arc::new(world.store.clone()), issuer)).await;
        let constraints = NameConstraints::new(permitted, Subtrees::new());
        let contents = Contents::new()
            .with_literal_subject("CN=Example Root,O=Example")
            .with_usages(Usages::parse(["crl sign"]).unwrap())
            .for_authority(Authority::new().with_path_length(1).with_name_constraints(constraints));
        keeper.ensure(Spec::called("root").with_duration(3650 * DAY).with_contents(contents)).await.unwrap();
        keeper.ready("root").await.unwrap();
        let record = world.record("root");
        let credential = record.current().unwrap();
        let key = PrivateKey::from_pkcs8_der(Secret::new(credential.key.expose().clone())).unwrap();
        (credential.chain.clone(), key)
    })
}

fn issuer(world: &World, chain: &Chain, key: PrivateKey) -> Arc<dyn Issuer> {
    let authority = issuers::ca::Authority::new(chain.clone(), key, world.now()).unwrap();
    Arc::new(CaIssuer::new("ca", authority, Arc::new(world.clock.clone())))
}
