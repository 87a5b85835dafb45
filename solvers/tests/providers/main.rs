//! DNS providers over HTTP against strict doubles, which lego's providers judge, and against moto.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acme_dns;
mod akamai;
mod azure_dns;
mod bad_input;
mod cloud_dns;
mod cloudflare;
mod desec;
mod digitalocean;
mod exec;
mod gandi;
mod hetzner;
mod httpreq;
mod kit;
mod linode;
mod places;
mod route53;
mod secrecy;
mod vultr;
mod webhook;
mod whole_solver;

use std::sync::Arc;

use acme_core::{Clock, DnsName, Secret, Timestamp};
use certwright_solvers::dns01::{TxtRecord, Zone};
use testkit::SimDns;
use testkit::servers::Lego;

use self::kit::*;
