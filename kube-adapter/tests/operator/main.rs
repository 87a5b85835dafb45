//! The controller on a real API server: what it writes, and what it survives.

#[path = "../crd/every_field.rs"]
mod every_field;
#[path = "../kit/kit.rs"]
mod kit;

mod crash;
mod definitions;
mod ledger;
mod long;
mod paths;
mod proxy;
mod weather;
