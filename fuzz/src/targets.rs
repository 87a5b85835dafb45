//! What must survive any input: one function for each parser.

mod vault;

use std::fmt::Debug;

use acme_core::client::Chain;
use acme_core::directory::headers;
use acme_core::flow::{AccountFlow, ChallengeFlow, Issuance, Next, OrderFlow};
use acme_core::instant_acme_0_8::Credentials;
use acme_core::key::{Encoding, PublicKey, verify_x509};
use acme_core::protocol::{
    AccountObject, Authorization, CertificateId, DirectoryObject, ExternalAccount, KeyAuthorization, Order, Problem,
    RenewalInfo, Url,
};
use acme_core::{DnsName, Error, Identifier, Key, PrivateKey, Secret, Signer as _, Timestamp, limits};
use certstore::Record;
use certstore::keystore::pkcs12::{Contents, read as read_pkcs12};
use certstore::policy::renew;
use issuers::ca::ocsp::{CertificateId as OcspCertificateId, Request as OcspRequest, from_path};
use issuers::chain::{Constraints, Leaf, Path, bundle_from_pem};
use issuers::csr::{RawGeneralName, Request};
use issuers::name::{DistinguishedName, RawName};
use serde::Serialize;
use serde::de::DeserializeOwned;
use solvers::credentials::aws::xml::Element;
use solvers::credentials::aws::{ProfileFile, Profiles};

use crate::vouched::authenticated;

pub use self::vault::vault;

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
    retry_after,
    signature_algorithm,
    store_key,
    time,
    url,
    vault,
    venafi,
}

/// An account as a server shows it.
pub fn account(bytes: &[u8]) {
    read_twice::<AccountObject>(bytes);
}

/// The stored state of an account.
pub fn account_flow(bytes: &[u8]) {
    stored(bytes, AccountFlow::decode, AccountFlow::encode, AccountFlow::next);
}

/// An authorization, and the key authorizations of its challenges.
pub fn authorization(bytes: &[u8]) {
    let Some(authorization) = read_twice::<Authorization>(bytes) else {
        return;
    };
    let _ = authorization.ordered().to_string();
    for token in authorization.challenges.iter().filter_map(|it| it.token.as_deref()) {
        let Ok(answer) = KeyAuthorization::new(token, "thumbprint") else {
            continue;
        };
        assert_eq!(answer.token(), token);
        assert_eq!(answer.dns_value().len(), 43);
        assert!(!token.contains(['/', '.', '\\', '\0']), "a token becomes a file name: {token:?}");
    }
}

/// The shared files of AWS: what is named in them, and that no value is in an error.
pub fn aws_profiles(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for kind in [ProfileFile::Config, ProfileFile::Credentials] {
        let mut profiles = Profiles::new();
        match profiles.add(kind, &text, "file") {
            Ok(()) => {
                for name in profiles.names() {
                    profiles.region(name).err().iter().for_each(sound);
                }
            }
            Err(error) => sound(&error),
        }
    }
}

/// An answer of AWS in XML: what is read is no longer than what was written.
pub fn aws_xml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Element::parse(text) {
        Ok(root) => assert!(letters(&root) <= text.len()),
        Err(error) => sound(&error),
    }
}

fn letters(element: &Element<'_>) -> usize {
    element.name().len() + element.text().len() + element.children().iter().map(letters).sum::<usize>()
}

/// The name of a certificate in renewal information.
pub fn certificate_id(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match CertificateId::try_from(text.to_owned()) {
        Ok(id) => assert_eq!(id.to_string(), text),
        Err(error) => sound(&error),
    }
}

/// A chain as it is downloaded or kept.
pub fn chain(bytes: &[u8]) {
    match Chain::from_pem(bytes) {
        Ok(chain) => assert!((1..=limits::CHAIN).contains(&chain.certificates().len())),
        Err(error) => sound(&error),
    }
}

