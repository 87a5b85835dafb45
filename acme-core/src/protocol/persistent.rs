//! `dns-persist-01` (draft-ietf-acme-dns-persist): a TXT record that stays, and what it must say.
//!
//! Two revisions are in use and both are spoken. Up to -01 (Pebble 2.10, Boulder) the record names the account's URL; from -02 on the
//! directory has an `accountHashPrefix`, and the record names a hash of the name, the account's key and its URL below it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{DirectoryObject, Url};
use crate::hash::sha256;
use crate::{DnsName, Error, ErrorKind, Retry, Timestamp, limits, text};

/// The certificate authority's part of a `dns-persist-01` challenge.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PersistentOffer {
    /// The names by which the record may call the certificate authority; at least one.
    pub issuers: Vec<DnsName>,
    /// What the server wants the account to be called, where it says so (revision -01).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl PersistentOffer {
    /// Reads what a challenge says.
    ///
    /// # Errors
    /// `Malformed` without an issuer domain name, with more than ten, or with one that is not in its normal form (section 3.1).
    pub fn read(issuers: &[String], account: Option<&str>) -> Result<Self, Error> {
        if issuers.is_empty() || issuers.len() > limits::ISSUER_DOMAIN_NAMES {
            let what = format!("it names {} issuers, and one to ten are allowed", issuers.len());
            return Err(Error::new(ErrorKind::Malformed, what));
        }
        let normal = |name: &String| match DnsName::parse(name) {
            Ok(parsed) if parsed.as_str() == name && !parsed.is_wildcard() => Ok(parsed),
            Ok(_) | Err(_) => {
                let shown = text::printable(name, 120);
                Err(Error::new(ErrorKind::Malformed, format!("{shown:?} is no issuer domain name in its normal form")))
            }
        };
        let issuers = issuers.iter().map(normal).collect::<Result<_, _>>()?;
        Ok(Self { issuers, account: account.map(ToOwned::to_owned) })
    }
}

/// The account that a record authorizes.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "all that a record can be made of")]
pub struct PersistentAccount<'a> {
    /// The directory's URL.
    pub directory: &'a Url,
    /// The account's URL.
    pub url: &'a Url,
    /// The thumbprint of the account's key (RFC 7638).
    pub thumbprint: &'a str,
}

/// What a record of `dns-persist-01` must say for one name and one account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PersistentProof {
    issuers: Vec<DnsName>,
    account: String,
}

impl PersistentProof {
    /// What the record for `name` (without `*.`) must say, in the revision that the directory shows.
    ///
    /// A record outlives the order, so nothing is taken on trust that another certificate authority could act on: the account is ours at this very
    /// server, by its URL or by a hash over our key.
    ///
    /// # Errors
    /// `Refused` when the account lies at another server than the directory, or the challenge names another account; `Malformed` when
    /// challenge and directory contradict each other (section 3.2), or the account's name cannot stand in a record.
    pub fn new(
        offer: &PersistentOffer,
        name: &DnsName,
        account: PersistentAccount<'_>,
        directory: &DirectoryObject,
    ) -> Result<Self, Error> {
        let meta = &directory.meta;
        let uri = match &meta.account_hash_prefix {
            Some(prefix) => {
                agree(offer, &meta.issuer_domain_names, &meta.caa_identities)?;
                hashed(prefix, name, account)
            }
            None => plain(offer, account)?,
        };
        if uri.is_empty() || !uri.bytes().all(is_value) {
            let what =
                format!("{:?} cannot stand in a TXT record as the name of an account", text::printable(&uri, 200));
            return Err(Error::new(ErrorKind::Malformed, what));
        }
        Ok(Self { issuers: offer.issuers.clone(), account: uri })
    }

    /// The names by which the record may call the certificate authority.
    pub fn issuers(&self) -> &[DnsName] {
        &self.issuers
    }

    /// The URI by which the record names the account.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The record's text, with the first of the issuers (an `issue-value` of RFC 8659 section 4.2).
    pub fn value(&self, scope: PersistentScope, until: Option<Timestamp>) -> String {
        let issuer = self.issuers.first().map_or("", DnsName::as_str);
        let mut value = format!("{issuer}; accounturi={}", self.account);
        if scope == PersistentScope::Wildcard {
            value.push_str("; policy=wildcard");
        }
        if let Some(until) = until {
            value.push_str(&format!("; persistUntil={}", until.unix_seconds()));
        }
        value
    }

    /// Whether a record with this text proves the name (and its wildcard, where `scope` wants it) at `now`, by whomever it was published.
    pub fn is_met_by(&self, text: &str, scope: PersistentScope, now: Timestamp) -> bool {
        let Some(record) = Fields::read(text) else { return false };
        let reaches = match scope {
            PersistentScope::Name => true,
            PersistentScope::Wildcard => record.policy.is_some_and(|it| it.eq_ignore_ascii_case("wildcard")),
        };
        self.issuers.iter().any(|it| it.as_str() == record.issuer)
            && record.account == Some(self.account.as_str())
            && reaches
            && record.until.is_none_or(|until| !until.is_due(now))
    }
}

/// How far a record reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the policies of the draft")]
pub enum PersistentScope {
    /// The name alone.
    Name,
    /// The name, its wildcard, and what lies below as far as the certificate authority goes (`policy=wildcard`).
    Wildcard,
}

/// The record's text, taken apart; what has repeats or cannot be read is no record.
struct Fields<'a> {
    issuer: &'a str,
    account: Option<&'a str>,
    policy: Option<&'a str>,
    until: Option<Timestamp>,
}

