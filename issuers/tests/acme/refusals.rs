//! What cannot work says so: before anything is sent where that can be known, and without harm to what is there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acme_core::client::{Call, Needs, Reply};
use acme_core::protocol::{ExternalAccount, ProblemType, Registration, Url};
use acme_core::{Client, Directory, Error, ErrorKind, Retry};
use async_trait::async_trait;
use certwright_issuers::acme::{AccountSettings, AcmeIssuer, directories};
use certwright_issuers::name::{AttributeType, DistinguishedName};
use certwright_issuers::template::GeneralName;
use certwright_issuers::{Issuer as _, csr, drive};
use solvers::Solvers;
use testkit::ca::{Endpoint, ExternalAccounts, Fault, LeafFlaw, Profile, Times};
use testkit::crash::Effects;
use testkit::run;

use crate::world::{Asked, DurableProgress, World};

#[test]
fn bad_certificates_are_not_handed_out() {
    for (flaw, why) in [
        (LeafFlaw::Precertificate, "pre-certificate"),
        (LeafFlaw::WrongKey, "another key"),
        (LeafFlaw::Expired, "expired"),
        (LeafFlaw::MissingName, "does not cover"),
    ] {
        let world = World::new();
        world.ca.inject(Endpoint::Finalize, Fault::Leaf(flaw), Times::Once);

        let error = world.issue(&world.process(), &["a.example", "b.example"]).unwrap_err();

        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert_eq!(world.network.left_behind(), 0);
        world.issue(&world.process(), &["a.example", "b.example"]).unwrap();
    }
}

#[test]
fn a_name_that_no_solver_covers_is_refused_before_anything_is_sent() {
    let world = World::new();
    let nobody = issuer_with(&world, Solvers::new(), |it| it);

    let error = world.issue(&nobody, &["a.example"]).unwrap_err();

    assert!(error.to_string().contains("no solver"), "{error}");
    assert_eq!(error.retry(), Retry::Never);
    assert_eq!(world.ca.total(), 0);
}

#[test]
fn a_common_name_that_is_none_of_the_names_is_refused_in_cert_managers_words() {
    let world = World::new();
    let issuer = world.process();
    let asked = Asked::new(&["foo.example", "192.0.2.1"]);
    for (common_name, is_taken) in
        [("foo.example", true), ("Foo.Example", true), ("192.0.2.1", true), ("bar.example", false)]
    {
        let subject = DistinguishedName::new().with(AttributeType::COMMON_NAME, common_name).unwrap();
        let names = asked.identifiers.iter().map(|it| GeneralName::of(it).unwrap()).collect();
        let csr = csr::Draft::of(names, &subject).unwrap().sign_now(&asked.key).unwrap();
        let mut request = asked.request();
        request.csr = &csr;

        let sent = world.ca.total();
        let step = run(&world.clock, issuer.issue(&request, &mut DurableProgress::default()));

        if is_taken {
            step.unwrap();
            continue;
        }
        let error = step.unwrap_err();
        assert_eq!(
            error.to_string(),
            "The CSR PEM requests a commonName that is not present in the list of dnsNames or ipAddresses. If a commonName is set, \
             ACME requires that the value is also present in the list of dnsNames or ipAddresses: \"bar.example\" does not exist in \
             [foo.example] or [192.0.2.1]"
        );
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Malformed, Retry::Never));
        assert_eq!(world.ca.total(), sent, "nothing was sent");
    }
}

#[test]
fn an_address_by_dns_and_names_that_differ_are_refused_before_anything_is_sent() {
    let world = World::new();
    let issuer = world.process();
    let asked = Asked::new(&["a.example"]);
    let other = Asked::new(&["b.example"]);
    let mut mixed = asked.request();
    mixed.csr = &other.csr;
    let mut authority = asked.request();
    authority.is_ca = true;

    let differ = run(&world.clock, issuer.issue(&mixed, &mut DurableProgress::default())).unwrap_err();
    let ca = run(&world.clock, issuer.issue(&authority, &mut DurableProgress::default())).unwrap_err();

    assert!(differ.to_string().contains("differ"), "{differ}");
    assert!(ca.to_string().contains("certificate authorities"), "{ca}");
    assert_eq!(world.ca.total(), 0);
}

