//! What a certificate authority returned: checked before anything is replaced by it, chosen among alternates, written as PEM.

use std::fmt::Write as _;

use acme_core::client::Chain;
use acme_core::{Error, ErrorKind, Identifier, Timestamp, limits, text};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Name;

mod leaf;

pub use leaf::Leaf;

/// Checks that `chain` is what a request for `key` and `identifiers` deserves, and answers what is known of its leaf.
///
/// The leaf is for `key`, covers every identifier, is not a pre-certificate, and is valid at `now`; each certificate names the next
/// as its issuer, and those are certificate authorities and not expired. Signatures are left to those who trust a root.
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
    let is_of_key = first.public_key().raw == key.as_ref();
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
    let topmost = parse(chain.certificates().last()?).ok()?;
    common_name(topmost.issuer()).map(ToOwned::to_owned)
}

fn parse_all(chain: &Chain) -> Result<Vec<X509Certificate<'_>>, String> {
    let count = chain.certificates().len();
    if count > limits::CHAIN {
        return Err(format!("the chain holds {count} certificates, more than {}", limits::CHAIN));
    }
    chain
        .certificates()
        .iter()
        .enumerate()
        .map(|(at, certificate)| {
            parse(certificate).map_err(|()| format!("certificate {} of the chain is not X.509", at + 1))
        })
        .collect()
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, ()> {
    match X509Certificate::from_der(certificate.as_ref()) {
        Ok(([], parsed)) => Ok(parsed),
        Ok(_) | Err(_) => Err(()),
    }
}

/// The poison of RFC 6962 section 3.1: 1.3.6.1.4.1.11129.2.4.3.
fn is_precertificate(certificate: &X509Certificate<'_>) -> bool {
    certificate.iter_extensions().any(|extension| extension.oid.as_bytes() == POISON)
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

fn out_of_order(certificates: &[X509Certificate<'_>], now: Timestamp) -> Option<String> {
    certificates.windows(2).enumerate().find_map(|(at, pair)| {
        let [child, parent] = pair else { return None };
        let (below, above) = (at + 1, at + 2);
        if child.issuer().as_raw() != parent.subject().as_raw() {
            return Some(format!(
                "certificate {below} of the chain was issued by {}, but certificate {above} is {}",
                name(child.issuer()),
                name(parent.subject())
            ));
        }
        if let (Some(wanted), Some(found)) = (authority_key_id(child), subject_key_id(parent))
            && wanted != found
        {
            return Some(format!(
                "certificate {below} of the chain was issued with another key than that of certificate {above}, {}",
                name(parent.subject())
            ));
        }
        if !parent.is_ca() {
            return Some(format!(
                "certificate {above} of the chain, {}, is not a certificate authority",
                name(parent.subject())
            ));
        }
        // A root that was left in the chain may be past its end: nobody looks at it there.
        let is_root = parent.issuer().as_raw() == parent.subject().as_raw();
        let ends = Timestamp::from_unix_seconds(parent.validity().not_after.timestamp());
        (!is_root && ends < now)
            .then(|| format!("certificate {above} of the chain, {}, expired at {ends}", name(parent.subject())))
    })
}

fn authority_key_id<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate.iter_extensions().find_map(|extension| {
        if let ParsedExtension::AuthorityKeyIdentifier(id) = extension.parsed_extension() {
            id.key_identifier.as_ref().map(|key| key.0)
        } else {
            None
        }
    })
}

fn subject_key_id<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate.iter_extensions().find_map(|extension| {
        if let ParsedExtension::SubjectKeyIdentifier(key) = extension.parsed_extension() { Some(key.0) } else { None }
    })
}

fn common_name<'a>(name: &'a X509Name<'_>) -> Option<&'a str> {
    name.iter_common_name().next()?.as_str().ok()
}

/// A name as people read it: its common name, or all of it.
fn name(name: &X509Name<'_>) -> String {
    let text = match common_name(name) {
        Some(name) => name.to_owned(),
        None => name.to_string(),
    };
    format!("{:?}", text::printable(&text, 120))
}

const POISON: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x03];
/// Certificate authorities date certificates back, an hour as a rule; ours may be a little behind all the same.
const SKEW: std::time::Duration = std::time::Duration::from_secs(300);
