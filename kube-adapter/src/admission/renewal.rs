//! Lifetimes and renewal of Certificates.

use std::time::Duration;

use certstore::policy::renew::RenewalWindow as Window;

use super::findings::{Findings, Path};
use crate::crd::CertificateSpec;
use crate::crd::certificate::{Renewal, RenewalPolicy, RenewalWindow};
use crate::crd::duration::GoDuration;

/// Judges `duration`, `renewBefore` and `renewBeforePercentage` together.
pub(super) fn judge_duration(spec: &CertificateSpec, path: &Path, findings: &mut Findings) {
    if spec.duration.is_none() && spec.renew_before.is_none() {
        return;
    }
    let mut is_read = true;
    for (field, span) in [("duration", &spec.duration), ("renewBefore", &spec.renew_before)] {
        if let Some(span) = span.as_ref().filter(|it| it.nanoseconds().is_none()) {
            findings.invalid(&path.child(field), span.as_str(), NO_SPAN);
            is_read = false;
        }
    }
    if !is_read {
        return;
    }
    let duration = spec.duration.as_ref().map_or(DEFAULT_DURATION, nanoseconds);
    if duration < LEAST_DURATION {
        let detail = format!("certificate duration must be greater than {}", printed(LEAST_DURATION));
        findings.invalid_json(&path.child("duration"), &duration, &detail);
    }
    let before = spec.renew_before.as_ref().map(nanoseconds);
    if let (Some(before), Some(percentage)) = (before, spec.renew_before_percentage) {
        findings.invalid_json(&path.child("renewBefore"), &before, EXCLUSIVE);
        findings.invalid_json(&path.child("renewBeforePercentage"), &percentage, EXCLUSIVE);
    }
    if let Some(before) = before {
        let path = path.child("renewBefore");
        if before < LEAST_RENEW_BEFORE {
            let detail = format!("certificate renewBefore must be greater than {}", printed(LEAST_RENEW_BEFORE));
            findings.invalid_json(&path, &before, &detail);
        }
        if before >= duration {
            let detail = format!(
                "certificate duration {} must be greater than renewBefore {}",
                printed(duration),
                printed(before)
            );
            findings.invalid_json(&path, &before, &detail);
        }
    }
    if let Some(percentage) = spec.renew_before_percentage {
        judge_percentage(percentage, duration, &path.child("renewBeforePercentage"), findings);
    }
}

fn judge_percentage(percentage: i32, duration: i64, path: &Path, findings: &mut Findings) {
    let before = i128::from(duration) * (100 - i128::from(percentage)) / 100;
    let rule = "certificate renewBeforePercentage must result in a renewBefore";
    if before < i128::from(LEAST_RENEW_BEFORE) {
        let detail = format!("{rule} greater than {}", printed(LEAST_RENEW_BEFORE));
        findings.invalid_json(path, &percentage, &detail);
    }
    if before >= i128::from(duration) {
        findings.invalid_json(path, &percentage, &format!("{rule} less than duration"));
    }
}

/// Judges whether and when a certificate is renewed for its age.
pub(super) fn judge(renewal: &Renewal, path: &Path, findings: &mut Findings) {
    match &renewal.policy {
        Some(RenewalPolicy::RenewBefore) => {}
        Some(RenewalPolicy::Disabled) => {
            if !renewal.windows.is_empty() {
                let detail = "windows cannot be set when `renewal.policy` is set to Disabled";
                findings.forbidden(&path.child("windows"), detail);
            }
            return;
        }
        Some(RenewalPolicy::Other(_)) | None => {
            let policy = renewal.policy.as_ref().map_or("", RenewalPolicy::as_str);
            findings.unsupported(&path.child("policy"), &policy, &["Disabled", "RenewBefore"]);
        }
    }
    for (index, window) in renewal.windows.iter().enumerate() {
        judge_window(window, &path.child("windows").index(index), findings);
    }
}

fn judge_window(window: &RenewalWindow, path: &Path, findings: &mut Findings) {
    if window.window_duration.duration().is_none_or(|duration| duration.is_zero()) {
        let detail = "windowDuration must be specified and should be greater than 0";
        findings.required(&path.child("windowDuration"), detail);
    }
    let zone = Some(window.timezone.as_str()).filter(|zone| !zone.is_empty());
    let is_zone = Window::new(EACH_MINUTE, zone, MOMENT).is_ok();
    if !is_zone {
        let detail = "invalid value for timezone. timezone must be IANA compliant";
        findings.invalid(&path.child("timezone"), &window.timezone, detail);
    }
    let fault = match Window::new(&window.cron, None, MOMENT) {
        _ if !is_zone => Some(format!("provided bad location {0}: unknown time zone {0}", window.timezone)),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    };
    if let Some(fault) = fault {
        let detail = format!(
            "invalid cron syntax: failed to parse cron spec '{}': {fault}. cron needs to follow: cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow",
            window.cron
        );
        findings.invalid(&path.child("cron"), &window.cron, &detail);
    }
}

/// The span; none for a text that is no span.
fn nanoseconds(span: &GoDuration) -> i64 {
    span.nanoseconds().unwrap_or(0)
}

fn printed(nanoseconds: i64) -> String {
    GoDuration::from_nanoseconds(nanoseconds).to_string()
}

const HOUR: i64 = 3_600_000_000_000;
const DEFAULT_DURATION: i64 = 2160 * HOUR;
const LEAST_DURATION: i64 = HOUR;
const LEAST_RENEW_BEFORE: i64 = HOUR / 12;
/// What is said of a text that is no span of time.
pub(super) const NO_SPAN: &str = "it is no span of time: write hours, minutes and seconds, as in 2160h for 90 days";
const EXCLUSIVE: &str = "renewBefore and renewBeforePercentage are mutually exclusive and cannot both be set";
const EACH_MINUTE: &str = "* * * * *";
const MOMENT: Duration = Duration::from_secs(1);
