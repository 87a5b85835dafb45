//! The texts of Orders and Challenges that people and scripts match on: cert-manager's, with what helps further behind them.

use std::fmt::Display;

use acme_core::flow::{Fault, Obstacle, OrderStage};
use acme_core::protocol::Problem;
use acme_core::{Retry, Timestamp};

use crate::crd::challenge::ChallengeType;
use crate::limits;
use crate::status::text::lines;

/// A problem document as cert-manager's ACME client prints it: `403 urn:…: detail`, and below it what is wrong with each name.
pub(crate) fn problem(problem: &Problem) -> String {
    let mut said = match problem.status {
        Some(status) => format!("{status} {}", problem.kind.as_str()),
        None => format!("0 {}", problem.kind.as_str()),
    };
    said.push_str(": ");
    said.push_str(problem.detail.as_deref().or(problem.title.as_deref()).unwrap_or_default());
    for (at, sub) in problem.subproblems.iter().enumerate() {
        said.push_str(if at == 0 { "; subproblems:\n\t" } else { "\n\t" });
        said.push_str(sub.kind.as_str());
        said.push_str(": ");
        if let Some(identifier) = &sub.identifier {
            let kind = if identifier.dns().is_some() { "dns" } else { "ip" };
            said.push_str(&format!("[{kind}: {identifier}] "));
        }
        said.push_str(sub.detail.as_deref().or(sub.title.as_deref()).unwrap_or_default());
    }
    bounded(&said)
}

/// A fault in cert-manager's words where the server spoke, in ours otherwise.
pub(crate) fn fault(fault: &Fault) -> String {
    match &fault.problem {
        Some(told) => problem(told),
        None => bounded(&fault.what),
    }
}

/// Why an order failed, or is held up, at `stage`.
pub(crate) fn order_failed(stage: OrderStage, said: &str) -> String {
    let prefix = match stage {
        OrderStage::Creating => "Failed to create Order: ",
        OrderStage::Describing => "Failed to retrieve Order resource: ",
        OrderStage::Authorizing => "Failed to fetch authorization: ",
        OrderStage::Finalizing | OrderStage::Issuing => "Failed to finalize Order: ",
        OrderStage::Downloading => "Failed to retrieve signed certificate: ",
        OrderStage::Issued | OrderStage::Failed => "",
    };
    bounded(&format!("{prefix}{said}"))
}

/// The server decided against an order.
pub(crate) fn invalid(fault: &Fault) -> String {
    match &fault.problem {
        Some(told) => bounded(&format!("{}: {}", fault.what, problem(told))),
        None => bounded(&fault.what),
    }
}

/// Nobody can answer for the names of an order.
pub(crate) fn no_solver(why: &str) -> String {
    bounded(&format!("Failed to determine a valid solver configuration for the set of domains on the Order: {why}"))
}

/// What is waited for until when: the time is for people, nobody reads it back.
pub(crate) fn again(said: &str, at: Option<Timestamp>) -> String {
    match at {
        Some(at) => bounded(&format!("{said}; retry at {}", Timestamp::from_unix_seconds(at.unix_seconds()))),
        None => said.to_owned(),
    }
}

/// A record or file that is not seen yet.
pub(crate) fn not_seen(kind: &ChallengeType, name: &str, missing: &str) -> String {
    match kind {
        ChallengeType::Dns01 => bounded(&format!(
            "Waiting for {kind} challenge propagation: DNS record for {name:?} not yet propagated (missing: {missing})"
        )),
        ChallengeType::Http01 | ChallengeType::Other(_) => {
            bounded(&format!("Waiting for {kind} challenge propagation: {missing}"))
        }
    }
}

/// Whether a record or file is there could not be looked at.
pub(crate) fn not_looked_for(kind: &ChallengeType, fault: &str) -> String {
    bounded(&format!("Waiting for {kind} challenge propagation: {fault}"))
}

/// An answer is not looked for, only waited for.
pub(crate) fn only_waiting(kind: &ChallengeType, wait: &str) -> String {
    format!("Waiting {wait} before accepting {kind} challenge without self-check")
}

