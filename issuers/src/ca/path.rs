//! The chain of an authority, from its own certificate up.

use acme_core::client::Chain;
use acme_core::{Error, ErrorKind, Timestamp, limits};
use rustls_pki_types::CertificateDer;

use crate::ObjectIdentifier;
use crate::chain::Constraints;
use crate::chain::link::{self, Refusal};
use crate::template::ExtendedKeyUsage;
use crate::x509::{Certificate, extended_key_usage, name, oid};

/// What was checked of an authority's chain, and what is served of it.
#[derive(Debug, Clone)]
pub(super) struct Path {
    /// The authority's own certificate.
    pub(super) own: CertificateDer<'static>,
    /// What is served behind a leaf: the authority's own certificate and those above it, without the root.
    pub(super) served: Vec<CertificateDer<'static>>,
    /// The topmost certificate, when its own key signed it.
    pub(super) root: Option<CertificateDer<'static>>,
    /// From when to when all of it is valid.
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// How many authorities may stand between this one and a leaf.
    pub(super) room: Option<u32>,
    /// What all of it may issue for; anything where nobody says.
    pub(super) purposes: Option<Vec<ExtendedKeyUsage>>,
    /// Whom all of it may issue for.
    pub(super) constraints: Constraints,
}

impl Path {
    /// Checks that the first certificate is an authority's, that each was issued by the next, and that all are valid at `now`.
    pub(super) fn read(chain: &Chain, now: Timestamp) -> Result<Self, Error> {
        let mut served = chain.certificates().to_vec();
        let parsed = parse(&served)?;
        let (Some(first), Some(own)) = (parsed.first(), served.first().cloned()) else { return Err(length(0)) };
        authority(first)?;
        linked(&parsed)?;
        let is_rooted = parsed.last().is_some_and(|it| it.is_self_issued() && link::signed_itself(it));
        let not_before = parsed.iter().map(|it| it.not_before).max().unwrap_or(Timestamp::EPOCH);
        let not_after = parsed.iter().map(|it| it.not_after).min().unwrap_or(Timestamp::MAX);
        let (room, purposes) = (room(&parsed), purposes(&parsed)?);
        let constraints = Constraints::of(&served)?;
        let root = if is_rooted { served.pop() } else { None };
        let path = Self { own, served, root, not_before, not_after, room, purposes, constraints };
        path.valid(now)?;
        Ok(path)
    }

    /// Is all of it valid at `now`?
    pub(super) fn valid(&self, now: Timestamp) -> Result<(), Error> {
        if self.not_after < now {
            return Err(refused(format!(
                "the certificate authority expired at {}, and it is {now} here: renew it",
                self.not_after
            )));
        }
        if self.not_before > now {
            return Err(refused(format!(
                "the certificate authority is not valid before {}, and it is {now} here: is this clock right?",
                self.not_before
            ))
            .with_retry(acme_core::Retry::Backoff));
        }
        Ok(())
    }
}

/// The certificates of `chain`, taken apart.
fn parse<'a>(chain: &'a [CertificateDer<'static>]) -> Result<Vec<Certificate<'a>>, Error> {
    if chain.len() > limits::CHAIN {
        return Err(length(chain.len()));
    }
    let read = |(at, bytes): (usize, &'a CertificateDer<'static>)| {
        Certificate::read(bytes).map_err(|why| {
            Error::new(ErrorKind::Malformed, format!("certificate {} of the certificate authority is {why}", at + 1))
        })
    };
    chain.iter().enumerate().map(read).collect()
}

fn authority(own: &Certificate<'_>) -> Result<(), Error> {
    let shown = name::readable(own.subject);
    if !own.basic_constraints().is_some_and(|it| it.is_authority()) {
        return Err(refused(format!(
            "certificate is not a CA: {shown:?} lacks cA in its basic constraints (RFC 5280 section 4.2.1.9)"
        )));
    }
    if !own.may_sign_certificates() {
        return Err(refused(format!("{shown:?} must not sign certificates: its key usage lacks keyCertSign")));
    }
    Ok(())
}

fn linked(chain: &[Certificate<'_>]) -> Result<(), Error> {
    let mut below = 0;
    for (at, pair) in chain.windows(2).enumerate() {
        let [child, parent] = pair else { continue };
        below += u32::from(!child.is_self_issued());
        let shown =
            || format!("certificate {} of the certificate authority, {:?},", at + 2, name::readable(parent.subject));
        match link::refusal(child, parent, below) {
            None => {}
            Some(Refusal::Name) => {
                return Err(refused(format!(
                    "{} is not the issuer of certificate {}: put the chain in order",
                    shown(),
                    at + 1
                )));
            }
            Some(Refusal::Key) => {
                return Err(refused(format!("{} has another key than the issuer of certificate {}", shown(), at + 1)));
            }
            Some(Refusal::Authority(why)) => return Err(refused(format!("{} {why}", shown()))),
        }
        link::verify(child, parent)
            .map_err(|error| error.while_doing(format!("{} did not sign certificate {}", shown(), at + 1)))?;
    }
    Ok(())
}

/// The least path length, less the authorities that stand below it already.
fn room(chain: &[Certificate<'_>]) -> Option<u32> {
    let mut below = 0;
    let mut room: Option<u32> = None;
    for certificate in chain {
        if let Some(bound) = certificate.basic_constraints().and_then(|it| it.path_length()) {
            let left = bound.saturating_sub(below);
            room = Some(room.map_or(left, |it| it.min(left)));
        }
        below += u32::from(!certificate.is_self_issued());
    }
    room
}

/// The extended key usages that every certificate has, where any has them: a habit of Microsoft's that everybody follows.
fn purposes(chain: &[Certificate<'_>]) -> Result<Option<Vec<ExtendedKeyUsage>>, Error> {
    let mut common: Option<Vec<ExtendedKeyUsage>> = None;
    for certificate in chain {
        let Some(extension) = certificate.extension(oid::EXTENDED_KEY_USAGE) else { continue };
        let usages = extended_key_usage(extension.value).unwrap_or_default();
        let usages: Vec<_> = usages
            .into_iter()
            .map(|oid| ObjectIdentifier::from_der(oid).map(ExtendedKeyUsage::of))
            .collect::<Result<_, _>>()?;
        if usages.contains(&ExtendedKeyUsage::Any) {
            continue;
        }
        common = Some(match common {
            None => usages,
            Some(common) => common.into_iter().filter(|it| usages.contains(it)).collect(),
        });
    }
    Ok(common)
}

fn length(here: usize) -> Error {
    let most = limits::CHAIN;
    Error::new(
        ErrorKind::Malformed,
        format!("a certificate authority takes 1 to {most} certificates, its own first; here are {here}"),
    )
}

pub(super) fn refused(why: String) -> Error {
    Error::new(ErrorKind::Refused, why)
}
