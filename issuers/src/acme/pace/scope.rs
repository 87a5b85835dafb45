//! Whom a pause concerns: one table.
//!
//! | sent | answered | what pauses |
//! |---|---|---|
//! | anything | 503 or another 5xx with a time; 429 that is no problem document of ACME (something in front of the server) | the server: [`Scope::Address`] |
//! | the directory, a nonce | 429 | the server: [`Scope::Address`] |
//! | newAccount | 429 | new accounts: [`Scope::Registrations`] |
//! | newOrder with `replaces` | 429 | renewals of the account: [`Scope::Renewals`] |
//! | newOrder | 429, "exact set of identifiers" | that set: [`Scope::Set`] |
//! | newOrder | 429, "failed authorizations" | the names it mentions, for the account: [`Scope::Name`] |
//! | newOrder | 429, "certificates … issued for" | the registered domains it mentions: [`Scope::Domain`] |
//! | newOrder | any other 429 | new orders of the account: [`Scope::Orders`] |
//! | renewalInfo | 429 | renewal information: [`Scope::RenewalInfo`] |
//! | revokeCert | 429 | revocations: [`Scope::Revocations`] |
//! | anything else of an account | 429 | the account: [`Scope::Account`] |
//!
//! A renewal that names what it replaces is not held up by pauses of orders, sets, names and domains, as certificate authorities do
//! not count it there (RFC 9773 section 5).

use std::fmt;

use acme_core::client::Call;
use acme_core::protocol::{NewOrder, Problem, ProblemType, Url};
use acme_core::{Error, ErrorKind, Identifier, Retry, hash};
use serde::{Deserialize, Serialize};

use crate::acme::registered_domain;

/// Whom a pause concerns, at one certificate authority.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Scope {
    /// All that goes to the server.
    Address,
    /// New accounts, and the search for one.
    Registrations,
    /// Renewal information.
    RenewalInfo,
    /// Revocations.
    Revocations,
    /// All that this account sends.
    Account(Url),
    /// New orders of this account.
    Orders(Url),
    /// New orders of this account that name what they replace.
    Renewals(Url),
    /// New orders with names under this registered domain.
    Domain(String),
    /// New orders for exactly these identifiers, as a hash.
    Set(String),
    /// New orders of this account with this name.
    Name {
        /// The account.
        account: Url,
        /// The name or address.
        name: Identifier,
    },
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("everything"),
            Self::Registrations => f.write_str("new accounts"),
            Self::RenewalInfo => f.write_str("renewal information"),
            Self::Revocations => f.write_str("revocations"),
            Self::Account(_) => f.write_str("this account"),
            Self::Orders(_) => f.write_str("new orders of this account"),
            Self::Renewals(_) => f.write_str("renewals of this account"),
            Self::Domain(domain) => write!(f, "certificates under {domain}"),
            Self::Set(_) => f.write_str("certificates for this set of names"),
            Self::Name { name, .. } => write!(f, "orders with {name}"),
        }
    }
}

/// What is about to be sent.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_enums, reason = "everything that a certificate authority is sent")]
pub enum Sending<'a> {
    /// The directory, or a nonce by itself.
    Directory,
    /// A new account, or the search for one.
    Registration,
    /// A question for renewal information.
    RenewalInfo,
    /// A revocation.
    Revocation,
    /// Something about the account itself: its contacts, its key, its end.
    Account(&'a Url),
    /// A step of an order.
    Call(&'a Url, &'a Call),
}

