//! Which solver answers for which name: names, then zones, then labels, then any; the most specific wins.

mod nearest;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use acme_core::protocol::ChallengeType;
use acme_core::{DnsName, Identifier};

use crate::{Error, ErrorKind, Solver, SolverId};

/// The solvers of one issuer, in the order in which they were registered.
///
/// Fill it with [`with`](Self::with), ask it with [`choose`](Self::choose), and find a solver again by the
/// [`SolverId`] that a flow remembers with [`solver`](Self::solver).
#[derive(Clone, Default)]
pub struct Solvers {
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    id: SolverId,
    solver: Arc<dyn Solver>,
    selector: Selector,
}

impl Solvers {
    /// No solvers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `solver` under `id`, for the names that `selector` matches. An `id` that is there already is replaced in its place.
    #[must_use]
    pub fn with(mut self, id: impl Into<String>, solver: impl Solver + 'static, selector: Selector) -> Self {
        self.insert(SolverId::new(id), Arc::new(solver), selector);
        self
    }

    /// Adds a shared solver; see [`with`](Self::with).
    pub fn insert(&mut self, id: SolverId, solver: Arc<dyn Solver>, selector: Selector) {
        let entry = Entry { id, solver, selector };
        match self.entries.iter_mut().find(|it| it.id == entry.id) {
            Some(place) => *place = entry,
            None => self.entries.push(entry),
        }
    }

    /// The solver that is registered under `id`.
    pub fn solver(&self, id: &SolverId) -> Option<&Arc<dyn Solver>> {
        self.entries.iter().find(|entry| entry.id == *id).map(|entry| &entry.solver)
    }

    /// The names of all solvers, in the order of registration.
    pub fn ids(&self) -> impl Iterator<Item = &SolverId> {
        self.entries.iter().map(|entry| &entry.id)
    }

    /// Whether nothing is registered.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Chooses the solver for one authorization.
    ///
    /// `identifier` is the base name; with `wildcard` the name that selectors see begins with `*.`. `offered` is what the
    /// certificate authority offers, in any order: where several solvers are equally specific, the one registered first wins.
    ///
    /// # Errors
    /// `Unsupported` when nothing fits, with what is missing and what to configure.
    pub fn choose(
        &self,
        identifier: &Identifier,
        wildcard: bool,
        offered: &[ChallengeType],
        labels: &BTreeMap<String, String>,
    ) -> Result<Choice, Error> {
        let explanation = self.explain(identifier, wildcard, offered, labels);
        match explanation.chosen {
            Some(choice) => Ok(choice),
            None => Err(Error::new(ErrorKind::Unsupported, explanation.advice())),
        }
    }

    /// Chooses like [`choose`](Self::choose), and says of every other solver why it was not taken. Print it.
    pub fn explain(
        &self,
        identifier: &Identifier,
        wildcard: bool,
        offered: &[ChallengeType],
        labels: &BTreeMap<String, String>,
    ) -> Explanation {
        let asked = match identifier.dns() {
            Some(name) if wildcard => name.wildcard().into(),
            _ => identifier.clone(),
        };
        let mut best: Option<(Rank, usize)> = None;
        let mut verdicts = Vec::with_capacity(self.entries.len());
        for (at, entry) in self.entries.iter().enumerate() {
            let challenge = entry.solver.challenge();
            let verdict = match entry.selector.rank(&asked, labels) {
                Err(miss) => Err(miss),
                Ok(rank) => match unfit(&challenge, &asked, offered) {
                    Some(miss) => Err(miss),
                    None => Ok(rank),
                },
            };
            if let Ok(rank) = verdict
                && best.is_none_or(|(held, _)| rank > held)
            {
                best = Some((rank, at));
            }
            verdicts.push((entry, challenge, verdict));
        }
        let taken = best.map(|(_, at)| at);
        let mut chosen = None;
        let mut misses = Vec::new();
        for (at, (entry, challenge, verdict)) in verdicts.into_iter().enumerate() {
            let choice = Choice { id: entry.id.clone(), challenge };
            match verdict {
                Ok(_) if taken == Some(at) => chosen = Some(choice),
                Ok(_) => misses.push(NearMiss { solver: choice, why: Miss::LessSpecific }),
                Err(miss) => misses.push(NearMiss { solver: choice, why: miss }),
            }
        }
        let nearest = match chosen {
            Some(_) => None,
            None => nearest::nearest(&self.entries, &asked, labels),
        };
        Explanation { asked, offered: offered.to_vec(), chosen, misses, nearest }
    }
}

impl fmt::Debug for Solvers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.entries.iter().map(|entry| (entry.id.as_str(), entry.solver.challenge()))).finish()
    }
}

/// For which names a solver is meant. All parts that are not empty must match; an empty selector matches any name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    names: Vec<Identifier>,
    zones: Vec<DnsName>,
    labels: BTreeMap<String, String>,
}

impl Selector {
    /// Matches any name, and gives way to any selector that says more.
    pub fn any() -> Self {
        Self::default()
    }

    /// Matches these names and addresses exactly; `*.example.com` and `example.com` are different names.
    #[must_use]
    pub fn names(mut self, names: impl IntoIterator<Item = Identifier>) -> Self {
        self.names.extend(names);
        self
    }

    /// Matches names in these zones (`example.com` holds itself, `a.example.com` and `*.example.com`); the longest counts.
    #[must_use]
    pub fn zones(mut self, zones: impl IntoIterator<Item = DnsName>) -> Self {
        self.zones.extend(zones);
        self
    }

