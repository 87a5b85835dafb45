//! Windows, where clocks are put forward and back.

use std::time::Duration;

use acme_core::Timestamp;
use certwright_certstore::policy::renew::{Lead, Preferences, Reason, RenewalWindow, Validity};
use proptest::prelude::*;

use super::preferences::validity;

#[test]
fn a_wanted_time_waits_for_the_next_window() {
    let validity = validity("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z");
    for (windows, at, reason) in [
        // Wanted at 2026-03-02T00:00:00Z, a Monday.
        (&[("0 2 * * *", "UTC", 2)][..], "2026-03-02T02:00:00Z", Reason::Window),
        (&[("0 2 * * *", "America/New_York", 2)], "2026-03-02T07:00:00Z", Reason::Window),
        (&[("0 23 * * sun", "UTC", 2)], "2026-03-02T00:00:00Z", Reason::Wanted),
        (&[("0 22 * * sun", "UTC", 2)], "2026-03-02T00:00:00Z", Reason::Wanted),
        (&[("0 21 * * sun", "UTC", 2)], "2026-03-08T21:00:00Z", Reason::Window),
        // Whichever opens first, in whichever order they are named.
        (&[("0 5 * * *", "UTC", 1), ("0 3 * * *", "UTC", 1)], "2026-03-02T03:00:00Z", Reason::Window),
        (&[("0 3 * * *", "UTC", 1), ("0 0 1 5 *", "UTC", 1)], "2026-03-02T03:00:00Z", Reason::Window),
        // None before the end.
        (&[("0 0 1 6 *", "UTC", 1)], "2026-03-02T00:00:00Z", Reason::NoWindow),
        (&[("0 0 1 4 *", "UTC", 1)], "2026-03-02T00:00:00Z", Reason::NoWindow),
        (&[("0 0 30 2 *", "UTC", 1)], "2026-03-02T00:00:00Z", Reason::NoWindow),
    ] {
        let wants = windows.iter().fold(Preferences::new(), |wants, (cron, zone, hours)| {
            wants.with_window(RenewalWindow::new(cron, Some(zone), *hours * HOUR).unwrap())
        });
        let due = wants.due(validity, None).unwrap();
        assert_eq!((due.at.to_string().as_str(), due.reason), (at, reason), "{windows:?}");
    }
}

#[test]
fn a_suggestion_waits_for_the_next_window_too() {
    let validity = validity("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z");
    let wants = Preferences::new().with_window(RenewalWindow::new("0 2 * * *", None, HOUR).unwrap());
    let due = wants.due(validity, Timestamp::parse_rfc3339("2026-02-01T03:00:01Z").ok()).unwrap();
    assert_eq!((due.at.to_string().as_str(), due.reason), ("2026-02-02T02:00:00Z", Reason::Window));
}

#[test]
fn an_hour_that_a_clock_leaves_out_does_not_come_and_one_it_shows_twice_comes_twice() {
    let berlin = RenewalWindow::new("30 2 * * *", Some("Europe/Berlin"), HOUR).unwrap();
    assert_eq!(
        openings(&berlin, "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z"),
        ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"]
    );
    assert_eq!(
        openings(&berlin, "2026-10-25T00:00:00Z", "2026-10-26T12:00:00Z"),
        ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"]
    );
    let half_an_hour = RenewalWindow::new("45 1 * * *", Some("Australia/Lord_Howe"), HOUR).unwrap();
    assert_eq!(
        openings(&half_an_hour, "2026-04-04T00:00:00Z", "2026-04-05T12:00:00Z"),
        ["2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"]
    );
}

#[test]
fn a_zone_that_nobody_knows_and_a_window_that_is_never_open_are_refused() {
    let error = RenewalWindow::new("* * * * *", Some("Mars/Olympus\u{202e}"), HOUR).unwrap_err();
    assert_eq!(error.what(), "unknown time zone \"Mars/Olympus \"");
    let error = RenewalWindow::new("* * * * *", None, Duration::ZERO).unwrap_err();
    assert_eq!(error.what(), "a renewal window must be open for some time");
}

