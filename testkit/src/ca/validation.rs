//! Who looks whether a challenge is met.

use std::sync::Arc;

use acme_core::Identifier;
use acme_core::hash::sha256;
use acme_core::protocol::{ChallengeType, KeyAuthorization, Problem, ProblemType, Url};

use super::persistent::{PersistentJob, check_persistent};
use super::tls_alpn;
use crate::SimDns;

/// Looks whether a challenge is met.
///
/// It is asked once, when the challenge's delay is over, while the authority is locked: it must not call the authority.
pub trait Validator: Send + Sync {
    /// The verdict on `job`.
    fn validate(&self, job: &ValidationJob) -> Verdict;
}

/// What a validator says.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Verdict {
    /// Met.
    Valid,
    /// Not met.
    Invalid(Problem),
    /// Somebody else looks: [`ModelCa::take_jobs`](super::ModelCa::take_jobs) hands the job out, [`ModelCa::conclude`](super::ModelCa::conclude) takes the verdict.
    Elsewhere,
}

/// A challenge to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValidationJob {
    pub(crate) authorization: String,
    pub(crate) challenge: String,
    /// What is to be proven; without the `*.` of a wildcard.
    pub identifier: Identifier,
    /// How.
    pub kind: ChallengeType,
    /// What must be found.
    pub key_authorization: KeyAuthorization,
    /// The account that must prove it.
    pub account: Url,
    /// What a record must say where that is how.
    pub persistent: PersistentJob,
}

/// Finds every challenge met.
#[derive(Debug, Clone, Copy)]
pub struct AlwaysValid;

impl Validator for AlwaysValid {
    fn validate(&self, _: &ValidationJob) -> Verdict {
        Verdict::Valid
    }
}

/// Finds no challenge met, for one reason.
#[derive(Debug, Clone)]
pub struct NeverValid(pub Problem);

impl Validator for NeverValid {
    fn validate(&self, _: &ValidationJob) -> Verdict {
        Verdict::Invalid(self.0.clone())
    }
}

/// Leaves every look to somebody else.
#[derive(Debug, Clone, Copy)]
pub struct Elsewhere;

impl Validator for Elsewhere {
    fn validate(&self, _: &ValidationJob) -> Verdict {
        Verdict::Elsewhere
    }
}

type HttpAnswer = dyn Fn(&Identifier, &str) -> Option<String> + Send + Sync;
type TlsAnswer = dyn Fn(&Identifier) -> Option<Vec<u8>> + Send + Sync;

/// Looks into a simulated world: DNS as a table, HTTP and TLS as closures.
#[derive(Clone)]
pub struct ByTable {
    dns: SimDns,
    http: Arc<HttpAnswer>,
    tls: Arc<TlsAnswer>,
}

impl ByTable {
    /// A world with this DNS, where no host listens.
    pub fn new(dns: &SimDns) -> Self {
        Self { dns: dns.clone(), http: Arc::new(|_, _| None), tls: Arc::new(|_| None) }
    }

    /// Hosts listen on port 80: from identifier and token to the body, `None` where nobody answers.
    #[must_use]
    pub fn with_http(mut self, answer: impl Fn(&Identifier, &str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.http = Arc::new(answer);
        self
    }

    /// Hosts listen on port 443 and speak `acme-tls/1`: from identifier to the certificate (DER), `None` where nobody answers.
    #[must_use]
    pub fn with_tls_alpn(mut self, answer: impl Fn(&Identifier) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        self.tls = Arc::new(answer);
        self
    }

    fn look_at_txt(&self, name: &str, job: &ValidationJob) -> Verdict {
        let wrong = |kind, detail: String| Verdict::Invalid(Problem::new(kind, detail));
        match self.dns.lookup_txt(name) {
            None => wrong(ProblemType::Dns, format!("SERVFAIL looking up TXT for {name}")),
            Some(values) if values.contains(&job.key_authorization.dns_value()) => Verdict::Valid,
            Some(values) if values.is_empty() => {
                wrong(ProblemType::Unauthorized, format!("no TXT record found at {name}"))
            }
            Some(_) => wrong(ProblemType::Unauthorized, format!("incorrect TXT record found at {name}")),
        }
    }
}

impl Validator for ByTable {
    fn validate(&self, job: &ValidationJob) -> Verdict {
        let refused = || Verdict::Invalid(Problem::new(ProblemType::Connection, "connection refused"));
        let name = &job.identifier;
        if job.kind == ChallengeType::Http01 {
            (self.http)(name, job.key_authorization.token()).map_or_else(refused, |body| check_http_body(&body, job))
        } else if job.kind == ChallengeType::TlsAlpn01 {
            (self.tls)(name).map_or_else(refused, |certificate| {
                tls_alpn::check_certificate(&certificate, name, &job.key_authorization)
            })
        } else if job.kind == ChallengeType::Dns01 {
            self.look_at_txt(&format!("_acme-challenge.{name}"), job)
        } else if job.kind == ChallengeType::DnsAccount01 {
            let label = account_label(&job.account);
            self.look_at_txt(&format!("{label}._acme-challenge.{name}"), job)
        } else if job.kind == ChallengeType::DnsPersist01 {
            let name = format!("_validation-persist.{name}");
            match self.dns.lookup_txt(&name) {
                Some(texts) => check_persistent(&texts, job),
                None => Verdict::Invalid(Problem::new(ProblemType::Dns, format!("SERVFAIL looking up TXT for {name}"))),
            }
        } else {
            Verdict::Invalid(Problem::new(ProblemType::Malformed, "nobody can look at such a challenge"))
        }
    }
}

/// Is `body` what HTTP-01 must serve? White space at the end is forgiven (RFC 8555 section 8.3).
pub(crate) fn check_http_body(body: &str, job: &ValidationJob) -> Verdict {
    if body.trim_end() == job.key_authorization.as_str() {
        Verdict::Valid
    } else {
        Verdict::Invalid(Problem::new(
            ProblemType::Unauthorized,
            "the key authorization file from the server did not match this challenge",
        ))
    }
}

/// The label of an account: `_` and base32 of the first ten octets of the hash of its URL (draft-ietf-acme-dns-account-label).
pub fn account_label(account: &Url) -> String {
    let hash = sha256(account.as_str().as_bytes());
    let mut label = String::from("_");
    for half in hash[..10].chunks(5) {
        let bits = half.iter().fold(0_u64, |bits, it| bits << 8 | u64::from(*it));
        for at in (0..8).rev() {
            let digit = usize::try_from(bits >> (5 * at) & 31).unwrap_or(0);
            label.push(char::from(BASE32[digit]));
        }
    }
    label
}

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
