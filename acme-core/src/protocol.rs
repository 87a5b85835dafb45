//! The words of ACME: the objects of RFC 8555, RFC 9773 and the profiles extension as they travel.
//!
//! Reading is permissive: unknown members, statuses, challenge types and identifier types are data. Writing is strict.

mod account;
mod authorization;
mod challenge;
mod directory;
mod order;
mod persistent;
mod problem;
mod renewal;
mod revocation;
mod url;

pub use account::{AccountObject, AccountStatus, ExternalAccount, HmacAlgorithm, Registration};
pub use authorization::{Authorization, AuthorizationStatus};
pub use challenge::{Basis, Challenge, ChallengeStatus, ChallengeType, KeyAuthorization};
pub use directory::{DirectoryObject, Metadata};
pub use order::{NewOrder, Order, OrderStatus};
pub use persistent::{PersistentAccount, PersistentOffer, PersistentProof, PersistentScope};
pub use problem::{Problem, ProblemType};
pub use renewal::{CertificateId, RenewalInfo, Window};
pub use revocation::RevocationReason;
pub use url::Url;

/// A status as a word, where unknown words are kept.
macro_rules! statuses {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(into = "String", from = "String")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
            /// A word that this crate does not know.
            Other(String),
        }

        impl $name {
            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$variant,)+
                    _ => Self::Other(crate::text::printable(&word, 64)),
                }
            }
        }

        impl From<$name> for String {
            fn from(status: $name) -> Self {
                status.as_str().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
use statuses;
