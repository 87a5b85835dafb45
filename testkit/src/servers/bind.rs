//! BIND, a DNS server with zones, updates and recursion.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use tempfile::TempDir;

use super::free_port;
use super::process::{Launch, Process, accepts, answers_dns, pause, with_free_ports};
use super::programs::{Program, in_system};
use super::zone::{TsigKey, Zone};

/// A running `named`, stopped when dropped.
///
/// Make one with [`Bind::builder`]. It holds a root zone of its own, so what it does not know does not exist (NXDOMAIN), and no query leaves the
/// machine. Unless [`recursive`](BindBuilder::recursive) it is an authority only, and answers a CNAME into another zone with the CNAME alone.
#[derive(Debug)]
pub struct Bind {
    process: Process,
    address: SocketAddr,
    // Last, so that the process is gone before its files.
    _folder: TempDir,
}

impl Bind {
    /// Chooses zones and keys.
    #[must_use]
    pub fn builder() -> BindBuilder {
        BindBuilder::default()
    }

    /// Where it answers, over UDP and TCP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts a second server, a resolver that asks this one and follows CNAME records across zones.
    ///
    /// It keeps what it heard until the second ends, also that something was not there: good for propagation checks that look
    /// again, wrong between them and a CA. Give Pebble a [`recursive`](BindBuilder::recursive) server.
    ///
    /// # Panics
    ///
    /// As [`BindBuilder::start`].
    #[must_use]
    #[track_caller]
    pub fn resolver(&self) -> Self {
        Self::builder().forward_to(self.address).start()
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The values of the TXT records that the owner has now, sorted, with the strings of one record joined.
    ///
    /// # Panics
    ///
    /// When `dig` is missing or gets no answer.
    #[must_use]
    #[track_caller]
    pub fn txt(&self, owner: &str) -> Vec<String> {
        texts(self.address, owner)
    }

    /// All records of a zone, one line each as in a zone file, by a zone transfer.
    ///
    /// # Panics
    ///
    /// When `dig` is missing, or the server does not hold the zone.
    #[must_use]
    #[track_caller]
    pub fn records(&self, zone: &str) -> Vec<String> {
        let answer = self.dig(&["+noall", "+answer", "+onesoa", zone, "AXFR"]);
        assert!(!answer.trim().is_empty() && !answer.contains("Transfer failed"), "no transfer of {zone}: {answer}");
        answer.lines().filter(|line| !line.starts_with(';')).map(str::to_owned).collect()
    }

    /// The key of a [signed](Zone::signed) zone, for [`proving`](BindBuilder::proving).
    ///
    /// # Panics
    ///
    /// When the zone is not signed within ten seconds.
    #[must_use]
    #[track_caller]
    pub fn trust(&self, zone: &str) -> Trust {
        for _ in 0..TRUST_LOOKS {
            let answer = self.dig(&["+short", zone, "DNSKEY"]);
            let words: Vec<&str> = answer.lines().next().unwrap_or_default().split(' ').collect();
            if let [flags, protocol, algorithm, key @ ..] = words.as_slice() {
                return Trust(format!("\"{zone}\" static-key {flags} {protocol} {algorithm} \"{}\";", key.concat()));
            }
            pause();
        }
        panic!("{zone} was not signed: {}", self.log());
    }

    /// What was asked since the server was started, oldest first; zone transfers and updates are not in it.
    #[must_use]
    pub fn queries(&self) -> Vec<Query> {
        self.log().lines().filter_map(Query::from_line).filter(|query| query.name != PROBE).collect()
    }

    /// Everything the server printed: a line for each query and each change that an update made.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Stops the server before it is dropped; it answers no more, until [`restart`](Self::restart).
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// Starts the server again on the same port; what updates wrote is kept in its journal.
    ///
    /// # Panics
    ///
    /// When it does not start again.
    #[track_caller]
    pub fn restart(&mut self) {
        let address = self.address;
        self.process.restart(|| ready(address)).unwrap_or_else(|error| panic!("{error}"));
    }

    #[track_caller]
    fn dig(&self, arguments: &[&str]) -> String {
        dig(self.address, arguments)
    }
}

/// BIND's settings, before it runs.
#[derive(Clone, Debug, Default)]
pub struct BindBuilder {
    zones: Vec<Zone>,
    keys: Vec<TsigKey>,
    role: Role,
    trust: Vec<Trust>,
}

/// The key of a signed zone, as [`Bind::trust`] answers it.
#[derive(Clone, Debug)]
pub struct Trust(String);

/// What the server answers from.
#[derive(Clone, Copy, Debug, Default)]
enum Role {
    /// The one zone that was asked about.
    #[default]
    Authority,
    /// All its zones.
    AuthorityAndResolver,
    /// Its zones, and this server for the rest.
    Forwarder(SocketAddr),
    /// The same, with a memory.
    Cache(SocketAddr),
}

impl BindBuilder {
    /// Serves this zone. A zone `.` takes the place of the server's own root.
    #[must_use]
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zones.push(zone);
        self
    }

