//! The family against a real certificate authority: Pebble, strict where nothing else is said.
//!
//! Every test starts the servers it needs on free loopback ports (`testkit::servers`) and judges what comes out with OpenSSL or with Pebble's
//! management interface. A missing program fails the run with a sentence that says how to get it.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod accounts;
mod authority;
mod bad_input;
mod by_hand;
mod challenges;
mod dns_providers;
mod front_door;
mod fronts;
mod issuer;
mod issuing;
mod keeping;
mod later;
mod lossy;
mod migration;
mod openssl;
mod order_list;
mod orders;
mod renewal;
mod revocation;
mod secrets;
mod serving;
mod through_instant_acme;
mod trouble;
mod under;
