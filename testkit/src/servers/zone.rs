//! What a DNS server holds: zones, and the keys that may change them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A zone to be served, with a SOA, one NS (`ns.<zone>`) and its address 127.0.0.1 already in it.
#[derive(Clone, Debug)]
pub struct Zone {
    pub(super) name: String,
    pub(super) keys: Vec<TsigKey>,
    records: Vec<String>,
    updates: Updates,
    absent_for: u32,
    signing: Signing,
}

/// Whether a zone is signed (DNSSEC).
#[derive(Clone, Copy, Debug)]
enum Signing {
    Unsigned,
    Signed,
}

/// Who may send updates.
#[derive(Clone, Debug)]
enum Updates {
    Refused,
    FromLoopback,
    Granted(Vec<String>),
}

impl Zone {
    /// A zone that refuses updates; the name is without its final dot, `.` is the root.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let name = if name == "." { name } else { name.trim_end_matches('.') }.to_owned();
        Self {
            name,
            keys: Vec::new(),
            records: Vec::new(),
            updates: Updates::Refused,
            absent_for: 0,
            signing: Signing::Unsigned,
        }
    }

    /// Adds a line of a zone file, such as `www 60 IN A 127.0.0.1`: names without a final dot are below the zone.
    #[must_use]
    pub fn record(mut self, line: &str) -> Self {
        self.records.push(line.to_owned());
        self
    }

    /// Lets resolvers remember for so many seconds that something is not there; without it not at all.
    #[must_use]
    pub fn absent_for(mut self, seconds: u32) -> Self {
        self.absent_for = seconds;
        self
    }

    /// Signs the zone (DNSSEC, denials by NSEC) with a key of its own; it wants updates. Ask [`Bind::trust`](super::Bind::trust) for the key.
    #[must_use]
    pub fn signed(mut self) -> Self {
        self.signing = Signing::Signed;
        self
    }

    /// Takes updates of TXT records anywhere in the zone that are signed with this key, beside what was granted before.
    #[must_use]
    pub fn update_with(mut self, key: &TsigKey) -> Self {
        self.keys.push(key.clone());
        let grant = format!("grant \"{}\" zonesub TXT;", key.name);
        self.granted(grant)
    }

    /// Takes updates by a policy of one's own in BIND's words, such as `grant "key" name _acme-challenge.example.test TXT;`, beside what
    /// was granted before. Give the key it speaks of to [`BindBuilder::key`](super::BindBuilder::key).
    #[must_use]
    pub fn update_policy(self, policy: &str) -> Self {
        self.granted(policy.to_owned())
    }

    /// Takes every update from this machine, signed or not; takes the place of what was granted before.
    #[must_use]
    pub fn update_from_loopback(mut self) -> Self {
        self.updates = Updates::FromLoopback;
        self
    }

    fn granted(mut self, policy: String) -> Self {
        match &mut self.updates {
            Updates::Granted(policies) => policies.push(policy),
            Updates::Refused | Updates::FromLoopback => self.updates = Updates::Granted(vec![policy]),
        }
        self
    }

    /// The zone's file.
    pub(super) fn file(&self) -> String {
        let origin = if self.name == "." { ".".to_owned() } else { format!("{}.", self.name) };
        // The time is the smaller of the record's own and its last field (RFC 2308 section 5).
        let (ttl, absent) = (self.absent_for.max(60), self.absent_for);
        let mut file = format!(
            "$ORIGIN {origin}\n$TTL 60\n@ {ttl} IN SOA ns hostmaster 1 3600 600 86400 {absent}\n@ IN NS ns\nns IN A 127.0.0.1\n"
        );
        for record in &self.records {
            file.push_str(record);
            file.push('\n');
        }
        file
    }

    /// Knot's rules for updates of the zone, each with its name: TXT records alone with each of its keys, or all from this machine.
    pub(super) fn rules(&self, name: &str) -> String {
        let mut rules = format!("  - id: transfer-{name}\n    address: 127.0.0.1\n    action: transfer\n");
        match &self.updates {
            Updates::Refused => {}
            Updates::FromLoopback => {
                rules.push_str(&format!("  - id: update-{name}\n    address: 127.0.0.1\n    action: update\n"))
            }
            Updates::Granted(policies) => {
                assert_eq!(policies.len(), self.keys.len(), "a policy in BIND's words is none of Knot's");
                let keys: Vec<&str> = self.keys.iter().map(TsigKey::name).collect();
                let keys = keys.join(", ");
                rules.push_str(&format!(
                    "  - id: update-{name}\n    key: [{keys}]\n    action: update\n    update-type: [TXT]\n"
                ));
            }
        }
        rules
    }

    /// The zone in Knot's configuration, with its file of that name, under its [`rules`](Self::rules).
    pub(super) fn knot_clause(&self, file: &str, name: &str) -> String {
        let rules = match &self.updates {
            Updates::Refused => format!("[transfer-{name}]"),
            Updates::FromLoopback | Updates::Granted(_) => format!("[transfer-{name}, update-{name}]"),
        };
        format!(
            "  - domain: {}\n    file: {file}\n    acl: {rules}\n    zonefile-sync: -1\n    zonefile-load: difference\n    journal-content: all\n",
            self.name
        )
    }

    /// The zone's part of the server's configuration, with its file of that name.
    pub(super) fn clause(&self, file: &str) -> String {
        let updates = match &self.updates {
            Updates::Refused => String::new(),
            Updates::FromLoopback => "allow-update { 127.0.0.0/8; };".to_owned(),
            Updates::Granted(policies) => format!("update-policy {{ {} }};", policies.join(" ")),
        };
        let signing = match self.signing {
            Signing::Unsigned => "",
            Signing::Signed => "dnssec-policy default;",
        };
        let name = &self.name;
        format!("zone \"{name}\" {{ type primary; file \"{file}\"; {updates} {signing} }};\n")
    }
}

