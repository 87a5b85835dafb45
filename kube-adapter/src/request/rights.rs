//! Whether we may approve: what the API server said of it, for a while.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use acme_core::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::api::{Api, Refusal};
use crate::crd::reference::IssuerRef;
use crate::key::Name;

/// What the API server said of signers.
#[derive(Debug, Default)]
pub(crate) struct Rights {
    known: HashMap<Signer, Known>,
    asked: HashSet<Signer>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    allowed: bool,
    until: Timestamp,
}

/// Whose requests are to be approved: the issuers of a kind, and one of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Signer {
    pub(super) group: String,
    pub(super) kind: String,
    /// The issuer; `None` speaks of all of the kind.
    pub(super) issuer: Option<(String, String)>,
}

/// Whether we may approve a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// We do not approve at all.
    Off,
    /// We may.
    Allowed,
    /// We may not; asked again at this time.
    Refused(Timestamp),
    /// Nobody asked, or the answer is old.
    Unknown,
    /// It is being asked.
    Asked,
}

/// What came of asking: for all issuers of a kind where that was allowed, else for the one.
#[derive(Debug)]
pub(crate) struct Told {
    signer: Signer,
    allowed: bool,
}

impl Rights {
    /// Whether requests to an issuer may be approved.
    pub(super) fn of(&self, namespace: &str, issuer: &IssuerRef, now: Timestamp) -> Right {
        let one = Signer::of(namespace, issuer);
        let all = one.all();
        let fresh = |signer| self.known.get(signer).filter(|known| !known.until.is_due(now));
        if fresh(&all).is_some_and(|known| known.allowed) {
            return Right::Allowed;
        }
        match fresh(&one) {
            Some(known) if known.allowed => Right::Allowed,
            Some(known) => Right::Refused(known.until),
            None if self.asked.contains(&one) => Right::Asked,
            None => Right::Unknown,
        }
    }

    /// Whether requests to an issuer could be approved when this was asked last, however long ago.
    pub(super) fn was_allowed(&self, namespace: &str, issuer: &IssuerRef) -> bool {
        self.was(&Signer::of(namespace, issuer))
    }

    /// Whether the answer was no when this was asked last.
    pub(super) fn was_refused(&self, namespace: &str, issuer: &IssuerRef) -> bool {
        let one = Signer::of(namespace, issuer);
        self.known.contains_key(&one) && !self.was(&one)
    }

    fn was(&self, one: &Signer) -> bool {
        [&one.all(), one].iter().any(|signer| self.known.get(signer).is_some_and(|known| known.allowed))
    }

    /// Whether anything was ever heard of a signer.
    pub(super) fn is_heard_of(&self, one: &Signer) -> bool {
        self.known.contains_key(one) || self.was(one)
    }

    /// Whether a question is under way that may speak of a signer.
    pub(super) fn is_asking(&self, one: &Signer) -> bool {
        self.asked.iter().any(|it| it.group == one.group && it.kind == one.kind)
    }

    /// It is being asked.
    pub(super) fn ask(&mut self, signer: Signer) {
        self.asked.insert(signer);
    }

    /// Takes in an answer; without one it is asked again soon.
    pub(super) fn learn(&mut self, asked: &Signer, told: Option<Told>, now: Timestamp) {
        self.asked.remove(asked);
        self.known.retain(|_, known| now.since(known.until) < FORGOTTEN);
        match told {
            Some(Told { signer, allowed }) => {
                let lasts = if allowed { ALLOWED } else { REFUSED };
                self.known.insert(signer, Known { allowed, until: now + lasts });
            }
            None => {
                self.known.insert(asked.clone(), Known { allowed: false, until: now + UNANSWERED });
            }
        }
    }
}

impl Signer {
    /// The signer that an issuer is, referred to from `namespace`.
    pub(super) fn of(namespace: &str, issuer: &IssuerRef) -> Self {
        let of_cluster = issuer.is_built_in() && issuer.effective_kind() == "ClusterIssuer";
        Self {
            group: issuer.effective_group().to_owned(),
            kind: issuer.effective_kind().to_owned(),
            issuer: Some((if of_cluster { "" } else { namespace }.to_owned(), issuer.name.clone())),
        }
    }

    /// The signer that an issuer of ours is.
    pub(super) fn of_issuer(issuer: &Name) -> Self {
        let kind = if issuer.namespace().is_empty() { "ClusterIssuer" } else { "Issuer" };
        Self {
            group: "cert-manager.io".to_owned(),
            kind: kind.to_owned(),
            issuer: Some((issuer.namespace().to_owned(), issuer.object().to_owned())),
        }
    }

    /// Whether this very issuer of ours is meant.
    pub(super) fn is(&self, name: &Name) -> bool {
        let Some((namespace, issuer)) = &self.issuer else { return false };
        let same = self.group == "cert-manager.io" && issuer == name.object();
        match self.kind.as_str() {
            "Issuer" => same && namespace == name.namespace(),
            "ClusterIssuer" => same && name.namespace().is_empty(),
            _ => false,
        }
    }

