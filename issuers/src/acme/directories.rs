//! Public certificate authorities that speak ACME, and what is peculiar about each.
//!
//! What a directory says of itself goes before what is written here; this is for what no directory says.

use std::fmt;
use std::time::Duration;

use acme_core::protocol::Url;
use acme_core::{Error, ErrorKind, Identifier};

use super::pace::Allowance;

/// A certificate authority that this crate knows. Its `Display` is the directory's URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Known {
    /// What people call it.
    pub name: &'static str,
    /// Where its directory is.
    pub url: &'static str,
    /// Most names and addresses of one certificate.
    pub most_names: usize,
    /// Profiles that allow fewer of them.
    pub profiles_with_fewer_names: &'static [(&'static str, usize)],
    /// Whether a new account needs an external account binding.
    pub external_account: ExternalAccountBinding,
    /// Whether it gives renewal information (RFC 9773).
    pub renewal_info: RenewalInformation,
    /// Whether it certifies IP addresses.
    pub addresses: Addresses,
    /// Whether orders may name the dates of a certificate.
    pub dates: ValidityDates,
    /// How many new orders it takes from an account, where that is told.
    pub new_orders: Option<Allowance>,
}

/// Whether orders may name the dates of a certificate (`notBefore`, `notAfter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum ValidityDates {
    /// They may.
    Taken,
    /// It refuses them.
    Refused,
    /// It is not known.
    Unknown,
}

/// Whether a new account needs an external account binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum ExternalAccountBinding {
    /// It does: get a key id and a MAC key there first.
    Needed,
    /// It does not.
    Unneeded,
}

/// Whether a certificate authority gives renewal information.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum RenewalInformation {
    /// It does.
    Given,
    /// Its directory says.
    SaidByDirectory,
}

/// Whether a certificate authority certifies IP addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Addresses {
    /// It does.
    Certified,
    /// Under this profile alone.
    WithProfile(&'static str),
    /// It does not.
    Refused,
}

/// Let's Encrypt.
pub const LETS_ENCRYPT: Known = Known {
    name: "Let's Encrypt",
    url: "https://acme-v02.api.letsencrypt.org/directory",
    most_names: 100,
    profiles_with_fewer_names: &[("tlsserver", 25), ("shortlived", 25)],
    external_account: ExternalAccountBinding::Unneeded,
    renewal_info: RenewalInformation::Given,
    addresses: Addresses::WithProfile("shortlived"),
    dates: ValidityDates::Refused,
    new_orders: Some(Allowance { orders: 300, within: Duration::from_secs(3 * 3600) }),
};

/// Let's Encrypt for trying things out: generous limits, and roots that nobody trusts.
pub const LETS_ENCRYPT_STAGING: Known = Known {
    name: "Let's Encrypt (staging)",
    url: "https://acme-staging-v02.api.letsencrypt.org/directory",
    new_orders: Some(Allowance { orders: 1500, within: Duration::from_secs(3 * 3600) }),
    ..LETS_ENCRYPT
};

/// ZeroSSL.
pub const ZEROSSL: Known = Known {
    name: "ZeroSSL",
    url: "https://acme.zerossl.com/v2/DV90",
    most_names: 100,
    profiles_with_fewer_names: &[],
    external_account: ExternalAccountBinding::Needed,
    renewal_info: RenewalInformation::SaidByDirectory,
    addresses: Addresses::Refused,
    dates: ValidityDates::Unknown,
    new_orders: None,
};

/// Google Trust Services.
pub const GOOGLE: Known = Known {
    name: "Google Trust Services",
    url: "https://dv.acme-v02.api.pki.goog/directory",
    most_names: 100,
    profiles_with_fewer_names: &[],
    external_account: ExternalAccountBinding::Needed,
    renewal_info: RenewalInformation::Given,
    addresses: Addresses::Certified,
    dates: ValidityDates::Taken,
    new_orders: None,
};

/// Google Trust Services for trying things out.
pub const GOOGLE_STAGING: Known =
    Known { name: "Google Trust Services (staging)", url: "https://dv.acme-v02.test-api.pki.goog/directory", ..GOOGLE };

/// Every certificate authority of this module.
pub const ALL: [Known; 5] = [LETS_ENCRYPT, LETS_ENCRYPT_STAGING, ZEROSSL, GOOGLE, GOOGLE_STAGING];

impl Known {
    /// The one whose directory is at `url`.
    pub fn at(url: &Url) -> Option<Self> {
        ALL.into_iter().find(|known| known.url == url.as_str())
    }

    /// Says what this certificate authority will refuse about a certificate for `identifiers`, before anything is sent.
    ///
    /// # Errors
    /// `Unsupported`, with what to change.
    pub fn check(&self, identifiers: &[Identifier], profile: Option<&str>) -> Result<(), Error> {
        let most = self
            .profiles_with_fewer_names
            .iter()
            .find(|(name, _)| profile == Some(*name))
            .map_or(self.most_names, |(_, most)| *most);
        if identifiers.len() > most {
            let under = profile.map_or(String::new(), |name| format!(" under the profile {name}"));
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{} puts at most {most} names into a certificate{under}, and {} are asked for: split them",
                    self.name,
                    identifiers.len()
                ),
            ));
        }
        let Some(address) = identifiers.iter().find(|it| matches!(it, Identifier::Ip(_))) else {
            return Ok(());
        };
        match self.addresses {
            Addresses::Certified => Ok(()),
            Addresses::WithProfile(wanted) if profile == Some(wanted) => Ok(()),
            Addresses::WithProfile(wanted) => Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{} certifies IP addresses such as {address} under the profile {wanted} alone: ask for it",
                    self.name
                ),
            )),
            Addresses::Refused => Err(Error::new(
                ErrorKind::Unsupported,
                format!("{} does not certify IP addresses such as {address}", self.name),
            )),
        }
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url)
    }
}

impl TryFrom<Known> for Url {
    type Error = Error;

    fn try_from(known: Known) -> Result<Self, Error> {
        Self::parse(known.url)
    }
}