#[test]
fn a_profile_that_is_not_offered_is_refused_or_left_out() {
    let world = World::with(|settings| {
        settings.profiles =
            BTreeMap::from([("classic".to_owned(), Profile::new("the usual", Duration::from_secs(90 * 86400)))]);
    });
    let effects = Effects::unharmed();
    let required = world.process_with(&effects, |it| it.required_profiles(["short", "shorter"]));
    let preferred = world.process_with(&effects, |it| it.profiles(["short", "classic"]));
    let unknown = world.process_with(&effects, |it| it.profiles(["short"]));

    let error = world.issue(&required, &["a.example"]).unwrap_err();
    assert!(error.to_string().contains("short or shorter") && error.to_string().contains("classic"), "{error}");
    assert_eq!(world.count(Endpoint::NewOrder), 0);
    world.issue(&preferred, &["a.example"]).unwrap();
    world.issue(&unknown, &["b.example"]).unwrap();
    let asked = Asked::new(&["c.example"]);
    let mut request = asked.request();
    request.profile = Some("other");
    let own = run(&world.clock, preferred.issue(&request, &mut DurableProgress::default())).unwrap_err();

    assert!(own.to_string().contains("other"), "{own}");
    let profiles: Vec<_> = world.ca.issued().iter().map(|it| it.profile.clone()).collect();
    assert_eq!(profiles, [Some("classic".to_owned()), None]);
}

#[test]
fn an_external_account_must_be_bound_and_bound_right() {
    let world = World::with(|settings| {
        settings.external_accounts = ExternalAccounts::Required;
        settings.external_keys = BTreeMap::from([("kid-1".to_owned(), b"0123456789abcdef0123456789abcdef".to_vec())]);
    });
    let bound = |key: &str| {
        let external = ExternalAccount::new("kid-1", key).unwrap();
        AccountSettings::new(Registration::agreeing_to_terms().with_external_account(external))
    };
    let without = world.process();
    let wrong =
        world.process_with(&Effects::unharmed(), |it| it.account(Arc::new(world.store.clone()), bound("d3Jvbmc")));
    let right = world.process_with(&Effects::unharmed(), |it| {
        it.account(Arc::new(world.store.clone()), bound("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"))
    });

    let missing = world.issue(&without, &["a.example"]).unwrap_err();
    let refused = world.issue(&wrong, &["a.example"]).unwrap_err();

    assert_eq!(world.count(Endpoint::NewOrder), 0);
    assert!(missing.to_string().contains("external account"), "{missing}");
    assert!(refused.to_string().contains("kid-1"), "{refused}");
    world.issue(&right, &["a.example"]).unwrap();
}

#[test]
fn terms_that_are_not_agreed_to_are_named() {
    let world = World::new();
    let issuer = world.process_with(&Effects::unharmed(), |it| {
        it.account(Arc::new(world.store.clone()), AccountSettings::new(Registration::default()))
    });

    let error = world.issue(&issuer, &["a.example"]).unwrap_err();

    assert!(error.to_string().contains("https://ca.test/terms"), "{error}");
    assert_eq!(world.count(Endpoint::NewAccount), 0);
}

#[test]
fn a_clock_off_by_hours_is_refused_before_anything_is_made() {
    for offset in [-5 * 3600, 5 * 3600, 70 * 86400] {
        let world = World::new();
        world.ca.set_date_offset(offset);

        let error = world.issue(&world.process(), &["a.example"]).unwrap_err();

        assert!(error.to_string().contains("clock"), "{error}");
        assert_eq!((world.count(Endpoint::NewAccount), world.count(Endpoint::NewOrder)), (0, 0));
        world.ca.set_date_offset(60);
        world.issue(&world.process(), &["a.example"]).unwrap();
    }
}