/// A shared secret that signs DNS messages (RFC 8945).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TsigKey {
    name: String,
    algorithm: TsigAlgorithm,
    secret: Vec<u8>,
}

impl TsigKey {
    /// A key with that name (a domain name, without its final dot) and secret.
    #[must_use]
    pub fn new(name: &str, algorithm: TsigAlgorithm, secret: impl Into<Vec<u8>>) -> Self {
        Self { name: name.trim_end_matches('.').to_owned(), algorithm, secret: secret.into() }
    }

    /// The name, without its final dot.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> TsigAlgorithm {
        self.algorithm
    }

    /// The secret itself.
    #[must_use]
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// The secret as configuration files write it: base64 with padding.
    #[must_use]
    pub fn secret_base64(&self) -> String {
        STANDARD.encode(&self.secret)
    }

    /// What `dig -y` and `nsupdate -y` take: `hmac-sha256:name:secret`.
    #[must_use]
    pub fn argument(&self) -> String {
        format!("{}:{}:{}", self.algorithm.name(), self.name, self.secret_base64())
    }

    pub(super) fn knot_clause(&self) -> String {
        let (algorithm, secret) = (self.algorithm.name(), self.secret_base64());
        format!("  - id: {}\n    algorithm: {algorithm}\n    secret: {secret}\n", self.name)
    }

    pub(super) fn clause(&self) -> String {
        let (algorithm, secret) = (self.algorithm.name(), self.secret_base64());
        format!("key \"{}\" {{ algorithm {algorithm}; secret \"{secret}\"; }};\n", self.name)
    }
}

/// How a [`TsigKey`] signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TsigAlgorithm {
    /// HMAC with MD5 (`hmac-md5.sig-alg.reg.int` on the wire).
    HmacMd5,
    /// HMAC with SHA-1.
    HmacSha1,
    /// HMAC with SHA-224.
    HmacSha224,
    /// HMAC with SHA-256.
    HmacSha256,
    /// HMAC with SHA-384.
    HmacSha384,
    /// HMAC with SHA-512.
    HmacSha512,
}

impl TsigAlgorithm {
    /// Every algorithm, weakest first.
    pub const ALL: [Self; 6] =
        [Self::HmacMd5, Self::HmacSha1, Self::HmacSha224, Self::HmacSha256, Self::HmacSha384, Self::HmacSha512];

    /// The word that BIND's configuration and tools use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HmacMd5 => "hmac-md5",
            Self::HmacSha1 => "hmac-sha1",
            Self::HmacSha224 => "hmac-sha224",
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha384 => "hmac-sha384",
            Self::HmacSha512 => "hmac-sha512",
        }
    }
}
