//! What must survive any input: one function for each parser.

mod certificates;
mod keys;
mod protocol;
mod resources;
mod services;
mod stored;
mod vault;
mod words;

use std::fmt::Debug;

use acme_core::flow::Next;
use acme_core::{Error, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::certificates::{chain, csr, distinguished_name, leaf, ocsp_request, path};
pub use self::keys::{credentials, pkcs12, private_key, public_key, signature_algorithm};
pub use self::protocol::{
    account, authorization, certificate_id, directory, external_account, links, order, problem, renewal_info,
    retry_after,
};
pub use self::resources::resource;
pub use self::services::{aws_profiles, aws_xml, dns_api, dns_message, dns_update, sigv4, venafi};
pub use self::stored::{account_flow, challenge_flow, failover, issuance, order_flow, record};
pub use self::vault::vault;
pub use self::words::{identifier, renewal_window, store_key, time, url};

/// A named target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: that of its function, its file in `fuzz_targets` and its folder in `seeds`.
    pub name: &'static str,
    /// What takes the input.
    pub run: fn(&[u8]),
}

macro_rules! targets {
    ($($name:ident,)+) => {
        /// Every target.
        pub const ALL: &[Target] = &[$(Target { name: stringify!($name), run: $name },)+];
    };
}

targets! {
    account,
    account_flow,
    authorization,
    aws_profiles,
    aws_xml,
    certificate_id,
    chain,
    challenge_flow,
    credentials,
    csr,
    directory,
    distinguished_name,
    dns_api,
    dns_message,
    dns_update,
    external_account,
    failover,
    identifier,
    issuance,
    leaf,
    links,
    ocsp_request,
    order,
    order_flow,
    path,
    pkcs12,
    private_key,
    problem,
    public_key,
    record,
    renewal_info,
    renewal_window,
    resource,
    retry_after,
    signature_algorithm,
    sigv4,
    store_key,
    time,
    url,
    vault,
    venafi,
}

/// A stored state that can be read is a state: it answers at any time, and the same after it was written.
fn stored<F: PartialEq + Debug, A: PartialEq + Debug, T: PartialEq + Debug>(
    bytes: &[u8],
    decode: fn(&[u8]) -> Result<F, Error>,
    encode: fn(&F) -> Result<Vec<u8>, Error>,
    next: fn(&F, Timestamp) -> Next<A, T>,
) {
    let flow = match decode(bytes) {
        Ok(flow) => flow,
        Err(error) => return sound(&error),
    };
    let copy = encode(&flow).and_then(|written| decode(&written)).ok();
    assert_eq!(copy.as_ref(), Some(&flow));
    for now in instants() {
        let answer = next(&flow, now);
        assert_eq!(copy.as_ref().map(|it| next(it, now)).as_ref(), Some(&answer));
        if let Next::Go(agenda) = answer {
            assert!(!agenda.ready.is_empty() || agenda.wake.is_some(), "nothing to do and nothing to wait for");
        }
    }
}

/// From the first to the last, and some between.
fn instants() -> [Timestamp; 4] {
    [
        Timestamp::EPOCH,
        Timestamp::from_unix_seconds(1_790_000_000),
        Timestamp::from_unix_seconds(1_790_090_000),
        Timestamp::MAX,
    ]
}

/// Reads `bytes` and, where that works, what is written of it: both must be the same.
fn read_twice<T: DeserializeOwned + Serialize + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(bytes).ok()?;
    assert_eq!(again(&value), value);
    Some(value)
}

#[expect(clippy::panic, reason = "that is how a target says no")]
fn again<T: DeserializeOwned + Serialize>(value: &T) -> T {
    let written = serde_json::to_vec(value).unwrap_or_else(|error| panic!("what was read cannot be written: {error}"));
    serde_json::from_slice(&written).unwrap_or_else(|error| {
        panic!("what was written cannot be read: {error}: {}", String::from_utf8_lossy(&written))
    })
}

/// An error is one short line, whatever it is about.
fn sound(error: &Error) {
    let shown = error.to_string();
    assert!(shown.chars().count() < 4000 && !shown.contains(char::is_control), "{shown:?}");
}

