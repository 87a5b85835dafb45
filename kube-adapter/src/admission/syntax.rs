//! Names, labels and annotations as Kubernetes takes them.

use std::collections::BTreeMap;

use super::findings::{Findings, Path};

/// What is wrong with `name` as a DNS subdomain (RFC 1123).
pub(super) fn subdomain(name: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if name.len() > LONGEST_SUBDOMAIN {
        faults.push(format!("must be no more than {LONGEST_SUBDOMAIN} characters"));
    }
    if !name.split('.').all(is_label) {
        faults.push(format!(
            "{SUBDOMAIN} (e.g. 'example.com', regex used for validation is '{LABEL_FORM}(\\.{LABEL_FORM})*')"
        ));
    }
    faults
}

/// Labels that an object may not have.
pub(super) fn labels(labels: &BTreeMap<String, String>, path: &Path, findings: &mut Findings) {
    for (key, value) in labels {
        for fault in qualified_name(key) {
            findings.invalid(path, key, &fault);
        }
        for fault in label_value(value) {
            findings.invalid(path, value, &fault);
        }
    }
}

/// Annotations that an object may not have.
pub(super) fn annotations(annotations: &BTreeMap<String, String>, path: &Path, findings: &mut Findings) {
    for key in annotations.keys() {
        for fault in qualified_name(&key.to_lowercase()) {
            findings.invalid(path, key, &fault);
        }
    }
    let size: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size > MOST_ANNOTATIONS {
        findings.too_long(path, MOST_ANNOTATIONS);
    }
}

fn qualified_name(key: &str) -> Vec<String> {
    let form =
        format!("{NAME} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{NAME_FORM}')");
    let mut faults = Vec::new();
    let parts: Vec<&str> = key.split('/').collect();
    let name = match parts[..] {
        [name] => name,
        ["", name] => {
            faults.push("prefix part must be non-empty".to_owned());
            name
        }
        [prefix, name] => {
            faults.extend(subdomain(prefix).into_iter().map(|fault| format!("prefix part {fault}")));
            name
        }
        _ => {
            return vec![format!(
                "a valid label key {form} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        faults.push("name part must be non-empty".to_owned());
    } else if name.len() > LONGEST_NAME {
        faults.push(format!("name part must be no more than {LONGEST_NAME} bytes"));
    }
    if !is_name(name) {
        faults.push(format!("name part {form}"));
    }
    faults
}

fn label_value(value: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if value.len() > LONGEST_NAME {
        faults.push(format!("must be no more than {LONGEST_NAME} bytes"));
    }
    if !value.is_empty() && !is_name(value) {
        faults.push(format!(
            "{VALUE} (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '({NAME_FORM})?')"
        ));
    }
    faults
}

fn is_label(label: &str) -> bool {
    is_framed(label, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit(), |byte| byte == b'-')
}

fn is_name(name: &str) -> bool {
    is_framed(name, |byte| byte.is_ascii_alphanumeric(), |byte| matches!(byte, b'-' | b'_' | b'.'))
}

/// Whether `text` begins and ends with what `ends` takes, and has that or what `within` takes between.
fn is_framed(text: &str, ends: fn(u8) -> bool, within: fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let framed = bytes.first().is_some_and(|byte| ends(*byte)) && bytes.last().is_some_and(|byte| ends(*byte));
    framed && bytes.iter().all(|byte| ends(*byte) || within(*byte))
}

const LONGEST_SUBDOMAIN: usize = 253;
const LONGEST_NAME: usize = 63;
const MOST_ANNOTATIONS: usize = 256 * 1024;
const LABEL_FORM: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const NAME_FORM: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const NAME: &str =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
