//! What is kept is a file format: the bytes that the first release wrote are read for good.

use std::time::Duration;

use acme_core::{Client as _, Clock as _, Expect, Key, Retry, Store as _, Timestamp};
use certwright_issuers::acme::Readiness;
use certwright_issuers::acme::pace::{Scope, Sending};
use testkit::run;

use crate::world::World;

const ACCOUNT: &str = r#"{"format":1,"writes":1,"key":"-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgw//S3wMDs/TQ25AZ\nwvnMBhQWvnsAC/SPSpB0IqpWkhuhRANCAAQsI+AbEVklz32azV5aS++MvZ1Kb5Mx\nYEle04Fi7NO6J6+7aC1atT0t7GiNGVrG8zhQy57dFPIGrEIcmEuW3J6k\n-----END PRIVATE KEY-----\n","flow":{"format":1,"state":{"plan":{"contact":["mailto:ops@example.com"],"create":"allowed"},"state":{"ready":{"url":"https://ca.test/acct/-JOi7vsyVV5x"}}}}}"#;
const PAUSES: &str = r#"{"format":1,"entries":[{"scope":{"orders":"https://ca.test/acct/-JOi7vsyVV5x"},"until":"2026-01-02T06:04:09Z","because":"making an order: ca.test answered 429: rateLimited: too many of these; come later"},{"scope":"address","until":"2026-01-02T04:04:09Z","because":"x"},{"scope":{"name":{"account":"https://ca.test/acct/-JOi7vsyVV5x","name":{"type":"dns","value":"a.example"}}},"until":"2026-01-02T06:04:09Z","because":"y"}]}"#;

#[test]
fn an_account_of_the_first_release_is_taken_up() {
    let world = World::new();
    put(&world, "acme/accounts/https_3a_2f_2fca.test_2fdirectory/default", ACCOUNT);

    let issuer = world.process();
    let Readiness::Ready(session) = run(&world.clock, issuer.account().unwrap().open()).unwrap() else {
        panic!("an account that is ready must need nothing")
    };

    assert_eq!(session.account().as_str(), "https://ca.test/acct/-JOi7vsyVV5x");
    assert_eq!(session.thumbprint(), "liuqPqKZUWOiufe0tqpkSPcTSkRJlsjpp976EyukLng");
    assert_eq!(world.ca.total(), 0);
}

#[test]
fn pauses_of_the_first_release_hold() {
    let world = World::new();
    world.clock.set(Timestamp::parse_rfc3339("2026-01-02T03:04:05Z").unwrap());
    put(&world, "acme/pauses/https_3a_2f_2fca.test_2fdirectory", PAUSES);

    let error = world.issue(&world.process(), &["b.example"]).unwrap_err();

    assert_eq!(error.retry(), Retry::After(Duration::from_secs(3604)));
    assert_eq!(world.ca.total(), 0);
    world.clock.advance(Duration::from_secs(3604));
    let issuer = world.process();
    run(&world.clock, issuer.pace().permit(Sending::Directory)).unwrap();
    let left: Vec<_> = issuer.pace().embargoes().into_iter().map(|it| it.scope).collect();
    assert!(left.iter().any(|it| matches!(it, Scope::Name { .. })) && !left.contains(&Scope::Address), "{left:?}");
    // The model authority gives the same URL to its first account each time: the one whose orders pause.
    world.issue(&issuer, &["b.example"]).unwrap();
    assert!(world.clock.now() >= Timestamp::parse_rfc3339("2026-01-02T06:04:09Z").unwrap());
}

#[test]
fn records_that_cannot_be_read_say_so_and_stay() {
    for (key, kept) in [
        ("acme/accounts/https_3a_2f_2fca.test_2fdirectory/default", &ACCOUNT[..300]),
        ("acme/pauses/https_3a_2f_2fca.test_2fdirectory", "{}"),
    ] {
        let world = World::new();
        put(&world, key, kept);

        let error = world.issue(&world.process(), &["a.example"]).unwrap_err();

        assert!(error.to_string().contains("cannot be read"), "{error}");
        assert!(!format!("{error:?}").contains("MIGH"), "{error:?}");
        assert_eq!(world.store.bytes(&Key::new(key).unwrap()).unwrap(), kept.as_bytes());
        assert_eq!(world.ca.orders(), 0);
    }
}

fn put(world: &World, key: &str, value: &str) {
    let value = value.as_bytes().to_vec().into();
    run(&world.clock, world.store.put(&Key::new(key).unwrap(), value, Expect::Absent)).unwrap();
}
