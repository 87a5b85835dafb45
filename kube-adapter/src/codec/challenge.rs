//! Challenge ⇄ `ChallengeFlow`.

use acme_core::flow::{Assignment, Begin, ChallengeFlow, ChallengeStage, Obstacle, SolverId, Verdict};
use acme_core::protocol::{KeyAuthorization, ProblemType, Url};
use acme_core::{Error, ErrorKind, Identifier, Retry, Timestamp};
use solvers::Presentation;

use crate::codec::{order::kind_of, words};
use crate::crd::challenge::{Challenge, ChallengeSpec, ChallengeStatus, ChallengeType};
use crate::crd::order::AcmeState;
use crate::crd::time::Time;

/// How a Challenge is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// Its flow begins here, once its authorization was looked at.
    Live(Begin),
    /// What was presented is to be taken away, whatever the status says of it.
    Over(Verdict),
}

/// Reads a Challenge.
pub(crate) fn decode(challenge: &Challenge) -> Decoded {
    let status = challenge.status.clone().unwrap_or_default();
    if challenge.metadata.deletion_timestamp.is_some() {
        return Decoded::Over(Verdict::Abandoned);
    }
    match &status.state {
        Some(AcmeState::Valid) => Decoded::Over(Verdict::Valid),
        Some(state) if state.is_failure() => Decoded::Over(Verdict::Invalid(failure(&status))),
        Some(AcmeState::Processing) => Decoded::Live(Begin::Polling),
        Some(_) | None if status.presented => Decoded::Live(Begin::Checking),
        Some(_) | None => Decoded::Live(Begin::Presenting),
    }
}

/// Does nothing lead out of this state?
pub(crate) fn is_ended(status: &ChallengeStatus) -> bool {
    status.state.as_ref().is_some_and(AcmeState::is_final)
}

/// Did it fail? Such a Challenge is kept for people.
pub(crate) fn is_failed(status: &ChallengeStatus) -> bool {
    status.state.as_ref().is_some_and(AcmeState::is_failure)
}

/// Does it put something into the world that only its controller takes away: a record, a path in somebody's Ingress?
pub(crate) fn leaves_traces(spec: &ChallengeSpec) -> bool {
    let ingress = spec.solver.http01.as_ref().and_then(|it| it.ingress.as_ref());
    spec.kind == ChallengeType::Dns01 || ingress.is_some_and(|it| !it.name.is_empty())
}

/// Which challenge it is, as the flow names it.
///
/// # Errors
/// `Malformed` when a URL or the name cannot be read.
pub(crate) fn assignment(spec: &ChallengeSpec) -> Result<Assignment, Error> {
    let assignment = Assignment::recorded(
        Url::parse(&spec.authorization_url)?,
        Identifier::parse(&spec.dns_name)?,
        Url::parse(&spec.url)?,
        kind_of(&spec.kind),
        spec.token.as_str(),
        SolverId::new(spec.kind.as_str()),
    );
    Ok(assignment.with_wildcard(spec.wildcard))
}

/// What a solver is given. Its answer is the key of the spec: of DNS-01 only the digest is kept, and [`Dns01::with_value`](solvers::dns01::Dns01::with_value) takes that.
///
/// # Errors
/// `Malformed` when the spec does not hold together.
pub(crate) fn presentation(spec: &ChallengeSpec) -> Result<Presentation, Error> {
    let thumbprint = spec.key.strip_prefix(&spec.token).and_then(|it| it.strip_prefix('.')).unwrap_or_default();
    let key_authorization = KeyAuthorization::new(&spec.token, thumbprint)?;
    // Only dns-account-01, which no Challenge is of, looks at the account.
    let account = Url::parse(&spec.authorization_url)?;
    let presentation =
        Presentation::new(Identifier::parse(&spec.dns_name)?, kind_of(&spec.kind), key_authorization, account);
    Ok(presentation.with_wildcard(spec.wildcard))
}

/// What is shown for a challenge of this kind.
///
/// # Errors
/// `Malformed` when the token is not one.
pub(crate) fn key(kind: &ChallengeType, token: &str, thumbprint: &str) -> Result<String, Error> {
    let key_authorization = KeyAuthorization::new(token, thumbprint)?;
    Ok(match kind {
        ChallengeType::Dns01 => key_authorization.dns_value(),
        ChallengeType::Http01 | ChallengeType::Other(_) => key_authorization.as_str().to_owned(),
    })
}

/// What is remembered of an answer beside its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Memory {
    /// When it was made.
    pub(crate) presented: Option<Timestamp>,
    /// Whether it was seen before the server was told.
    pub(crate) sight: Sight,
}

/// Whether an answer was seen before the server was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sight {
    /// It was, or is to be.
    #[default]
    Seen,
    /// Nothing could be seen from here, and the server was told all the same.
    Blind,
}

