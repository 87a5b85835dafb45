//! Strict doubles of Venafi's services: in the process, or behind HTTPS on loopback.
//!
//! A request that the vendor's documents do not describe is a panic that names it: another method, path, query, header or content type, a member
//! that is missing or that is not known.
//!
//! | part | what it is |
//! |---|---|
//! | [`Double`] | a service as a `Transport`, with counting and faults |
//! | [`Front`] | the same behind HTTPS |
//! | [`tpp`] | Trust Protection Platform |
//! | [`cloud`] | TLS Protect Cloud and Next-Gen Trust Security |

mod authority;
pub mod cloud;
mod double;
mod front;
pub mod tpp;

pub use double::{Double, Fault, Service, State};
pub use front::Front;