#[test]
fn what_a_public_authority_refuses_is_known_ahead() {
    let identifiers = |names: &[&str]| Asked::new(names).identifiers;
    let many: Vec<String> = (0..101).map(|number| format!("n{number}.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let lets_encrypt = directories::LETS_ENCRYPT;

    lets_encrypt.check(&identifiers(&many[..100]), None).unwrap();
    let too_many = lets_encrypt.check(&identifiers(&many), None).unwrap_err();
    let too_many_short = lets_encrypt.check(&identifiers(&many[..26]), Some("shortlived")).unwrap_err();
    let address = lets_encrypt.check(&identifiers(&["192.0.2.1"]), None).unwrap_err();
    lets_encrypt.check(&identifiers(&["192.0.2.1"]), Some("shortlived")).unwrap();
    let never = directories::ZEROSSL.check(&identifiers(&["192.0.2.1"]), None).unwrap_err();

    assert!(too_many.to_string().contains("at most 100"), "{too_many}");
    assert!(too_many_short.to_string().contains("at most 25"), "{too_many_short}");
    assert!(address.to_string().contains("shortlived"), "{address}");
    assert!(never.to_string().contains("ZeroSSL"), "{never}");
    for known in directories::ALL {
        let url = Url::try_from(known).unwrap();
        assert_eq!(directories::Known::at(&url), Some(known));
    }
}

#[test]
fn a_client_that_lacks_what_is_asked_is_refused_when_the_issuer_is_built() {
    let world = World::new();
    let built = |change: fn(certwright_issuers::acme::Builder) -> certwright_issuers::acme::Builder| {
        let clock = Arc::new(world.clock.clone());
        let directory =
            Directory::new(world.ca.directory_url(), Arc::new(world.ca.transport(&world.clock)), clock.clone());
        let client = Arc::new(Poor(Url::parse("https://ca.test/account/1").unwrap()));
        change(AcmeIssuer::builder("poor", directory, Solvers::new(), clock).client(client)).build()
    };

    let issuer = built(|it| it).unwrap();
    assert!(issuer.revoke().is_none(), "it names nobody who could");
    assert!(issuer.renewal_info().is_some(), "the directory alone is asked for that");
    let error = built(|it| it.preferred_chain("ISRG Root X1")).unwrap_err();

    assert!(error.to_string().contains("alternate chains"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_record_of_a_newer_release_is_left_alone() {
    let world = World::new();
    world.issue(&world.process(), &["a.example"]).unwrap();
    let key = world.store.keys().into_iter().find(|key| key.as_str().contains("accounts")).unwrap();
    let bytes = String::from_utf8(world.store.bytes(&key).unwrap()).unwrap();
    let newer = bytes.replacen("\"format\":1", "\"format\":2", 1);
    run(
        &world.clock,
        acme_core::Store::put(&world.store, &key, newer.clone().into_bytes().into(), acme_core::Expect::Anything),
    )
    .unwrap();
    let before = world.ca.total();

    let asked = Asked::new(&["b.example"]);
    let issuer = world.process();
    let outcome = run(&world.clock, drive(&issuer, &asked.request(), &mut DurableProgress::default(), &world.clock));

    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("newer release"), "{error}");
    assert!(!error.to_string().contains("PRIVATE"), "{error}");
    assert_eq!(world.store.bytes(&key).unwrap(), newer.into_bytes());
    assert!(world.ca.total() <= before + 1, "the directory alone may be asked for");
}

#[test]
fn a_refusal_of_the_authority_reaches_the_user_with_its_subproblems() {
    let world = World::with(|settings| settings.blocked = vec!["blocked.example".to_owned()]);

    let error = world.issue(&world.process(), &["a.example", "blocked.example"]).unwrap_err();

    assert_eq!(error.retry(), Retry::Never);
    assert_eq!(error.problem().unwrap().kind, ProblemType::RejectedIdentifier);
    assert!(error.to_string().contains("blocked.example"), "{error}");
}

fn issuer_with(
    world: &World,
    solvers: Solvers,
    change: impl FnOnce(certwright_issuers::acme::Builder) -> certwright_issuers::acme::Builder,
) -> AcmeIssuer {
    let clock = Arc::new(world.clock.clone());
    let directory = Directory::new(world.ca.directory_url(), Arc::new(world.ca.transport(&world.clock)), clock.clone());
    let settings = AccountSettings::new(Registration::agreeing_to_terms());
    let builder =
        AcmeIssuer::builder("acme", directory, solvers, clock).account(Arc::new(world.store.clone()), settings);
    change(builder).build().unwrap()
}

struct Poor(Url);

#[async_trait]
impl Client for Poor {
    async fn call(&self, _: &Call) -> Result<Reply, Error> {
        Err(Error::new(ErrorKind::Internal, "nothing is called here"))
    }

    fn account(&self) -> &Url {
        &self.0
    }

    fn thumbprint(&self) -> &str {
        "thumbprint"
    }

    fn lacks(&self, needs: Needs) -> Needs {
        needs.within(Needs::ALTERNATES)
    }
}
