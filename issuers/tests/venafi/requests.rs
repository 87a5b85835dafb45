//! What is asked for, in each service's words, and what comes of it.

use std::time::Duration;

use acme_core::Clock as _;
use acme_core::protocol::RevocationReason;
use certwright_issuers::venafi::{Cloud, CustomField, Tpp, VenafiIssuer};
use certwright_issuers::{InMemory, Issuer as _, Step, drive};
use serde_json::json;
use testkit::crash::Effects;
use testkit::run;
use testkit::venafi::{Fault, tpp};

use crate::world::{ALL, Asked, Kind, World, cloud_of, ngts_of, password, tpp_at};

#[test]
fn a_certificate_comes_with_its_chain_and_the_root_beside_it() {
    for kind in ALL {
        let world = World::new(kind);

        let issued = world.issue(&world.process(), &["a.example", "b.example"]).unwrap();

        assert_eq!(issued.chain.certificates().len(), 2, "{kind:?}");
        assert!(issued.root.is_some(), "{kind:?}");
    }
}

#[test]
fn one_certificate_costs_few_requests() {
    let world = World::new(Kind::Tpp);
    world.double.state().delay = Duration::ZERO;
    world.issue(&world.process(), &["a.example"]).unwrap();
    let sent = [
        "/vedauth/authorize/oauth",
        "/vedsdk/certificates/reset",
        "/vedsdk/certificates/retrieve",
        "/vedsdk/certificates/request",
        "/vedsdk/certificates/retrieve",
    ];
    assert_eq!(world.double.log(), sent.map(|it| format!("POST {it}")));

    let world = World::new(Kind::Ngts);
    world.double.state().delay = Duration::ZERO;
    world.issue(&world.process(), &["a.example"]).unwrap();
    assert_eq!(world.double.count("/oauth2/access_token"), 1);
    assert_eq!(world.double.count("/v1/certificateissuingtemplates"), 1);
}

#[test]
fn looks_grow_rarer_while_somebody_makes_up_their_mind() {
    for kind in ALL {
        let world = World::new(kind);
        world.double.state().delay = Duration::from_secs(3600);

        world.issue(&world.process(), &["a.example"]).unwrap();

        let looks = world.double.log().len();
        assert!(looks < 140, "{kind:?}: {looks} requests within an hour");
    }
}

#[test]
fn a_policy_folder_is_found_however_it_is_written() {
    for zone in [
        r"\VED\Policy\DevOps\Web",
        r"DevOps\Web",
        r"\\VED\\Policy\\DevOps\\Web",
        r"\ved\policy\DevOps\Web\",
        r"\DevOps\Web",
    ] {
        let world = World::new(Kind::Tpp);

        world.issue(&world.at(tpp_at(zone, password("correct horse")), &Effects::unharmed()), &["a.example"]).unwrap();

        assert_eq!(world.double.tpp(|it| it.requests[0]["PolicyDN"].clone()), tpp::FOLDER, "{zone}");
    }
}

#[test]
fn zones_that_are_none_are_refused_at_once() {
    for zone in ["", r"\", r"\VED\Policy", "a\nb"] {
        assert!(Tpp::new("tpp.example", zone, password("")).is_err(), "{zone:?}");
    }
    for zone in ["", "Web Shop", r"a\b\c", r"\"] {
        assert!(Cloud::new(zone, acme_core::Secret::new(String::new())).is_err(), "{zone:?}");
    }
    for (zone, tsg) in [("", "1000000001"), ("Public TLS", "tsg"), ("Public TLS", "")] {
        let secret = acme_core::Secret::new(String::new());
        assert!(certwright_issuers::venafi::Ngts::new(zone, tsg, "client", secret).is_err(), "{zone:?} {tsg:?}");
    }
}

#[test]
fn credentials_are_sent_over_https_alone() {
    let world = World::new(Kind::Tpp);
    let clock = std::sync::Arc::new(world.clock.clone());
    for address in ["http://tpp.example", "https://user:word@tpp.example", "https://tpp.example/?a=b", "tpp example"] {
        let service = Tpp::new(address, "Web", password("")).unwrap();
        let transport = std::sync::Arc::new(world.double.clone());
        let error = VenafiIssuer::new("venafi", service, transport, clock.clone()).unwrap_err();
        assert!(!error.to_string().contains("word"), "{error}");
    }
}

#[test]
fn custom_fields_and_the_objects_name_reach_the_platform() {
    let world = World::new(Kind::Tpp);
    let defaults = CustomField::list(
        r#"[{"name": "Owner", "value": "web"}, {"type": "Plain", "name": "Cost Center", "value": "1"}]"#,
    )
    .unwrap();
    let own = [CustomField::new("Cost Center", "4711"), CustomField::new("Cost Center", "4712")];
    let issuer = world.process().with_custom_fields(defaults).with_fields_of_request(&own);

    world.issue(&issuer, &["first.example", "second.example"]).unwrap();

    let request = world.double.tpp(|it| it.requests[0].clone());
    let fields = json!([{"Name": "Owner", "Values": ["web"]}, {"Name": "Cost Center", "Values": ["4711", "4712"]}]);
    assert_eq!(request["CustomFields"], fields);
    assert_eq!(request["ObjectName"], "first.example");
    assert_eq!(request["CASpecificAttributes"], json!([{"Name": "Origin", "Value": "certwright"}]));
}