    /// All of the kind.
    fn all(&self) -> Self {
        Self { issuer: None, ..self.clone() }
    }

    /// Asks the API server whether we may approve: for all issuers of the kind first, then for this one.
    ///
    /// # Errors
    /// What the API server says, but for "no".
    pub(super) async fn ask(self, api: &Api) -> Result<Told, Refusal> {
        let Some(kind) = self.resource(api).await? else { return Ok(Told { signer: self, allowed: false }) };
        let all = format!("{}.{}/*", kind.plural, self.group);
        if may_approve(api, &all).await? {
            return Ok(Told { signer: self.all(), allowed: true });
        }
        let Some((namespace, name)) = &self.issuer else { return Ok(Told { signer: self, allowed: false }) };
        let one = match kind.namespaced {
            true => format!("{}.{}/{namespace}.{name}", kind.plural, self.group),
            false => format!("{}.{}/{name}", kind.plural, self.group),
        };
        let allowed = may_approve(api, &one).await?;
        Ok(Told { signer: self, allowed })
    }

    /// What the kind is called in paths; `None` when there is no such kind.
    async fn resource(&self, api: &Api) -> Result<Option<Served>, Refusal> {
        match (self.group.as_str(), self.kind.as_str()) {
            ("cert-manager.io", "Issuer") => {
                return Ok(Some(Served { plural: "issuers".to_owned(), namespaced: true }));
            }
            ("cert-manager.io", "ClusterIssuer") => {
                return Ok(Some(Served { plural: "clusterissuers".to_owned(), namespaced: false }));
            }
            _ => {}
        }
        let Some(group) = api.look::<Group>(&["apis", &self.group]).await? else { return Ok(None) };
        for version in group.versions {
            let Some(list) = api.look::<List>(&["apis", &self.group, &version.version]).await? else { continue };
            // Names with a slash are subresources.
            let found = list.resources.into_iter().find(|it| it.kind == self.kind && !it.name.contains('/'));
            if let Some(resource) = found {
                return Ok(Some(Served { plural: resource.name, namespaced: resource.namespaced }));
            }
        }
        Ok(None)
    }
}

/// How a kind is served.
struct Served {
    plural: String,
    namespaced: bool,
}

/// May we approve for this signer, as the webhook of cert-manager would ask about us?
async fn may_approve(api: &Api, signer: &str) -> Result<bool, Refusal> {
    #[derive(Deserialize)]
    struct Review {
        status: Status,
    }
    #[derive(Deserialize)]
    struct Status {
        allowed: bool,
    }
    let question = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": {
            "group": "cert-manager.io", "resource": "signers", "verb": "approve", "version": "*", "name": signer,
        } },
    });
    let review: Review = api.ask("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &question).await?;
    Ok(review.status.allowed)
}

#[derive(Deserialize)]
struct Group {
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[derive(Deserialize)]
struct List {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    kind: String,
    namespaced: bool,
}

/// How long answers hold.
const ALLOWED: Duration = Duration::from_secs(300);
const REFUSED: Duration = Duration::from_secs(60);
const UNANSWERED: Duration = Duration::from_secs(2);

/// Answers that old are of no use even as a guess.
const FORGOTTEN: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests {
    use super::{ALLOWED, Right, Rights, Signer, Told};
    use crate::crd::reference::IssuerRef;
    use acme_core::Timestamp;

    fn reference(name: &str) -> IssuerRef {
        IssuerRef { name: name.to_owned(), ..IssuerRef::default() }
    }

    #[test]
    fn a_right_on_all_issuers_of_a_kind_is_asked_for_once() {
        let (mut rights, now) = (Rights::default(), Timestamp::from_unix_seconds(1_800_000_000));
        let one = Signer::of("shop", &reference("ca"));
        rights.ask(one.clone());
        assert_eq!(rights.of("shop", &reference("ca"), now), Right::Asked);
        rights.learn(&one, Some(Told { signer: one.all(), allowed: true }), now);
        assert_eq!(rights.of("other", &reference("another"), now), Right::Allowed);
        assert_eq!(rights.of("shop", &reference("ca"), now + ALLOWED), Right::Unknown);
        assert!(rights.was_allowed("shop", &reference("ca")), "it is a guess worth having");
    }

    #[test]
    fn a_refusal_is_for_one_issuer_and_for_a_while() {
        let (mut rights, now) = (Rights::default(), Timestamp::from_unix_seconds(1_800_000_000));
        let one = Signer::of("shop", &reference("ca"));
        rights.learn(&one, Some(Told { signer: one.clone(), allowed: false }), now);
        assert!(matches!(rights.of("shop", &reference("ca"), now), Right::Refused(_)));
        assert_eq!(rights.of("shop", &reference("b"), now), Right::Unknown);
    }
}
