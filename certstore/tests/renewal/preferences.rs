//! How long before the end.

use std::time::Duration;

use acme_core::Timestamp;
use certwright_certstore::policy::renew::{Lead, OfAge, Preferences, Reason, Validity};
use proptest::prelude::*;

#[test]
fn the_renewal_time_is_cert_managers_to_the_second() {
    let lead = Lead::new();
    let cases = [
        // A third of 90 days, and of the 2159 h 59 m 59 s that most certificates of 90 days live.
        (lead, "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-03-02T00:00:00Z"),
        (lead, "2026-01-01T00:00:00Z", "2026-03-31T23:59:59Z", "2026-03-01T23:59:59Z"),
        (lead, "2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z", "2026-01-01T00:00:06Z"),
        (lead.with_before(HOUR), "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z", "2026-01-01T01:00:00Z"),
        // A part of a second before is the second before.
        (
            lead.with_before(HOUR + Duration::from_micros(1)),
            "2026-01-01T00:00:00Z",
            "2026-01-01T02:00:00Z",
            "2026-01-01T00:59:59Z",
        ),
        // As long as the lifetime, or longer: does not count.
        (lead.with_before(2 * HOUR), "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z", "2026-01-01T01:20:00Z"),
        (lead.with_before(Duration::ZERO), "2026-01-01T00:00:00Z", "2026-01-01T03:00:00Z", "2026-01-01T02:00:00Z"),
        (lead.with_percentage(25), "2026-01-01T00:00:00Z", "2026-01-01T04:00:00Z", "2026-01-01T03:00:00Z"),
        (lead.with_percentage(33), "2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z", "2026-01-01T00:00:06Z"),
        (lead.with_percentage(0), "2026-01-01T00:00:00Z", "2026-01-01T03:00:00Z", "2026-01-01T02:00:00Z"),
        (lead.with_percentage(100), "2026-01-01T00:00:00Z", "2026-01-01T03:00:00Z", "2026-01-01T02:00:00Z"),
        (
            lead.with_before(HOUR).with_percentage(50),
            "2026-01-01T00:00:00Z",
            "2026-01-01T04:00:00Z",
            "2026-01-01T03:00:00Z",
        ),
        (
            lead.with_before(9 * HOUR).with_percentage(50),
            "2026-01-01T00:00:00Z",
            "2026-01-01T04:00:00Z",
            "2026-01-01T02:00:00Z",
        ),
        // The end of time: the lifetime is what 63 bits of nanoseconds hold.
        (lead, "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9902-07-30T00:04:13Z"),
    ];
    for (lead, from, to, at) in cases {
        let due = Preferences::new().with_lead(lead).due(validity(from, to), None).unwrap();
        assert_eq!((due.at.to_string().as_str(), due.reason), (at, Reason::Wanted), "{lead:?} {from} {to}");
    }
}

#[test]
fn who_keeps_a_certificate_whatever_its_age_is_not_asked_by_the_authority_either() {
    let kept = Preferences::new().with_of_age(OfAge::Kept);
    let validity = validity("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z");
    assert_eq!(kept.due(validity, None), None);
    assert_eq!(kept.due(validity, Some(validity.not_before)), None);
}

#[test]
fn a_suggestion_goes_before_the_lead_as_far_as_it_leaves_a_twentieth() {
    let validity = validity("2026-01-01T00:00:00Z", "2026-04-11T00:00:00Z");
    let wants = Preferences::new().with_lead(Lead::new().with_before(HOUR));
    for (suggested, at, reason) in [
        ("2026-02-01T10:00:00Z", "2026-02-01T10:00:00Z", Reason::Suggested),
        ("2025-12-24T10:00:00Z", "2026-01-01T00:00:00Z", Reason::Suggested),
        ("2026-04-10T10:00:00Z", "2026-04-06T00:00:00Z", Reason::Emergency),
    ] {
        let due = wants.due(validity, Timestamp::parse_rfc3339(suggested).ok()).unwrap();
        assert_eq!((due.at.to_string().as_str(), due.reason), (at, reason));
    }
}

proptest! {
    #[test]
    fn renewal_is_never_before_the_first_instant_nor_after_the_last(
        start in 0_i64..4_000_000_000,
        length in 1_i64..40_000_000_000,
        before in proptest::option::of(0_u64..50_000_000_000_000),
        percentage in proptest::option::of(0_u32..200),
        suggested in proptest::option::of(0_i64..44_000_000_000),
    ) {
        let at = Timestamp::from_unix_seconds;
        let validity = Validity::new(at(start), at(start + length));
        let mut lead = Lead::new();
        lead.before = before.map(Duration::from_micros);
        lead.percentage = percentage;
        let due = Preferences::new().with_lead(lead).due(validity, suggested.map(at)).unwrap();
        prop_assert!((validity.not_before..=validity.not_after).contains(&due.at), "{due:?}");
    }
}

pub(super) fn validity(from: &str, to: &str) -> Validity {
    Validity::new(Timestamp::parse_rfc3339(from).unwrap(), Timestamp::parse_rfc3339(to).unwrap())
}

const HOUR: Duration = Duration::from_secs(3600);