#[test]
fn a_custom_field_of_an_unknown_type_is_refused() {
    for json in
        [r#"[{"type": "Date", "name": "a", "value": "b"}]"#, r#"{"name": "a", "value": "b"}"#, r#"[{"name": "a"}]"#]
    {
        assert!(CustomField::list(json).is_err(), "{json}");
    }
}

#[test]
fn durations_are_asked_for_where_that_was_wanted() {
    let asked = Asked::new(&["a.example"]);
    let mut request = asked.request();
    request.duration = Some(Duration::from_secs(90 * 86400));
    let effects = Effects::unharmed();

    let world = World::new(Kind::Cloud);
    let issuer = world.at(cloud_of(r"Web Shop\Public TLS", "a-key").ask_for_durations(), &effects);
    run(&world.clock, drive(&issuer, &request, &mut InMemory::new(), &world.clock)).unwrap();
    assert_eq!(world.double.cloud(|it| it.requests[0]["validityPeriod"].clone()), "PT2160H0M0S");

    let world = World::new(Kind::Ngts);
    let issuer = world.at(ngts_of("Public TLS", "top secret"), &effects);
    run(&world.clock, drive(&issuer, &request, &mut InMemory::new(), &world.clock)).unwrap();
    assert!(world.double.cloud(|it| it.requests[0].get("validityPeriod").is_none()));

    let world = World::new(Kind::Tpp);
    let service = Tpp::new("tpp.example", tpp::FOLDER, password("correct horse")).unwrap();
    let issuer = world.at(service.with_end_date_as("Specific End Date"), &effects);
    run(&world.clock, drive(&issuer, &request, &mut InMemory::new(), &world.clock)).unwrap();
    let attributes = world.double.tpp(|it| it.requests[0]["CASpecificAttributes"].clone());
    assert_eq!(attributes[1], json!({"Name": "Specific End Date", "Value": "2026-04-02T03:04:05Z"}));
}

#[test]
fn the_defaults_of_a_zone_are_read() {
    for kind in ALL {
        let world = World::new(kind);

        let zone = run(&world.clock, world.process().zone()).unwrap();

        assert_eq!(zone.organization.as_deref(), Some("Example Inc."), "{kind:?}");
        assert_eq!((zone.locality.as_deref(), zone.province.as_deref()), (Some("Salt Lake"), Some("Utah")), "{kind:?}");
        assert_eq!((zone.country.as_deref(), zone.key_type.as_deref()), (Some("US"), Some("RSA")), "{kind:?}");
        assert_eq!((zone.key_bits, zone.key_curve), (Some(2048), None), "{kind:?}");
    }
}

#[test]
fn a_certificate_is_revoked_by_its_thumbprint_where_the_service_can() {
    let world = World::new(Kind::Tpp);
    let issuer = world.process();
    let issued = world.issue(&issuer, &["a.example"]).unwrap();
    let leaf = issued.chain.leaf().unwrap();
    let revoke = |reason| run(&world.clock, issuer.revoke().unwrap().revoke(leaf, reason));

    revoke(Some(RevocationReason::Superseded)).unwrap();
    revoke(None).unwrap();
    let refused = revoke(Some(RevocationReason::CertificateHold)).unwrap_err();

    assert_eq!(world.double.tpp(|it| it.revoked.iter().map(|(_, reason)| *reason).collect::<Vec<_>>()), [4, 0]);
    assert_eq!(refused.kind(), acme_core::ErrorKind::Unsupported);
    assert!(World::new(Kind::Cloud).process().revoke().is_none());
}

#[test]
fn an_old_failure_on_the_object_is_reset_before_the_request() {
    let world = World::new(Kind::Tpp);
    world.double.tpp(|it| {
        it.object("a.example").trouble =
            Some("Post CSR failed with error: Cannot connect to the certificate authority (CA).")
    });

    world.issue(&world.process(), &["a.example"]).unwrap();

    assert_eq!(world.double.state().taken, 1);
}

#[test]
fn a_request_that_gets_stuck_is_started_again_once() {
    let stuck =
        "This certificate cannot be processed while it is in an error state. Fix any errors, and then click Retry.";
    let world = World::new(Kind::Tpp);
    let (issuer, asked, mut progress) = (world.process(), Asked::new(&["a.example"]), InMemory::new());
    run(&world.clock, issuer.issue(&asked.request(), &mut progress)).unwrap();
    world.double.tpp(|it| it.object("a.example").trouble = Some(stuck));

    run(&world.clock, drive(&issuer, &asked.request(), &mut progress, &world.clock)).unwrap();

    assert_eq!(world.double.count("/certificates/reset"), 2);
    assert_eq!(world.double.state().taken, 1);
}

#[test]
fn a_service_out_of_reach_for_hours_loses_no_request() {
    for kind in ALL {
        let world = World::new(kind);
        let (issuer, asked, mut progress) = (world.process(), Asked::new(&["a.example"]), InMemory::new());
        run(&world.clock, issuer.issue(&asked.request(), &mut progress)).unwrap();
        world.double.fault("", Fault::DropBefore, usize::MAX);
        let healed = world.clock.now() + Duration::from_secs(5 * 3600);
        while world.clock.now() < healed {
            let step = run(&world.clock, issuer.issue(&asked.request(), &mut progress)).unwrap();
            let Step::NotYet { again, .. } = step else { panic!("{kind:?}: {step:?}") };
            world.clock.set(again);
        }
        world.double.heal();

        run(&world.clock, drive(&issuer, &asked.request(), &mut progress, &world.clock)).unwrap();

        assert_eq!(world.double.state().taken, 1, "{kind:?}");
    }
}