/// The status that tells how far the flow is; what was told already and must stay, stays.
pub(crate) fn encode(
    flow: &ChallengeFlow,
    spec: &ChallengeSpec,
    before: &ChallengeStatus,
    memory: Memory,
) -> ChallengeStatus {
    let mut status = before.clone();
    if status.presented_at.is_none() {
        status.presented_at = memory.presented.map(Time::from);
    }
    match (flow.stage(), flow.verdict()) {
        (_, Some(Verdict::Valid)) => {
            status.state = Some(AcmeState::Valid);
            words::AUTHORIZED.clone_into(&mut status.reason);
            end(&mut status);
        }
        (_, Some(Verdict::Invalid(fault))) => {
            let was_failed = is_failed(before);
            if !was_failed {
                status.state = Some(match fault.problem.as_ref().map(|it| &it.kind) {
                    _ if fault.kind == ErrorKind::NotFound => AcmeState::Expired,
                    Some(ProblemType::Malformed) => AcmeState::Expired,
                    Some(_) if fault.kind == ErrorKind::Refused => AcmeState::Invalid,
                    Some(_) | None => AcmeState::Errored,
                });
                status.reason = match (memory.presented.is_some() || before.presented, memory.sight) {
                    (true, Sight::Seen) => words::not_authorized(&spec.dns_name, fault),
                    (true, Sight::Blind) => words::unseen(&words::not_authorized(&spec.dns_name, fault)),
                    (false, _) => words::fault(fault),
                };
            }
            end(&mut status);
        }
        // No state says that a challenge is needed no more: it is deleted instead.
        (_, Some(Verdict::Abandoned)) => {}
        (stage, None) => {
            status.processing = true;
            status.presented = stage > ChallengeStage::Presenting;
            status.state = Some(match stage {
                ChallengeStage::Presenting | ChallengeStage::Checking | ChallengeStage::Accepting => AcmeState::Pending,
                ChallengeStage::Polling
                | ChallengeStage::Doubting
                | ChallengeStage::CleaningUp
                | ChallengeStage::Settled => AcmeState::Processing,
            });
            status.reason = match (flow.obstacle(), memory.sight) {
                (Some(it), _) => obstacle(stage, spec, &it),
                (None, Sight::Blind) => words::unseen(&format!("Waiting for {} challenge", spec.kind)),
                (None, Sight::Seen) => String::new(),
            };
        }
    }
    status
}

/// Nobody works on it any more; what is still to be taken away, the finalizer tells.
fn end(status: &mut ChallengeStatus) {
    status.processing = false;
    status.presented = false;
}

fn obstacle(stage: ChallengeStage, spec: &ChallengeSpec, obstacle: &Obstacle<'_>) -> String {
    let (fault, again) = match (obstacle, &spec.solver.wait_instead_of_self_check) {
        (Obstacle::Missing(_), Some(wait)) => return words::only_waiting(&spec.kind, wait.as_str()),
        (Obstacle::Missing(missing), None) => return words::not_seen(&spec.kind, &spec.dns_name, missing),
        (Obstacle::Failed { fault, again }, _) => (fault, again),
    };
    let said = words::fault(fault);
    let said = match stage {
        // Of an answer that could not be made cert-manager's status tells the reason alone, its Event more.
        ChallengeStage::Presenting => said,
        ChallengeStage::Checking => words::not_looked_for(&spec.kind, &said),
        ChallengeStage::Accepting | ChallengeStage::Polling | ChallengeStage::Doubting => words::not_accepted(&said),
        ChallengeStage::CleaningUp | ChallengeStage::Settled => words::not_cleaned_up(&said),
    };
    // A back-off of ours changes with each attempt; a time that the other side named is worth telling.
    match fault.retry {
        Retry::After(_) => words::again(&said, *again),
        Retry::Backoff | Retry::Never => said,
    }
}

fn failure(status: &ChallengeStatus) -> acme_core::flow::Fault {
    acme_core::flow::Fault::new(ErrorKind::Refused, status.reason.as_str())
}

#[cfg(test)]
mod tests {
    use acme_core::flow::{ChallengeAction, ChallengeEvent, Fault};

    use super::*;
    use crate::order::patience;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    /// What a Challenge for DNS-01 says of itself after this became of looking for its record.
    fn told(event: ChallengeEvent) -> String {
        let spec: ChallengeSpec = serde_json::from_value(serde_json::json!({
            "url": "https://ca.example/c", "authorizationURL": "https://ca.example/a", "dnsName": "www.example.com", "type": "DNS-01",
            "token": "token", "key": "key", "solver": {}, "issuerRef": { "name": "acme" },
        }))
        .expect("it is a specification");
        let assignment = assignment(&spec).expect("it holds together");
        let mut flow = ChallengeFlow::new(assignment, patience().challenge, NOW).already_presented(NOW);
        let _ = flow.apply(event, NOW);
        encode(&flow, &spec, &ChallengeStatus::default(), Memory::default()).reason
    }

    #[test]
    fn a_record_that_could_not_be_looked_for_is_not_called_missing() {
        let fault = Fault::new(ErrorKind::Unreachable, "no name server answers").with_retry(Retry::Backoff);
        assert_eq!(
            told(ChallengeEvent::Failed { action: ChallengeAction::Check, fault }),
            "Waiting for DNS-01 challenge propagation: no name server answers"
        );
        let missing = "ns1.example.com does not know it".to_owned();
        let again_after = std::time::Duration::from_secs(10);
        assert_eq!(
            told(ChallengeEvent::NotVisible { again_after, missing }),
            "Waiting for DNS-01 challenge propagation: DNS record for \"www.example.com\" not yet propagated (missing: ns1.example.com does not know it)"
        );
    }
}
