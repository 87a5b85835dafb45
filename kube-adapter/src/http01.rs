//! What leads validators to the answer of HTTP-01: Ingresses, HTTPRoutes, the shared Service, and Pods where it has to be one. Objects as values, nothing else.
//!
//! | Module | What it makes | How many |
//! |---|---|---|
//! | [`ingress`] | an Ingress | one for an Order and solver |
//! | [`in_place`] | paths in an Ingress of the user, and their removal | one patch each |
//! | [`route`] | HTTPRoutes | one for an Order and solver, for every sixteen names |
//! | [`shared`] | the Service without selector and its EndpointSlices | one for a namespace |
//! | [`pod`] | Pod and Service, as cert-manager makes them | one for a Challenge |
//! | [`responder`] | the server that answers, from the watched Challenges | one for a process |

pub(crate) mod in_place;
pub(crate) mod ingress;
pub(crate) mod pod;
pub(crate) mod responder;
pub(crate) mod route;
pub(crate) mod shared;

use std::collections::BTreeMap;
use std::net::IpAddr;

use acme_core::hash::sha256;
use serde_json::{Value, json};

use crate::crd::ChallengeSpec;
use crate::key::{Name, Uid};
use crate::names;

/// One challenge, as a path that has to lead to its answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Answered {
    /// The DNS name, or the address as text.
    pub(crate) name: String,
    /// The token.
    pub(crate) token: String,
}

impl Answered {
    /// The path of a Challenge.
    pub(crate) fn of(challenge: &ChallengeSpec) -> Self {
        Self { name: challenge.dns_name.clone(), token: challenge.token.clone() }
    }

    /// The path that validators ask for (RFC 8555 section 8.3).
    pub(crate) fn path(&self) -> String {
        format!("/.well-known/acme-challenge/{}", self.token)
    }

    /// The host that rules are for; none for an address, which no rule can name.
    pub(crate) fn host(&self) -> Option<&str> {
        self.name.parse::<IpAddr>().is_err().then_some(self.name.as_str())
    }

    /// What one challenge's objects are found by.
    fn labels(&self) -> [(&'static str, String); 2] {
        [(DOMAIN, names::label(&self.name)), (TOKEN, names::label(&self.token))]
    }
}

/// Who owns the objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    /// `Order` or `Challenge`.
    pub(crate) kind: &'static str,
    /// Its name; the objects are beside it.
    pub(crate) name: Name,
    /// Its uid.
    pub(crate) uid: Uid,
}

impl Owner {
    fn reference(&self) -> Value {
        json!([{
            "apiVersion": "acme.cert-manager.io/v1", "kind": self.kind, "name": self.name.object(), "uid": self.uid.to_string(),
            "controller": true, "blockOwnerDeletion": true,
        }])
    }
}

/// A name that is known before the object is made: the usual beginning, and five characters that follow from `parts`.
pub(crate) fn object_name(parts: &[&str]) -> String {
    format!("{PREFIX}{}", suffix(parts))
}

/// Five characters as the API server makes them up, that follow from `parts`.
fn suffix(parts: &[&str]) -> String {
    let digest = sha256(parts.join("\0").as_bytes());
    digest.iter().take(5).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect()
}

/// The labels of every solver object: those of the settings first, which cannot replace the fixed ones.
fn labels(extra: &[(String, String)], of: Option<&Answered>) -> BTreeMap<String, String> {
    let fixed = of.into_iter().flat_map(Answered::labels).chain([(SOLVER, "true".to_owned())]);
    extra.iter().cloned().chain(fixed.map(|(key, value)| (key.to_owned(), value))).collect()
}

/// Marks every solver object.
pub(crate) const SOLVER: &str = "acme.cert-manager.io/http01-solver";
const DOMAIN: &str = "acme.cert-manager.io/http-domain";
const TOKEN: &str = "acme.cert-manager.io/http-token";

/// The port that the solver listens on, and that Services offer.
pub(crate) const PORT: u16 = 8089;

const PREFIX: &str = "cm-acme-http-solver-";

/// What the API server makes up names from: no vowels, so no words.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
