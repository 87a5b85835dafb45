//! Which challenge of which authorization is solved, and by whom.

use serde::{Deserialize, Serialize};

use crate::flow::SolverId;
use crate::protocol::{Authorization, Basis, Challenge, ChallengeType, Url};
use crate::{Error, Identifier};

/// Which challenge of which authorization is solved, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Assignment {
    /// The authorization.
    pub authorization: Url,
    /// What is to be proven, without the `*.` of a wildcard.
    pub identifier: Identifier,
    /// Whether a wildcard of it was ordered.
    pub wildcard: bool,
    /// Where the challenge is accepted.
    pub challenge: Url,
    /// The challenge's type.
    pub kind: ChallengeType,
    /// What its answer is made of.
    #[serde(flatten)]
    pub basis: Basis,
    /// Who presents and cleans up.
    pub solver: SolverId,
}

impl Assignment {
    /// Gives `challenge` of the authorization at `url` to `solver`.
    ///
    /// # Errors
    /// `Malformed` when the challenge has nothing to make an answer of.
    pub fn new(
        url: Url,
        authorization: &Authorization,
        challenge: &Challenge,
        solver: SolverId,
    ) -> Result<Self, Error> {
        let basis = challenge.basis().map_err(|error| {
            error.while_doing(format_args!("reading the {} challenge for {}", challenge.kind, authorization.identifier))
        })?;
        Ok(Self {
            authorization: url,
            identifier: authorization.identifier.clone(),
            wildcard: authorization.wildcard,
            challenge: challenge.url.clone(),
            kind: challenge.kind.clone(),
            basis,
            solver,
        })
    }

    /// What a record of somebody else knows of a challenge with a token; with [`wildcard`](Self::wildcard) unset.
    pub fn recorded(
        authorization: Url,
        identifier: Identifier,
        challenge: Url,
        kind: ChallengeType,
        token: impl Into<String>,
        solver: SolverId,
    ) -> Self {
        let basis = Basis::Token(token.into());
        Self { authorization, identifier, wildcard: false, challenge, kind, basis, solver }
    }

    /// The challenge's token, in types that have one.
    pub fn token(&self) -> Option<&str> {
        match &self.basis {
            Basis::Token(token) => Some(token),
            Basis::Persistent(_) => None,
        }
    }

    /// Says whether a wildcard of the name was ordered.
    #[must_use]
    pub fn with_wildcard(mut self, wildcard: bool) -> Self {
        self.wildcard = wildcard;
        self
    }
}
