//! The port through which a challenge is made answerable.

use std::time::Duration;

use acme_core::Identifier;
use acme_core::protocol::{ChallengeType, KeyAuthorization, PersistentProof, Url};
use async_trait::async_trait;

use crate::Error;

/// Makes one type of challenge answerable, and takes the answer away again.
///
/// Register it with [`Solvers`](crate::Solvers), which chooses among several; a driver does the rest. Implementers prove
/// theirs with the suite `conformance::solver` of `certwright-testkit`.
///
/// # Contract
/// 1. `present` is idempotent: after any number of calls with the same presentation there is one answer, and one `clean_up` removes it.
/// 2. `present` is additive: answers of other presentations stay, also those for the same name (an apex and its wildcard share one; two orders may run at once).
/// 3. `clean_up` removes exactly what its presentation put there, and succeeds where there is nothing (any more). An answer to `dns-persist-01` is
///    meant to stay: there it removes nothing, and what the other clauses say of its end does not apply.
/// 4. Nothing is remembered between calls: another value made from the same configuration, in another process, can check and clean up.
/// 5. `check` is one look: it never waits for something to become true. What is absent is [`Readiness::NotYet`], never an error.
/// 6. After a `present` that succeeded, `check` becomes and stays `Ready`, until `clean_up`.
/// 7. Every method answers within bounded time, and says "not yet" or fails instead of sleeping.
/// 8. All methods may be called at the same time by any number of callers.
/// 9. A presentation for a challenge of another type is refused with `Unsupported`, and changes nothing.
#[async_trait]
pub trait Solver: Send + Sync {
    /// The type of challenge that this makes answerable; the same for the life of the value.
    fn challenge(&self) -> ChallengeType;

    /// Puts the answer where the certificate authority will look.
    async fn present(&self, presentation: &Presentation) -> Result<(), Error>;

    /// Looks once whether the certificate authority would find the answer.
    async fn check(&self, presentation: &Presentation) -> Result<Readiness, Error>;

    /// Takes the answer away.
    async fn clean_up(&self, presentation: &Presentation) -> Result<(), Error>;
}

/// One challenge to be made answerable: for which name, how, and with what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Presentation {
    /// What is validated; a wildcard's base name, without `*.`.
    pub identifier: Identifier,
    /// Whether the order asked for the wildcard of that name.
    pub wildcard: bool,
    /// The type of the challenge.
    pub challenge: ChallengeType,
    /// What answers it.
    pub proof: Proof,
    /// The account's URL; dns-account-01 derives its label from it.
    pub account: Url,
    /// Whether nobody can have presented it before, a process that died among them. Where that is not known it is looked for.
    pub is_first: bool,
}

impl Presentation {
    /// A presentation for `identifier`; a name that is given with `*.` becomes its base, with [`wildcard`](Self::wildcard) set.
    pub fn new(identifier: Identifier, challenge: ChallengeType, proof: impl Into<Proof>, account: Url) -> Self {
        let wildcard = identifier.is_wildcard();
        let identifier = match identifier.dns() {
            Some(name) => name.base().into(),
            None => identifier,
        };
        Self { identifier, wildcard, challenge, proof: proof.into(), account, is_first: false }
    }

    /// Says whether the authorization stands for the wildcard of its name (`wildcard: true` in RFC 8555 section 7.1.4).
    #[must_use]
    pub fn with_wildcard(mut self, wildcard: bool) -> Self {
        self.wildcard = wildcard;
        self
    }

    /// Says whether nobody can have presented it before.
    #[must_use]
    pub fn with_first(mut self, is_first: bool) -> Self {
        self.is_first = is_first;
        self
    }

    /// What a challenge with a token is answered with.
    ///
    /// # Errors
    /// `Internal` for `dns-persist-01`, which has none.
    pub fn key_authorization(&self) -> Result<&KeyAuthorization, Error> {
        match &self.proof {
            Proof::KeyAuthorization(it) => Ok(it),
            Proof::Persistent(_) => Err(self.lacks("a key authorization")),
        }
    }

    /// What `dns-persist-01` is answered with.
    ///
    /// # Errors
    /// `Internal` for any other type.
    pub fn persistent(&self) -> Result<&PersistentProof, Error> {
        match &self.proof {
            Proof::Persistent(it) => Ok(it),
            Proof::KeyAuthorization(_) => Err(self.lacks("the names of its issuers")),
        }
    }

    fn lacks(&self, what: &str) -> Error {
        let what = format!("the {} challenge for {} came without {what}", self.challenge, self.identifier);
        Error::new(crate::ErrorKind::Internal, what)
    }

    /// Refuses a presentation that is not for `challenge`: the ninth clause of [`Solver`]'s contract, for implementers.
    ///
    /// # Errors
    /// `Unsupported` when it is for another type.
    pub fn require(&self, challenge: &ChallengeType) -> Result<(), Error> {
        if self.challenge == *challenge {
            return Ok(());
        }
        Err(Error::new(
            crate::ErrorKind::Unsupported,
            format!(
                "a solver for {challenge} was given a challenge of type {} for {}",
                self.challenge, self.identifier
            ),
        ))
    }
}

/// What answers a challenge.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Proof {
    /// The token and the account's thumbprint.
    KeyAuthorization(KeyAuthorization),
    /// What a record of `dns-persist-01` must say.
    Persistent(PersistentProof),
}

impl From<KeyAuthorization> for Proof {
    fn from(it: KeyAuthorization) -> Self {
        Self::KeyAuthorization(it)
    }
}

impl From<PersistentProof> for Proof {
    fn from(it: PersistentProof) -> Self {
        Self::Persistent(it)
    }
}

/// What one look at a presented answer showed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver must obey both")]
pub enum Readiness {
    /// The certificate authority would find the answer.
    Ready,
    /// It would not, yet.
    NotYet {
        /// When another look is worth its cost.
        again_after: Duration,
        /// What is missing, and where: one line for the status that a user reads.
        missing: String,
    },
}
