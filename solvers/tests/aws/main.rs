//! AWS credentials and signatures: the published vectors, botocore and moto as judges, and what goes wrong on the way.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod chain;
mod client;
mod moto;
mod profiles;
mod secrecy;
mod signatures;
mod sources;
mod xml;

use std::sync::Arc;

use acme_core::{Clock as _, Secret, Timestamp, Transport};
use certwright_solvers::Error;
use certwright_solvers::credentials::aws::{Credentials, DefaultChain, Environment};
use certwright_solvers::credentials::{Fetch, Fetched};
use testkit::{VirtualClock, run};

/// The access key of AWS's own examples.
fn example() -> Credentials {
    Credentials::new("AKIDEXAMPLE", &Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned()))
}

fn at(time: &str) -> Timestamp {
    Timestamp::parse_rfc3339(time).unwrap()
}

/// One fetch at the time at which tests begin.
fn fetch(source: &dyn Fetch<Credentials>) -> Result<Fetched<Credentials>, Error> {
    let clock = VirtualClock::new();
    run(&clock, source.fetch(clock.now()))
}

fn chain(variables: &[(&str, &str)], transport: &(impl Transport + Clone + 'static)) -> DefaultChain {
    let transport: Arc<dyn Transport> = Arc::new(transport.clone());
    DefaultChain::new(Environment::new(variables.iter().copied()), transport)
}

/// What must be in no text that people see.
fn assert_silent(text: &str) {
    for secret in ["wJalrXUtnFEMI", "TOP-SECRET", "TOP%2DSECRET", "VERY-PRIVATE"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

/// An answer of the Security Token Service to `action`.
fn sts_answer(action: &str, id: &str, expiration: &str) -> testkit::transport::Answer {
    let body = format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn>\
         </AssumedRoleUser><Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>TOP-SECRET/{id}</SecretAccessKey>\
         <SessionToken>TOP-SECRET-token==</SessionToken><Expiration>{expiration}</Expiration></Credentials></{action}Result>\
         <ResponseMetadata><RequestId>c6104cbe</RequestId></ResponseMetadata></{action}Response>"
    );
    testkit::transport::Answer::new(200, "text/xml", body)
}
