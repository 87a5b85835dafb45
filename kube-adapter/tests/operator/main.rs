//! The controller on a real API server: what it writes, and what it survives.

#[path = "../kit/kit.rs"]
mod kit;

mod proxy;
