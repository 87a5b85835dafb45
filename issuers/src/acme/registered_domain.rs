//! What certificate authorities count per-domain limits by.

use std::net::IpAddr;

use acme_core::Identifier;

/// The domain that somebody registered and under which `identifier` lies, by the public suffix list: `example.co.uk` for
/// `*.shop.example.co.uk`. Addresses count for themselves, IPv6 ones as their /64; a public suffix counts for itself.
pub fn registered_domain(identifier: &Identifier) -> String {
    if let Identifier::Dns(name) = identifier {
        let base = name.base();
        return match psl::domain_str(base.as_str()) {
            Some(domain) => domain.to_owned(),
            None => base.to_string(),
        };
    }
    if let Identifier::Ip(IpAddr::V6(address)) = identifier {
        let network = u128::from(*address) & (u128::MAX << 64);
        return format!("{}/64", std::net::Ipv6Addr::from(network));
    }
    identifier.to_string()
}
