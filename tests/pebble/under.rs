//! The client under test: our own session, or one that signs through instant-acme.
//!
//! A case is one body that runs under both. What a client refuses leaves the case by `?`: no case may do that under our own session,
//! and exactly the cases of [`REFUSED`] must under instant-acme, with the error that its table of gaps documents. Cases about accounts
//! that the issuer makes and keeps itself have no client to choose, and stand beside these.

use std::collections::BTreeSet;
use std::sync::Arc;

use acme_core::client::Needs;
use acme_core::instant_acme_0_8::{self, GAPS, Gap, Here};
use acme_core::protocol::Registration;
use acme_core::{Client as _, Directory, Error, ErrorKind, KeyType, PrivateKey, Retry, Session, Store};
use certstore::MemoryStore;
use issuers::acme::{AccountSettings, AcmeIssuer, Builder};
use solvers::Solvers;
use testkit::servers::Pebble;

use crate::authority::{clock, directory, key};

/// Which client is under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Under {
    /// `acme_core::Session` with a key of its own.
    Session,
    /// A session whose requests instant-acme signs.
    InstantAcme,
}

/// The cases that instant-acme refuses, and the gap for which it does.
const REFUSED: [(&str, &str); 7] = [
    ("the_end_of_validity_is_what_was_asked_for", "ask for notBefore and notAfter"),
    ("an_issuer_asks_for_the_duration_of_a_request", "ask for notBefore and notAfter"),
    ("account_keys_of_every_type_that_pebble_takes_order_certificates", "sign with a key that is not ECDSA P-256"),
    ("a_changed_key_takes_the_account_with_it", "change its key so that a crash loses nothing"),
    (
        "a_key_change_whose_answer_was_lost_is_found_by_asking_with_the_new_key",
        "change its key so that a crash loses nothing",
    ),
    ("a_key_that_is_in_force_already_needs_no_change", "change its key so that a crash loses nothing"),
    ("terms_are_agreed_to_once_more_where_the_ca_takes_that", "agree to the terms of service once more"),
];

/// Runs cases of this module under both clients.
macro_rules! under_both {
    ($($case:ident),* $(,)?) => {
        /// The cases of this module.
        pub(crate) const CASES: &[&str] = &[$(stringify!($case)),*];

        mod session {
            $(
                #[tokio::test]
                async fn $case() {
                    crate::under::must_pass(super::$case(crate::under::Under::Session).await);
                }
            )*
        }

        mod instant_acme {
            $(
                #[tokio::test]
                async fn $case() {
                    let outcome = super::$case(crate::under::Under::InstantAcme).await;
                    crate::under::must_meet_the_table(stringify!($case), outcome);
                }
            )*
        }
    };
}

pub(crate) use under_both;

impl Under {
    /// The client under test for the account that `made`, a session with `key`, has.
    pub(crate) async fn open(self, made: Session, key: &PrivateKey) -> Result<Session, Error> {
        match self {
            Self::Session => Ok(made),
            Self::InstantAcme => instant_acme_0_8::restore(made.directory(), made.account(), key).await,
        }
    }

    /// A new account with a new P-256 key.
    pub(crate) async fn account(self, directory: &Directory) -> Result<Session, Error> {
        let key = key(KeyType::EcdsaP256);
        let made = directory.register(key.clone(), &Registration::agreeing_to_terms()).await?;
        self.open(made, &key).await
    }

    /// An issuer at `pebble` with a new account.
    pub(crate) async fn issuer(self, pebble: &Pebble, solvers: Solvers) -> Result<AcmeIssuer, Error> {
        self.builder(pebble, solvers).await?.build()
    }

    /// An issuer to be, with a new account.
    pub(crate) async fn builder(self, pebble: &Pebble, solvers: Solvers) -> Result<Builder, Error> {
        self.builder_at(directory(pebble), solvers).await
    }

    /// An issuer to be at `directory`, with a new account.
    pub(crate) async fn builder_at(self, directory: Directory, solvers: Solvers) -> Result<Builder, Error> {
        let builder = AcmeIssuer::builder("pebble", directory.clone(), solvers, clock());
        Ok(match self {
            Self::Session => {
                let settings = AccountSettings::new(Registration::agreeing_to_terms());
                builder.account(Arc::new(MemoryStore::new()) as Arc<dyn Store>, settings)
            }
            Self::InstantAcme => builder.client(Arc::new(self.account(&directory).await?)),
        })
    }
}

/// What came of a call that ends in an error either way: a client that does not know the call leaves the case.
pub(crate) fn unless_unsupported<T>(outcome: Result<T, Error>) -> Result<Result<T, Error>, Error> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::Unsupported => Err(error),
        outcome => Ok(outcome),
    }
}

/// Our own session refuses nothing.
#[track_caller]
pub(crate) fn must_pass(outcome: Result<(), Error>) {
    outcome.unwrap_or_else(|error| panic!("refused: {error}"));
}

/// instant-acme refuses what its table says, in the words of the table, and nothing else.
#[track_caller]
pub(crate) fn must_meet_the_table(case: &str, outcome: Result<(), Error>) {
    let gap = REFUSED.iter().find(|(name, _)| *name == case).map(|(_, what)| gap(what));
    match (gap, outcome) {
        (None, Ok(())) => {}
        (None, Err(error)) => panic!("refused, and the table of gaps does not say so: {error}"),
        (Some(gap), Ok(())) => panic!("the table of gaps says that it cannot {}, and it can", gap.what),
        (Some(gap), Err(error)) => {
            assert_eq!((error.kind(), error.retry()), (ErrorKind::Unsupported, Retry::Never), "{error}");
            let said = error.to_string();
            let documented = said.ends_with(&gap.refusal().to_string());
            let begins =
                |needs: Needs| said.starts_with(&format!("the ACME client behind this issuer lacks {needs}: "));
            let when_built = matches!(gap.here, Here::Lacks(needs) if begins(needs));
            assert!(documented || when_built, "{said}");
        }
    }
}

#[test]
fn every_gap_that_refuses_is_met_by_a_case_and_every_refusal_is_a_gap() {
    let refusing: BTreeSet<&str> = GAPS.iter().filter(|it| it.here != Here::Works).map(|it| it.what).collect();
    let met: BTreeSet<&str> = REFUSED.iter().map(|(_, what)| *what).collect();
    assert_eq!(refusing, met);
    let cases: Vec<&str> = ALL.iter().flat_map(|cases| cases.iter().copied()).collect();
    for (case, _) in REFUSED {
        assert_eq!(cases.iter().filter(|it| **it == case).count(), 1, "{case} is a case");
    }
}

fn gap(what: &str) -> Gap {
    *GAPS.iter().find(|it| it.what == what).unwrap_or_else(|| panic!("{what:?} is in the table of gaps"))
}

const ALL: [&[&str]; 9] = [
    crate::accounts::CASES,
    crate::bad_input::CASES,
    crate::challenges::CASES,
    crate::issuing::CASES,
    crate::order_list::CASES,
    crate::orders::CASES,
    crate::renewal::CASES,
    crate::revocation::CASES,
    crate::trouble::CASES,
];
