//! Secrets by name: each that something refers to is followed by a stream of its own, and no other is looked at. So a Role can name them.
//!
//! At most [`most_named_secrets`](crate::Settings::most_named_secrets) are followed. Who refers to one more is told, and the first in line follows when a
//! place is free. Whoever refers to a Secret of which nothing is known yet waits for that: absence that is not proved means nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::metadata::SecretMetadata;
use crate::key::{Key, Kind, Name};
use crate::watch::{Event, Follow, Told};
use crate::world::{News, World};
use crate::{certificate, issuer, request};

/// The Secrets that are followed by their names, and for whom.
#[derive(Debug)]
pub(crate) struct Named {
    most: usize,
    orders: mpsc::UnboundedSender<Follow>,
    watches: HashMap<Name, Watch>,
    /// The reverse.
    wanted: HashMap<Key, Vec<Name>>,
    /// Those for which there is no room, in the order in which they came.
    line: VecDeque<Name>,
    /// What the API server said last when a call of theirs was refused.
    denied: HashMap<Key, Arc<str>>,
}

/// One Secret.
#[derive(Debug)]
struct Watch {
    holders: Vec<Key>,
    state: State,
}

/// What is known of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// There is no room for it.
    Beyond,
    /// Nothing yet.
    Awaited,
    /// The API server does not let it be followed, in its words.
    Refused(Arc<str>),
    /// Whether it is there, and how it is.
    Known,
}

/// Whether Secrets may be relied upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Access {
    /// All of them are known.
    Open,
    /// They will be told of.
    Awaited,
    /// One of them is not, until somebody does something.
    Closed(Closed),
}

/// Why a Secret is not known: a reason of conditions, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl Named {
    /// Nothing is followed yet. The answer's second half takes what is to be followed.
    pub(super) fn new(most: usize) -> (Self, mpsc::UnboundedReceiver<Follow>) {
        let (orders, taken) = mpsc::unbounded_channel();
        let named = Self {
            most,
            orders,
            watches: HashMap::new(),
            wanted: HashMap::new(),
            line: VecDeque::new(),
            denied: HashMap::new(),
        };
        (named, taken)
    }

    /// `key` refers to these Secrets from now on; answers those that nobody refers to any more.
    fn want(&mut self, key: &Key, mut secrets: Vec<Name>) -> Vec<Name> {
        secrets.sort_unstable();
        secrets.dedup();
        let before = self.wanted.remove(key).unwrap_or_default();
        for secret in secrets.iter().filter(|it| !before.contains(it)) {
            self.enter(secret, key);
        }
        let left: Vec<Name> = before.into_iter().filter(|it| !secrets.contains(it)).collect();
        let left = left.into_iter().filter(|it| self.leave(it, key)).collect();
        if secrets.is_empty() {
            self.denied.remove(key);
        } else {
            self.wanted.insert(key.clone(), secrets);
        }
        left
    }

    fn enter(&mut self, secret: &Name, key: &Key) {
        if let Some(watch) = self.watches.get_mut(secret) {
            return watch.holders.push(key.clone());
        }
        let state = if self.watches.len() - self.line.len() < self.most {
            self.order(Follow::Begin(secret.clone()));
            State::Awaited
        } else {
            self.line.push_back(secret.clone());
            State::Beyond
        };
        self.watches.insert(secret.clone(), Watch { holders: vec![key.clone()], state });
    }

    /// `key` does not refer to it any more; tells whether it was followed, and is not now.
    fn leave(&mut self, secret: &Name, key: &Key) -> bool {
        let Some(watch) = self.watches.get_mut(secret) else { return false };
        watch.holders.retain(|it| it != key);
        if !watch.holders.is_empty() {
            return false;
        }
        let is_in_line = watch.state == State::Beyond;
        self.watches.remove(secret);
        if is_in_line {
            self.line.retain(|it| it != secret);
            return false;
        }
        self.order(Follow::End(secret.clone()));
        if let Some(next) = self.line.pop_front() {
            self.order(Follow::Begin(next.clone()));
            if let Some(watch) = self.watches.get_mut(&next) {
                watch.state = State::Awaited;
            }
        }
        true
    }

    fn order(&self, order: Follow) {
        // Nobody takes orders once the process ends.
        _ = self.orders.send(order);
    }

    /// Takes in what is known of a Secret; answers who waits for that, where it is news.
    fn learn(&mut self, secret: &Name, state: State) -> Vec<Key> {
        let Some(watch) = self.watches.get_mut(secret) else { return Vec::new() };
        // What was told before still counts when the stream is refused later: so it is with every watch that breaks off.
        if watch.state == state || watch.state == State::Known {
            return Vec::new();
        }
        watch.state = state;
        watch.holders.clone()
    }

    /// Whether `secrets`, to which `key` refers, may be relied upon.
    fn access<'a>(&self, key: &Key, secrets: impl IntoIterator<Item = &'a Name>) -> Access {
        let mut access = Access::Open;
        for secret in secrets {
            match self.watches.get(secret).map(|it| &it.state) {
                Some(State::Known) => {}
                Some(State::Awaited) | None => access = Access::Awaited,
                Some(State::Refused(why)) => {
                    let message = format!("Secret {secret} may not be watched: {why}. {}", self.grant(key));
                    return Access::Closed(Closed { reason: FORBIDDEN, message });
                }
                Some(State::Beyond) => {
                    let message = format!(
                        "Secret {secret} is not watched: with --secrets=named no more than {} Secrets are. Let this operator look after fewer \
                         namespaces and another after the rest, or give it --secrets=all and the rights for that",
                        self.most
                    );
                    return Access::Closed(Closed { reason: TOO_MANY, message });
                }
            }
        }
        access
    }

    /// What a Role must say.
    fn grant(&self, key: &Key) -> String {
        let names = self.wanted.get(key).map_or(&[][..], Vec::as_slice);
        let namespace = names.first().map_or_else(|| key.name.namespace(), Name::namespace);
        let names: Vec<&str> = names.iter().map(Name::object).collect();
        let names = names.join(", ");
        match key.kind {
            Kind::CertificateRequest => {
                format!(
                    "A Role in namespace {namespace} must give get and watch on secrets with resourceNames [{names}]"
                )
            }
            Kind::Certificate | Kind::Issuer | Kind::ClusterIssuer | Kind::Order | Kind::SolverService => format!(
                "A Role in namespace {namespace} must give get, watch, patch and delete on secrets with resourceNames [{names}], and create on secrets"
            ),
        }
    }
}

