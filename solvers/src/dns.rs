//! DNS providers: one file per service, each a [`DnsProvider`](crate::dns01::DnsProvider).
//!
//! Services behind HTTP stand on [`http_api`], which authenticates, understands refusals and remembers what services call things.

#[cfg(feature = "acme-dns")]
pub mod acme_dns;
#[cfg(feature = "akamai")]
pub mod akamai;
#[cfg(feature = "azure-dns")]
pub mod azure_dns;
#[cfg(feature = "cloud-dns")]
pub mod cloud_dns;
#[cfg(feature = "cloudflare")]
pub mod cloudflare;
#[cfg(feature = "desec")]
pub mod desec;
#[cfg(feature = "digitalocean")]
pub mod digitalocean;
#[cfg(feature = "exec")]
pub mod exec;
#[cfg(feature = "gandi")]
pub mod gandi;
#[cfg(feature = "hetzner")]
pub mod hetzner;
#[cfg(feature = "http-api")]
pub mod http_api;
#[cfg(feature = "httpreq")]
pub mod httpreq;
#[cfg(feature = "linode")]
pub mod linode;
#[cfg(feature = "rfc2136")]
pub mod rfc2136;
#[cfg(feature = "route53")]
pub mod route53;
#[cfg(feature = "vultr")]
pub mod vultr;
#[cfg(feature = "webhook")]
pub mod webhook;
