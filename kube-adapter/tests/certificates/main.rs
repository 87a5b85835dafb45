//! Certificates on a real API server, issued by authorities of the cluster: what is written, what stands in it afterwards, and what people are told.

#[path = "../kit/kit.rs"]
mod kit;

mod ledger;
