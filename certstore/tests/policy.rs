//! Decisions about time, without a keeper around them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use acme_core::protocol::{CertificateId, RenewalInfo};
use acme_core::{Retry, Timestamp};
use certwright_certstore::policy::after_failure::{Life, pause};
use certwright_certstore::policy::renew::{Reason, answered, answered_again, due, scheduled, unanswered};
use certwright_certstore::record::RenewalPlan;
use issuers::RenewalAnswer;
use issuers::chain::Leaf;

#[test]
fn the_schedule_leaves_a_third_or_half_of_a_short_life_and_spreads() {
    for (days, left) in [(90, 30.0), (45, 15.0), (10, 10.0 / 3.0), (9, 4.5), (6, 3.0)] {
        let times: Vec<f64> = (0..50)
            .map(|_| {
                let leaf = leaf(days);
                assert_eq!(scheduled(&leaf), scheduled(&leaf), "the same certificate, the same instant");
                leaf.not_after.since(scheduled(&leaf)).as_secs_f64() / DAY.as_secs_f64()
            })
            .collect();
        let most = left + f64::from(days) / 50.0;
        assert!(times.iter().all(|it| *it >= left - 0.001 && *it <= most + 0.001), "{days}: {times:?}");
        let spread = times.iter().fold(0.0_f64, |most, it| most.max(*it))
            - times.iter().fold(f64::MAX, |least, it| least.min(*it));
        assert!(spread > f64::from(days) / 100.0, "{days}: {spread}");
    }
}

#[test]
fn a_suggestion_goes_before_the_schedule_and_little_life_before_both() {
    let leaf = leaf(90);
    let id = leaf.id.clone().unwrap();
    let suggest = |from: Timestamp| answered(id.clone(), answer(from, HOUR), START);
    let early = suggest(leaf.not_before + 10 * DAY);
    assert_eq!(due(&leaf, Some(&early)).reason, Reason::Suggested);
    let late = suggest(leaf.not_before + 75 * DAY);
    assert_eq!(due(&leaf, Some(&late)).at, late.chosen.unwrap(), "later than the schedule is the authority's right");
    let never = suggest(leaf.not_before + 400 * DAY);
    let found = due(&leaf, Some(&never));
    assert_eq!(found.reason, Reason::Emergency);
    assert_eq!(leaf.not_after.since(found.at), 90 * DAY / 20);
    assert_eq!(due(&leaf, None).reason, Reason::Schedule);
}

#[test]
fn a_chosen_instant_stays_while_the_window_moves_around_it() {
    let id = leaf(90).id.unwrap();
    let first = answered(id.clone(), answer(START, HOUR), START);
    let (window, chosen) = (first.window.unwrap(), first.chosen.unwrap());
    let kept = RenewalPlan::new(id.clone(), START).with_window(window, chosen);
    let moved = |by: Duration, certificate: &CertificateId| {
        answered_again(certificate.clone(), Some(&kept), answer(START + by, HOUR), START).chosen.unwrap()
    };
    let within = chosen.since(START);
    assert_eq!(moved(within, &id), chosen, "at the beginning of the window");
    assert_eq!(moved(within / 2, &id), chosen);
    assert!(moved(within + MINUTE, &id) > chosen, "outside it another one is chosen");
    let other = CertificateId::from_parts(b"k", b"s");
    let fresh = answered(other.clone(), answer(START + within / 2, HOUR), START).chosen.unwrap();
    assert_eq!(moved(within / 2, &other), fresh, "another certificate has its own");
}

#[test]
fn what_is_said_of_another_certificate_says_nothing() {
    let (one, other) = (leaf(90), leaf(90));
    let plan = answered(other.id.unwrap(), answer(START, HOUR), START);
    assert_eq!(due(&one, Some(&plan)).reason, Reason::Schedule);
}

#[test]
fn questions_are_asked_again_between_a_minute_and_a_day() {
    let id = leaf(90).id.unwrap();
    for (said, kept) in [(Duration::ZERO, MINUTE), (6 * HOUR, 6 * HOUR), (30 * DAY, DAY)] {
        let plan = answered(id.clone(), answer(START, said), START);
        assert_eq!(plan.poll_at.since(START), kept);
    }
}

#[test]
fn a_question_that_fails_keeps_the_answer_and_is_asked_ever_later() {
    let id = leaf(90).id.unwrap();
    let mut plan = answered(id.clone(), answer(START + DAY, HOUR), START);
    let chosen = plan.chosen;
    let mut last = Duration::ZERO;
    for _ in 0..12 {
        plan = unanswered(id.clone(), Some(plan), None, START);
        let pause = plan.poll_at.since(START);
        assert!(pause >= MINUTE && pause <= 6 * HOUR && pause >= last / 2, "{pause:?}");
        last = pause;
    }
    assert!(last >= 4 * HOUR);
    assert_eq!(plan.chosen, chosen);
    let other = CertificateId::from_parts(b"k", b"s");
    assert_eq!(unanswered(other, Some(plan), Some(2 * DAY), START).chosen, None);
}

#[test]
fn a_short_life_is_not_spent_waiting() {
    let life = Some(Life::new(160 * HOUR, 80 * HOUR));
    for failures in 0..40 {
        let until = pause(failures, Retry::Backoff, life, "example.com", START).until;
        assert!(until.since(START) <= 9 * HOUR, "{failures}");
    }
    let last_hour = Some(Life::new(160 * HOUR, MINUTE));
    let until = pause(9, Retry::Backoff, last_hour, "example.com", START).until;
    assert!(until.since(START) >= MINUTE, "never a hot loop");
}

fn answer(from: Timestamp, again: Duration) -> RenewalAnswer {
    let text = format!(r#"{{"suggestedWindow":{{"start":"{from}","end":"{}"}}}}"#, from + HOUR);
    let info: RenewalInfo = serde_json::from_str(&text).unwrap();
    RenewalAnswer::new(info, START + again)
}

/// A certificate valid from `START`, with a serial number and an issuer of its own.
fn leaf(days: u32) -> Leaf {
    use rcgen::{CertificateParams, Issuer, KeyPair};
    let authority = Issuer::new(CertificateParams::default(), KeyPair::generate().unwrap());
    let mut params = CertificateParams::new(vec!["example.com".to_owned()]).unwrap();
    let date = |at: Timestamp| time::OffsetDateTime::from_unix_timestamp(at.unix_seconds()).unwrap();
    params.not_before = date(START);
    params.not_after = date(START + days * DAY);
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&KeyPair::generate().unwrap(), &authority).unwrap();
    Leaf::read(certificate.der()).unwrap()
}

const START: Timestamp = Timestamp::from_unix_seconds(1_767_323_045);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
