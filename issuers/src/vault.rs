//! Certificates from the PKI engine of HashiCorp Vault, and of what speaks its API (OpenBao).
//!
//! A [`Server`] is where it answers; an [`Auth`](auth::Auth) is how one logs in; [`VaultIssuer`] has signing requests signed at a path of
//! the PKI engine. What Vault says against it ends in one line that names what to do:
//!
//! | Vault | kind | retry |
//! |---|---|---|
//! | is sealed, is not initialised, is a standby, limits the rate, 5xx | `Busy` | the time given, else back off |
//! | denies the path to the token; refuses the login (secret id used up, wrong role, …) | `Unauthorized` | never |
//! | has no secrets engine, login method or namespace there | `NotFound` | back off |
//! | refuses the request (the role does not allow a name, the CA ends too soon, …) | `Refused` | never |
//! | is not reached, or not trusted | `Unreachable` | back off |

mod answer;
pub mod auth;
mod call;
mod failure;
mod issuer;
mod path;
mod server;
mod signing;
mod token;

pub use issuer::VaultIssuer;
pub use path::Mount;
pub use server::Server;
