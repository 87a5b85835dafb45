//! Values that must never be printed, copied by accident, or left in memory.

use std::fmt;

use zeroize::Zeroize;

/// A secret value: redacted in `Debug`, zeroised on drop, and without `Clone`.
///
/// Read it with [`expose`](Self::expose), close to where it is used.
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes custody of `value`.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Do not log it and do not copy it further than the call that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
