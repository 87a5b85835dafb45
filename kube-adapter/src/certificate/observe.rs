//! From tables to what a plan is made of.

use std::sync::Arc;
use std::time::Duration;

use acme_core::Timestamp;
use acme_core::key::PublicKeyType;
use certstore::policy::after_failure::Doubling;
use certstore::policy::renew::Validity;

use super::record::{Absence, CertificateRecord, Memory, Seen};
use super::wanted::{self, Wanted};
use super::{access, facts, index, information, key, temporary};
use crate::crd::certificate::Certificate;
use crate::crd::certificate_request::CertificateRequest;
use crate::issuer::{self, View};
use crate::key::Name;
use crate::plan::certificate::{Content, Contents, Observed, Requested, Rules, Source, Stored, Target, WantedFacts};
use crate::request;
use crate::secret::{self, Dress};
use crate::settings::{DurableKeys, EventSet, Settings};
use crate::world::World;

/// What the tables say without the specification.
pub(super) fn content(world: &World, name: &Name, record: &CertificateRecord) -> Content {
    let target = &record.secret;
    let secret = secret::record(world, target);
    let proof = secret.and_then(|it| it.proof());
    let is_proven =
        proof.is_some_and(|it| it.holds(name.object(), record.issuer) && it.is_dressed(dress(record, &world.settings)));
    let owned = request::owned_by(world, &record.uid);
    let is_kept = |it: &Name| {
        let revision = world.requests.get(it).and_then(|it| it.revision());
        revision.is_some_and(|it| it <= record.revision)
    };
    let limit = usize::try_from(record.history_limit).unwrap_or(usize::MAX);
    let has_leftovers =
        owned.len() > limit || !owned.iter().all(is_kept) || !world.secret_index.next_keys(&record.uid).is_empty();
    Content {
        is_content: record.is_content && record.memory.is_none(),
        is_proven,
        is_owner: index::owner(world, target, secret.and_then(|it| it.certificate())) == Some(name),
        has_leftovers,
        not_after: record.not_after.get(),
        renewal: record.renewal.get(),
        asked_at: information::asked_at(world, name, record),
    }
}

/// What its Secret shall wear, ownership included.
fn dress(record: &CertificateRecord, settings: &Settings) -> u64 {
    if settings.owner_reference { Dress::owned_by(record.dress, &record.uid) } else { record.dress }
}

/// Everything that a plan is made of. `wanted` is what `object` asks for.
pub(super) fn observe<'a>(
    world: &'a World,
    name: &'a Name,
    record: &'a CertificateRecord,
    object: &'a Certificate,
    wanted: &'a Result<Wanted, String>,
    now: Timestamp,
) -> Observed<'a> {
    let settings = &world.settings;
    let target_name = &record.secret;
    let memory = record.memory.as_deref();
    let empty = Memory::default();
    let seen = memory.unwrap_or(&empty);
    let requests = requests(world, record, object, wanted.as_ref().ok(), now);
    let is_under_way = requests.iter().any(|it| it.revision.is_some_and(|it| it > record.revision));
    let source = information::source(world, name, record, &object.spec.issuer_ref);
    let is_unnamed = matches!(source, Source::Offered { .. }) && information::current(record).is_none();
    let target = target(world, name, record, object, is_under_way || is_unnamed, now);
    let named = match &target {
        Target::There(holding) => holding.certificate.clone(),
        Target::Unread | Target::Absent | Target::Proven { .. } => {
            secret::record(world, target_name).and_then(|it| it.certificate()).map(str::to_owned)
        }
    };
    let owner = index::owner(world, target_name, named.as_deref()).filter(|it| *it != name);
    let in_hand = seen.key.as_ref().map(|it| it.facts.clone()).or_else(|| {
        let kept = seen.target.as_ref().filter(|it| it.key.is_some())?.holding.as_ref()?.key.clone()?;
        let is_asked_for = requests.iter().any(|it| it.facts.as_ref().is_some_and(|it| it.key == Some(kept.digest)));
        let is_wanted = wanted.as_ref().is_ok_and(|it| kept.unlike(kind(it)).is_empty());
        let is_to_come = is_under_way && is_asked_for || is_temporary(&seen.target);
        (is_wanted && (wanted::keeps_key(&object.spec) || is_to_come)).then_some(kept)
    });
    let stored = world
        .secret_index
        .next_keys(&record.uid)
        .iter()
        .map(|it| Stored { name: it.object().into(), is_unfit: seen.unfit.contains(it) });
    Observed {
        name,
        object,
        rules: Rules {
            backoff: Doubling { shortest: settings.least_backoff, longest: settings.longest_backoff },
            visible_after: settings.visible_after,
            stranger_patience: settings.stranger_patience,
            patience: settings.patience,
            stores_keys: settings.durable_keys == DurableKeys::Always,
            says_all: settings.events == EventSet::All,
        },
        wanted: wanted.as_ref().map_err(Clone::clone).map(|it| WantedFacts {
            spec: &it.spec,
            key: kind(it),
            renewal: &it.renewal,
            keeps_key: wanted::keeps_key(&object.spec),
            dress: dress(record, settings),
            wants_temporary: temporary::is_wanted(object),
            history_limit: usize::try_from(record.history_limit).unwrap_or(usize::MAX),
        }),
        owner: owner.map(Name::object),
        information: information::of(record, object, &target, source),
        target,
        key: in_hand,
        key_name: key::name(name, &record.uid, object, seen.taken_names, settings.secrets).object().to_owned(),
        stored: stored.collect(),
        prospect: request::prospect(world, name.namespace(), &object.spec.issuer_ref, now),
        requests,
        hint: hint(world, name, object),
        failure: seen.failure.clone(),
        lacking: access::lacking(world, name, record),
        obstacle: memory.and_then(|it| it.obstacle.as_deref()),
        fix_up_at: world.certificate_index.fix_ups.next(&record.uid.to_string(), now),
        begun: seen.begun,
        stored_at: seen.stored,
        announced: memory.map_or(&[], |it| &it.announced),
        loop_until: record.issued.held_until(now),
        held_until: seen.trouble.as_ref().map(|it| it.until),
        is_stale: seen.is_stale,
        is_reporting: seen.is_reporting,
        is_storing: seen.is_storing,
        is_closing: world.closing,
    }
}

