//! How an issuer looks to those who refer to it.

use std::sync::Arc;

use crate::crd::reference::IssuerRef;
use crate::engine::{Account, Engine};
use crate::issuer::{Kept, kept};
use crate::key::Name;
use crate::world::World;

/// How an issuer looks to a request.
#[derive(Debug)]
pub(crate) enum View<'a> {
    /// Another controller's.
    Foreign,
    /// There is none.
    Missing,
    /// It is there, and cannot sign or was not tried yet.
    Unready(&'a Kept),
    /// It can sign.
    Ready(&'a Engine),
}

impl<'a> View<'a> {
    /// The account, where it is an ACME server that can be asked.
    pub(crate) fn account(&self) -> Option<&'a Arc<Account>> {
        match self {
            Self::Ready(engine) => engine.account(),
            Self::Foreign | Self::Missing | Self::Unready(_) => None,
        }
    }
}

/// The name of the Issuer or ClusterIssuer that is referred to; `None` for those of other controllers, and for kinds that there are not.
pub(crate) fn named(namespace: &str, reference: &IssuerRef) -> Option<Name> {
    if !reference.is_built_in() {
        return None;
    }
    match reference.effective_kind() {
        ISSUER => Some(Name::new(namespace, reference.name.as_str())),
        CLUSTER_ISSUER => Some(Name::of_cluster(reference.name.as_str())),
        _ => None,
    }
}

/// How the issuer that is referred to from `namespace` looks now.
pub(crate) fn view<'a>(world: &'a World, namespace: &str, reference: &IssuerRef) -> View<'a> {
    if !reference.is_built_in() {
        return View::Foreign;
    }
    let found = named(namespace, reference).and_then(|name| kept(world, &name)).filter(|kept| !kept.leaving);
    match found {
        None => View::Missing,
        Some(kept) => kept.engine().map_or(View::Unready(kept), View::Ready),
    }
}

/// Why a request waits for an issuer that there is not, in cert-manager's words and with what may have been meant.
pub(crate) fn missing(world: &World, namespace: &str, reference: &IssuerRef) -> String {
    let (kind, name) = (reference.effective_kind(), reference.name.as_str());
    let resource = match kind {
        ISSUER => "issuer",
        CLUSTER_ISSUER => "clusterissuer",
        _ => {
            return format!(
                "Referenced \"{kind}\" not found: invalid value \"{kind}\" for issuerRef.kind. Must be empty, \"Issuer\" or \"ClusterIssuer\""
            );
        }
    };
    let hint = if kind == ISSUER {
        meant_by_issuer(world, namespace, name)
    } else {
        meant_by_cluster_issuer(world, namespace, name)
    };
    format!(
        "Referenced \"{kind}\" not found: {resource}.cert-manager.io \"{name}\" not found{}",
        hint.unwrap_or_default()
    )
}

/// Why a request waits for an issuer that is there and cannot sign, in cert-manager's words and with the issuer's own.
pub(crate) fn unready(kept: &Kept) -> String {
    let why = kept.verdict().filter(|it| !it.message.is_empty()).map(|it| format!(": {}", it.message));
    format!("Referenced issuer does not have a Ready status condition{}", why.unwrap_or_default())
}

fn meant_by_issuer(world: &World, namespace: &str, name: &str) -> Option<String> {
    if world.cluster_issuers.get(&Name::of_cluster(name)).is_some() {
        return Some(format!(". A ClusterIssuer \"{name}\" exists: set spec.issuerRef.kind: ClusterIssuer"));
    }
    let beside = world.issuers.iter().map(|(issuer, _)| issuer).filter(|issuer| issuer.namespace() == namespace);
    if let Some(near) = nearest(name, beside.map(Name::object)) {
        return Some(format!(". Did you mean the Issuer \"{near}\"?"));
    }
    let mut elsewhere: Vec<&str> =
        world.issuers.iter().map(|(issuer, _)| issuer).filter(|it| it.object() == name).map(Name::namespace).collect();
    elsewhere.sort_unstable();
    let shown = elsewhere.get(..MOST_NAMESPACES).unwrap_or(&elsewhere).join(", ");
    (!elsewhere.is_empty())
        .then(|| format!(". An Issuer \"{name}\" exists in namespace {shown}; an Issuer serves its own namespace only"))
}

fn meant_by_cluster_issuer(world: &World, namespace: &str, name: &str) -> Option<String> {
    if world.issuers.get(&Name::new(namespace, name)).is_some() {
        return Some(format!(". An Issuer \"{name}\" exists: set spec.issuerRef.kind: Issuer"));
    }
    if world.settings.namespaces.is_some() {
        return Some(
            ". This controller looks after some namespaces alone, without ClusterIssuers: use an Issuer".to_owned(),
        );
    }
    let near = nearest(name, world.cluster_issuers.iter().map(|(issuer, _)| issuer.object()))?;
    Some(format!(". Did you mean the ClusterIssuer \"{near}\"?"))
}

/// The name that a slip of the pen may have been meant for: the first in the alphabet of those that one or two letters make.
fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (wanted.len() / 3).min(2);
    let near = names.map(|name| (distance(wanted, name), name)).filter(|(distance, _)| *distance <= allowed);
    near.min().map(|(_, name)| name)
}

/// How many letters have to be put in, taken out, changed, or put in the place of their neighbours.
fn distance(one: &str, other: &str) -> usize {
    let [one, other]: [Vec<char>; 2] = [one, other].map(|it| it.chars().collect());
    let (mut before, mut above): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=other.len()).collect());
    for (at, letter) in one.iter().enumerate() {
        let mut row = vec![at + 1];
        for (column, theirs) in other.iter().enumerate() {
            let changed = above[column] + usize::from(letter != theirs);
            let mut least = changed.min(above[column + 1] + 1).min(row[column] + 1);
            if at > 0 && column > 0 && *letter == other[column - 1] && one[at - 1] == *theirs {
                least = least.min(before[column - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[other.len()]
}

const ISSUER: &str = "Issuer";
const CLUSTER_ISSUER: &str = "ClusterIssuer";
const MOST_NAMESPACES: usize = 3;

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_pen_is_near_and_another_word_is_not() {
        let names = ["letsencrypt-prod", "letsencrypt-staging", "ca"];
        assert_eq!(nearest("letsencrpyt-prod", names.into_iter()), Some("letsencrypt-prod"));
        assert_eq!(nearest("shpo", ["ca", "shop"].into_iter()), Some("shop"));
        assert_eq!(nearest("vault", names.into_iter()), None);
        assert_eq!(nearest("cb", names.into_iter()), None, "of two letters each one counts");
    }
}
