//! Loopback ports that nobody uses.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// Finds a port of 127.0.0.1 that is free for TCP and UDP, and that this process was not given before.
///
/// The ports come from below the range that the kernel hands out by itself, so a connection going out cannot
/// take one before its server binds it. Use it for what Pebble's validator dials ([`http_port`], [`tls_port`]).
///
/// # Panics
///
/// When no port between 20000 and 31999 is free.
///
/// [`http_port`]: super::PebbleBuilder::http_port
/// [`tls_port`]: super::PebbleBuilder::tls_port
#[must_use]
pub fn free_port() -> u16 {
    // Test processes run side by side: each starts elsewhere, so that two of them rarely look at the same port.
    let start = std::process::id().wrapping_mul(STRIDE);
    for _ in 0..COUNT {
        let next = start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = FIRST + u16::try_from(next).unwrap_or_default();
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        if tcp.is_ok() && UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free loopback port between {FIRST} and {}", u32::from(FIRST) + COUNT - 1);
}

static GIVEN: AtomicU32 = AtomicU32::new(0);
const FIRST: u16 = 20_000;
const COUNT: u32 = 12_000;
const STRIDE: u32 = 127;