/// An answer could not be made, as an Event says it.
pub(crate) fn not_presented(fault: &str) -> String {
    bounded(&format!("Error presenting challenge: {fault}"))
}

/// An answer could not be taken away.
pub(crate) fn not_cleaned_up(fault: &str) -> String {
    bounded(&format!("Error cleaning up challenge: {fault}"))
}

/// The server could not be told.
pub(crate) fn not_accepted(fault: &str) -> String {
    bounded(&format!("Error accepting challenge: {fault}"))
}

/// The server did not find the answer.
pub(crate) fn not_authorized(name: &str, said: &Fault) -> String {
    match &said.problem {
        Some(told) => {
            bounded(&format!("Error accepting authorization: acme: authorization error for {name}: {}", problem(told)))
        }
        None => bounded(&format!("Error accepting authorization: {}", said.what)),
    }
}

/// The server was told of an answer that nobody could look at.
pub(crate) fn unseen(said: &str) -> String {
    bounded(&format!(
        "{said} (nothing of the answer could be seen from here, and the certificate authority was asked all the same)"
    ))
}

/// A challenge has its turn.
pub(crate) const SCHEDULED: &str = "Challenge scheduled for processing";

/// The server found the answer, as an Event says it.
pub(crate) fn verified(name: &str, kind: &ChallengeType) -> String {
    bounded(&format!("Domain {name:?} verified with \"{kind}\" validation"))
}

/// An Order goes on.
pub(crate) fn waiting_for_order(order: impl Display) -> String {
    format!("Waiting on certificate issuance from order {order}: \"pending\"")
}

/// The server found the answer.
pub(crate) const AUTHORIZED: &str = "Successfully authorized domain";

/// An obstacle of an order in words.
pub(crate) fn order_obstacle(stage: OrderStage, obstacle: &Obstacle<'_>) -> String {
    match obstacle {
        Obstacle::Missing(missing) => order_failed(stage, missing),
        // A back-off of ours changes with each attempt; a time that the other side named is worth telling.
        Obstacle::Failed { fault: failed, again: at } => {
            let said = order_failed(stage, &fault(failed));
            match failed.retry {
                Retry::After(_) => again(&said, *at),
                Retry::Backoff | Retry::Never => said,
            }
        }
    }
}

fn bounded(said: &str) -> String {
    lines(said, limits::TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the table of texts that are about Orders and Challenges: the old text is how each begins, and what to do follows.
    #[test]
    fn old_texts_come_first_and_what_to_do_follows() {
        let (dns, http) = (ChallengeType::Dns01, ChallengeType::Http01);
        for (text, old, added) in [
            (
                not_seen(&dns, "d", "ns2.example.com shows no TXT record at _acme-challenge.d"),
                "Waiting for DNS-01 challenge propagation: DNS record for \"d\" not yet propagated",
                " (missing: ns2.example.com shows no TXT record at _acme-challenge.d)",
            ),
            (
                not_seen(&http, "d", "wrong status code '404', expected '200' (Ingress shop/cm-1 leads there)"),
                "Waiting for HTTP-01 challenge propagation: wrong status code '404', expected '200'",
                " (Ingress shop/cm-1 leads there)",
            ),
            (
                no_solver("solver 0 is for the zone example.org"),
                "Failed to determine a valid solver configuration for the set of domains on the Order: ",
                "solver 0 is for the zone example.org",
            ),
            (
                again("Failed to create Order: 429 rateLimited", Some(Timestamp::from_unix_seconds(0))),
                "Failed to create Order: 429 rateLimited",
                "; retry at 1970-01-01T00:00:00Z",
            ),
        ] {
            assert_eq!(text, format!("{old}{added}"));
        }
    }

    #[test]
    fn what_events_say_is_said_as_before() {
        assert_eq!(verified("d", &ChallengeType::Http01), "Domain \"d\" verified with \"HTTP-01\" validation");
        assert_eq!(
            waiting_for_order("shop/web-1"),
            "Waiting on certificate issuance from order shop/web-1: \"pending\""
        );
    }
}