/// What the issuer lacks, in cert-manager's words, and what to do about it.
fn hint(world: &World, name: &Name, object: &Certificate) -> Option<String> {
    let issuer = &object.spec.issuer_ref;
    match issuer::view(world, name.namespace(), issuer) {
        View::Missing => Some(issuer::missing(world, name.namespace(), issuer)),
        // What it lacks is told by itself and by the request: here it would be a write more for each of its certificates, whenever it changes.
        View::Unready(_) => Some("Referenced issuer does not have a Ready status condition".to_owned()),
        View::Foreign | View::Ready(_) => None,
    }
}

/// The key beside a temporary certificate is that of the certificate to come.
fn is_temporary(seen: &Option<Seen>) -> bool {
    let holding = seen.as_ref().and_then(|it| it.holding.as_ref());
    holding.is_some_and(|it| matches!(&it.contents, Contents::Sound(sound) if sound.is_temporary))
}

/// The kind of key that is wanted.
pub(super) fn kind(wanted: &Wanted) -> PublicKeyType {
    wanted.spec.key_type.into()
}

/// `is_wanted`: more must be known of it than metadata can prove, unless the key of the attempt is at hand already.
fn target(
    world: &World,
    name: &Name,
    record: &CertificateRecord,
    object: &Certificate,
    is_wanted: bool,
    now: Timestamp,
) -> Target {
    let target = &record.secret;
    let known = secret::identity(world, target).map(|it| &it.version);
    let memory = record.memory.as_deref();
    if let Some(seen) = memory.and_then(|it| it.target.as_ref()) {
        match (&seen.holding, known) {
            (Some(holding), None) => return Target::There(Arc::clone(holding)),
            (Some(holding), Some(known)) if seen.version.as_ref() == Some(known) => {
                return Target::There(Arc::clone(holding));
            }
            (None, None) => return Target::Absent,
            (Some(_) | None, Some(_)) => {}
        }
    }
    if untold(world, record, now) {
        return Target::Absent;
    }
    let proof = secret::record(world, target).and_then(|it| it.proof());
    let is_proven = proof.is_some_and(|it| it.holds(name.object(), record.issuer));
    let ready = object.status.as_ref().and_then(|it| it.conditions.get("Ready"));
    let is_ready = ready.is_some_and(|it| it.status.as_str() == "True" && it.observed_generation == record.generation);
    let is_enough = !is_wanted || memory.is_some_and(|it| it.key.is_some());
    match (record.not_before.get(), record.not_after.get(), proof) {
        (Some(not_before), Some(not_after), Some(proof)) if is_proven && is_ready && is_enough => Target::Proven {
            validity: Validity::new(not_before, not_after),
            is_dressed: proof.is_dressed(dress(record, &world.settings)),
        },
        _ => Target::Unread,
    }
}

/// Whether there is no target Secret though nobody looked: of one that was made before the Certificate, or together with it, the watch told meanwhile.
pub(super) fn untold(world: &World, record: &CertificateRecord, now: Timestamp) -> bool {
    let absence = record.memory.as_deref().map(|it| it.absence);
    let made = Timestamp::from_unix_seconds(record.created) + AFTER_ALL;
    absence != Some(Absence::Doubtful) && secret::is_lacking(world, &record.secret, made, now)
}

fn requests(
    world: &World,
    record: &CertificateRecord,
    object: &Certificate,
    wanted: Option<&Wanted>,
    now: Timestamp,
) -> Vec<Requested> {
    let mut requests = Vec::new();
    for name in request::owned_by(world, &record.uid) {
        let Some(request) = world.requests.get(name) else { continue };
        let revision = request.revision();
        let whole = whole(record, name).or_else(|| request.whole());
        let created = whole.and_then(|it| it.metadata.creation_timestamp.as_ref());
        requests.push(Requested {
            name: name.object().into(),
            revision,
            appeared: request.memory().appeared,
            created: created.map_or(now, |it| Timestamp::from_unix_seconds(it.0.as_second())),
            facts: whole.zip(wanted).map(|(whole, wanted)| facts::of(whole, &object.spec, &wanted.spec)),
            standing: revision.filter(|it| *it > record.revision).and_then(|_| request::standing(world, name, now)),
        });
    }
    requests
}

/// A request that was read whole.
fn whole<'a>(record: &'a CertificateRecord, name: &Name) -> Option<&'a Arc<CertificateRequest>> {
    let read = record.memory.as_deref().map_or(&[][..], |it| &it.requests);
    read.iter().find(|(it, _)| it == name).map(|(_, whole)| whole)
}

/// The second that times of objects are cut to, and one more.
const AFTER_ALL: Duration = Duration::from_secs(2);