/// `key` refers to these Secrets from now on, instead of those that it referred to before. Where Secrets are not followed by name, nothing comes of it.
pub(crate) fn want(world: &mut World, key: &Key, secrets: Vec<Name>) {
    let Some(named) = &mut world.secret_index.named else { return };
    for left in named.want(key, secrets) {
        if let Some(changed) = world.other_secrets.lose(&left) {
            super::changed(world, changed);
        }
    }
}

/// Whether Secrets are followed by name.
pub(crate) fn are_named(world: &World) -> bool {
    world.secret_index.named.is_some()
}

/// Whether `secrets`, to which `key` refers, may be relied upon.
pub(crate) fn access<'a>(world: &World, key: &Key, secrets: impl IntoIterator<Item = &'a Name>) -> Access {
    world.secret_index.named.as_ref().map_or(Access::Open, |it| it.access(key, secrets))
}

/// Whether all Secrets to which `key` refers may be relied upon.
pub(crate) fn access_of(world: &World, key: &Key) -> Access {
    let Some(named) = &world.secret_index.named else { return Access::Open };
    named.access(key, named.wanted.get(key).into_iter().flatten())
}

/// A call for `key` was refused, in these words.
pub(crate) fn deny(world: &mut World, key: Key, why: &str) {
    if let Some(named) = &mut world.secret_index.named {
        named.denied.insert(key, why.into());
    }
}

/// What the API server said when a call for `key` was refused, and what a Role must say.
pub(crate) fn denied(world: &World, key: &Key) -> Option<Closed> {
    let named = world.secret_index.named.as_ref()?;
    let why = named.denied.get(key)?;
    Some(Closed { reason: FORBIDDEN, message: format!("A Secret may not be used: {why}. {}", named.grant(key)) })
}

/// Takes in what the stream of a Secret told.
pub(crate) fn take(world: &mut World, secret: &Name, told: Told<SecretMetadata>) {
    let Some(named) = &mut world.secret_index.named else { return };
    if !named.watches.contains_key(secret) {
        // It was left meanwhile.
        return;
    }
    let waiting = match &told {
        Told::First { .. } => named.learn(secret, State::Known),
        Told::Refused(why) => named.learn(secret, State::Refused(why.as_ref().into())),
        Told::Put(_) | Told::Deleted(_) => Vec::new(),
    };
    match told {
        Told::First { found: Some(object), is_rewound } => {
            if is_rewound {
                world.other_secrets.rewind(secret);
            }
            hear(world, Event::Apply(object));
        }
        Told::First { found: None, .. } => {
            let lost = world.other_secrets.lose(secret);
            super::tell(world, secret, None);
            if let Some(changed) = lost {
                super::changed(world, changed);
            }
            freed(world, secret);
        }
        Told::Put(object) => hear(world, Event::Apply(object)),
        Told::Deleted(object) => {
            hear(world, Event::Delete(object));
            freed(world, secret);
        }
        Told::Refused(_) => {}
    }
    for key in waiting {
        match key.kind {
            Kind::Issuer | Kind::ClusterIssuer => issuer::access_changed(world, &key.name),
            // It looks for its key by itself, and is woken by news of it; where none will come, it looks again from time to time.
            Kind::CertificateRequest => {
                request::key_access_changed(world, &key.name);
                continue;
            }
            Kind::Certificate | Kind::Order | Kind::SolverService => {}
        }
        world.wake(key);
    }
}

