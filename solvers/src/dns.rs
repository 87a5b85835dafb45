//! DNS providers: one file per service, each a [`DnsProvider`](crate::dns01::DnsProvider).

#[cfg(feature = "rfc2136")]
pub mod rfc2136;
