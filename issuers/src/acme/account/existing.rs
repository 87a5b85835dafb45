//! An account that was made elsewhere, and is kept here from now on.

use acme_core::instant_acme_0_8::Credentials;
use acme_core::protocol::Url;
use acme_core::{Directory, Error, ErrorKind, PrivateKey, Retry, Secret};

/// An account that another ACME client made. Hand it to [`AccountSettings::taking_over`](super::AccountSettings::taking_over).
///
/// # Examples
/// An account that instant-acme stored; the store keeps it from then on, and the file is needed no more:
///
/// ```
/// use acme_core::instant_acme_0_8::Credentials;
/// use acme_core::protocol::Registration;
/// use certwright_issuers::Error;
/// use certwright_issuers::acme::AccountSettings;
///
/// fn settings(stored: &[u8]) -> Result<AccountSettings, Error> {
///     let credentials = Credentials::from_json(stored)?;
///     Ok(AccountSettings::new(Registration::agreeing_to_terms()).taking_over(credentials))
/// }
/// ```
#[derive(Debug)]
pub struct ExistingAccount {
    pkcs8: Secret<Vec<u8>>,
    url: Option<Url>,
    directory: Option<Url>,
}

impl ExistingAccount {
    /// The account of `key`.
    pub fn new(key: &PrivateKey) -> Self {
        Self { pkcs8: Secret::new(key.to_pkcs8_der().expose().clone()), url: None, directory: None }
    }

    /// Where the account is, to be compared with what the certificate authority says of the key.
    #[must_use]
    pub fn at(mut self, url: Url) -> Self {
        self.url = Some(url);
        self
    }

    /// The directory of its certificate authority, to be compared with the issuer's.
    #[must_use]
    pub fn of_directory(mut self, directory: Url) -> Self {
        self.directory = Some(directory);
        self
    }

    pub(super) fn key(&self) -> Result<PrivateKey, Error> {
        PrivateKey::from_pkcs8_der(Secret::new(self.pkcs8.expose().clone()))
    }

    /// Refuses an issuer of another certificate authority.
    pub(in crate::acme) fn check_directory(&self, directory: &Directory) -> Result<(), Error> {
        match &self.directory {
            Some(own) if own != directory.url() => Err(conflict(format!(
                "the account to be taken over is one of {own}, and this issuer orders at {}: give each its own",
                directory.url()
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses an account at another place than was said.
    pub(super) fn check_url(&self, found: &Url) -> Result<(), Error> {
        match &self.url {
            Some(own) if own != found => Err(conflict(format!(
                "the account to be taken over is {own}, and its key is that of {found}: import key and URL from the same place"
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// The error where the certificate authority does not know the key.
    pub(super) fn unknown(&self, directory: &Directory) -> Error {
        let named = self.url.as_ref().map(|url| format!(" {url}")).unwrap_or_default();
        Error::new(
            ErrorKind::NotFound,
            format!(
                "{} does not know the key of the account{named} that is to be taken over: import the credentials in use there, or leave \
                 them out to register anew",
                directory.url()
            ),
        )
        .with_retry(Retry::Never)
    }
}

impl From<Credentials> for ExistingAccount {
    fn from(credentials: Credentials) -> Self {
        let existing = Self::new(&credentials.key).at(credentials.account);
        match credentials.directory {
            Some(directory) => existing.of_directory(directory),
            None => existing,
        }
    }
}

fn conflict(what: String) -> Error {
    Error::new(ErrorKind::Conflict, what).with_retry(Retry::Never)
}
