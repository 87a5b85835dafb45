//! The port to whatever serves certificates.

use acme_core::{Error, Identifier};

use crate::Credential;

/// Is told what to serve. `Resolver` is the implementation for rustls.
///
/// # Contract
/// 1. `install` replaces what was installed under the same `certificate` in one step: nobody is ever served nothing in between.
/// 2. Both return soon, and may be called at the same time by any number of callers.
pub trait Serve: Send + Sync {
    /// Serves `credential` for `names` from now on. `certificate` is what the certificate is called.
    ///
    /// # Errors
    /// `Malformed` when the credential cannot be served; what was served stays. The keeper tells it, and tries again when it looks at the record next.
    fn install(&self, certificate: &str, names: &[Identifier], credential: &Credential) -> Result<(), Error>;

    /// Serves this certificate no more.
    fn withdraw(&self, certificate: &str);
}