fn hear(world: &mut World, event: Event<SecretMetadata>) {
    let mut news = News { scope: None, event };
    super::heard(world, &mut news, false);
    for changed in world.other_secrets.take(news) {
        super::changed(world, changed);
    }
}

/// There is no Secret of this name: whoever wanted the name may have it.
fn freed(world: &mut World, secret: &Name) {
    let Some(watch) = world.secret_index.named.as_ref().and_then(|it| it.watches.get(secret)) else { return };
    for key in watch.holders.clone() {
        if key.kind == Kind::Certificate {
            certificate::name_freed(world, &key.name);
        }
    }
}

/// The reason where a right lacks.
pub(crate) const FORBIDDEN: &str = "SecretForbidden";

/// The reason where there is no room.
pub(crate) const TOO_MANY: &str = "TooManySecrets";

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::UnboundedReceiver;

    use super::{Access, FORBIDDEN, Named, State, TOO_MANY};
    use crate::key::{Key, Kind, Name};
    use crate::watch::Follow;

    fn key(name: &str) -> Key {
        Key::new(Kind::Certificate, Name::new("shop", name))
    }

    fn secret(name: &str) -> Name {
        Name::new("shop", name)
    }

    fn ordered(orders: &mut UnboundedReceiver<Follow>) -> Vec<String> {
        std::iter::from_fn(|| orders.try_recv().ok())
            .map(|it| match it {
                Follow::Begin(name) => format!("+{}", name.object()),
                Follow::End(name) => format!("-{}", name.object()),
            })
            .collect()
    }

    #[test]
    fn a_secret_is_followed_as_long_as_somebody_refers_to_it() {
        let (mut named, mut orders) = Named::new(9);
        named.want(&key("a"), vec![secret("a"), secret("shared")]);
        named.want(&key("b"), vec![secret("shared"), secret("shared")]);
        assert_eq!(ordered(&mut orders), ["+a", "+shared"]);
        assert_eq!(named.want(&key("a"), vec![secret("other")]), [secret("a")]);
        assert_eq!(ordered(&mut orders), ["+other", "-a"]);
        assert_eq!(named.want(&key("b"), Vec::new()), [secret("shared")]);
        named.want(&key("a"), Vec::new());
        assert_eq!(ordered(&mut orders), ["-shared", "-other"]);
        assert!(named.watches.is_empty() && named.wanted.is_empty());
    }

    #[test]
    fn one_too_many_is_told_and_follows_when_a_place_is_free() {
        let (mut named, mut orders) = Named::new(1);
        named.want(&key("a"), vec![secret("a")]);
        named.want(&key("b"), vec![secret("b")]);
        named.want(&key("c"), vec![secret("c")]);
        assert_eq!(ordered(&mut orders), ["+a"]);
        let Access::Closed(closed) = named.access(&key("b"), &[secret("b")]) else { panic!("there is no room") };
        assert_eq!(closed.reason, TOO_MANY);
        assert!(closed.message.starts_with("Secret shop/b is not watched: with --secrets=named no more than 1 "));
        named.want(&key("b"), Vec::new());
        assert_eq!(ordered(&mut orders), [""; 0]);
        named.want(&key("a"), Vec::new());
        assert_eq!(ordered(&mut orders), ["-a", "+c"]);
        assert_eq!(named.access(&key("c"), &[secret("c")]), Access::Awaited);
    }

    #[test]
    fn a_refusal_names_the_role_and_what_was_known_before_it_counts_on() {
        let (mut named, _orders) = Named::new(9);
        named.want(&key("web"), vec![secret("web"), secret("web-next")]);
        let both = [secret("web"), secret("web-next")];
        assert_eq!(named.access(&key("web"), &both), Access::Awaited);
        assert_eq!(named.learn(&both[0], State::Known), [key("web")]);
        assert_eq!(named.learn(&both[1], State::Refused("no".into())), [key("web")]);
        let Access::Closed(closed) = named.access(&key("web"), &both) else { panic!("it is refused") };
        assert_eq!(closed.reason, FORBIDDEN);
        assert_eq!(
            closed.message,
            "Secret shop/web-next may not be watched: no. A Role in namespace shop must give get, watch, patch and delete on secrets with \
             resourceNames [web, web-next], and create on secrets"
        );
        assert_eq!(named.learn(&both[1], State::Known), [key("web")]);
        assert_eq!(named.access(&key("web"), &both), Access::Open);
        assert_eq!(named.learn(&both[1], State::Refused("no".into())), []);
        assert_eq!(named.access(&key("web"), &both), Access::Open);
    }
}
