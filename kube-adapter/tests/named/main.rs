//! Secrets by name: a controller that may use those that its Role names, and no other.

#[path = "../kit/kit.rs"]
mod kit;

mod crash;
mod references;
mod rights;
mod scene;
mod weather;
