//! Challenges (RFC 8555 section 8, RFC 8737) and what answers them.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{PersistentOffer, Problem, Url, statuses};
use crate::hash::sha256;
use crate::{Error, ErrorKind, Timestamp, limits, text};

/// One way to prove control over an identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Challenge {
    /// Which way it is.
    #[serde(rename = "type")]
    pub kind: ChallengeType,
    /// Where it is accepted.
    pub url: Url,
    /// Where it stands.
    pub status: ChallengeStatus,
    /// When it was found to be met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validated: Option<Timestamp>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// The token, in types that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The names by which a record of `dns-persist-01` may call the server; revision -02 spells the member `issuerDomainNames`.
    #[serde(
        default,
        rename = "issuer-domain-names",
        alias = "issuerDomainNames",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub issuer_domain_names: Vec<String>,
    /// What a record of `dns-persist-01` is to call the account, where the server says so (revision -01).
    #[serde(default, rename = "accounturi", skip_serializing_if = "Option::is_none")]
    pub account_uri: Option<String>,
}

impl Challenge {
    /// What its answer is made of.
    ///
    /// # Errors
    /// `Malformed` when it has no token, or, of type `dns-persist-01`, no issuers that can be used.
    pub fn basis(&self) -> Result<Basis, Error> {
        if self.kind == ChallengeType::DnsPersist01 {
            return PersistentOffer::read(&self.issuer_domain_names, self.account_uri.as_deref())
                .map(Basis::Persistent);
        }
        let token = self.token.clone().ok_or_else(|| Error::new(ErrorKind::Malformed, "it has no token"))?;
        Ok(Basis::Token(token))
    }
}

/// What the answer to a challenge is made of, beside the account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "who answers must handle both")]
pub enum Basis {
    /// A token: [`KeyAuthorization`].
    Token(String),
    /// Names of the server: [`PersistentProof`](super::PersistentProof).
    Persistent(PersistentOffer),
}

statuses! {
    /// The type of a challenge.
    ChallengeType {
        /// A file under `/.well-known/acme-challenge/` on port 80 (RFC 8555 section 8.3).
        Http01 = "http-01",
        /// A TXT record at `_acme-challenge` (RFC 8555 section 8.4).
        Dns01 = "dns-01",
        /// A certificate on port 443 (RFC 8737).
        TlsAlpn01 = "tls-alpn-01",
        /// A TXT record at a label of the account's own (draft-ietf-acme-dns-account-label).
        DnsAccount01 = "dns-account-01",
        /// A TXT record at `_validation-persist` that stays (draft-ietf-acme-dns-persist).
        DnsPersist01 = "dns-persist-01",
    }
}

statuses! {
    /// The status of a challenge (RFC 8555 section 7.1.6).
    ChallengeStatus {
        /// Not accepted yet.
        Pending = "pending",
        /// The server is looking.
        Processing = "processing",
        /// Met.
        Valid = "valid",
        /// Not met.
        Invalid = "invalid",
    }
}

/// What answers a challenge: token and account thumbprint (RFC 8555 section 8.1). Published by design, redacted in logs.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyAuthorization(String);

impl KeyAuthorization {
    /// Joins a challenge's token and the thumbprint of the account's key (RFC 7638).
    ///
    /// # Errors
    /// `Malformed` when the token is empty, too long, or not base64url: it becomes a path and a file name.
    pub fn new(token: &str, thumbprint: &str) -> Result<Self, Error> {
        let sound = !token.is_empty()
            && token.len() <= limits::TOKEN
            && token.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_');
        if sound {
            Ok(Self(format!("{token}.{thumbprint}")))
        } else {
            Err(Error::new(
                ErrorKind::Malformed,
                format!("the challenge's token is not base64url: {:?}", text::printable(token, 64)),
            ))
        }
    }

    /// The body that HTTP-01 serves.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The token alone: the last part of HTTP-01's path.
    pub fn token(&self) -> &str {
        self.0.split_once('.').map_or("", |(token, _)| token)
    }

    /// SHA-256 of the whole: what TLS-ALPN-01's certificate carries (RFC 8737 section 3).
    pub fn digest(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }

    /// The content of DNS-01's TXT record: base64url of the digest (RFC 8555 section 8.4).
    pub fn dns_value(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.digest())
    }
}

impl fmt::Debug for KeyAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyAuthorization(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_for_dns_is_the_published_vector() {
        let key_authorization = KeyAuthorization::new(
            "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA",
            "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s",
        )
        .unwrap();
        assert_eq!(key_authorization.dns_value(), "1fCS1lh6WLuBWbvkmdEhdymEvTR8MuI63XqlRVleM9Q");
    }

    #[test]
    fn a_token_that_is_a_path_is_refused() {
        for token in ["", "../../etc/passwd", "a/b", "a.b", "ü"] {
            assert!(KeyAuthorization::new(token, "x").is_err(), "{token}");
        }
    }
}