/// The stored state of a challenge.
pub fn challenge_flow(bytes: &[u8]) {
    stored(bytes, ChallengeFlow::decode, ChallengeFlow::encode, ChallengeFlow::next);
}

/// A signing request (DER), and what its extensions say.
pub fn csr(bytes: &[u8]) {
    let csr = bytes.into();
    match issuers::csr::read(&csr) {
        Ok(asked) => drop(format!("{asked:?}")),
        Err(error) => sound(&error),
    }
    let request = match Request::read(&csr) {
        Ok(request) => request,
        Err(error) => return sound(&error),
    };
    assert!(request.extensions().len() <= issuers::limits::EXTENSIONS);
    for extension in request.extensions() {
        let _ = extension.dotted();
    }
    let views = [
        request.alternative_names().map(drop),
        request.basic_constraints().map(drop),
        request.key_usages().map(drop),
        request.extended_key_usages().map(drop),
        request.verify(),
    ];
    for error in views.iter().filter_map(|it| it.as_ref().err()) {
        sound(error);
    }
}

/// A directory.
pub fn directory(bytes: &[u8]) {
    read_twice::<DirectoryObject>(bytes);
}

/// A distinguished name in the words of RFC 4514, and one in DER.
pub fn distinguished_name(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        match DistinguishedName::parse(text) {
            Ok(name) => printed(&name),
            Err(error) => sound(&error),
        }
    }
    let raw = match RawName::new(bytes) {
        Ok(raw) => raw,
        Err(error) => return sound(&error),
    };
    let _ = format!("{raw:?}");
    if let Ok(name) = DistinguishedName::read(&raw) {
        assert_eq!(name.to_raw().as_der().len(), bytes.len());
        printed(&name);
    }
}

/// What is printed of a name is read, and printed the same again.
fn printed(name: &DistinguishedName) {
    let printed = name.to_string();
    match DistinguishedName::parse(&printed) {
        Ok(again) => assert_eq!(again.to_string(), printed),
        // A value of DER is longer in hexadecimal than the text of a name may be.
        Err(error) => assert!(printed.len() > issuers::limits::NAME_TEXT, "{printed:?}: {error}"),
    }
}

/// An account as instant-acme stores it.
pub fn credentials(bytes: &[u8]) {
    match Credentials::from_json(bytes) {
        Ok(credentials) => {
            let debugged = format!("{credentials:?}");
            assert!(!debugged.contains(&format!("{:?}", credentials.key.to_pkcs8_der().expose())));
        }
        Err(error) => sound(&error),
    }
}

/// A MAC key as it was copied from a web page.
pub fn external_account(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match ExternalAccount::new(text, text) {
        Ok(account) => {
            let _ = format!("{account} {account:?}");
        }
        Err(error) => sound(&error),
    }
}

/// A name or an address as a human types it.
pub fn identifier(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let identifier = match Identifier::parse(text) {
        Ok(identifier) => identifier,
        Err(error) => return sound(&error),
    };
    let written = identifier.to_string();
    assert_eq!(Identifier::parse(&written).ok().as_ref(), Some(&identifier), "{written:?} is read differently");
    assert_eq!(again(&identifier), identifier);
    let Some(name) = identifier.dns() else { return };
    assert!(name.as_str().len() <= 253 && name.as_str().is_ascii());
    assert!(name.covers(name));
    assert!(name.base().wildcard().is_wildcard());
    assert_eq!(DnsName::parse(name.base().as_str()).ok(), Some(name.base()));
}

/// The stored state of an issuance.
pub fn issuance(bytes: &[u8]) {
    stored(bytes, Issuance::decode, Issuance::encode, Issuance::next);
}

/// A certificate (DER), and when it would be renewed.
pub fn leaf(bytes: &[u8]) {
    match Leaf::read(&bytes.into()) {
        Ok(leaf) => {
            let due = renew::due(&leaf, None);
            assert!(due.at >= leaf.not_before, "renewed before it is valid");
        }
        Err(error) => sound(&error),
    }
}

