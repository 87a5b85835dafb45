//! AWS credentials and signatures: the published vectors, botocore and moto as judges, and what goes wrong on the way.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod signatures;

use acme_core::{Secret, Timestamp};
use certwright_solvers::credentials::aws::Credentials;

/// The access key of AWS's own examples.
fn example() -> Credentials {
    Credentials::new("AKIDEXAMPLE", &Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned()))
}

fn at(time: &str) -> Timestamp {
    Timestamp::parse_rfc3339(time).unwrap()
}
