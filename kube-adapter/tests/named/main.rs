//! Secrets by name: a controller that may use those that its Role names, and no other.

#[path = "../kit/kit.rs"]
mod kit;

mod cluster;
mod crash;
mod references;
mod requests;
mod rights;
mod scene;
mod weather;
