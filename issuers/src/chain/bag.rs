//! Certificates in any order, found by their names.

use std::collections::{BTreeMap, BTreeSet};

use acme_core::{Error, ErrorKind, Timestamp};
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

use super::link::{self, Refusal};
use crate::limits;
use crate::x509::{Certificate, name};

/// Different certificates, taken apart.
pub(super) struct Bag<'a> {
    pub(super) certificates: Vec<Held<'a>>,
    by_subject: BTreeMap<Vec<u8>, Vec<usize>>,
    now: Timestamp,
}

pub(super) struct Held<'a> {
    pub(super) der: &'a CertificateDer<'a>,
    pub(super) parsed: Certificate<'a>,
    subject: Vec<u8>,
    issuer: Vec<u8>,
}

/// Whether one certificate issued another.
pub(super) enum Link {
    /// It did.
    Sound,
    /// It is only called so.
    Stranger,
    /// It should have, by its key identifier, and cannot have; in words.
    Broken(String),
}

impl<'a> Bag<'a> {
    pub(super) fn new(certificates: &'a [CertificateDer<'a>], now: Timestamp) -> Result<Self, Error> {
        let refuse =
            |why: String| Error::new(ErrorKind::Malformed, format!("a bundle of certificates is of no use: {why}"));
        let mut seen = BTreeSet::new();
        let mut held: Vec<Held<'a>> = Vec::new();
        let mut by_subject: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        for (at, der) in certificates.iter().enumerate() {
            if !seen.insert(der.as_ref()) {
                continue;
            }
            if held.len() == limits::BUNDLE {
                return Err(refuse(format!("it holds more than {} certificates", limits::BUNDLE)));
            }
            let parsed =
                Certificate::read(der).map_err(|why| refuse(format!("certificate {} of it is {why}", at + 1)))?;
            let subject = name::canonical(parsed.subject);
            let issuer = if parsed.is_self_issued() { subject.clone() } else { name::canonical(parsed.issuer) };
            by_subject.entry(subject.clone()).or_default().push(held.len());
            held.push(Held { der, parsed, subject, issuer });
        }
        if held.is_empty() {
            return Err(refuse("it is empty".to_owned()));
        }
        let mut bag = Self { certificates: held, by_subject, now };
        bag.best_first();
        Ok(bag)
    }

    /// The certificate for `key`: valid before expired, then the latest.
    pub(super) fn of_key(&self, key: &SubjectPublicKeyInfoDer<'_>) -> Option<usize> {
        let fitting = (0..self.certificates.len()).filter(|at| self.certificates[*at].parsed.public_key == *key);
        // The first of equals: the order of the bag is its maker's preference.
        fitting.rev().max_by_key(|at| (self.is_valid(*at), self.certificates[*at].parsed.not_before))
    }

    /// The only certificate that is no authority, or the authority that issued none of the others. `Err` says why there is none.
    pub(super) fn lowest(&self) -> Result<usize, String> {
        let all = || 0..self.certificates.len();
        let is_leaf = |at: &usize| {
            let certificate = &self.certificates[*at].parsed;
            certificate.basic_constraints().is_none_or(|it| !it.is_authority()) && !certificate.is_self_issued()
        };
        let mut candidates: Vec<_> = all().filter(is_leaf).collect();
        if candidates.is_empty() {
            let issuers: BTreeSet<_> =
                self.certificates.iter().filter(|it| it.subject != it.issuer).map(|it| &it.issuer).collect();
            candidates = all().filter(|at| !issuers.contains(&self.certificates[*at].subject)).collect();
        }
        let Some(first) = candidates.first() else {
            return Err("its certificates issue each other in a circle".to_owned());
        };
        let key = &self.certificates[*first].parsed.public_key;
        let others = candidates.iter().filter(|at| self.certificates[**at].parsed.public_key != *key).count();
        if others > 0 {
            return Err(format!(
                "{} certificates of it, {:?} for one, issued none of the others: which one is meant?",
                others + 1,
                name::readable(self.certificates[*first].parsed.subject)
            ));
        }
        Ok(self.of_key(key).unwrap_or(*first))
    }

    /// Those that bear the name that the issuer of `at` has, the best first.
    pub(super) fn called_as_issuer_of(&self, at: usize) -> impl Iterator<Item = usize> {
        self.by_subject.get(&self.certificates[at].issuer).into_iter().flatten().copied()
    }

    /// Did it sign itself?
    pub(super) fn is_root(&self, at: usize) -> bool {
        let held = &self.certificates[at];
        held.subject == held.issuer && link::signed_itself(&held.parsed)
    }

    pub(super) fn is_valid(&self, at: usize) -> bool {
        let certificate = &self.certificates[at].parsed;
        certificate.not_before <= self.now + super::SKEW && self.now <= certificate.not_after
    }

    /// Did `parent` issue `child`, with `below` authorities between it and the leaf?
    pub(super) fn link(&self, child: usize, parent: usize, below: u32) -> Link {
        let (child, parent) = (&self.certificates[child].parsed, &self.certificates[parent].parsed);
        let identifiers = (child.authority_key_identifier(), parent.subject_key_identifier());
        let is_meant = matches!(identifiers, (Some(wanted), Some(found)) if wanted == found);
        let called = || format!("{:?}", name::readable(parent.subject));
        match link::refusal(child, parent, below) {
            Some(Refusal::Name | Refusal::Key) => return Link::Stranger,
            Some(Refusal::Authority(why)) => return Link::Broken(format!("{} {why}", called())),
            None => {}
        }
        match link::verify(child, parent) {
            Ok(()) => Link::Sound,
            // What this build cannot verify is left to those who trust a root.
            Err(error) if error.kind() == ErrorKind::Unsupported && is_meant => Link::Sound,
            Err(error) if is_meant => {
                Link::Broken(format!("{:?} was not signed by {}: {error}", name::readable(child.subject), called()))
            }
            Err(_) => Link::Stranger,
        }
    }

    /// Orders those of one name: what is valid longest comes first, and the order of the bag decides between equals.
    fn best_first(&mut self) {
        for positions in self.by_subject.values_mut() {
            positions.sort_by_key(|at| std::cmp::Reverse(self.certificates[*at].parsed.not_after));
        }
    }
}
