//! Texts of conditions and Events that people and scripts match on: cert-manager's as prefix, ours behind.

use std::time::Duration;

use acme_core::Timestamp;
use acme_core::text::printable;
use certstore::policy::renew::{Due, Reason};

use crate::crd::reference::IssuerRef;

/// Text from outside, bounded and made printable. The line ends of a list stay, and the tab in front of each of its lines: those are cert-manager's.
pub(crate) fn lines(said: &str, limit: usize) -> String {
    let parts: Vec<String> = said
        .split('\n')
        .map(|line| {
            let (indent, line) = match line.strip_prefix('\t') {
                Some(line) => ("\t", line),
                None => ("", line),
            };
            format!("{indent}{}", printable(line, limit))
        })
        .collect();
    let mut said = parts.join("\n");
    if said.len() > limit {
        let cut = (0..=limit).rev().find(|at| said.is_char_boundary(*at)).unwrap_or(0);
        said.truncate(cut);
    }
    said
}

/// All is well.
pub(crate) const UP_TO_DATE: &str = "Certificate is up to date and has not expired";

/// A person wants it.
pub(crate) const RENEWED_BY_HAND: &str = "Certificate re-issuance manually triggered";

/// There is no Secret.
pub(crate) const DOES_NOT_EXIST: &str = "Issuing certificate as Secret does not exist";

/// What is in the Secret only stands for what is to come.
pub(crate) const TEMPORARY: &str = "Issuing certificate as Secret contains a temporary certificate";

/// It is time.
pub(crate) fn renewing(due: Due) -> String {
    if due.reason == Reason::NoWindow {
        format!("Renewing certificate without satisfying renewal windows at: {}", go_time(due.at))
    } else {
        format!("Renewing certificate as renewal was scheduled at {}", go_time(due.at))
    }
}

/// It will be time, and no window is open then.
pub(crate) fn no_window(due: Due, not_before: Timestamp, not_after: Timestamp) -> String {
    format!(
        "Renewing certificate without satisfying renewal windows due to cannot find a time with the given windows between {} and {}: it is renewed at {}; \
         add a window to spec.renewal.windows, or a longer one",
        go_time(not_before),
        go_time(not_after),
        go_time(due.at)
    )
}

/// Why a certificate is issued, and what its issuer lacks. `told` may have said something of the kind before.
pub(crate) fn waiting(told: &str, lacks: Option<&str>) -> String {
    let cause = told.split(WAITS).next().unwrap_or_default();
    match lacks {
        Some(lacks) => format!("{cause}{WAITS}{lacks}"),
        None => cause.to_owned(),
    }
}

const WAITS: &str = ". It waits: ";

/// Somebody else has a request of the name that the next one would have.
pub(crate) fn name_taken(request: &str) -> String {
    format!(
        "CertificateRequest \"{request}\" exists and does not belong to this Certificate: delete it, or give the Certificate another name. \
         It is tried again from time to time"
    )
}

/// A request is another controller's, by all that is known.
pub(crate) fn left_to_another(request: &str, patience: Duration) -> String {
    format!(
        "CertificateRequest \"{request}\" was made by another controller, which is given {} seconds to end what it began. \
         Two controllers must not look after the same Certificates: stop one of them, or let both use the same Lease",
        patience.as_secs()
    )
}

/// It is too late.
pub(crate) fn expired(at: Timestamp) -> String {
    format!("Certificate expired on {}", rfc1123(at))
}

/// Somebody else issued what is in the Secret.
pub(crate) fn issued_by(issuer: &IssuerRef) -> String {
    format!("Issuing certificate as Secret was previously issued by \"{}\"", named(issuer))
}

/// The Secret is another Certificate's. `owner` and `secret` tell which one that is, and what to do.
pub(crate) fn issued_for(name: &str, secret: &str) -> String {
    format!(
        "Secret was issued for \"{name}\". If this message is not transient, you might have two conflicting Certificates pointing to the same secret. \
         Certificate \"{name}\" owns Secret \"{secret}\"; give this one another secretName"
    )
}

/// The attempt failed.
pub(crate) fn failed(message: &str, attempt: i64, next: Timestamp) -> String {
    format!(
        "The certificate request has failed to complete and will be retried: {message} \
         (attempt {attempt}; next not before {next}; cmctl renew tries now)"
    )
}

/// The attempt succeeded.
pub(crate) fn issued(revision: i64, issuer: &IssuerRef, until: Timestamp, because: &str) -> String {
    let day = until.to_string();
    let day = day.split('T').next().unwrap_or_default();
    let kind = issuer.effective_kind();
    format!(
        "The certificate has been successfully issued (revision {revision}, by {kind}/{}, until {day}; {because})",
        issuer.name
    )
}

