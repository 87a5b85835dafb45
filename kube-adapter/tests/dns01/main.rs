//! DNS-01 through every provider that an issuer can name: from one manifest to a certificate, with credentials that are wrong at first.

#[path = "../kit/kit.rs"]
mod kit;

mod cluster;
mod route53;
mod scene;
mod services;
mod webhook;
