//! What a certificate authority returned: put in order, checked before anything is replaced by it, chosen among alternates, written as PEM.

use acme_core::client::Chain;
use acme_core::{Error, ErrorKind, Identifier, Timestamp, limits, pem};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

use crate::x509::{Certificate, RawGeneralName, name, oid};
use crate::{CertificateRequest, csr};

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod bag;
pub(crate) mod constraints;
mod leaf;
pub(crate) mod link;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod path;
mod subtree;

use link::Refusal;

pub use constraints::Constraints;
pub use leaf::Leaf;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use path::Path;

/// Checks that `chain` is what a request for `key` and `identifiers` deserves, and answers what is known of its leaf.
///
/// The leaf is for `key`, covers every identifier, is not a pre-certificate, and is valid at `now`; each certificate names the next
/// as its issuer and is signed by its key, and those are certificate authorities that may sign, for these names too, and are not expired. Whether anybody trusts the topmost one is
/// left to those who trust a root; so is a signature that this build cannot verify, every one of them without feature `aws-lc-rs` or `ring`.
///
/// # Errors
/// `Malformed`, with what is wrong and with which certificate. Keep what is in use.
pub fn check(
    chain: &Chain,
    key: &SubjectPublicKeyInfoDer<'_>,
    identifiers: &[Identifier],
    now: Timestamp,
) -> Result<Leaf, Error> {
    let refuse = |why: String| {
        Error::new(ErrorKind::Malformed, format!("the certificate that was returned is of no use: {why}"))
    };
    let certificates = parse_all(chain).map_err(&refuse)?;
    let Some(first) = certificates.first() else {
        return Err(refuse("the chain is empty".to_owned()));
    };
    let leaf = Leaf::of(first);
    let is_of_key = first.public_key == *key;
    let problem = (!is_of_key)
        .then(|| "it is for another key than the signing request's".to_owned())
        .or_else(|| is_precertificate(first).then(|| "it is a pre-certificate (RFC 6962)".to_owned()))
        .or_else(|| missing(&leaf, identifiers))
        .or_else(|| out_of_time(&leaf, now))
        .or_else(|| out_of_order(&certificates, now))
        .or_else(|| out_of_bounds(&certificates));
    match problem {
        Some(why) => Err(refuse(why)),
        None => Ok(leaf),
    }
}

/// Checks that `chain` is what `request` deserves: as [`check`] does, and that its leaf is a certificate authority exactly when one was asked for.
///
/// # Errors
/// `Malformed`, with what is wrong and with which certificate, or when the signing request cannot be read. Keep what is in use.
pub fn check_for(chain: &Chain, request: &CertificateRequest<'_>, now: Timestamp) -> Result<Leaf, Error> {
    let asked = csr::Request::read(request.csr)?;
    let leaf = check(chain, asked.public_key(), request.identifiers, now)?;
    let why = match (request.is_ca, leaf.is_ca) {
        (true, true) | (false, false) => return Ok(leaf),
        (true, false) => "it is no certificate authority, and one was asked for",
        (false, true) => "it is a certificate authority, and none was asked for",
    };
    Err(Error::new(ErrorKind::Malformed, format!("the certificate that was returned is of no use: {why}")))
}

/// Chooses among the chains that a certificate authority offers, its default first: the first whose topmost certificate was issued by a certificate
/// authority of this common name, otherwise the default. `None` when there is no chain at all.
pub fn prefer(chains: Vec<Chain>, issuer: Option<&str>) -> Option<Chain> {
    let preferred =
        issuer.and_then(|wanted| chains.iter().position(|chain| topmost_issuer(chain).as_deref() == Some(wanted)));
    chains.into_iter().nth(preferred.unwrap_or(0))
}

/// The public key that `certificate` is for.
///
/// # Errors
/// `Malformed` when it is not an X.509 certificate.
pub fn public_key<'a>(certificate: &'a CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'a>, Error> {
    match Certificate::read(certificate) {
        Ok(certificate) => Ok(certificate.public_key),
        Err(why) => Err(Error::new(ErrorKind::Malformed, format!("a certificate is {why}"))),
    }
}

/// The chain as PEM, the leaf first: what servers call `fullchain.pem`.
pub fn to_pem(chain: &Chain) -> String {
    chain.certificates().iter().map(|certificate| pem::encode("CERTIFICATE", certificate)).collect()
}

/// All certificates of a PEM text, in the order they stand there. Line ends of any kind, keys and text around them are fine.
///
/// # Errors
/// `Malformed` when a certificate is cut off or not base64, or there are more than [`limits::BUNDLE`](crate::limits::BUNDLE).
pub fn bundle_from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|source| {
            Error::new(ErrorKind::Malformed, "a certificate in PEM is cut off or damaged").with_source(source)
        })?;
        if certificates.len() == crate::limits::BUNDLE {
            let most = crate::limits::BUNDLE;
            return Err(Error::new(ErrorKind::Malformed, format!("a bundle of more than {most} certificates")));
        }
        certificates.push(certificate);
    }
    Ok(certificates)
}