    /// Knows this key; those given to [`Zone::update_with`] are known already.
    #[must_use]
    pub fn key(mut self, key: TsigKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Is a resolver too: it follows CNAME records from one of its zones into another for who desires recursion, and caches nothing.
    #[must_use]
    pub fn recursive(mut self) -> Self {
        self.role = Role::AuthorityAndResolver;
        self
    }

    /// Is a resolver that asks this server for everything outside its own zones, and follows CNAME records. It
    /// keeps answers until the second ends, whatever their TTL.
    #[must_use]
    pub fn forward_to(mut self, server: SocketAddr) -> Self {
        self.role = Role::Forwarder(server);
        self
    }

    /// As [`forward_to`](Self::forward_to), but keeps answers as long as they say, also that something is not there: as the resolvers of the world do.
    #[must_use]
    pub fn caching(mut self, server: SocketAddr) -> Self {
        self.role = Role::Cache(server);
        self
    }

    /// Proves answers of the signed zone whose key this is (DNSSEC), and denies what such proofs deny, as resolvers do (RFC 8198).
    #[must_use]
    pub fn proving(mut self, trust: Trust) -> Self {
        self.trust.push(trust);
        self
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Panics
    ///
    /// When `named` is missing (the message says how to get it), or does not start (the message holds its log). A zone that it cannot
    /// read is told in [`Bind::log`] only.
    #[must_use]
    #[track_caller]
    pub fn start(&self) -> Bind {
        with_free_ports(|| self.try_start())
    }

    fn try_start(&self) -> io::Result<Bind> {
        let folder = TempDir::new()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let mut zones = self.zones.clone();
        if !matches!(self.role, Role::Forwarder(_) | Role::Cache(_)) && !zones.iter().any(|zone| zone.name == ".") {
            zones.push(Zone::new("."));
        }
        let mut keys: Vec<&TsigKey> = Vec::new();
        for key in self.keys.iter().chain(zones.iter().flat_map(|zone| &zone.keys)) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }

        let mut config = self.options(address, &folder);
        config.extend(keys.into_iter().map(TsigKey::clause));
        for (number, zone) in zones.iter().enumerate() {
            let file = format!("{number}.db");
            fs::write(folder.path().join(&file), zone.file())?;
            config.push_str(&zone.clause(&file));
        }
        let file = folder.path().join("named.conf");
        fs::write(&file, config)?;

        // As the current user, root included: with -u bind it could not read our files.
        let arguments = vec!["-g".into(), "-4".into(), "-n".into(), "1".into(), "-c".into(), file.into()];
        let launch = Launch {
            program: Program::Named,
            arguments,
            environment: Vec::new(),
            log: folder.path().join("named.log"),
        };
        let process = Process::start(launch, || ready(address))?;
        Ok(Bind { process, address, _folder: folder })
    }

    fn options(&self, address: SocketAddr, folder: &TempDir) -> String {
        let forwarder = |server: SocketAddr| {
            let (ip, port) = (server.ip(), server.port());
            format!(
                "recursion yes; allow-recursion {{ 127.0.0.1; }}; forward only; forwarders {{ {ip} port {port}; }}; qname-minimization off;"
            )
        };
        let role = match self.role {
            Role::Authority => "recursion no;".to_owned(),
            Role::AuthorityAndResolver => "recursion yes; allow-recursion { 127.0.0.1; };".to_owned(),
            Role::Forwarder(server) => {
                format!("{} max-cache-ttl 0; max-ncache-ttl 0; servfail-ttl 0;", forwarder(server))
            }
            Role::Cache(server) => forwarder(server),
        };
        let (ip, port, folder) = (address.ip(), address.port(), folder.path().display());
        let (validation, anchors) = if self.trust.is_empty() {
            ("no", String::new())
        } else {
            let keys: String = self.trust.iter().map(|it| it.0.as_str()).collect();
            ("yes", format!("trust-anchors {{ {keys} }};\n"))
        };
        format!(
            "options {{ directory \"{folder}\"; listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }}; \
             pid-file none; lock-file none; session-keyfile none; allow-transfer {{ 127.0.0.1; }}; notify no; \
             empty-zones-enable no; dnssec-validation {validation}; querylog yes; {role} }};\ncontrols {{}};\n{anchors}"
        )
    }
}

/// A question that the server was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// The name as it was asked, without its final dot.
    pub name: String,
    /// The record type by name, such as `TXT`.
    pub kind: String,
    /// BIND's letters: `+` for recursion desired, `T` for TCP, `S` for signed, `E` for EDNS.
    pub flags: String,
}

impl Query {
    // … client @0x7f 127.0.0.1#1234 (example.test): query: example.test IN SOA +E(0)K (127.0.0.1)
    fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split_once("): query: ")?.1.split(' ');
        let name = words.next()?.trim_end_matches('.').to_owned();
        let kind = words.nth(1)?.to_owned();
        let flags = words.next()?.to_owned();
        Some(Self { name, kind, flags })
    }
}

fn ready(address: SocketAddr) -> io::Result<()> {
    accepts(address)?;
    answers_dns(address)
}

/// The values of the TXT records at `owner`, as [`Bind::txt`] answers them.
#[track_caller]
pub(super) fn texts(server: SocketAddr, owner: &str) -> Vec<String> {
    let answer = dig(server, &["+short", owner, "TXT"]);
    // A CNAME on the way is printed too, without quotes.
    let records = answer.lines().filter(|line| line.starts_with('"'));
    let mut values: Vec<_> = records.map(|line| line.split('"').skip(1).step_by(2).collect()).collect();
    values.sort();
    values
}

#[track_caller]
fn dig(server: SocketAddr, arguments: &[&str]) -> String {
    let Some(dig) = in_system("dig") else { panic!("dig is missing: run apt-get install bind9-dnsutils") };
    let (at, port) = (format!("@{}", server.ip()), server.port().to_string());
    let output = Command::new(dig).args(["-r", "+tcp", "+tries=1", &at, "-p", &port]).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("dig: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "dig {arguments:?}: {text}");
    text
}

/// Signing takes some milliseconds; a look and a pause some twenty.
const TRUST_LOOKS: usize = 500;

/// What [`answers_dns`] asks for.
const PROBE: &str = "ready.test";
