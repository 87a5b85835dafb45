//! The README says what the program does: its tables are those of the code.

use std::collections::BTreeSet;

use acme_core::Timestamp;
use certwright_operator::{choices, flags};
use kube_adapter::metrics::{Census, CertificateRow, ChallengeRow, IssuerRow, Metrics, OrderRow, RequestRow, Series};

const README: &str = include_str!("../README.md");

#[test]
fn every_flag_stands_in_the_readme_with_what_it_does() {
    assert_contains(&flags::as_markdown());
}

#[test]
fn every_name_for_controllers_and_every_gate_stands_in_the_readme() {
    assert_contains(&choices::controllers_as_markdown());
    assert_contains(&choices::gates_as_markdown());
}

#[test]
fn every_metric_stands_in_the_readme_and_no_other() {
    let text = Metrics::default().render(&Nothing, Series::Objects, Timestamp::EPOCH);
    let rendered: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE certmanager_"))
        .filter_map(|it| it.split(' ').next())
        .collect();
    let (_, section) = README.split_once("\n## Metrics\n").expect("a section");
    let section = section.split("\n## ").next().expect("its text");
    let told: BTreeSet<&str> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| line.split('|').nth(1).unwrap_or_default().split('`'))
        .filter(|it| it.starts_with(|char: char| char.is_ascii_lowercase()))
        .collect();
    assert_eq!(told, rendered);
}

#[track_caller]
fn assert_contains(table: &str) {
    for line in table.lines() {
        assert!(
            README.contains(line),
            "the README lacks this line; the whole table is\n\n{table}\n\nand the line\n{line}"
        );
    }
}

/// A cluster with nothing in it.
struct Nothing;

impl Census for Nothing {
    fn certificates(&self, _: &mut dyn FnMut(CertificateRow<'_>)) {}
    fn issuers(&self, _: &mut dyn FnMut(IssuerRow<'_>)) {}
    fn requests(&self, _: &mut dyn FnMut(RequestRow<'_>)) {}
    fn orders(&self, _: &mut dyn FnMut(OrderRow<'_>)) {}
    fn challenges(&self, _: &mut dyn FnMut(ChallengeRow<'_>)) {}
    fn queue(&self, _: &mut dyn FnMut(&str, usize)) {}
    fn leads(&self) -> bool {
        false
    }
}
