//! HTTP-01 (RFC 8555 section 8.3): a body under `/.well-known/acme-challenge/` on port 80.
//!
//! Three ways to serve it: a listener of its own (`listener`, feature `http-01-listener`), a layer in front of a service
//! that already listens (`tower`, feature `tower`), or files for a web server that does ([`webroot`]). Whether others can see the answer says `self_check`
//! (feature `http-01-self-check`).

#[cfg(feature = "http-01-listener")]
pub mod listener;
#[cfg(feature = "http-01-self-check")]
pub mod self_check;
#[cfg(feature = "tower")]
pub mod tower;
pub mod webroot;

use acme_core::protocol::ChallengeType;
use async_trait::async_trait;

use crate::{Answer, Answers, Error, Presentation, Readiness, Solver};

/// Where validators look, up to the token.
pub const PATH: &str = "/.well-known/acme-challenge/";

/// Answers HTTP-01 from a table that a listener or a layer reads.
///
/// Give the same [`Answers`] to `listener::Listener` or `tower::AnswerLayer`. [`check`](Solver::check) says that the
/// answer is in the table; it does not ask over the network.
#[derive(Debug, Clone)]
pub struct Http01 {
    answers: Answers,
}

impl Http01 {
    /// A solver that fills `answers`.
    pub fn new(answers: Answers) -> Self {
        Self { answers }
    }
}

#[async_trait]
impl Solver for Http01 {
    fn challenge(&self) -> ChallengeType {
        ChallengeType::Http01
    }

    async fn present(&self, presentation: &Presentation) -> Result<(), Error> {
        self.answers.publish(answer_to(presentation)?).await
    }

    async fn check(&self, presentation: &Presentation) -> Result<Readiness, Error> {
        Ok(if self.answers.has(&answer_to(presentation)?).await? {
            Readiness::Ready
        } else {
            Readiness::NotYet {
                again_after: std::time::Duration::from_secs(1),
                missing: format!("the answer for {} is not in the table", presentation.identifier),
            }
        })
    }

    async fn clean_up(&self, presentation: &Presentation) -> Result<(), Error> {
        self.answers.withdraw(&answer_to(presentation)?).await
    }
}

fn answer_to(presentation: &Presentation) -> Result<Answer, Error> {
    presentation.require(&ChallengeType::Http01)?;
    Ok(Answer::Http {
        identifier: presentation.identifier.clone(),
        key_authorization: presentation.key_authorization()?.clone(),
    })
}

/// The token in a request's path, if it is one for a validator.
#[cfg(any(feature = "http-01-listener", feature = "tower"))]
fn token_in(path: &str) -> Option<&str> {
    path.strip_prefix(PATH).filter(|token| !token.is_empty() && !token.contains('/'))
}
