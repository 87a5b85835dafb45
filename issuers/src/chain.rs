//! What a certificate authority returned: checked before anything is replaced by it, chosen among alternates, written as PEM.

use std::fmt::Write as _;

use acme_core::client::Chain;
use acme_core::{Error, ErrorKind, Identifier, Timestamp, limits};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls_pki_types::SubjectPublicKeyInfoDer;

use crate::x509::{Certificate, name};

mod leaf;
mod link;

use link::Refusal;

pub use leaf::Leaf;

/// Checks that `chain` is what a request for `key` and `identifiers` deserves, and answers what is known of its leaf.
///
/// The leaf is for `key`, covers every identifier, is not a pre-certificate, and is valid at `now`; each certificate names the next
/// as its issuer and is signed by its key, and those are certificate authorities that may sign and are not expired. Whether anybody trusts the topmost one is
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
        .or_else(|| out_of_order(&certificates, now));
    match problem {
        Some(why) => Err(refuse(why)),
        None => Ok(leaf),
    }
}

/// Chooses among the chains that a certificate authority offers, its default first: the first whose topmost certificate was issued by a certificate
/// authority of this common name, otherwise the default. `None` when there is no chain at all.
pub fn prefer(chains: Vec<Chain>, issuer: Option<&str>) -> Option<Chain> {
    let preferred =
        issuer.and_then(|wanted| chains.iter().position(|chain| topmost_issuer(chain).as_deref() == Some(wanted)));
    chains.into_iter().nth(preferred.unwrap_or(0))
}

/// The chain as PEM, the leaf first: what servers call `fullchain.pem`.
pub fn to_pem(chain: &Chain) -> String {
    let mut out = String::new();
    for certificate in chain.certificates() {
        out.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded = BASE64_STANDARD.encode(certificate);
        for line in encoded.as_bytes().chunks(64) {
            let _ = writeln!(out, "{}", String::from_utf8_lossy(line));
        }
        out.push_str("-----END CERTIFICATE-----\n");
    }
    out
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
        below_it += u32::from(at > 0 && !child.is_self_issued());
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

const POISON: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x03];
/// Certificate authorities date certificates back, an hour as a rule; ours may be a little behind all the same.
const SKEW: std::time::Duration = std::time::Duration::from_secs(300);