    /// Matches requests that carry this label; several must all be there.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    fn rank(&self, asked: &Identifier, labels: &BTreeMap<String, String>) -> Result<Rank, Miss> {
        let named = self.names.contains(asked);
        if !self.names.is_empty() && !named {
            return Err(Miss::Names);
        }
        let zone = asked.dns().and_then(|name| {
            let lengths = self.zones.iter().filter(|zone| holds(zone, name));
            lengths.map(|zone| zone.as_str().len()).max()
        });
        if !self.zones.is_empty() && zone.is_none() {
            return Err(Miss::Zones);
        }
        if self.labels.iter().any(|(name, value)| labels.get(name) != Some(value)) {
            return Err(Miss::Labels);
        }
        Ok(Rank { named, zone: zone.unwrap_or(0), labels: self.labels.len() })
    }
}

/// How specific a match is; the order of the fields is the order of importance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    named: bool,
    zone: usize,
    labels: usize,
}

/// The solver that was chosen, and the challenge that it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// The solver.
    pub id: SolverId,
    /// Its type of challenge, which the certificate authority offers.
    pub challenge: ChallengeType,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.id, self.challenge)
    }
}

/// Why a solver was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Miss {
    /// Its names do not list this one.
    Names,
    /// None of its zones holds the name.
    Zones,
    /// The request lacks a label that it wants.
    Labels,
    /// Its challenge cannot prove a wildcard (RFC 8555 section 8.3, RFC 8737 section 3).
    Wildcard,
    /// Its challenge cannot prove an IP address (RFC 8738 section 7).
    Address,
    /// The certificate authority does not offer its challenge.
    NotOffered,
    /// It fits, but another one is more specific or was registered earlier.
    LessSpecific,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Names => "its names do not list it",
            Self::Zones => "none of its zones holds it",
            Self::Labels => "the request lacks one of its labels",
            Self::Wildcard => "its challenge cannot prove a wildcard",
            Self::Address => "its challenge cannot prove an IP address",
            Self::NotOffered => "the certificate authority does not offer its challenge",
            Self::LessSpecific => "another one is more specific or was registered earlier",
        })
    }
}

/// A solver that was not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NearMiss {
    /// The solver, with the challenge that it would have answered.
    pub solver: Choice,
    /// Why it was not taken.
    pub why: Miss,
}

/// A choice and the near misses. Its `Display` is for a person who wonders why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The name as selectors see it, with `*.` for a wildcard.
    pub asked: Identifier,
    /// What the certificate authority offers.
    pub offered: Vec<ChallengeType>,
    /// The solver that is taken, if any.
    pub chosen: Option<Choice>,
    /// Every other solver, in the order of registration, and why it is not taken.
    pub misses: Vec<NearMiss>,
    /// Where none is taken, the solver whose selector almost matched, and what it would have to say.
    pub nearest: Option<String>,
}

impl Explanation {
    /// What to do about it, when nothing was chosen: one line.
    fn advice(&self) -> String {
        let asked = &self.asked;
        if self.misses.is_empty() {
            return format!("no solver is configured for {asked}: add one");
        }
        let missed = |miss: Miss| self.misses.iter().filter(move |it| it.why == miss);
        let list = |miss: Miss| join(missed(miss).map(|it| it.solver.to_string()));
        if missed(Miss::NotOffered).next().is_some() {
            return format!(
                "the certificate authority offers {} for {asked}, but the solvers that cover it are {}: add one of a type that is offered",
                join(self.offered.iter().map(ToString::to_string)),
                list(Miss::NotOffered),
            );
        }
        if missed(Miss::Wildcard).next().is_some() {
            return format!(
                "{asked} needs dns-01: a wildcard cannot be proven by {}; add a dns-01 solver whose selector covers it",
                list(Miss::Wildcard)
            );
        }
        if missed(Miss::Address).next().is_some() {
            return format!(
                "{asked} needs http-01 or tls-alpn-01: an IP address cannot be proven by {}; add a solver of one of these types",
                list(Miss::Address)
            );
        }
        let misses = join(self.misses.iter().map(|it| format!("{}: {}", it.solver, it.why)));
        match &self.nearest {
            Some(nearest) => format!("no solver covers {asked}: {misses}; the nearest is {nearest}"),
            None => format!("no solver covers {asked}: {misses}; widen a selector, or add a solver"),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.chosen {
            Some(choice) => write!(f, "{}: {choice}", self.asked)?,
            None => f.write_str(&self.advice())?,
        }
        for NearMiss { solver, why } in &self.misses {
            write!(f, "\n  not {solver}: {why}")?;
        }
        Ok(())
    }
}

fn unfit(challenge: &ChallengeType, asked: &Identifier, offered: &[ChallengeType]) -> Option<Miss> {
    use ChallengeType::{Dns01, DnsAccount01, DnsPersist01, Http01, TlsAlpn01};
    let wildcards = !matches!(challenge, Http01 | TlsAlpn01);
    let addresses = !matches!(challenge, Dns01 | DnsAccount01 | DnsPersist01);
    if asked.is_wildcard() && !wildcards {
        Some(Miss::Wildcard)
    } else if matches!(asked, Identifier::Ip(_)) && !addresses {
        Some(Miss::Address)
    } else if !offered.contains(challenge) {
        Some(Miss::NotOffered)
    } else {
        None
    }
}

fn holds(zone: &DnsName, name: &DnsName) -> bool {
    name.as_str().strip_suffix(zone.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn join(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}
