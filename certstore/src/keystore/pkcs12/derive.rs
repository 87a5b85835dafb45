//! From a password to a key, as RFC 7292 appendix B does it.

use acme_core::Secret;
use sha1::Digest;
use sha1::digest::common::BlockSizeUser;
use zeroize::Zeroize as _;

/// A password in the forms that key derivations want.
pub(super) struct Password<'a> {
    text: &'a Secret<String>,
    utf16: Secret<Vec<u8>>,
}

impl<'a> Password<'a> {
    pub(super) fn new(text: &'a Secret<String>) -> Self {
        let mut utf16 = Vec::with_capacity(2 * text.expose().len() + 2);
        utf16.extend(text.expose().encode_utf16().chain([0]).flat_map(u16::to_be_bytes));
        Self { text, utf16: Secret::new(utf16) }
    }

    /// The octets that PBKDF2 takes.
    pub(super) fn utf8(&self) -> &[u8] {
        self.text.expose().as_bytes()
    }

    /// The octets that RFC 7292 takes: UTF-16 and a zero at its end.
    pub(super) fn terminated(&self) -> &[u8] {
        self.utf16.expose()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.expose().is_empty()
    }
}

/// What the octets are for: the ID of RFC 7292 appendix B.3.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Key = 1,
    InitializationVector = 2,
    Authentication = 3,
}

/// Appendix B.2 of RFC 7292.
pub(super) fn derive<D: Digest + BlockSizeUser>(
    purpose: Purpose,
    password: &[u8],
    salt: &[u8],
    rounds: u32,
    length: usize,
) -> Secret<Vec<u8>> {
    let block = D::block_size();
    let filled = |octets: &[u8]| -> Vec<u8> {
        octets.iter().copied().cycle().take(octets.len().div_ceil(block) * block).collect()
    };
    let diversifier = vec![purpose as u8; block];
    let mut input = [filled(salt), filled(password)].concat();
    let mut out = Vec::with_capacity(length + <D as Digest>::output_size());
    while out.len() < length {
        let mut hash = D::new().chain_update(&diversifier).chain_update(&input).finalize();
        for _ in 1..rounds {
            hash = D::digest(&hash);
        }
        out.extend_from_slice(&hash);
        let addend: Vec<u8> = hash.iter().copied().cycle().take(block).collect();
        for chunk in input.chunks_mut(block) {
            add_and_one(chunk, &addend);
        }
        hash.as_mut_slice().zeroize();
    }
    input.zeroize();
    out.truncate(length);
    Secret::new(out)
}

/// `number + addend + 1`, and what overflows is forgotten.
fn add_and_one(number: &mut [u8], addend: &[u8]) {
    let mut carry = 1_u16;
    for (octet, added) in number.iter_mut().zip(addend).rev() {
        let sum = u16::from(*octet) + u16::from(*added) + carry;
        *octet = sum.to_be_bytes()[1];
        carry = sum >> 8;
    }
}
