//! What stands in a certificate beside names and addresses is asked for, kept, and noticed when it changes.

use acme_core::{ErrorKind, KeyType, Retry, SignatureAlgorithm};
use certwright_certstore::keeper::{Happening, Why};
use certwright_certstore::policy::reissue::{Difference, difference};
use certwright_certstore::spec::{Authority, Contents, Telling};
use certwright_certstore::{Keys, Spec};
use issuers::csr::Request;
use issuers::name::{DistinguishedName, RawName, Subject};
use issuers::template::{KeyUsages, Usages};

use crate::world::{DAY, World, spec, until};

#[test]
fn the_issuer_is_asked_for_all_of_it_and_lent_the_key() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        let usages = Usages::parse(["digital signature", "server auth"]).unwrap();
        let contents = Contents::new()
            .with_literal_subject("CN=example.com,O=Example")
            .with_email("ops@example.com")
            .with_usages(usages)
            .for_authority(Authority::new().with_path_length(1));

        keeper.ensure(spec("example.com").with_contents(contents.clone())).await.unwrap();
        keeper.ready("example.com").await.unwrap();

        let asked = world.ca.state().request.clone().unwrap();
        let request = Request::read(&asked.csr).unwrap();
        request.verify().unwrap();
        let subject = DistinguishedName::parse("CN=example.com,O=Example").unwrap();
        assert_eq!(RawName::new(request.subject()).unwrap(), subject.to_raw());
        assert_eq!(request.alternative_names().unwrap().len(), 2);
        let wanted = KeyUsages::DIGITAL_SIGNATURE | KeyUsages::CERT_SIGN;
        assert_eq!(request.key_usages().unwrap(), Some(wanted), "an authority signs certificates");
        assert_eq!(request.basic_constraints().unwrap().unwrap().path_length(), Some(1));
        assert!(asked.is_ca && asked.lends_key);
        assert_eq!(asked.usages.unwrap().key, wanted);
        assert_eq!(world.record("example.com").current().unwrap().contents, contents);
    });
}

#[test]
fn the_request_is_signed_as_asked_and_nothing_is_issued_anew_for_it() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        let wanted = SignatureAlgorithm::for_request("SHA512WithRSA", KeyType::Rsa2048).unwrap();
        let rsa = || spec("example.com").with_key_type(KeyType::Rsa2048);
        keeper.ensure(rsa().with_contents(Contents::new().with_signature_algorithm(wanted))).await.unwrap();
        keeper.ready("example.com").await.unwrap();

        let asked = world.ca.state().request.clone().unwrap();
        Request::read(&asked.csr).unwrap().verify().unwrap();
        assert!(asked.csr.windows(wanted.x509().len()).any(|it| it == wanted.x509()), "signed with SHA-512");
        let record = world.record("example.com");
        let (credential, usual) = (record.current().unwrap(), rsa());
        assert_eq!(difference(&usual, None, credential), None);

        // What the key cannot do fails once and says why.
        let mut events = keeper.events();
        let odd = spec("odd.example").with_contents(Contents::new().with_signature_algorithm(wanted));
        keeper.ensure(odd).await.unwrap();
        let failed = until(&mut events, |it| matches!(it, Happening::Failed { .. })).await;
        let Happening::Failed { fault, .. } = failed.event.what else { unreachable!() };
        assert_eq!((fault.kind, fault.retry), (ErrorKind::Malformed, Retry::Never));
    });
}

#[test]
fn usages_can_be_told_to_the_issuer_alone() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        let usages = Usages::parse(["client auth"]).unwrap();
        let contents = Contents::new().with_usages(usages.clone()).with_usages_told(Telling::BesideRequest);

        keeper.ensure(spec("example.com").with_contents(contents)).await.unwrap();
        keeper.ready("example.com").await.unwrap();

        let asked = world.ca.state().request.clone().unwrap();
        assert_eq!(asked.usages, Some(usages));
        assert_eq!(Request::read(&asked.csr).unwrap().extensions().len(), 1, "the names alone");
    });
}

#[test]
fn another_subject_another_usage_and_another_authority_are_issued_anew() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        keeper.ready("example.com").await.unwrap();
        let mut subject = Subject::default();
        subject.organizations = vec!["Example".to_owned()];
        let subject = Contents::new().with_subject(subject);
        let email = subject.clone().with_email("ops@example.com");
        let usages = email.clone().with_usages(Usages::parse(["server auth", "client auth"]).unwrap());
        let authority = usages.clone().for_authority(Authority::new());

        let mut events = keeper.events();
        for (contents, difference) in [
            (subject, Difference::Subject),
            (email, Difference::OtherNames),
            (usages, Difference::Usages),
            (authority.clone(), Difference::Authority),
        ] {
            keeper.ensure(spec("example.com").with_contents(contents)).await.unwrap();
            let began = until(&mut events, |it| matches!(it, Happening::Began { .. })).await;
            assert_eq!(began.event.what, Happening::Began { why: Why::Changed(difference) });
            until(&mut events, |it| matches!(it, Happening::Issued { .. })).await;
        }
        let again = authority
            .with_usages(Usages::parse(["client auth", "server auth"]).unwrap())
            .with_usages_told(Telling::BesideRequest);
        keeper.ensure(spec("example.com").with_contents(again)).await.unwrap();
        world.wait(DAY).await;
        assert_eq!(world.ca.finalized(), 5, "the same usages in another order, said elsewhere, change nothing");
    });
}

#[test]
fn a_certificate_for_a_person_needs_no_dns_name() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        let contents = Contents::new().with_common_name("Jane Doe").with_email("jane@example.com");

        keeper.ensure(Spec::called("jane").with_keys(Keys::Reused).with_contents(contents)).await.unwrap();
        keeper.ready("jane").await.unwrap();

        assert!(world.record("jane").current().unwrap().identifiers.is_empty());
    });
}

#[test]
fn what_nobody_could_issue_is_refused_at_once() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        let nobody = keeper.ensure(Spec::called("nobody")).await.unwrap_err();
        let unknown = Contents::new().with_literal_subject("CN=a,FOO=b");
        let unknown = keeper.ensure(spec("example.com").with_contents(unknown)).await.unwrap_err();

        assert_eq!((nobody.kind(), nobody.retry()), (ErrorKind::Malformed, Retry::Never));
        assert!(nobody.to_string().contains("at least one DNS name"), "{nobody}");
        assert!(unknown.to_string().contains("\"FOO\" is not a known attribute type"), "{unknown}");
        assert!(world.store.bytes(&Spec::key_of("example.com").unwrap()).is_none(), "nothing is stored");
    });
}
