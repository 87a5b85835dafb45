//! Pebble's challenge test server: a DNS server that answers what it is told.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::free_port;
use super::http::call;
use super::process::{Launch, Process, accepts, answers_dns, with_free_ports};
use super::programs::Program;

/// A running DNS server without zones, stopped when dropped.
///
/// Until told otherwise every name has the address 127.0.0.1 and no IPv6 address. It follows its own CNAME records, and knows no SOA and no
/// NS (it answers NOTIMP), so zone discovery needs [`Bind`](super::Bind). Names may be given with or without the final dot.
///
/// # Panics
///
/// Every method that talks to the server panics when it does not answer or refuses what it is told.
#[derive(Debug)]
pub struct ChallTestSrv {
    process: Process,
    dns: SocketAddr,
    management: SocketAddr,
    // Last, so that the process is gone before its files.
    _folder: TempDir,
}

impl ChallTestSrv {
    /// Starts the server and waits until it answers.
    ///
    /// # Panics
    ///
    /// When the program is missing (the message says how to get it), or does not start (the message holds its log).
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        with_free_ports(|| Self::try_start(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()))))
    }

    /// The same at an address of one's own, such as port 53, where a system's resolver asks.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start), and when the address is taken.
    #[must_use]
    #[track_caller]
    pub fn start_at(dns: SocketAddr) -> Self {
        with_free_ports(|| Self::try_start(dns))
    }

    /// Where it answers DNS queries, over UDP and TCP.
    #[must_use]
    pub fn dns_address(&self) -> SocketAddr {
        self.dns
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Gives names without A records of their own this address, or none.
    #[track_caller]
    pub fn set_default_ipv4(&self, address: Option<Ipv4Addr>) {
        let address = address.map(|address| address.to_string());
        self.tell("/set-default-ipv4", &json!({ "ip": address.unwrap_or_default() }));
    }

    /// Gives names without AAAA records of their own this address, or none.
    #[track_caller]
    pub fn set_default_ipv6(&self, address: Option<Ipv6Addr>) {
        let address = address.map(|address| address.to_string());
        self.tell("/set-default-ipv6", &json!({ "ip": address.unwrap_or_default() }));
    }

    /// Adds A records.
    #[track_caller]
    pub fn add_a(&self, host: &str, addresses: &[Ipv4Addr]) {
        self.tell("/add-a", &json!({ "host": plain(host), "addresses": addresses }));
    }

    /// Removes all A records of the name.
    #[track_caller]
    pub fn clear_a(&self, host: &str) {
        self.tell("/clear-a", &json!({ "host": plain(host) }));
    }

    /// Adds AAAA records.
    #[track_caller]
    pub fn add_aaaa(&self, host: &str, addresses: &[Ipv6Addr]) {
        self.tell("/add-aaaa", &json!({ "host": plain(host), "addresses": addresses }));
    }

    /// Removes all AAAA records of the name.
    #[track_caller]
    pub fn clear_aaaa(&self, host: &str) {
        self.tell("/clear-aaaa", &json!({ "host": plain(host) }));
    }

    /// Adds a TXT record beside those the name has already.
    #[track_caller]
    pub fn set_txt(&self, host: &str, value: &str) {
        self.tell("/set-txt", &json!({ "host": plain(host), "value": value }));
    }

    /// Removes all TXT records of the name.
    #[track_caller]
    pub fn clear_txt(&self, host: &str) {
        self.tell("/clear-txt", &json!({ "host": plain(host) }));
    }

    /// Makes the name an alias.
    #[track_caller]
    pub fn set_cname(&self, host: &str, target: &str) {
        self.tell("/set-cname", &json!({ "host": plain(host), "target": plain(target) }));
    }

    /// Makes the name no alias any more.
    #[track_caller]
    pub fn clear_cname(&self, host: &str) {
        self.tell("/clear-cname", &json!({ "host": plain(host) }));
    }

    /// Answers SERVFAIL for the name.
    #[track_caller]
    pub fn set_servfail(&self, host: &str) {
        self.tell("/set-servfail", &json!({ "host": plain(host) }));
    }

    /// Answers the name as before.
    #[track_caller]
    pub fn clear_servfail(&self, host: &str) {
        self.tell("/clear-servfail", &json!({ "host": plain(host) }));
    }

    /// What was asked about the name, oldest first.
    #[must_use]
    #[track_caller]
    pub fn dns_history(&self, host: &str) -> Vec<DnsQuestion> {
        let body = self.tell("/dns-request-history", &json!({ "host": plain(host) }));
        let events: Vec<Value> = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error} in {body}"));
        events.iter().filter_map(|event| DnsQuestion::from_event(&event["Question"])).collect()
    }

    /// Forgets what was asked about the name.
    #[track_caller]
    pub fn clear_dns_history(&self, host: &str) {
        self.tell("/clear-request-history", &json!({ "host": plain(host), "type": "dns" }));
    }

    fn try_start(dns: SocketAddr) -> io::Result<Self> {
        let folder = TempDir::new()?;
        let management = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let off = ["-http01", "-https01", "-tlsalpn01", "-doh", "-defaultIPv6"].map(|flag| format!("{flag}="));
        let on =
            [format!("-dnsserver={dns}"), format!("-management={management}"), "-defaultIPv4=127.0.0.1".to_owned()];
        let launch = Launch {
            program: Program::ChallTestSrv,
            arguments: off.into_iter().chain(on).map(Into::into).collect(),
            environment: Vec::new(),
            log: folder.path().join("challtestsrv.log"),
        };
        let process = Process::start(launch, || {
            accepts(management)?;
            accepts(dns)?;
            answers_dns(dns)
        })?;
        Ok(Self { process, dns, management, _folder: folder })
    }

    #[track_caller]
    fn tell(&self, path: &str, body: &Value) -> String {
        let answer = call(self.management, path, Some(&body.to_string())).and_then(|answer| answer.ok(path));
        answer.unwrap_or_else(|error| panic!("pebble-challtestsrv's management: {error}"))
    }
}

/// A question that the DNS server was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsQuestion {
    /// The name, with its final dot.
    pub name: String,
    /// The record type by number (1 is A, 16 is TXT, 28 is AAAA, 257 is CAA).
    pub kind: u16,
}

impl DnsQuestion {
    fn from_event(question: &Value) -> Option<Self> {
        let name = question["Name"].as_str()?.to_owned();
        let kind = u16::try_from(question["Qtype"].as_u64()?).ok()?;
        Some(Self { name, kind })
    }
}

fn plain(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}
