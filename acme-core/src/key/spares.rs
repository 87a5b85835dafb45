//! Keys made ahead of time.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{KeyType, PrivateKey};
use crate::Error;

/// A few keys of one kind, made while there is nothing else to do: an RSA key takes longer to make than all the rest of an issuance.
///
/// It has no thread of its own and never makes a key unasked. Call [`make_one`](Self::make_one) where a tenth of a second of computing does no harm, as long
/// as [`lacking`](Self::lacking) says so, and [`take`](Self::take) a key where one is needed. A key is handed out once, and to one taker.
///
/// # Examples
/// ```
/// # #[cfg(feature = "aws-lc-rs")] {
/// use certwright_acme_core::KeyType;
/// use certwright_acme_core::key::Spares;
///
/// let spares = Spares::new(KeyType::Rsa2048, 8);
/// spares.make_one()?; // on a thread that has nothing else to do
/// assert_eq!(spares.lacking(), 7);
///
/// let key = spares.take(KeyType::Rsa2048)?; // at once
/// assert_eq!(key.key_type(), KeyType::Rsa2048);
/// let other = spares.take(KeyType::EcdsaP256)?; // made now
/// assert_eq!(other.key_type(), KeyType::EcdsaP256);
/// # }
/// # Ok::<(), certwright_acme_core::Error>(())
/// ```
pub struct Spares {
    kind: KeyType,
    most: usize,
    kept: Mutex<Vec<PrivateKey>>,
}

impl Spares {
    /// Room for `most` keys of this kind.
    pub fn new(kind: KeyType, most: usize) -> Self {
        Self { kind, most, kept: Mutex::default() }
    }

    /// A key of `kind`: one that was made ahead where there is one, else one made now, which takes as long as it takes.
    ///
    /// # Errors
    /// As [`PrivateKey::generate`].
    pub fn take(&self, kind: KeyType) -> Result<PrivateKey, Error> {
        match self.take_ready(kind) {
            Some(key) => Ok(key),
            None => PrivateKey::generate(kind),
        }
    }

    /// A key of `kind` that was made ahead, if there is one.
    pub fn take_ready(&self, kind: KeyType) -> Option<PrivateKey> {
        if kind == self.kind { self.kept().pop() } else { None }
    }

    /// How many keys there is room for.
    pub fn lacking(&self) -> usize {
        self.most.saturating_sub(self.kept().len())
    }

    /// Makes one key, if there is room for it. Nobody who takes one waits for that.
    ///
    /// # Errors
    /// As [`PrivateKey::generate`].
    pub fn make_one(&self) -> Result<(), Error> {
        if self.lacking() == 0 {
            return Ok(());
        }
        let key = PrivateKey::generate(self.kind)?;
        let mut kept = self.kept();
        // Somebody else may have made the last one meanwhile.
        if kept.len() < self.most {
            kept.push(key);
        }
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Vec<PrivateKey>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Spares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spares({} of {} {})", self.kept().len(), self.most, self.kind)
    }
}
