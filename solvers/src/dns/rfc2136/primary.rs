//! The name server that takes updates.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use acme_core::{DnsName, text};

use crate::{Error, ErrorKind, limits};

/// A host or an address, and a port.
#[derive(Debug, Clone)]
pub(super) struct Primary {
    host: String,
    port: u16,
}

impl Primary {
    /// Reads what people write: `ns1.example.com`, `192.0.2.53:5353`, `[2001:db8::53]:53`.
    pub(super) fn parse(server: &str) -> Result<Self, Error> {
        let (host, port) = host_and_port(server).ok_or_else(|| {
            Error::new(
                ErrorKind::Malformed,
                format!(
                    "{:?} names no server for updates: write a host or an address, with a port if it is not 53 (ns1.example.com, 192.0.2.53:5353, [2001:db8::53]:53)",
                    text::printable(server, 260)
                ),
            )
        })?;
        Ok(Self { host, port })
    }

    /// Where it is, as the system says.
    pub(super) async fn addresses(&self) -> Result<Vec<SocketAddr>, Error> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let mut addresses: Vec<SocketAddr> = found
            .map_err(|source| {
                Error::new(ErrorKind::Unreachable, format!("the update server {self} was not found"))
                    .with_source(source)
            })?
            .collect();
        addresses.truncate(limits::NAME_SERVER_ADDRESSES);
        Ok(addresses)
    }
}

impl fmt::Display for Primary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)
    }
}

fn host_and_port(server: &str) -> Option<(String, u16)> {
    let server = server.trim();
    if let Ok(address) = server.parse::<SocketAddr>() {
        return Some((address.ip().to_string(), address.port()));
    }
    let bare = server.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(server);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some((address.to_string(), 53));
    }
    let (host, port) = match server.split_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (server, 53),
    };
    let name = DnsName::parse(host).ok()?;
    (!name.is_wildcard()).then(|| (name.as_str().to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_as_people_write_them() {
        for (written, host, port) in [
            ("ns1.example.com", "ns1.example.com", 53),
            ("ns1.example.com:5300", "ns1.example.com", 5300),
            ("192.0.2.53", "192.0.2.53", 53),
            ("192.0.2.53:5300", "192.0.2.53", 5300),
            ("[2001:db8::53]:5300", "2001:db8::53", 5300),
            ("[2001:db8::53]", "2001:db8::53", 53),
            ("2001:db8::53", "2001:db8::53", 53),
        ] {
            assert_eq!(host_and_port(written), Some((host.to_owned(), port)), "{written}");
        }
        for wrong in ["", "a b", "ns1:port", "https://ns1", ":53"] {
            assert_eq!(host_and_port(wrong), None, "{wrong}");
        }
    }
}
