//! Directory and session over a scripted transport: what is sent, and what becomes of the answers.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod accounts;
mod chains;
mod directory;
mod failures;
mod hostile;
mod nonces;
mod orders;
mod revocation;
mod script;
