//! RSASSA-PSS with a salt of any length (RFC 8017 section 8.1.2): the providers take one length alone, OpenSSL 3.0 signs requests with the longest.
//!
//! Everything here is public, so nothing has to take the same time for every number.

use sha2::{Digest, Sha256, Sha384, Sha512};

use super::x509::Hash;
use crate::der::RsaPublicKey;

/// Whether `signature` is `key`'s over `message`, with a salt of `salt` octets.
pub(super) fn verify(hash: Hash, salt: usize, key: &RsaPublicKey<'_>, message: &[u8], signature: &[u8]) -> bool {
    let verify = match hash {
        Hash::Sha256 => verify_with::<Sha256>,
        Hash::Sha384 => verify_with::<Sha384>,
        Hash::Sha512 => verify_with::<Sha512>,
    };
    verify(salt, key, message, signature).unwrap_or(false)
}

/// EMSA-PSS-VERIFY of RFC 8017 section 9.1.2.
fn verify_with<D: Digest>(salt: usize, key: &RsaPublicKey<'_>, message: &[u8], signature: &[u8]) -> Option<bool> {
    if signature.len() != key.modulus.len() || key.exponent.len() > LONGEST_EXPONENT {
        return None;
    }
    let bits = key.bits() - 1;
    let opened = Modulus::new(key.modulus)?.power(signature, key.exponent)?;
    let (above, encoded) = opened.split_at(opened.len() - bits.div_ceil(8));
    let (&0xbc, encoded) = encoded.split_last()? else { return None };
    let hash_length = <D as Digest>::output_size();
    let (masked, digest) = encoded.split_at_checked(encoded.len().checked_sub(hash_length)?)?;
    let zeros = masked.len().checked_sub(salt.checked_add(1)?)?;
    let unused = 0xff_u8.checked_shl(8 - u32::try_from(masked.len() * 8 + hash_length * 8 + 8 - bits).ok()?);
    let unused = unused.unwrap_or(0);
    if above.iter().any(|octet| *octet != 0) || masked.first()? & unused != 0 {
        return None;
    }

    let mut block = masked.to_vec();
    for (number, piece) in (0_u32..).zip(block.chunks_mut(hash_length)) {
        let mask = D::new().chain_update(digest).chain_update(number.to_be_bytes()).finalize();
        piece.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
    }
    *block.first_mut()? &= !unused;
    let (padding, salt) = block.split_at(zeros + 1);
    let (&1, padding) = padding.split_last()? else { return None };
    let expected = D::new().chain_update([0; 8]).chain_update(D::digest(message)).chain_update(salt).finalize();
    Some(padding.iter().all(|octet| *octet == 0) && expected.as_slice() == digest)
}

/// An odd number to calculate by, in words from the lowest.
struct Modulus {
    words: Vec<u32>,
    /// What makes the lowest word of a product zero: `-words[0]⁻¹` modulo 2³².
    inverse: u32,
}

impl Modulus {
    fn new(magnitude: &[u8]) -> Option<Self> {
        let words = words(magnitude);
        let lowest = *words.first().filter(|lowest| *lowest & 1 == 1)?;
        // Newton: each step doubles how many bits are right, and an odd number is its own inverse in three.
        let inverse =
            (0..4).fold(lowest, |found, _| found.wrapping_mul(2_u32.wrapping_sub(lowest.wrapping_mul(found))));
        Some(Self { words, inverse: inverse.wrapping_neg() })
    }

    /// `base` to the power of `exponent`, in as many octets as the modulus has; `None` when `base` is not below the modulus.
    fn power(&self, base: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
        let mut base = words(base);
        base.resize(self.words.len(), 0);
        if !below(&base, &self.words) {
            return None;
        }
        let base = self.product(&base, &self.square_of_radix());
        let mut power = base.clone();
        let bits = exponent.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1));
        for bit in bits.skip_while(|bit| !bit).skip(1) {
            power = self.product(&power, &power);
            if bit {
                power = self.product(&power, &base);
            }
        }
        let mut one = vec![0; self.words.len()];
        one[0] = 1;
        let octets: Vec<u8> = self.product(&power, &one).iter().rev().flat_map(|word| word.to_be_bytes()).collect();
        Some(octets)
    }

    /// `one × other ÷ radix` modulo this (Montgomery); the radix is 2³² to the number of words.
    fn product(&self, one: &[u32], other: &[u32]) -> Vec<u32> {
        let count = self.words.len();
        let mut sum = vec![0_u32; count + 2];
        for &word in other {
            add_product(&mut sum, one, word);
            let factor = sum[0].wrapping_mul(self.inverse);
            add_product(&mut sum, &self.words, factor);
            sum.copy_within(1.., 0);
            sum[count + 1] = 0;
        }
        let overflow = sum[count] != 0;
        sum.truncate(count);
        self.reduced(sum, overflow)
    }

    /// The square of the radix: one, doubled as often as twice the words have bits.
    fn square_of_radix(&self) -> Vec<u32> {
        let mut number = vec![0_u32; self.words.len()];
        number[0] = 1;
        for _ in 0..64 * self.words.len() {
            let mut carry = 0;
            for word in &mut number {
                (*word, carry) = (*word << 1 | carry, *word >> 31);
            }
            number = self.reduced(number, carry != 0);
        }
        number
    }

    /// `number`, less the modulus when it is not below it, or has overflowed.
    fn reduced(&self, mut number: Vec<u32>, overflow: bool) -> Vec<u32> {
        if overflow || !below(&number, &self.words) {
            let mut borrow = false;
            for (word, less) in number.iter_mut().zip(&self.words) {
                let (difference, first) = word.overflowing_sub(*less);
                let (difference, second) = difference.overflowing_sub(u32::from(borrow));
                (*word, borrow) = (difference, first || second);
            }
        }
        number
    }
}

/// Adds `number × factor` to `sum`, which has room for it.
fn add_product(sum: &mut [u32], number: &[u32], factor: u32) {
    let mut carry = 0_u64;
    let (low, high) = sum.split_at_mut(number.len());
    for (word, other) in low.iter_mut().zip(number) {
        let all = u64::from(*word) + u64::from(*other) * u64::from(factor) + carry;
        (*word, carry) = (low_half(all), all >> 32);
    }
    for word in high {
        let all = u64::from(*word) + carry;
        (*word, carry) = (low_half(all), all >> 32);
    }
}

fn low_half(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

fn below(one: &[u32], other: &[u32]) -> bool {
    one.iter().rev().lt(other.iter().rev())
}

fn words(magnitude: &[u8]) -> Vec<u32> {
    magnitude.rchunks(4).map(|octets| octets.iter().fold(0, |word, octet| word << 8 | u32::from(*octet))).collect()
}

/// 33 bits, as the providers take: a longer one would cost its verifier time and nobody else.
const LONGEST_EXPONENT: usize = 5;
