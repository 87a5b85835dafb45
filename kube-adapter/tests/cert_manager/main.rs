//! cert-manager's own controller as the judge: what it makes of what we settled, what we make of what it left, and whether both make the same of the same.
//!
//! Minutes long, and in need of a program that takes minutes to build: `.ci/test --long` runs it.

#[path = "../kit/kit.rs"]
mod kit;

mod hand_over;
mod killed;
mod same_end;
mod scene;
mod told;
