//! Web servers found by name servers of one's own.

use std::net::IpAddr;

use acme_core::DnsName;
use acme_core::transport::Lookup;
use async_trait::async_trait;

use super::Resolver;
use super::resolver::Recursion;
use crate::{Error, limits};

/// For a transport that shall see the names that these recursive servers see, as in a self-check of HTTP-01.
#[async_trait]
impl Lookup for Resolver {
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        let mut found = self.hosts_of(&DnsName::parse(host)?, Recursion::Desired).await?;
        found.truncate(limits::HOST_ADDRESSES);
        Ok(found)
    }
}