/// The key stays, and is not what is wanted.
pub(crate) fn cannot_regenerate(secret: &str, fields: &[&str]) -> String {
    format!(
        "User intervention required: existing private key in Secret \"{secret}\" does not match requirements on Certificate resource, mismatching fields: [{}], \
         but cert-manager cannot create new private key as the Certificate's .spec.privateKey.rotationPolicy is unset or set to Never. \
         To allow cert-manager to create a new private key you can set .spec.privateKey.rotationPolicy to 'Always' \
         (this will result in the private key being regenerated every time a cert is renewed)",
        fields.join(" ")
    )
}

/// The next key is not what is wanted by now.
pub(crate) fn key_dropped(fields: &[&str]) -> String {
    format!("Regenerating private key due to change in fields: [{}]", fields.join(" "))
}

/// `Kind.group/name`, defaults filled in.
pub(crate) fn named(issuer: &IssuerRef) -> String {
    format!("{}.{}/{}", issuer.effective_kind(), issuer.effective_group(), issuer.name)
}

/// A time as Go prints it.
pub(crate) fn go_time(at: Timestamp) -> String {
    let text = Timestamp::from_unix_seconds(at.unix_seconds()).to_string();
    format!("{} +0000 UTC", text.trim_end_matches('Z').replace('T', " "))
}

/// A time in the form of RFC 1123, as Go prints it in UTC.
pub(crate) fn rfc1123(at: Timestamp) -> String {
    let text = Timestamp::from_unix_seconds(at.unix_seconds()).to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let day = usize::try_from((at.unix_seconds().div_euclid(86_400) + 4).rem_euclid(7)).unwrap_or_default();
    let month =
        part(5, 7).parse().ok().and_then(|it: usize| MONTHS.get(it.wrapping_sub(1))).copied().unwrap_or_default();
    format!("{}, {} {month} {} {} UTC", DAYS[day], part(8, 10), part(0, 4), part(11, 19))
}

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use acme_core::Timestamp;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).expect("it is a time")
    }

    #[test]
    fn times_are_written_as_go_writes_them() {
        assert_eq!(go_time(at("2026-11-22T09:43:11Z")), "2026-11-22 09:43:11 +0000 UTC");
        assert_eq!(rfc1123(at("2026-11-22T09:43:11Z")), "Sun, 22 Nov 2026 09:43:11 UTC");
        assert_eq!(rfc1123(at("1970-01-01T00:00:00Z")), "Thu, 01 Jan 1970 00:00:00 UTC");
    }

    /// What stands before is cert-manager's, to the letter.
    #[test]
    fn the_old_text_comes_first() {
        let ca = IssuerRef { name: "x".to_owned(), kind: "ClusterIssuer".to_owned(), ..IssuerRef::default() };
        for (text, old, added) in [
            (
                issued(4, &ca, at("2027-01-01T00:00:00Z"), "renewal was scheduled"),
                "The certificate has been successfully issued",
                " (revision 4, by ClusterIssuer/x, until 2027-01-01; renewal was scheduled)",
            ),
            (
                failed("no such zone", 3, at("2026-11-22T13:00:00Z")),
                "The certificate request has failed to complete and will be retried: no such zone",
                " (attempt 3; next not before 2026-11-22T13:00:00Z; cmctl renew tries now)",
            ),
            (
                issued_for("a", "s"),
                "Secret was issued for \"a\". If this message is not transient, you might have two conflicting Certificates pointing to the same secret.",
                " Certificate \"a\" owns Secret \"s\"; give this one another secretName",
            ),
        ] {
            assert_eq!(text, format!("{old}{added}"));
        }
        assert_eq!(
            issued_by(&ca),
            "Issuing certificate as Secret was previously issued by \"ClusterIssuer.cert-manager.io/x\""
        );
    }

    /// The rows of the table of texts that are about Certificates: the old text is how each begins, and what to do follows.
    #[test]
    fn old_texts_come_first_and_what_to_do_follows() {
        let cluster = IssuerRef { name: "x".to_owned(), kind: "ClusterIssuer".to_owned(), ..IssuerRef::default() };
        let end = at("2027-01-01T12:00:00Z");
        for (text, old, added) in [
            (
                issued(4, &cluster, end, "renewal was scheduled"),
                "The certificate has been successfully issued",
                " (revision 4, by ClusterIssuer/x, until 2027-01-01; renewal was scheduled)",
            ),
            (
                failed("no such zone", 3, end),
                "The certificate request has failed to complete and will be retried: no such zone",
                " (attempt 3; next not before 2027-01-01T12:00:00Z; cmctl renew tries now)",
            ),
            (
                issued_for("a", "s"),
                "Secret was issued for \"a\". If this message is not transient, you might have two conflicting Certificates pointing to the same secret.",
                " Certificate \"a\" owns Secret \"s\"; give this one another secretName",
            ),
            (
                waiting(
                    DOES_NOT_EXIST,
                    Some("Referenced \"Issuer\" not found: issuer.cert-manager.io \"x\" not found"),
                ),
                "Issuing certificate as Secret does not exist",
                ". It waits: Referenced \"Issuer\" not found: issuer.cert-manager.io \"x\" not found",
            ),
        ] {
            assert_eq!(text, format!("{old}{added}"));
        }
    }
}
