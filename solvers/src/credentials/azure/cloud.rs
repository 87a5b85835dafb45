//! Azure's clouds.

use std::fmt;

use acme_core::{Error, ErrorKind, Retry, text};

/// One of the clouds that Azure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Cloud {
    /// The public one.
    #[default]
    Public,
    /// The one in China.
    China,
    /// The one of the government of the United States.
    UsGovernment,
}

impl Cloud {
    /// Reads the name of an environment as cert-manager and Azure's tools write it, in any case: `AzurePublicCloud`, `AzureChinaCloud`,
    /// `AzureUSGovernmentCloud`; the public one where it is empty.
    ///
    /// # Errors
    /// `Unsupported` for `AzureGermanCloud`, which was closed; `Malformed` for any other word.
    pub fn parse(environment: &str) -> Result<Self, Error> {
        let refused = |kind, what: String| Err(Error::new(kind, what).with_retry(Retry::Never));
        match environment.trim().to_ascii_lowercase().as_str() {
            "" | "azurecloud" | "azurepubliccloud" => Ok(Self::Public),
            "azurechinacloud" => Ok(Self::China),
            "azureusgovernment" | "azureusgovernmentcloud" => Ok(Self::UsGovernment),
            "azuregermancloud" => refused(
                ErrorKind::Unsupported,
                "AzureGermanCloud was closed in 2021; name another environment".to_owned(),
            ),
            other => refused(
                ErrorKind::Malformed,
                format!(
                    "{:?} is no environment of Azure: take AzurePublicCloud, AzureChinaCloud or AzureUSGovernmentCloud",
                    text::printable(other, 40)
                ),
            ),
        }
    }

    /// The address of the resource manager.
    pub fn manager(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com",
            Self::China => "https://management.chinacloudapi.cn",
            Self::UsGovernment => "https://management.usgovcloudapi.net",
        }
    }

    /// The address of Microsoft Entra.
    pub fn authority(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com",
            Self::China => "https://login.chinacloudapi.cn",
            Self::UsGovernment => "https://login.microsoftonline.us",
        }
    }

    /// Whom a token for the resource manager is for.
    pub(super) fn audience(self) -> &'static str {
        match self {
            Self::Public => "https://management.core.windows.net/",
            Self::China => "https://management.core.chinacloudapi.cn/",
            Self::UsGovernment => "https://management.core.usgovcloudapi.net/",
        }
    }

    /// The same as a scope; its double slash is Microsoft's.
    pub(super) fn scope(self) -> String {
        format!("{}/.default", self.audience())
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "AzurePublicCloud",
            Self::China => "AzureChinaCloud",
            Self::UsGovernment => "AzureUSGovernmentCloud",
        })
    }
}
