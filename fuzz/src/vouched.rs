//! A key store that is genuine whatever is in it, so that inputs get past its authentication.

use acme_core::der;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::{Digest as _, Sha1};

/// A file of PKCS #12 around `safe`, authenticated by the empty password in one round of key derivation.
pub fn authenticated(safe: &[u8]) -> Vec<u8> {
    // RFC 7292 appendix B.2 for the purpose 3, one block of salt and one of password.
    let key = Sha1::new().chain_update([3; 64]).chain_update([7; 64]).chain_update([0; 64]).finalize();
    let digest = Hmac::<Sha1>::new_from_slice(&key).map(|mac| mac.chain_update(safe).finalize().into_bytes());
    let digest = digest.unwrap_or_default();
    let sequence = |parts: &[&[u8]]| der::write(der::SEQUENCE, &parts.concat());
    let octets = |content: &[u8]| der::write(der::OCTET_STRING, content);
    sequence(&[
        &der::write_unsigned(&[3]),
        &sequence(&[DATA, &der::write(CONTEXT_0, &octets(safe))]),
        &sequence(&[&sequence(&[&sequence(&[SHA1]), &octets(&digest)]), &octets(&[7; 8])]),
    ])
}

/// id-data, 1.2.840.113549.1.7.1.
const DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
/// id-sha1, 1.3.14.3.2.26.
const SHA1: &[u8] = b"\x06\x05\x2b\x0e\x03\x02\x1a";
/// `[0]`, constructed.
const CONTEXT_0: u8 = 0xa0;
