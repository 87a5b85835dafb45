//! The server's side of `dns-persist-01` (draft-ietf-acme-dns-persist), in both of its revisions.

use acme_core::Timestamp;
use acme_core::hash::sha256;
use acme_core::protocol::{Problem, ProblemType};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::validation::{ValidationJob, Verdict};

/// How records of `dns-persist-01` call an account, and which members carry what belongs to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Accounts {
    /// By its URL, which the challenge repeats: revision -01, as at Pebble 2.10.
    ByUrl,
    /// By a hash of name, key and URL below a prefix that the directory names: revision -02.
    ByHash,
}

/// What the server says and wants where it offers `dns-persist-01`.
#[derive(Debug, Clone)]
pub struct Persistence {
    /// How records call an account.
    pub accounts: Accounts,
    /// The issuer domain names of every challenge.
    pub issuers: Vec<String>,
    /// What the challenge says that the account is called, where that is a lie.
    pub claimed_account: Option<String>,
}

impl Default for Persistence {
    fn default() -> Self {
        Self { accounts: Accounts::ByUrl, issuers: vec!["ca.test".to_owned()], claimed_account: None }
    }
}

impl Persistence {
    /// Adds what a challenge of this type carries.
    pub(crate) fn show_in_challenge(&self, shown: &mut Value, account: &str) {
        match self.accounts {
            Accounts::ByUrl => {
                shown["issuer-domain-names"] = json!(self.issuers);
                shown["accounturi"] = self.claimed_account.as_deref().unwrap_or(account).into();
            }
            Accounts::ByHash => shown["issuerDomainNames"] = json!(self.issuers),
        }
    }

    /// Adds what the directory tells of it.
    pub(crate) fn show_in_directory(&self, meta: &mut Value, prefix: &str) {
        if self.accounts == Accounts::ByHash {
            meta["accountHashPrefix"] = prefix.into();
            meta["issuerDomainNames"] = json!(self.issuers);
        }
    }

    /// What a record for `name` may call an account that had keys with these thumbprints, the newest first.
    pub(crate) fn names_of(&self, name: &str, prefix: &str, url: &str, thumbprints: &[String]) -> Vec<String> {
        if self.accounts == Accounts::ByUrl {
            return vec![url.to_owned()];
        }
        let uri = |name: &str, thumbprint: &str| {
            let mut input = vec![u8::try_from(name.len()).unwrap_or(u8::MAX)];
            input.extend(format!("{name}{thumbprint}{url}").into_bytes());
            format!("{prefix}sha-256/{}", BASE64_URL_SAFE_NO_PAD.encode(sha256(&input)))
        };
        thumbprints.iter().flat_map(|key| [uri(name, key), uri("*", key)]).collect()
    }
}

/// What a record of `dns-persist-01` must say to prove a name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PersistentJob {
    /// The names by which it may call the authority.
    pub issuers: Vec<String>,
    /// The names by which it may call the account.
    pub accounts: Vec<String>,
    /// Whether it must say `policy=wildcard`.
    pub wildcard: bool,
    /// When the authority looks.
    pub at: Timestamp,
}

/// The verdict on the texts at `_validation-persist` (section 4.2): one that is right is enough, whatever the others are.
pub fn check_persistent(texts: &[String], job: &ValidationJob) -> Verdict {
    let wanted = &job.persistent;
    let mut worst: Option<Problem> = None;
    for text in texts {
        let (issuer, parameters) = text.split_once(';').unwrap_or((text, ""));
        if !wanted.issuers.iter().any(|it| it == issuer.trim_matches(BLANK)) {
            continue;
        }
        match judge(parameters, wanted) {
            Ok(()) => return Verdict::Valid,
            Err(problem) => worst = Some(*problem),
        }
    }
    Verdict::Invalid(worst.unwrap_or_else(|| Problem::new(ProblemType::Unauthorized, "no record names this authority")))
}

fn judge(parameters: &str, wanted: &PersistentJob) -> Result<(), Box<Problem>> {
    let malformed = |what: String| Box::new(Problem::new(ProblemType::Malformed, what));
    let refused = |what: &str| Box::new(Problem::new(ProblemType::Unauthorized, what.to_owned()));
    let mut seen = std::collections::BTreeMap::new();
    for parameter in parameters.split(';') {
        let (tag, value) = parameter.split_once('=').ok_or_else(|| malformed(format!("{parameter:?} has no value")))?;
        let (tag, value) = (tag.trim_matches(BLANK).to_ascii_lowercase(), value.trim_matches(BLANK));
        if !value.chars().all(|it| it.is_ascii_graphic()) {
            return Err(malformed(format!("{value:?} is no value")));
        }
        if seen.insert(tag.clone(), value).is_some() {
            return Err(malformed(format!("{tag} stands twice")));
        }
    }
    let account = seen.get("accounturi").ok_or_else(|| malformed("accounturi is missing".to_owned()))?;
    let until: Option<i64> = match seen.get("persistuntil") {
        Some(text) => Some(text.parse().map_err(|_| malformed(format!("persistUntil={text} is no time")))?),
        None => None,
    };
    if !wanted.accounts.iter().any(|it| it == account) {
        Err(refused("the record authorizes another account"))
    } else if until.is_some_and(|until| wanted.at.unix_seconds() > until) {
        Err(refused("the time of the record is over"))
    } else if wanted.wildcard && !seen.get("policy").is_some_and(|it| it.eq_ignore_ascii_case("wildcard")) {
        Err(refused("the record does not cover wildcards"))
    } else {
        Ok(())
    }
}

const BLANK: [char; 2] = [' ', '\t'];