/// The common name of who issued the topmost certificate of `chain`: what [`prefer`] compares.
pub fn topmost_issuer(chain: &Chain) -> Option<String> {
    name::common_name(Certificate::read(chain.certificates().last()?).ok()?.issuer)
}

fn parse_all(chain: &Chain) -> Result<Vec<Certificate<'_>>, String> {
    let count = chain.certificates().len();
    if count > limits::CHAIN {
        return Err(format!("the chain holds {count} certificates, more than {}", limits::CHAIN));
    }
    let read =
        |(at, bytes)| Certificate::read(bytes).map_err(|why| format!("certificate {} of the chain is {why}", at + 1));
    chain.certificates().iter().map(AsRef::as_ref).enumerate().map(read).collect()
}

/// The poison of RFC 6962 section 3.1: 1.3.6.1.4.1.11129.2.4.3.
fn is_precertificate(certificate: &Certificate<'_>) -> bool {
    certificate.extension(POISON).is_some()
}

fn missing(leaf: &Leaf, identifiers: &[Identifier]) -> Option<String> {
    let missing: Vec<_> = identifiers.iter().filter(|it| !leaf.covers(it)).collect();
    let first = missing.first()?;
    Some(match missing.len() - 1 {
        0 => format!("it does not cover {first}"),
        more => format!("it does not cover {first} and {more} more"),
    })
}

fn out_of_time(leaf: &Leaf, now: Timestamp) -> Option<String> {
    if leaf.not_after < now {
        Some(format!("it expired at {}, and it is {now} here", leaf.not_after))
    } else if leaf.not_before > now + SKEW {
        Some(format!("it is not valid before {}, and it is {now} here: is this clock right?", leaf.not_before))
    } else {
        None
    }
}

fn out_of_order(certificates: &[Certificate<'_>], now: Timestamp) -> Option<String> {
    // Certificate authorities below the one that is looked at, those that only renew a key or a name aside (RFC 5280 section 4.2.1.9).
    let mut below_it = 0;
    certificates.windows(2).enumerate().find_map(|(at, pair)| {
        let [child, parent] = pair else { return None };
        let (below, above) = (at + 1, at + 2);
        below_it += u32::from(at > 0 && !child.is_self_issued());
        let parent_name = || format!("{:?}", name::readable(parent.subject));
        let refused = match link::refusal(child, parent, below_it) {
            None => None,
            Some(Refusal::Name) => Some(format!(
                "certificate {below} of the chain was issued by {:?}, but certificate {above} is {}",
                name::readable(child.issuer),
                parent_name()
            )),
            Some(Refusal::Key) => Some(format!(
                "certificate {below} of the chain was issued with another key than that of certificate {above}, {}",
                parent_name()
            )),
            Some(Refusal::Authority(why)) => {
                Some(format!("certificate {above} of the chain, {}, {why}", parent_name()))
            }
        };
        // A root that was left in the chain may be past its end: nobody looks at it there.
        let expired = !parent.is_self_issued() && parent.not_after < now;
        refused
            .or_else(|| {
                expired.then(|| {
                    format!("certificate {above} of the chain, {}, expired at {}", parent_name(), parent.not_after)
                })
            })
            .or_else(|| {
                let why = link::forged(child, parent)?;
                Some(format!(
                    "certificate {below} of the chain was not signed by certificate {above}, {}: {why}",
                    parent_name()
                ))
            })
    })
}

/// Every certificate that is not there only to renew a key or a name keeps to the name constraints above it (RFC 5280 section 6.1.3).
fn out_of_bounds(certificates: &[Certificate<'_>]) -> Option<String> {
    let mut constraints = Constraints::default();
    for (at, certificate) in certificates.iter().enumerate().rev() {
        if at == 0 || !certificate.is_self_issued() {
            let names = match certificate.extension(oid::SUBJECT_ALTERNATIVE_NAME) {
                None => Vec::new(),
                Some(names) => match RawGeneralName::list(names.value) {
                    Some(names) => names,
                    None => return Some(format!("the names in certificate {} of the chain cannot be read", at + 1)),
                },
            };
            let refused = constraints.refusal(certificate.subject, &names);
            if refused.is_some() {
                return refused;
            }
        }
        if let Err(why) = constraints.add(certificate) {
            return Some(why);
        }
    }
    None
}

const POISON: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x03];
/// Certificate authorities date certificates back, an hour as a rule; ours may be a little behind all the same.
const SKEW: std::time::Duration = std::time::Duration::from_secs(300);
