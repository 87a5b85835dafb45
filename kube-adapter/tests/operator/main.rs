//! The controller on a real API server: what it writes, and what it survives.

#[path = "../crd/every_field.rs"]
mod every_field;
#[path = "../kit/kit.rs"]
mod kit;

mod authority;
mod chaos;
mod child;
mod crash;
mod definitions;
mod failures;
mod frost;
mod health;
mod ledger;
mod long;
mod meddling;
mod neighbours;
mod paths;
mod patience;
mod proxy;
mod soak;
mod stage;
mod storm;
mod weather;