#[cfg(test)]
mod tests {
    use acme_core::client::Chain;
    use acme_core::flow::{AccountFlow, ChallengeFlow, Issuance, OrderFlow};
    use acme_core::instant_acme_0_8::Credentials;
    use acme_core::key::PublicKey;
    use acme_core::protocol::Order;
    use acme_core::{Identifier, Secret};
    use certstore::Record;
    use certstore::keystore::pkcs12::read as read_pkcs12;
    use certstore::policy::renew::RenewalWindow;
    use issuers::ca::ocsp::Request as OcspRequest;
    use issuers::chain::{Leaf, bundle_from_pem};
    use issuers::name::{DistinguishedName, RawName};

    use super::*;
    use crate::inputs::Inputs;
    use crate::vouched::authenticated;

    /// How many of the first 2000 inputs of `target` are read, in percent.
    fn read(target: &str, reads: impl Fn(&[u8]) -> bool) -> usize {
        let inputs = Inputs::of(target).unwrap();
        (0..2000).filter(|index| reads(&inputs.at(1, *index))).count() / 20
    }

    #[test]
    fn inputs_get_past_the_readers_first_no() {
        let shares = [
            ("issuance", read("issuance", |it| Issuance::decode(it).is_ok())),
            ("record", read("record", |it| Record::decode(it).is_ok())),
            ("leaf", read("leaf", |it| Leaf::read(&it.into()).is_ok())),
            ("csr", read("csr", |it| issuers::csr::read(&it.into()).is_ok())),
            ("ocsp_request", read("ocsp_request", |it| OcspRequest::read(it).is_ok())),
            ("path", read("path", |it| bundle_from_pem(it).is_ok())),
            ("account_flow", read("account_flow", |it| AccountFlow::decode(it).is_ok())),
            ("order", read("order", |it| serde_json::from_slice::<Order>(it).is_ok())),
            ("credentials", read("credentials", |it| Credentials::from_json(it).is_ok())),
            ("chain", read("chain", |it| Chain::from_pem(it).is_ok())),
            ("public_key", read("public_key", |it| PublicKey::read(&it.into()).is_ok())),
            (
                "distinguished_name",
                read("distinguished_name", |it| {
                    DistinguishedName::parse(&String::from_utf8_lossy(it)).is_ok() || RawName::new(it).is_ok()
                }),
            ),
            (
                "renewal_window",
                read("renewal_window", |it| {
                    let text = String::from_utf8_lossy(it);
                    RenewalWindow::new(text.lines().next().unwrap_or_default(), None, std::time::Duration::MAX).is_ok()
                }),
            ),
            ("identifier", read("identifier", |it| Identifier::parse(&String::from_utf8_lossy(it)).is_ok())),
        ];
        for (target, share) in shares {
            assert!((3..=97).contains(&share), "{share} % of the inputs of {target} are read");
        }
    }

    #[test]
    fn seeds_of_stored_values_are_read() {
        let check = |target: &str, decode: fn(&[u8]) -> Result<(), Error>| {
            let inputs = Inputs::of(target).unwrap();
            for index in 0..inputs.seeds() {
                if let Err(error) = decode(&inputs.at(1, index)) {
                    panic!("seed {index} of {target}: {error}: {:?}", std::error::Error::source(&error));
                }
            }
        };
        check("credentials", |it| Credentials::from_json(it).map(drop));
        check("record", |it| Record::decode(it).map(drop));
        check("issuance", |it| Issuance::decode(it).map(drop));
        check("order_flow", |it| OrderFlow::decode(it).map(drop));
        check("challenge_flow", |it| ChallengeFlow::decode(it).map(drop));
        check("account_flow", |it| AccountFlow::decode(it).map(drop));
        check("pkcs12", |it| {
            let empty = Secret::new(String::new());
            read_pkcs12(&authenticated(it), &empty).or_else(|_| read_pkcs12(it, &empty)).map(drop)
        });
        check("public_key", |it| PublicKey::read(&it.into()).map(drop));
    }
}