impl<'a> Fields<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(trim);
        let mut read = Self { issuer: parts.next()?, account: None, policy: None, until: None };
        let mut seen: Vec<String> = Vec::new();
        for part in parts.by_ref().take(limits::PERSISTENT_PARAMETERS) {
            let (tag, value) = part.split_once('=')?;
            let (tag, value) = (trim(tag).to_ascii_lowercase(), trim(value));
            if tag.is_empty() || seen.contains(&tag) || !value.bytes().all(|it| matches!(it, 0x21..=0x3a | 0x3c..=0x7e))
            {
                return None;
            }
            match tag.as_str() {
                "accounturi" => read.account = Some(value),
                "policy" => read.policy = Some(value),
                "persistuntil" => read.until = Some(instant(value)?),
                _ => {}
            }
            seen.push(tag);
        }
        parts.next().is_none().then_some(read)
    }
}

/// The account's own URL, as revisions up to -01 want it.
fn plain(offer: &PersistentOffer, account: PersistentAccount<'_>) -> Result<String, Error> {
    let refuse = |what: String| Err(Error::new(ErrorKind::Refused, what).with_retry(Retry::Never));
    if account.url.authority() != account.directory.authority() {
        return refuse(format!(
            "the account {} lies at another server than the directory {}: a record that stays would authorize it there",
            account.url, account.directory
        ));
    }
    match &offer.account {
        Some(named) if named != account.url.as_str() => refuse(format!(
            "the challenge wants a record for the account {:?}, and ours is {}",
            text::printable(named, 200),
            account.url
        )),
        Some(_) | None => Ok(account.url.as_str().to_owned()),
    }
}

/// The hashed URI of revision -02 (section 4.1).
fn hashed(prefix: &str, name: &DnsName, account: PersistentAccount<'_>) -> String {
    let name = name.as_str();
    let mut input = Vec::with_capacity(name.len() + 1 + account.thumbprint.len() + account.url.as_str().len());
    // A DnsName has at most 253 bytes.
    input.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    for part in [name, account.thumbprint, account.url.as_str()] {
        input.extend_from_slice(part.as_bytes());
    }
    format!("{prefix}sha-256/{}", BASE64_URL_SAFE_NO_PAD.encode(sha256(&input)))
}

/// What the directory promises is in the challenge, and the challenge names nobody whom CAA records do not (section 3.2).
fn agree(offer: &PersistentOffer, promised: &[String], identities: &[String]) -> Result<(), Error> {
    let malformed = |what: String| Err(Error::new(ErrorKind::Malformed, what));
    let promised = PersistentOffer::read(promised, None).map(|it| it.issuers).unwrap_or_default();
    if let Some(missing) = promised.iter().find(|it| !offer.issuers.contains(it)) {
        return malformed(format!("the challenge leaves {missing} out, which the directory names as an issuer"));
    }
    let identities: Vec<DnsName> = identities.iter().filter_map(|it| DnsName::parse(it).ok()).collect();
    match offer.issuers.iter().find(|it| !identities.contains(it)) {
        Some(stranger) if !identities.is_empty() => {
            malformed(format!("the challenge names {stranger}, which is none of the server's CAA identities"))
        }
        Some(_) | None => Ok(()),
    }
}

fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().map(Timestamp::from_unix_seconds)
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// A character of a value (RFC 8659 section 4.2); without those that zone files and services treat in their own ways.
fn is_value(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THUMBPRINT: &str = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

    #[test]
    fn the_hash_of_an_account_is_that_of_the_draft() {
        let (directory, url) = (url("https://ca.example/directory"), url("https://ca.example/acct/123"));
        let account = PersistentAccount { directory: &directory, url: &url, thumbprint: THUMBPRINT };
        let name = DnsName::parse("example.com").unwrap();
        assert_eq!(
            hashed("https://ca.example/account-hash/", &name, account),
            "https://ca.example/account-hash/sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
        );
    }

    #[test]
    fn whoever_published_a_record_it_is_read_as_the_server_reads_it() {
        let proof = PersistentProof {
            issuers: vec![DnsName::parse("a.example").unwrap(), DnsName::parse("b.example").unwrap()],
            account: "https://ca.example/acct/1".to_owned(),
        };
        let now = Timestamp::from_unix_seconds(1_000);
        let meets = |text: &str, scope| proof.is_met_by(text, scope, now);
        for (text, name, wildcard) in [
            (proof.value(PersistentScope::Name, None).as_str(), true, false),
            (&proof.value(PersistentScope::Wildcard, Some(Timestamp::from_unix_seconds(1_001))), true, true),
            ("b.example;accounturi=https://ca.example/acct/1;policy=other", true, false),
            (" b.example ; later=x ; ACCOUNTURI = https://ca.example/acct/1 ; Policy = WildCard", true, true),
            ("a.example; accounturi=https://ca.example/acct/1; persistUntil=1000", false, false),
            ("a.example; accounturi=https://ca.example/acct/1; persistUntil=soon", false, false),
            ("a.example; accounturi=https://ca.example/acct/1;", false, false),
            ("a.example; accounturi=https://ca.example/acct/1; accounturi=https://ca.example/acct/1", false, false),
            ("a.example; accounturi=https://ca.example/acct/2", false, false),
            ("c.example; accounturi=https://ca.example/acct/1", false, false),
            ("a.example", false, false),
            ("", false, false),
        ] {
            assert_eq!(meets(text, PersistentScope::Name), name, "{text}");
            assert_eq!(meets(text, PersistentScope::Wildcard), wildcard, "{text}");
        }
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }
}
