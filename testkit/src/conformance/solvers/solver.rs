//! The suite of `Solver`.

use std::time::Duration;

use acme_core::Identifier;
use acme_core::protocol::{ChallengeType, KeyAuthorization, Url};
use futures_util::future::join_all;
use solvers::{ErrorKind, Presentation, Readiness, Solver};

use super::{Breach, CROWD, SOON, bounded, pause};

/// Holds a [`Solver`] against its contract.
///
/// `factory` makes values of one configuration, each as a process of its own would. `identifier` is a name or address for which nothing is presented; at
/// the end nothing is.
///
/// # Errors
/// The first clause that is not kept.
///
/// # Panics
/// When the suite's own challenges cannot be made, which would be a defect of it.
pub async fn solver<S: Solver>(factory: impl Fn() -> S, identifier: &Identifier) -> Result<(), Breach> {
    let solver = factory();
    let suite = Suite { identifier, challenge: solver.challenge() };
    suite.answers_come_and_go(&solver).await?;
    suite.other_types_are_refused(&solver).await?;
    suite.repeats_are_harmless(&solver).await?;
    suite.answers_stand_side_by_side(&solver).await?;
    suite.nothing_is_remembered(&factory(), &factory()).await?;
    suite.many_come_at_once(&solver).await
}

struct Suite<'a> {
    identifier: &'a Identifier,
    challenge: ChallengeType,
}

