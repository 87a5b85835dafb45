//! A [`SimDns`] behind a port: a recursive server and every zone's authoritative one at once.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::sync::lock;
use crate::{DnsRecord, SimDns};

/// Answers over UDP and TCP what the table holds, until it is dropped. Every host has the address 127.0.0.1.
pub struct NameServer {
    address: SocketAddr,
    log: Log,
    ends: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl NameServer {
    /// Serves `dns` on a free port of the loopback interface.
    ///
    /// # Panics
    /// When no port is free.
    pub fn start(dns: SimDns) -> Self {
        let (socket, listener) = (0..TRIES).find_map(|_| bind().ok()).expect("a free port on loopback");
        let address = socket.local_addr().expect("a bound port has an address");
        let (log, ends) = (Log::default(), Arc::new(AtomicBool::new(false)));
        let threads = vec![
            std::thread::spawn({
                let (dns, log, ends) = (dns.clone(), log.clone(), Arc::clone(&ends));
                move || over_udp(&socket, &dns, &log, &ends)
            }),
            std::thread::spawn({
                let (log, ends) = (log.clone(), Arc::clone(&ends));
                move || over_tcp(&listener, &dns, &log, &ends)
            }),
        ];
        Self { address, log, ends, threads }
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often it was asked so far for the TXT records of a name.
    pub fn texts_asked(&self, name: &str) -> usize {
        lock(&self.log.0).iter().filter(|(asked, kind)| asked == name && *kind == TXT).count()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        let woken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.send_to(&[], self.address));
        if woken.is_ok() && TcpStream::connect(self.address).is_ok() {
            for thread in self.threads.drain(..) {
                let _ = thread.join();
            }
        }
    }
}

/// What was asked: name and type.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(String, u16)>>>);

/// One port for both.
fn bind() -> io::Result<(UdpSocket, TcpListener)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok((UdpSocket::bind(listener.local_addr()?)?, listener))
}

fn over_udp(socket: &UdpSocket, dns: &SimDns, log: &Log, ends: &AtomicBool) {
    let mut buffer = [0; 1500];
    while let Ok((length, asker)) = socket.recv_from(&mut buffer) {
        if ends.load(Ordering::Acquire) {
            return;
        }
        if let Some(answer) = answer(&buffer[..length], dns, log) {
            // Who asked and went away is his own affair.
            let _ = socket.send_to(&answer, asker);
        }
    }
}

fn over_tcp(listener: &TcpListener, dns: &SimDns, log: &Log, ends: &AtomicBool) {
    for stream in listener.incoming() {
        if ends.load(Ordering::Acquire) {
            return;
        }
        let (dns, log) = (dns.clone(), log.clone());
        std::thread::spawn(move || stream.and_then(|stream| converse(stream, &dns, &log)));
    }
}

/// Questions and answers, each behind its length (RFC 1035 section 4.2.2).
fn converse(mut stream: TcpStream, dns: &SimDns, log: &Log) -> io::Result<()> {
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut question)?;
        let Some(answer) = answer(&question, dns, log) else { return Ok(()) };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes()[..], &answer].concat())?;
    }
}

/// One answer (RFC 1035 section 4); `None` for what is no question.
fn answer(question: &[u8], dns: &SimDns, log: &Log) -> Option<Vec<u8>> {
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(question.get(at..at + length)?).into_owned());
        at += length;
    }
    let kind = u16::from_be_bytes(question.get(at..at + 2)?.try_into().ok()?);
    let asked = question.get(12..at + 4)?;
    let first = labels.join(".");
    lock(&log.0).push((first.clone(), kind));
    let mut name = first.clone();
    let mut answers: Vec<Vec<u8>> = Vec::new();
    for _ in 0..ALIASES {
        let mut found = dns.records(&name);
        if found.iter().any(is_alias) {
            // Nothing stands beside it, not even an apex.
            found.retain(is_alias);
        }
        answers.extend(found.iter().filter_map(|it| record(&name, kind, it).map(|it| answered(&first, &name, it))));
        match found.iter().find_map(|it| if let DnsRecord::Cname(target) = it { Some(target.clone()) } else { None }) {
            Some(target) if kind != CNAME => name = target,
            _ => break,
        }
    }
    if kind == A {
        answers.push(answered(&first, &name, encoded(A, &[127, 0, 0, 1])));
    }
    let zone = dns.zone_of(&name);
    let exists = !answers.is_empty() || zone.is_some();
    // Who denies something names the zone (RFC 2308 section 2).
    let denial = zone.filter(|_| answers.is_empty()).and_then(|zone| {
        let soa = record(&zone, SOA, &DnsRecord::Soa)?;
        Some(answered(&first, &zone, soa))
    });
    let mut out = question.get(..2)?.to_vec();
    // An authoritative answer, from who recurses, too.
    out.extend([0x85, if exists { 0x80 } else { 0x83 }, 0, 1]);
    out.extend(u16::try_from(answers.len()).ok()?.to_be_bytes());
    out.extend([0, u8::from(denial.is_some()), 0, 0]);
    out.extend(asked);
    out.extend(answers.concat());
    out.extend(denial.unwrap_or_default());
    Some(out)
}

fn is_alias(record: &DnsRecord) -> bool {
    matches!(record, DnsRecord::Cname(_))
}

fn record(name: &str, kind: u16, record: &DnsRecord) -> Option<Vec<u8>> {
    match record {
        DnsRecord::Soa if kind == SOA => {
            let mut data = [wire(&format!("ns.{name}")), wire(&format!("hostmaster.{name}"))].concat();
            data.extend([0_u32, 60, 60, 60, 60].iter().flat_map(|it| it.to_be_bytes()));
            Some(encoded(SOA, &data))
        }
        DnsRecord::Ns(server) if kind == NS => Some(encoded(NS, &wire(server))),
        DnsRecord::Cname(target) => Some(encoded(CNAME, &wire(target))),
        DnsRecord::Txt(text) if kind == TXT => {
            let strings =
                text.as_bytes().chunks(255).flat_map(|it| [&[u8::try_from(it.len()).unwrap_or(255)], it].concat());
            Some(encoded(TXT, &strings.collect::<Vec<u8>>()))
        }
        DnsRecord::Soa | DnsRecord::Ns(_) | DnsRecord::Txt(_) => None,
    }
}

/// A record behind its owner: a pointer to the question's where it is the same, so that many fit into one answer.
fn answered(question: &str, owner: &str, record: Vec<u8>) -> Vec<u8> {
    let owner = if owner == question { vec![0xc0, 12] } else { wire(owner) };
    [owner, record].concat()
}

fn encoded(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut out = kind.to_be_bytes().to_vec();
    // Class IN, a TTL of one second.
    out.extend([0, 1, 0, 0, 0, 1]);
    out.extend(u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend(data);
    out
}

fn wire(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.').filter(|it| !it.is_empty()) {
        out.push(u8::try_from(label.len()).unwrap_or(63));
        out.extend(label.as_bytes());
    }
    out.push(0);
    out
}

const A: u16 = 1;
const NS: u16 = 2;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const TXT: u16 = 16;
const ALIASES: usize = 8;
const TRIES: usize = 16;
const LIMIT: Duration = Duration::from_secs(10);
