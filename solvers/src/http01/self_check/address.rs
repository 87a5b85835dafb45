//! Addresses that lead nowhere but back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether somebody on another machine could mean anything by this address: no address of the machine itself, of its link, of many at once, and none under
/// which clouds tell a machine its secrets. Private networks are fine: so are certificate authorities in them.
pub fn others_can_reach(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            !(address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address.octets()[0] == 0
                || METADATA_V4.contains(&address))
        }
        IpAddr::V6(address) => {
            !(address.is_loopback()
                || address.is_unspecified()
                || address.is_unicast_link_local()
                || address.is_multicast()
                || METADATA_V6.contains(&address))
        }
    }
}

/// Alibaba's and Oracle's; everybody else's are link-local.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
/// AWS's and Google's.
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];