/// The `Link` header of an answer.
pub fn links(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(base) = Url::parse("https://ca.test/acme/cert/1?x#y") else { return };
    let links = headers::links(text.lines(), &base);
    assert!(links.len() <= limits::LINKS);
    for link in links {
        assert_eq!(Url::parse(link.target.as_str()).ok(), Some(link.target));
    }
}

/// A request for the status of certificates (DER, or base64 in a path).
pub fn ocsp_request(bytes: &[u8]) {
    match OcspRequest::read(bytes) {
        Ok(request) => {
            assert!((1..=issuers::limits::OCSP_CERTIFICATES).contains(&request.certificates().len()));
            assert!(request.nonce().is_none_or(|it| (1..=issuers::limits::OCSP_NONCE).contains(&it.len())));
            let _ = request.certificates().iter().map(OcspCertificateId::serial).count();
        }
        Err(error) => sound(&error),
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(error) = from_path(text) {
        sound(&error);
    }
}

/// An order.
pub fn order(bytes: &[u8]) {
    let Some(order) = read_twice::<Order>(bytes) else {
        return;
    };
    for identifier in &order.identifiers {
        let _ = identifier.to_string();
    }
    for url in &order.authorizations {
        assert!(url.as_str().len() <= limits::URL);
    }
}

/// The stored state of an order.
pub fn order_flow(bytes: &[u8]) {
    stored(bytes, OrderFlow::decode, OrderFlow::encode, OrderFlow::next);
}

/// A key store of PKCS #12, and the inside of one that its password vouches for.
pub fn pkcs12(bytes: &[u8]) {
    for file in [bytes, &authenticated(bytes)] {
        match read_pkcs12(file, &Secret::new(String::new())) {
            Ok(Contents { keys, certificates, .. }) => {
                assert!(certificates.len() <= certstore::limits::KEYSTORE_CERTIFICATES);
                assert!(format!("{keys:?}").matches("Secret(..)").count() >= keys.len(), "a key is shown");
            }
            Err(error) => sound(&error),
        }
    }
}

/// A private key as people bring it, in PEM or DER; what is read goes through every structure.
pub fn private_key(bytes: &[u8]) {
    let read = match std::str::from_utf8(bytes) {
        Ok(pem) => PrivateKey::from_pem(pem),
        Err(_) => PrivateKey::from_der(Secret::new(bytes.to_vec())),
    };
    let key = match read {
        Ok(key) => key,
        Err(error) => return sound(&error),
    };
    for encoding in [Encoding::Pkcs8, Encoding::Traditional] {
        let pem = PrivateKey::from_pem(key.to_pem_as(encoding).expose());
        let der = PrivateKey::from_der(key.to_der_as(encoding));
        for again in [pem, der] {
            assert_eq!(again.ok().as_ref().map(|it| it.public_key()), Some(key.public_key()));
        }
    }
}

/// Certificates in any order (PEM): the path through them, and the names that their authorities permit.
pub fn path(bytes: &[u8]) {
    let bag = match bundle_from_pem(bytes) {
        Ok(bag) => bag,
        Err(error) => return sound(&error),
    };
    for now in instants() {
        match Path::of_bundle(&bag, now) {
            Ok(path) => {
                let chain = path.chain().certificates();
                assert!((1..=limits::CHAIN).contains(&chain.len()));
                assert!(chain.iter().chain(path.root()).all(|it| bag.contains(it)));
            }
            Err(error) => sound(&error),
        }
    }
    let names = [RawGeneralName::Dns(bytes), RawGeneralName::Uri(bytes), RawGeneralName::Email(bytes)];
    if let Err(error) = Constraints::of(&bag).and_then(|it| it.permit(bytes, &names)) {
        sound(&error);
    }
}

/// A problem document.
pub fn problem(bytes: &[u8]) {
    let Some(problem) = read_twice::<Problem>(bytes) else {
        return;
    };
    assert!(problem.subproblems.len() <= limits::SUBPROBLEMS);
    let shown = problem.to_string();
    assert!(!shown.contains(char::is_control), "{shown:?}");
    // One text for the problem and one for each subproblem, with its identifier and its type; four bytes to a character at most.
    let most = (1 + problem.subproblems.len()) * 4 * (limits::PROBLEM_TEXT + 400);
    assert!(shown.len() <= most, "{} bytes", shown.len());
}

/// A public key (DER).
pub fn public_key(bytes: &[u8]) {
    match PublicKey::read(&bytes.into()) {
        Ok(key) => {
            let _ = key.kind().to_string();
            if let Err(error) = key.refuse_weak() {
                sound(&error);
            }
        }
        Err(error) => sound(&error),
    }
}

/// The stored record of a certificate.
pub fn record(bytes: &[u8]) {
    let record = match Record::decode(bytes) {
        Ok(record) => record,
        Err(error) => return sound(&error),
    };
    if let Some(leaf) = record.current().and_then(|it| it.leaf().ok()) {
        let _ = renew::due(&leaf, record.renewal.as_ref());
    }
    match record.spec.draft() {
        Ok(draft) => drop(format!("{:?} {:?}", draft.subject(), draft.extensions())),
        Err(error) => sound(&error),
    }
    let Ok(written) = record.encode() else { return };
    let again = Record::decode(written.expose()).and_then(|it| it.encode()).ok();
    assert_eq!(again.map(|it| it.expose().clone()).as_ref(), Some(written.expose()));
}

/// Renewal information.
pub fn renewal_info(bytes: &[u8]) {
    if let Some(info) = read_twice::<RenewalInfo>(bytes) {
        assert!(info.suggested_window.start < info.suggested_window.end);
    }
}

/// The `Retry-After` header of an answer.
pub fn retry_after(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for now in instants() {
        if let Some(wait) = headers::retry_after(text, now) {
            assert!(wait <= limits::RETRY_AFTER);
        }
    }
}

/// The name of a signature's algorithm (DER), over keys of every kind.
pub fn signature_algorithm(bytes: &[u8]) {
    for key in [&include_bytes!("../seeds/public_key/rsa2048.der")[..], include_bytes!("../seeds/public_key/p256.der")]
    {
        if let Err(error) = verify_x509(bytes, &key.into(), b"message", b"no signature") {
            sound(&error);
        }
    }
}

/// Any text as a part of a store key, and any text as a whole one.
pub fn store_key(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let segment = Key::segment(text);
    assert!(Key::new(segment.as_str()).is_ok(), "{segment:?}");
    match Key::new(text) {
        Ok(key) => assert!(!key.as_str().split('/').any(|it| it.starts_with('.'))),
        Err(error) => sound(&error),
    }
}

/// A time of RFC 3339 or of HTTP.
pub fn time(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for read in [Timestamp::parse_rfc3339(text), Timestamp::parse_http_date(text)] {
        match read {
            Ok(at) => assert_eq!(Timestamp::parse_rfc3339(&at.to_string()).ok(), Some(at)),
            Err(error) => sound(&error),
        }
    }
}

/// A URL from a server.
pub fn url(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Url::parse(text) {
        Ok(url) => {
            assert_eq!(url.as_str(), text);
            assert!(!url.authority().is_empty() && !url.authority().contains('/'));
        }
        Err(error) => sound(&error),
    }
}

/// The stored state of a fail-over.
pub fn failover(bytes: &[u8]) {
    if let Some(error) = crate::failover::refusal(bytes) {
        sound(&error);
    }
}

/// Whatever a Venafi platform answers, to whichever question.
pub fn venafi(bytes: &[u8]) {
    for error in crate::venafi::refusals(bytes) {
        sound(&error);
    }
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
    use crate::inputs::Inputs;

    use super::*;

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