impl Sending<'_> {
    /// The scopes it falls under: a pause in any of them holds it up.
    pub fn scopes(&self) -> Vec<Scope> {
        let mut scopes = vec![Scope::Address];
        match self {
            Self::Directory => {}
            Self::Registration => scopes.push(Scope::Registrations),
            Self::RenewalInfo => scopes.push(Scope::RenewalInfo),
            Self::Revocation => scopes.push(Scope::Revocations),
            Self::Account(account) => scopes.push(Scope::Account((*account).clone())),
            Self::Call(account, call) => {
                scopes.push(Scope::Account((*account).clone()));
                if let Call::NewOrder(order) = call {
                    scopes.extend(of_order(account, order));
                }
            }
        }
        scopes
    }

    /// The account whose allowance it takes from, if it takes from one.
    pub(super) fn ordering(&self) -> Option<&Url> {
        match self {
            Self::Call(account, Call::NewOrder(order)) if order.replaces.is_none() => Some(account),
            Self::Directory
            | Self::Registration
            | Self::RenewalInfo
            | Self::Revocation
            | Self::Account(_)
            | Self::Call(..) => None,
        }
    }

    /// Whom the pause concerns that `error` asks for; nobody, when it asks for none.
    pub fn blame(&self, error: &Error) -> Vec<Scope> {
        if error.kind() != ErrorKind::Busy || !matches!(error.retry(), Retry::After(_)) {
            return Vec::new();
        }
        let Some(problem) = error.problem().filter(|it| is_rate_limit(it)) else {
            return vec![Scope::Address];
        };
        vec![match self {
            Self::Directory => Scope::Address,
            Self::Registration => Scope::Registrations,
            Self::RenewalInfo => Scope::RenewalInfo,
            Self::Revocation => Scope::Revocations,
            Self::Account(account) => Scope::Account((*account).clone()),
            Self::Call(account, Call::NewOrder(order)) => {
                return blame_order(account, order, problem);
            }
            Self::Call(account, _) => Scope::Account((*account).clone()),
        }]
    }
}

fn is_rate_limit(problem: &Problem) -> bool {
    problem.kind == ProblemType::RateLimited || problem.status == Some(429)
}

fn of_order(account: &Url, order: &NewOrder) -> Vec<Scope> {
    if order.replaces.is_some() {
        return vec![Scope::Renewals(account.clone())];
    }
    let mut scopes = vec![Scope::Orders(account.clone()), set(order)];
    scopes.extend(domains(order).into_iter().map(Scope::Domain));
    scopes.extend(order.identifiers.iter().map(|name| Scope::Name { account: account.clone(), name: name.clone() }));
    scopes
}

fn blame_order(account: &Url, order: &NewOrder, problem: &Problem) -> Vec<Scope> {
    if order.replaces.is_some() {
        return vec![Scope::Renewals(account.clone())];
    }
    let said = problem.detail.as_deref().unwrap_or_default();
    if said.contains("exact set of") {
        return vec![set(order)];
    }
    let concerned: Vec<(String, Scope)> = if said.contains("failed authorizations") {
        let names = order.identifiers.iter().map(|name| {
            let scope = Scope::Name { account: account.clone(), name: name.clone() };
            (name.to_string(), scope)
        });
        names.collect()
    } else if said.contains("certificates") && said.contains("issued for") {
        domains(order).into_iter().map(|it| (it.clone(), Scope::Domain(it))).collect()
    } else {
        return vec![Scope::Orders(account.clone())];
    };
    let is_mentioned = |words: &str| said.contains(&format!("\"{words}\""));
    let any_mentioned = concerned.iter().any(|(words, _)| is_mentioned(words));
    // Where it is not said which of several, none of them is asked for again too soon.
    concerned.into_iter().filter(|(words, _)| !any_mentioned || is_mentioned(words)).map(|(_, scope)| scope).collect()
}

fn domains(order: &NewOrder) -> Vec<String> {
    let mut domains: Vec<String> = order.identifiers.iter().map(registered_domain).collect();
    domains.sort();
    domains.dedup();
    domains
}

fn set(order: &NewOrder) -> Scope {
    let mut names: Vec<String> = order.identifiers.iter().map(ToString::to_string).collect();
    names.sort();
    names.dedup();
    let hash = hash::sha256(names.join("\n").as_bytes());
    Scope::Set(hash[..16].iter().map(|byte| format!("{byte:02x}")).collect())
}
