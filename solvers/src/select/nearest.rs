//! The solver that almost covers a name, and what its selector would have to say.

use std::collections::BTreeMap;

use acme_core::{DnsName, Identifier};

use super::{Entry, Selector, holds};

/// What to change on which solver, where one lacks little.
pub(super) fn nearest(entries: &[Entry], asked: &Identifier, labels: &BTreeMap<String, String>) -> Option<String> {
    let hints = entries.iter().filter_map(|entry| {
        let (nearness, change) = hint(&entry.selector, asked, labels)?;
        Some((nearness, format!("`{}` ({}): {change}", entry.id, entry.solver.challenge())))
    });
    // Of equally near ones the first.
    let best = hints.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, hint)| hint)
}

/// How little is lacking; the later, the less.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    /// It is for a zone that has so many labels at its end.
    Zone(usize),
    /// It is for a zone below the name.
    Below,
    /// It lists a spelling of the name.
    Name,
    /// It wants a label, and fits otherwise.
    Label,
}

fn hint(selector: &Selector, asked: &Identifier, labels: &BTreeMap<String, String>) -> Option<(Nearness, String)> {
    let Selector { names, zones, labels: wanted } = selector;
    let name = asked.dns()?;
    let lacking: Vec<String> = wanted
        .iter()
        .filter(|(label, value)| labels.get(*label) != Some(value))
        .map(|(label, value)| format!("{label}={value}"))
        .collect();
    let is_listed = names.is_empty() || names.contains(asked);
    let is_in_zone = zones.is_empty() || zones.iter().any(|zone| holds(zone, name));
    match (is_listed, is_in_zone, lacking.is_empty()) {
        (true, true, false) => {
            Some((Nearness::Label, format!("it covers {asked} for requests with the label {}", lacking.join(" and "))))
        }
        (false, true, true) => listed(names, name).map(|change| (Nearness::Name, change)),
        (true, false, true) => zone(zones, name),
        (true, true, true) | (false, _, false) | (_, false, false) | (false, false, true) => None,
    }
}

/// The same name with or without `*.`, or a wildcard that was taken for a pattern.
fn listed(names: &[Identifier], asked: &DnsName) -> Option<String> {
    let mut listed = names.iter().filter_map(Identifier::dns);
    let is_pattern = |it: &DnsName| it.is_wildcard() && holds(&it.base(), asked);
    if let Some(other) = listed.clone().find(|it| it.base() == asked.base()) {
        return Some(format!("it lists {other}, and a name and its wildcard are two names: list {asked}, too"));
    }
    let pattern = listed.find(|it| is_pattern(it))?;
    let zone = pattern.base();
    Some(format!("it lists {pattern}, which is a name of its own and no pattern: list {asked}, or the zone {zone}"))
}

/// A zone below the name, or one that is like it.
fn zone(zones: &[DnsName], asked: &DnsName) -> Option<(Nearness, String)> {
    let base = asked.base();
    if let Some(below) = zones.iter().find(|zone| holds(&base, zone)) {
        return Some((Nearness::Below, format!("its zone {below} lies below {asked}: take the zone {base}")));
    }
    let alike = |zone: &&DnsName| {
        let (ours, theirs) = (base.as_str().rsplit('.'), zone.as_str().rsplit('.'));
        ours.zip(theirs).take_while(|(a, b)| a == b).count()
    };
    let zone = zones.iter().max_by_key(alike)?;
    // Two names of one top-level domain have nothing in common.
    let shared = Some(alike(&zone)).filter(|it| *it >= 2)?;
    Some((Nearness::Zone(shared), format!("its zone {zone} does not hold {asked}")))
}
