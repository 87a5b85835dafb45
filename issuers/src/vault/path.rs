//! Paths of Vault's API.

use std::fmt;

use acme_core::{Error, ErrorKind, text};

/// Where a login method is enabled: `approle`, `kubernetes`, `teams/web/jwt`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mount(Path);

impl Mount {
    /// Reads a mount; `auth/` and `/v1/auth/` may stand before it, as some configurations write it.
    ///
    /// # Errors
    /// `Malformed` when it is empty, or no path of Vault's API.
    pub fn parse(mount: &str) -> Result<Self, Error> {
        let path = Path::parse(mount)?.0;
        let path = path.strip_prefix("v1/").unwrap_or(&path);
        Ok(Self(Path::parse(path.strip_prefix("auth/").unwrap_or(path))?))
    }

    /// Where one logs in.
    pub(super) fn login(&self) -> Path {
        Path(format!("auth/{}/login", self.0.0))
    }

    /// The mount of a method that is enabled where it is by default.
    pub(super) fn of(method: &'static str) -> Self {
        Self(Path(method.to_owned()))
    }
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A path below `/v1/`, without slashes at its ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Path(String);

impl Path {
    pub(super) fn parse(path: &str) -> Result<Self, Error> {
        let trimmed = path.trim().trim_matches('/');
        let is_plain = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&byte))
        };
        if trimmed.len() <= LONGEST && trimmed.split('/').all(is_plain) {
            Ok(Self(trimmed.to_owned()))
        } else {
            let shown = text::printable(path, 120);
            Err(Error::new(
                ErrorKind::Malformed,
                format!(
                    "{shown:?} is no path of vault's API, such as pki/sign/role: leave out '..', queries and spaces"
                ),
            ))
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Vault's own storage takes no longer ones.
const LONGEST: usize = 512;