#[test]
fn windows_beyond_the_bound_do_not_count() {
    let validity = validity("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z");
    let mut wants = Preferences::new();
    for _ in 0..64 {
        wants = wants.with_window(RenewalWindow::new("0 5 * * *", None, HOUR).unwrap());
    }
    let wants = wants.with_window(RenewalWindow::new("0 3 * * *", None, HOUR).unwrap());
    assert_eq!(wants.due(validity, None).unwrap().at.to_string(), "2026-03-02T05:00:00Z");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// Against a clock that is looked at every minute, around every change of that clock within ten years.
    #[test]
    fn a_window_opens_exactly_when_the_clock_on_the_wall_says_so(
        zone in proptest::sample::select(&ZONES[..]),
        minute in 0_i8..60,
        hour in 0_i8..24,
        day in 0_i64..3_650,
    ) {
        let window = RenewalWindow::new(&format!("{minute} {hour} * * *"), Some(zone), HOUR).unwrap();
        let clock = jiff::tz::TimeZoneDatabase::bundled().get(zone).unwrap();
        let start = 1_767_225_600 + day * 86_400;
        let from = clock.following(jiff::Timestamp::from_second(start).unwrap()).next().map_or(start, |it| it.timestamp().as_second() - 86_400);
        let from = from - from.rem_euclid(60);
        let shown: Vec<i64> = (0..2 * 1440)
            .map(|minutes| from + minutes * 60)
            .filter(|at| {
                let time = clock.to_datetime(jiff::Timestamp::from_second(*at).unwrap()).time();
                (time.hour(), time.minute()) == (hour, minute)
            })
            .collect();
        let opened: Vec<i64> = all(&window, Timestamp::from_unix_seconds(from), Timestamp::from_unix_seconds(from + 2 * 86_400))
            .iter()
            .map(|it| it.unix_seconds())
            .collect();
        prop_assert_eq!(opened, shown, "{} from {}", zone, from);
    }

    #[test]
    fn renewal_is_inside_a_window_when_one_is_open_before_the_end(
        zone in proptest::sample::select(&ZONES[..]),
        cron in proptest::sample::select(&CRONS[..]),
        start in 1_500_000_000_i64..2_500_000_000,
        hours in 1_u32..24 * 400,
        percentage in 1_u32..100,
        length in 1_u32..48,
    ) {
        let not_before = Timestamp::from_unix_seconds(start);
        let validity = Validity::new(not_before, not_before + hours * HOUR);
        let window = RenewalWindow::new(cron, Some(zone), length * HOUR).unwrap();
        let wanted = Preferences::new().with_lead(Lead::new().with_percentage(percentage));
        let at = wanted.due(validity, None).unwrap().at;
        let due = wanted.with_window(window.clone()).due(validity, None).unwrap();
        prop_assert!(due.at >= at && due.at <= validity.not_after);
        if due.reason == Reason::Wanted {
            prop_assert!(due.at == at && window.is_open(at));
        } else if due.reason == Reason::Window {
            prop_assert!(window.is_open(due.at) && !window.is_open(due.at - Duration::from_secs(1)));
        } else {
            prop_assert_eq!(due.reason, Reason::NoWindow);
            prop_assert!(due.at == at && window.opens(at, validity.not_after).is_none());
        }
    }
}

/// Every opening from one time to another.
fn openings(window: &RenewalWindow, from: &str, until: &str) -> Vec<String> {
    let [from, until] = [from, until].map(|it| Timestamp::parse_rfc3339(it).unwrap());
    all(window, from, until).iter().map(Timestamp::to_string).collect()
}

fn all(window: &RenewalWindow, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let next = |at: &Timestamp| window.opens(*at + Duration::from_secs(60), until);
    std::iter::successors(window.opens(from, until), next).collect()
}

const HOUR: Duration = Duration::from_secs(3600);
const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Scoresbysund",
    "Pacific/Apia",
];
const CRONS: [&str; 7] =
    ["0 2 * * *", "30 2 * * 0", "*/20 0-3 * * *", "0 0 29 2 *", "15 1 1-7 * mon", "0 12 ? jan,jul *", "59 23 31 12 5"];
