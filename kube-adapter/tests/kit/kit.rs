//! What tests of the controller on a real API server are made of.
//!
//! A [`Space`] is a namespace of the one control plane of this process. A [`Proxy`] stands between the controller and the API server: it counts
//! what is written, and fails as it is told, by counting and never by time. An [`Operator`] is the controller in a runtime of its own, which can be
//! killed between two instructions: what the next one knows has passed through the API server.
//!
//! A test file takes it in by `#[path = "../kit/kit.rs"] mod kit;`.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "no test file uses all of it")]

pub mod acme;
mod call;
mod clock;
pub mod definitions;
mod fault;
pub mod health;
pub mod history;
pub mod ingress;
pub mod judge;
pub mod kubelet;
mod ledger;
pub mod manifests;
mod manner;
pub mod model;
mod operator;
pub mod process;
mod proxy;
mod space;
pub mod standins;
pub mod vault;
mod wait;

pub use call::{Call, Verb};
pub use clock::Ahead;
pub use fault::Fault;
pub use ledger::{Ledger, Written};
pub use manner::Manner;
pub use operator::Operator;
pub use process::Process;
pub use proxy::Proxy;
pub use space::{Space, conditions};
pub use wait::{LONG, eventually, eventually_within, now, pause};
