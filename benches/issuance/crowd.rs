//! Ten thousand certificates from one authority in one process: how fast for each kind of key, and what stays behind.

use std::collections::HashSet;
use std::fmt::Write as _;

use acme_core::client::Chain;
use acme_core::{Clock as _, Identifier, KeyType, PrivateKey, Signer as _, Timestamp};
use issuers::ca::Authority;
use issuers::certify::{Application, Terms};
use issuers::name::{AttributeType, DistinguishedName};
use issuers::template::{BasicConstraints, Draft, Extensions, KeyIdentifier, KeyUsages, Validity};
use issuers::{Error, TokioTimer, chain, csr};

use crate::ours::serial;
use crate::pipeline::cpu;

/// Certifies `count` prepared keys with an authority of each kind of key, and says what came of it: a line each.
pub(crate) fn report(count: usize) -> Result<String, Error> {
    let key = PrivateKey::generate(KeyType::EcdsaP256)?;
    let names = [Identifier::parse("example.test")?, Identifier::parse("www.example.test")?];
    let draft = csr::Draft::new(&names)?;
    let application = Application::new(&draft, key.public_key())?;
    let now = TokioTimer.now();
    let mut out = String::new();
    for kind in KINDS {
        let authority = root(kind, now)?;
        let mut serials = HashSet::with_capacity(count);
        sign(&authority, &application, &mut serials, WARM_UP, now)?;
        serials.clear();
        let (memory, begun) = (resident(), cpu());
        sign(&authority, &application, &mut serials, count, now)?;
        let (time, grown) = (cpu().saturating_sub(begun), resident().saturating_sub(memory));
        let each = time.as_secs_f64() / count as f64;
        let _ = writeln!(
            out,
            "  authority with {kind:<12} {:>8.0}/s on one core ({:>7.1} µs each), {} serial numbers distinct of {count}, memory + {} KiB",
            1.0 / each,
            each * 1e6,
            serials.len(),
            grown / 1024,
        );
    }
    Ok(out)
}

fn sign(
    authority: &Authority,
    application: &Application<'_>,
    serials: &mut HashSet<[u8; 20]>,
    count: usize,
    now: Timestamp,
) -> Result<(), Error> {
    for _ in 0..count {
        let serial = serial()?;
        let mut octets = [0; 20];
        octets[20 - serial.as_octets().len()..].copy_from_slice(serial.as_octets());
        serials.insert(octets);
        let issued = authority.sign_now(application, &Terms::new(), serial, now)?;
        // What a caller does with it, without keeping it.
        std::hint::black_box(chain::to_pem(&issued.chain));
    }
    Ok(())
}

fn root(kind: KeyType, now: Timestamp) -> Result<Authority, Error> {
    let key = PrivateKey::generate(kind)?;
    let name = DistinguishedName::new().with(AttributeType::COMMON_NAME, "Bench Root")?.to_raw();
    let identifier = KeyIdentifier::of_key(key.public_key())?;
    let extensions = Extensions::new()
        .with((KeyUsages::CERT_SIGN | KeyUsages::CRL_SIGN).to_extension())
        .with(BasicConstraints::Authority { path_length: None }.to_extension())
        .with(identifier.to_subject_extension());
    let validity = Validity { not_before: now - HOUR, not_after: now + TEN_YEARS };
    let unsigned = Draft::new(&name, &name, key.public_key(), serial()?, validity)
        .with_extensions(extensions)
        .to_be_signed(key.algorithm());
    let signature = key.sign_now(unsigned.message())?;
    Authority::new(Chain::new(vec![unsigned.finish(&signature)]), key, now)
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.as_deref().and_then(|it| it.split_whitespace().nth(1)).and_then(|it| it.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

const KINDS: [KeyType; 6] =
    [KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::EcdsaP521, KeyType::Ed25519, KeyType::Rsa2048, KeyType::Rsa4096];
/// Fills the allocator's pools, so that what grows afterwards is what stays behind.
const WARM_UP: usize = 500;
const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
const TEN_YEARS: std::time::Duration = std::time::Duration::from_secs(10 * 365 * 24 * 3600);
