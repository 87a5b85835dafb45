//! The path from a leaf towards a root, found in a bag of certificates.

use std::collections::VecDeque;

use acme_core::client::Chain;
use acme_core::{Error, ErrorKind, Timestamp};
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

use super::bag::{Bag, Link};
use crate::{Issued, limits};

/// A leaf, what leads from it towards a root, and the root where it is known: every link checked by name, key, constraints and signature.
///
/// The bag may hold its certificates in any order, some of them twice, and strangers among them. Where several paths lead upwards, cross-signed authorities
/// for one, unexpired certificates are preferred to expired ones, a root to an end without one, and shorter paths to longer ones. Whether the leaf is
/// what was asked for is for [`check`](super::check) to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    chain: Chain,
    root: Option<CertificateDer<'static>>,
}

impl Path {
    /// The path of the certificate for `key`; of several, the one that is valid at `now` and was issued last.
    ///
    /// # Errors
    /// `Malformed` when there is no such certificate, one of the bag is not X.509, or the path is broken: an issuer that is no certificate authority, must not
    /// sign, allows fewer authorities below it, or did not make the signature; or when there are more than [`limits::BUNDLE`] certificates,
    /// [`limits::SIGNATURES`] signatures to be tried, or [`acme_core::limits::CHAIN`] certificates on the path.
    pub fn of_key(
        certificates: &[CertificateDer<'_>],
        key: &SubjectPublicKeyInfoDer<'_>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let bag = Bag::new(certificates, now)?;
        let leaf = bag.of_key(key).ok_or_else(|| {
            broken(format!("none of its {} certificates is for the key of the request", bag.certificates.len()))
        })?;
        Self::from(&bag, leaf)
    }

    /// The path of the one certificate that is no authority; of authorities alone, of the one that issued none of the others.
    ///
    /// # Errors
    /// As [`of_key`](Self::of_key), and when there are several such certificates: take [`of_key`](Self::of_key) then.
    pub fn of_bundle(certificates: &[CertificateDer<'_>], now: Timestamp) -> Result<Self, Error> {
        let bag = Bag::new(certificates, now)?;
        let leaf = bag.lowest().map_err(broken)?;
        Self::from(&bag, leaf)
    }

    /// The leaf and the certificates that issued it, without a root that signed itself; what some call `tls.crt`.
    /// A certificate that signed itself and stands alone is its own chain.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The root, which signed itself, where it was in the bag.
    pub fn root(&self) -> Option<&CertificateDer<'static>> {
        self.root.as_ref()
    }

    /// The highest authority that is known: the root, or else the topmost certificate above the leaf; what some call `ca.crt`.
    pub fn authority(&self) -> Option<&CertificateDer<'static>> {
        self.root.as_ref().or_else(|| self.chain.certificates().get(1..)?.last())
    }

    fn from(bag: &Bag<'_>, leaf: usize) -> Result<Self, Error> {
        let unexpired = Search::new(bag, leaf, Expired::PassOver).run().map_err(broken)?;
        let found = match unexpired {
            Some(found) if found.has_root || found.upwards.len() > 1 => found,
            // A chain that says what expired is better than one that leaves it out.
            Some(_) | None => match Search::new(bag, leaf, Expired::Take).run().map_err(broken)? {
                Some(found) => found,
                None => return Err(broken("no path leads from its leaf upwards".to_owned())),
            },
        };
        let mut certificates: Vec<_> =
            found.upwards.iter().map(|at| bag.certificates[*at].der.clone().into_owned()).collect();
        let root = if found.has_root { certificates.last().cloned() } else { None };
        if root.is_some() && certificates.len() > 1 {
            certificates.pop();
        }
        Ok(Self { chain: Chain::new(certificates), root })
    }
}

impl From<Path> for Issued {
    fn from(path: Path) -> Self {
        let issued = Self::new(path.chain);
        match path.root {
            Some(root) => issued.with_root(root),
            None => issued,
        }
    }
}

/// What becomes of certificates that are not valid now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expired {
    PassOver,
    Take,
}

struct Found {
    /// Positions in the bag, the leaf first.
    upwards: Vec<usize>,
    has_root: bool,
}

/// A search level by level: the first root is the nearest, and no certificate is gone through twice.
struct Search<'a> {
    bag: &'a Bag<'a>,
    leaf: usize,
    expired: Expired,
    /// From where each certificate was reached.
    reached_from: Vec<Option<usize>>,
    signatures: usize,
}

/// A certificate that was reached.
struct Step {
    at: usize,
    /// Certificates from the leaf to this one, both counted.
    length: usize,
    /// Authorities between it and the leaf, those that only renew a key or a name aside (RFC 5280 section 4.2.1.9).
    below: u32,
}

impl<'a> Search<'a> {
    fn new(bag: &'a Bag<'a>, leaf: usize, expired: Expired) -> Self {
        Self { bag, leaf, expired, reached_from: vec![None; bag.certificates.len()], signatures: 0 }
    }

    /// `Err` names what is broken; `None` when the search may not even begin.
    fn run(mut self) -> Result<Option<Found>, String> {
        let mut open = VecDeque::from([Step { at: self.leaf, length: 1, below: 0 }]);
        let mut nearest_end = None;
        let mut defect = None;
        while let Some(step) = open.pop_front() {
            if self.bag.is_root(step.at) {
                return Ok(Some(Found { upwards: self.way_to(step.at), has_root: true }));
            }
            if step.length == acme_core::limits::CHAIN {
                return Err(format!("its path is longer than {} certificates", acme_core::limits::CHAIN));
            }
            let counts = step.at != self.leaf && !self.bag.certificates[step.at].parsed.is_self_issued();
            let below = step.below + u32::from(counts);
            let issuers = self.issuers(step.at, below, &mut defect)?;
            if issuers.is_empty() && nearest_end.is_none() {
                nearest_end = Some((step.at, defect.take()));
            }
            for issuer in issuers {
                self.reached_from[issuer] = Some(step.at);
                open.push_back(Step { at: issuer, length: step.length + 1, below });
            }
        }
        match nearest_end {
            Some((_, Some(defect))) => Err(defect),
            Some((end, None)) => Ok(Some(Found { upwards: self.way_to(end), has_root: false })),
            None => Ok(None),
        }
    }

    /// Those that issued the certificate at `child`, the best first; `defect` says why one that should have did not.
    fn issuers(&mut self, child: usize, below: u32, defect: &mut Option<String>) -> Result<Vec<usize>, String> {
        let mut issuers = Vec::new();
        *defect = None;
        for at in self.bag.called_as_issuer_of(child) {
            if at == self.leaf || self.reached_from[at].is_some() {
                continue;
            }
            if self.expired == Expired::PassOver && !self.bag.is_valid(at) {
                continue;
            }
            if self.signatures == limits::SIGNATURES {
                return Err(format!(
                    "more than {} certificates of it have the same name and do not fit",
                    limits::SIGNATURES
                ));
            }
            self.signatures += 1;
            match self.bag.link(child, at, below) {
                Link::Sound => issuers.push(at),
                Link::Stranger => {}
                Link::Broken(why) => *defect = Some(why),
            }
        }
        Ok(issuers)
    }

    fn way_to(&self, end: usize) -> Vec<usize> {
        let mut upwards = vec![end];
        let mut at = end;
        while let Some(below) = self.reached_from[at] {
            upwards.push(below);
            at = below;
        }
        upwards.reverse();
        upwards
    }
}

fn broken(why: String) -> Error {
    Error::new(ErrorKind::Malformed, format!("a bundle of certificates does not lead upwards: {why}"))
}