impl Suite<'_> {
    async fn answers_come_and_go<S: Solver>(&self, solver: &S) -> Result<(), Breach> {
        let it = self.presentation("first");
        self.is_absent(solver, &it, 5, "before it was presented").await?;
        self.clean_up(solver, &it, 3).await?;
        self.present(solver, &it, 6).await?;
        self.becomes_ready(solver, &it, 6, "after it was presented").await?;
        for _ in 0..3 {
            self.is_ready(solver, &it, 6, "on another look").await?;
        }
        self.clean_up(solver, &it, 3).await?;
        self.is_absent(solver, &it, 3, "after it was cleaned up").await
    }

    async fn other_types_are_refused<S: Solver>(&self, solver: &S) -> Result<(), Breach> {
        let it = self.presentation("other-type");
        let mut other = it.clone();
        other.challenge = ChallengeType::Other("conformance-01".to_owned());
        let refused = |doing: &str, error: Option<solvers::Error>| match error {
            Some(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
            Some(error) => {
                Err(Breach::new(9, format!("{doing} a challenge of another type failed otherwise: {error}")))
            }
            None => Err(Breach::new(9, format!("{doing} a challenge of another type succeeded"))),
        };
        refused("presenting", bounded("present", solver.present(&other)).await?.err())?;
        refused("checking", bounded("check", solver.check(&other)).await?.err())?;
        refused("cleaning up", bounded("clean_up", solver.clean_up(&other)).await?.err())?;
        self.is_absent(solver, &it, 9, "after another type was presented").await
    }

    async fn repeats_are_harmless<S: Solver>(&self, solver: &S) -> Result<(), Breach> {
        let it = self.presentation("again");
        for _ in 0..3 {
            self.present(solver, &it, 1).await?;
        }
        self.becomes_ready(solver, &it, 1, "after it was presented again").await?;
        self.clean_up(solver, &it, 1).await?;
        self.is_absent(solver, &it, 1, "after it was presented again and cleaned up once").await?;
        self.clean_up(solver, &it, 3).await
    }

    async fn answers_stand_side_by_side<S: Solver>(&self, solver: &S) -> Result<(), Breach> {
        let (apex, other) = (self.presentation("apex"), self.sibling("other"));
        self.present(solver, &apex, 2).await?;
        self.present(solver, &other, 2).await?;
        for each in [&apex, &other] {
            self.becomes_ready(solver, each, 2, "with two answers for one name").await?;
        }
        self.clean_up(solver, &apex, 3).await?;
        self.is_absent(solver, &apex, 3, "after it was cleaned up, beside another").await?;
        self.is_ready(solver, &other, 3, "after another one was cleaned up").await?;
        self.clean_up(solver, &other, 3).await
    }

    async fn nothing_is_remembered<S: Solver>(&self, one: &S, other: &S) -> Result<(), Breach> {
        let it = self.presentation("left-behind");
        self.present(one, &it, 4).await?;
        self.becomes_ready(other, &it, 4, "in another process").await?;
        self.clean_up(other, &it, 4).await?;
        self.is_absent(other, &it, 4, "after another process cleaned up").await?;
        self.is_absent(one, &it, 4, "in the process that presented it, after another one cleaned up").await
    }

    async fn many_come_at_once<S: Solver>(&self, solver: &S) -> Result<(), Breach> {
        let crowd: Vec<_> = (0..CROWD).map(|number| self.presentation(&format!("crowd-{number}"))).collect();
        let presenting = crowd.iter().map(|it| self.present(solver, it, 8));
        join_all(presenting).await.into_iter().collect::<Result<(), _>>()?;
        for each in &crowd {
            self.becomes_ready(solver, each, 8, "after it was presented together with others").await?;
        }
        let cleaning = crowd.iter().map(|it| self.clean_up(solver, it, 8));
        join_all(cleaning).await.into_iter().collect::<Result<(), _>>()?;
        for each in &crowd {
            self.is_absent(solver, each, 8, "after it was cleaned up together with others").await?;
        }
        Ok(())
    }

    async fn present<S: Solver>(&self, solver: &S, it: &Presentation, clause: u8) -> Result<(), Breach> {
        bounded("present", solver.present(it))
            .await?
            .map_err(|error| Breach::new(clause, format!("present failed: {error}")))
    }

    async fn clean_up<S: Solver>(&self, solver: &S, it: &Presentation, clause: u8) -> Result<(), Breach> {
        bounded("clean_up", solver.clean_up(it))
            .await?
            .map_err(|error| Breach::new(clause, format!("clean_up failed: {error}")))
    }

    async fn look<S: Solver>(&self, solver: &S, it: &Presentation) -> Result<Readiness, Breach> {
        let seen = bounded("check", solver.check(it))
            .await?
            .map_err(|error| Breach::new(5, format!("check failed instead of saying what is missing: {error}")))?;
        match &seen {
            Readiness::NotYet { again_after, missing } if again_after.is_zero() || missing.is_empty() => {
                Err(Breach::new(5, "a check that is not ready names no time or nothing that is missing"))
            }
            Readiness::NotYet { .. } | Readiness::Ready => Ok(seen),
        }
    }

    async fn is_ready<S: Solver>(&self, solver: &S, it: &Presentation, clause: u8, when: &str) -> Result<(), Breach> {
        match self.look(solver, it).await? {
            Readiness::Ready => Ok(()),
            Readiness::NotYet { missing, .. } => {
                Err(Breach::new(clause, format!("an answer is not ready {when}: {missing}")))
            }
        }
    }

    async fn becomes_ready<S: Solver>(
        &self,
        solver: &S,
        it: &Presentation,
        clause: u8,
        when: &str,
    ) -> Result<(), Breach> {
        let mut waited = Duration::ZERO;
        loop {
            match self.look(solver, it).await? {
                Readiness::Ready => return Ok(()),
                Readiness::NotYet { missing, .. } if waited >= SOON => {
                    return Err(Breach::new(clause, format!("an answer does not become ready {when}: {missing}")));
                }
                Readiness::NotYet { again_after, .. } => {
                    pause(again_after).await;
                    waited += again_after;
                }
            }
        }
    }

    /// Waits until the answer is gone: what removes it may take as long as what shows it.
    async fn is_absent<S: Solver>(&self, solver: &S, it: &Presentation, clause: u8, when: &str) -> Result<(), Breach> {
        let mut waited = Duration::ZERO;
        while self.look(solver, it).await? == Readiness::Ready {
            if waited >= SOON {
                return Err(Breach::new(clause, format!("an answer is ready {when}")));
            }
            pause(LOOK_AGAIN).await;
            waited += LOOK_AGAIN;
        }
        Ok(())
    }

    fn presentation(&self, token: &str) -> Presentation {
        #[expect(clippy::expect_used, reason = "constants of the suite")]
        let (authorization, account) = (
            KeyAuthorization::new(token, "conformance").expect("a token"),
            Url::parse("https://conformance.test/account/1").expect("a URL"),
        );
        Presentation::new(self.identifier.clone(), self.challenge.clone(), authorization, account)
    }

    /// Another challenge for the same name: that of its wildcard, where the type can prove one.
    fn sibling(&self, token: &str) -> Presentation {
        let wildcard =
            matches!(self.challenge, ChallengeType::Dns01 | ChallengeType::DnsAccount01 | ChallengeType::DnsPersist01);
        self.presentation(token).with_wildcard(wildcard)
    }
}

/// Between two looks for something that goes away.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
