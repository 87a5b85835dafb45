//! Directory and session over a scripted transport: what is sent, and what becomes of the answers.

mod accounts;
mod chains;
mod directory;
mod failures;
mod nonces;
mod orders;
mod revocation;
mod script;
