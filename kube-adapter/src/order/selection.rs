//! Which solver of an issuer answers for an authorization: cert-manager's rules, which are those of `solvers::Solvers`.

use std::collections::BTreeMap;
use std::sync::Arc;

use acme_core::flow::Choice;
use acme_core::protocol::{Authorization, ChallengeType};
use acme_core::{DnsName, Error, ErrorKind, Identifier, Retry};
use async_trait::async_trait;
use issuers::acme::step;
use solvers::{Presentation, Readiness, Selector, Solver, SolverId, Solvers};

use crate::crd::{acme, challenge as crd};
use crate::order::solver;

/// The solver that answers, and by which kind of challenge.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) choice: Choice,
    /// As the issuer has it: it becomes a part of the Challenge.
    pub(crate) solver: Box<acme::Solver>,
}

/// Chooses who answers for an authorization of an Order with these labels.
///
/// # Errors
/// In words for people: which solver fell out by which selector, or what this build lacks.
pub(crate) fn choose(
    solvers: &[acme::Solver],
    authorization: &Authorization,
    labels: &BTreeMap<String, String>,
) -> Result<Chosen, String> {
    let mut candidates = Solvers::new();
    let mut unreadable = Vec::new();
    for (at, spec) in solvers.iter().enumerate() {
        let Some(challenge) = challenge_of(spec) else {
            unreadable.push(format!("solver {at} has neither http01 nor dns01"));
            continue;
        };
        match selector(spec) {
            Ok(selector) => candidates.insert(id(at), Arc::new(Candidate(challenge)), selector),
            Err(error) => unreadable.push(format!("the selector of solver {at} cannot be read: {error}")),
        }
    }
    let choice = step::choose(&candidates, authorization, labels).map_err(|error| {
        let mut why = format!("no configured challenge solvers can be used for this challenge: {error}");
        for said in &unreadable {
            why.push_str("; ");
            why.push_str(said);
        }
        why
    })?;
    let chosen = solvers.iter().enumerate().find(|(at, _)| id(*at) == choice.solver).map(|(_, spec)| spec);
    let spec = chosen.ok_or_else(|| "a solver was chosen that is not there".to_owned())?;
    solver::is_known(spec).map_err(|error| error.to_string())?;
    let kind = if spec.http01.is_some() { crd::ChallengeType::Http01 } else { crd::ChallengeType::Dns01 };
    let choice = Choice::new(SolverId::new(kind.as_str()), choice.kind);
    Ok(Chosen { choice, solver: Box::new(spec.clone()) })
}

/// The kind of challenge that a solver answers.
fn challenge_of(spec: &acme::Solver) -> Option<ChallengeType> {
    match (&spec.http01, &spec.dns01) {
        (Some(_), _) => Some(ChallengeType::Http01),
        (None, Some(_)) => Some(ChallengeType::Dns01),
        (None, None) => None,
    }
}

fn selector(spec: &acme::Solver) -> Result<Selector, Error> {
    let mut selector = Selector::any();
    let Some(wanted) = &spec.selector else { return Ok(selector) };
    for name in &wanted.dns_names {
        selector = selector.names([Identifier::parse(name)?]);
    }
    for zone in &wanted.dns_zones {
        selector = selector.zones([DnsName::parse(zone)?]);
    }
    for (name, value) in &wanted.match_labels {
        selector = selector.label(name, value);
    }
    Ok(selector)
}

fn id(at: usize) -> SolverId {
    SolverId::new(format!("solver {at}"))
}

/// A solver as far as choosing needs it. Who was chosen is made from its specification, with its credentials, when it is to act.
struct Candidate(ChallengeType);

impl Candidate {
    fn cannot_act(&self) -> Error {
        Error::new(ErrorKind::Internal, format!("a solver for {} was only chosen, not made", self.0))
            .with_retry(Retry::Never)
    }
}

#[async_trait]
impl Solver for Candidate {
    fn challenge(&self) -> ChallengeType {
        self.0.clone()
    }

    async fn present(&self, _: &Presentation) -> Result<(), Error> {
        Err(self.cannot_act())
    }

    async fn check(&self, _: &Presentation) -> Result<Readiness, Error> {
        Err(self.cannot_act())
    }

    async fn clean_up(&self, _: &Presentation) -> Result<(), Error> {
        Err(self.cannot_act())
    }
}
