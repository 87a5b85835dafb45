//! Pebble's settings and start.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::{Pebble, ready};
use crate::servers::endpoint::EndpointFiles;
use crate::servers::free_port;
use crate::servers::http::Tls;
use crate::servers::process::{Launch, Process, with_free_ports};
use crate::servers::programs::Program;
use crate::servers::requests::Requests;

/// Pebble's settings, before it runs.
///
/// Unlike Pebble itself it starts predictable: no nonce is refused, no authorization reused, no validation delayed,
/// no `Retry-After` sent, and the CA's keys are ECDSA, which takes milliseconds where RSA takes seconds.
#[derive(Clone, Debug)]
pub struct PebbleBuilder {
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
    settings: Map<String, Value>,
    http_port: Option<u16>,
    tls_port: Option<u16>,
}

impl Default for PebbleBuilder {
    fn default() -> Self {
        let builder = Self {
            arguments: Vec::new(),
            environment: Vec::new(),
            settings: Map::new(),
            http_port: None,
            tls_port: None,
        };
        let builder = builder.variable("PEBBLE_VA_NOSLEEP", 1).nonce_reject(0).authz_reuse(0).ca_key(CaKey::Ecdsa);
        builder.variable("PEBBLE_WFE_ORDERS_PER_PAGE", 3)
    }
}

impl PebbleBuilder {
    /// Refuses good nonces that often, in percent; 100 refuses all (Pebble's own default is 5).
    #[must_use]
    pub fn nonce_reject(self, percent: u8) -> Self {
        self.variable("PEBBLE_WFE_NONCEREJECT", percent)
    }

    /// Reuses a valid authorization that often, in percent (Pebble's own default is 50). It is one percent more: even with 0, one in a hundred.
    #[must_use]
    pub fn authz_reuse(self, percent: u8) -> Self {
        self.variable("PEBBLE_AUTHZREUSE", percent)
    }

    /// Refuses what coming versions of the protocol will refuse.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.arguments.push("-strict".to_owned());
        self
    }

    /// Validates nothing: every challenge is met.
    #[must_use]
    pub fn always_valid(self) -> Self {
        self.variable("PEBBLE_VA_ALWAYS_VALID", 1)
    }

    /// Waits a random time up to this before each validation, in whole seconds, at least one.
    #[must_use]
    pub fn validation_delay(self, limit: Duration) -> Self {
        self.variable("PEBBLE_VA_NOSLEEP", 0).variable("PEBBLE_VA_SLEEPTIME", limit.as_secs().max(1))
    }

    /// Sends `Retry-After` with pending authorizations, in whole seconds, as a number or as a date by chance.
    #[must_use]
    pub fn authz_retry_after(mut self, wait: Duration) -> Self {
        self.object("retryAfter").insert("authz".to_owned(), json!(wait.as_secs()));
        self
    }

    /// Sends `Retry-After` with orders that are not ready yet, in whole seconds, as a number or as a date by chance.
    #[must_use]
    pub fn order_retry_after(mut self, wait: Duration) -> Self {
        self.object("retryAfter").insert("order".to_owned(), json!(wait.as_secs()));
        self
    }

    /// Demands external account binding, and takes this key: its id, and the MAC key in base64url.
    #[must_use]
    pub fn eab_key(mut self, kid: &str, mac: &str) -> Self {
        self.object("externalAccountMACKeys").insert(kid.to_owned(), json!(mac));
        self.setting("externalAccountBindingRequired", json!(true))
    }

    /// Offers a profile with that name whose certificates are valid so long, in whole seconds.
    ///
    /// An order that names none gets one of the offered profiles by chance; without any call there is one, `default`.
    #[must_use]
    pub fn profile(mut self, name: &str, validity: Duration) -> Self {
        let profile = json!({ "description": format!("the profile {name}"), "validityPeriod": validity.as_secs() });
        self.object("profiles").insert(name.to_owned(), profile);
        self
    }

    /// Offers so many chains besides the default one.
    #[must_use]
    pub fn alternate_roots(self, count: usize) -> Self {
        self.variable("PEBBLE_ALTERNATE_ROOTS", count)
    }

    /// Puts so many intermediates between leaf and root (one if not said).
    #[must_use]
    pub fn chain_length(self, intermediates: usize) -> Self {
        self.variable("PEBBLE_CHAIN_LENGTH", intermediates)
    }

    /// Signs with keys of this kind.
    #[must_use]
    pub fn ca_key(self, key: CaKey) -> Self {
        let word = match key {
            CaKey::Ecdsa => "ecdsa",
            CaKey::Rsa => "rsa",
        };
        self.setting("keyAlgorithm", json!(word))
    }

    /// Refuses orders for this name with `rejectedIdentifier`.
    #[must_use]
    pub fn blocked_name(mut self, name: &str) -> Self {
        if let Value::Array(names) = self.settings.entry("domainBlocklist").or_insert_with(|| json!([])) {
            names.push(json!(name));
        }
        self
    }

    /// Dials this port for HTTP-01; a free one if not said, to be read from [`Pebble::http_port`].
    #[must_use]
    pub fn http_port(mut self, port: u16) -> Self {
        self.http_port = Some(port);
        self
    }

    /// Dials this port for TLS-ALPN-01; a free one if not said, to be read from [`Pebble::tls_port`].
    #[must_use]
    pub fn tls_port(mut self, port: u16) -> Self {
        self.tls_port = Some(port);
        self
    }

    /// Asks this DNS server, over TCP, for everything; it must follow CNAME records itself. The system's resolver if not said.
    #[must_use]
    pub fn dns_server(mut self, address: SocketAddr) -> Self {
        self.arguments.extend(["-dnsserver".to_owned(), address.to_string()]);
        self
    }

    /// Lists so many orders of an account on one page (three if not said).
    #[must_use]
    pub fn orders_per_page(self, count: usize) -> Self {
        self.variable("PEBBLE_WFE_ORDERS_PER_PAGE", count)
    }

    /// Starts the server and waits until its directory answers.
    ///
    /// # Panics
    ///
    /// When the program is missing (the message says how to get it), or does not start (the message holds its log).
    #[must_use]
    #[track_caller]
    pub fn start(&self) -> Pebble {
        with_free_ports(|| self.try_start())
    }

    fn try_start(&self) -> io::Result<Pebble> {
        let folder = TempDir::new()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let management = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let (http_port, tls_port) = (self.http_port.unwrap_or_else(free_port), self.tls_port.unwrap_or_else(free_port));
        let endpoint = EndpointFiles::create(folder.path())?;
        let tls = Tls::trusting(&endpoint.root_pem)?;

        let mut settings = self.settings.clone();
        settings.insert("listenAddress".to_owned(), json!(address));
        settings.insert("managementListenAddress".to_owned(), json!(management));
        settings.insert("certificate".to_owned(), json!(endpoint.certificate));
        settings.insert("privateKey".to_owned(), json!(endpoint.key));
        settings.insert("httpPort".to_owned(), json!(http_port));
        settings.insert("tlsPort".to_owned(), json!(tls_port));
        let config = folder.path().join("pebble.json");
        fs::write(&config, json!({ "pebble": settings }).to_string())?;

        let mut arguments = vec!["-config".into(), config.into()];
        arguments.extend(self.arguments.iter().map(Into::into));
        let log = folder.path().join("pebble.log");
        let launch = Launch { program: Program::Pebble, arguments, environment: self.environment.clone(), log };
        let process = Process::start(launch, || ready(&tls, address, management))?;
        let asked_before = Requests::from_pebble_log(&process.log());
        Ok(Pebble {
            process,
            address,
            management,
            root_pem: endpoint.root_pem,
            tls,
            http_port,
            tls_port,
            root_file: endpoint.root,
            asked_before,
            _folder: folder,
        })
    }

    // A later word about the same variable wins.
    fn variable(mut self, name: &'static str, value: impl ToString) -> Self {
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.to_string()));
        self
    }

    fn setting(mut self, name: &str, value: Value) -> Self {
        self.settings.insert(name.to_owned(), value);
        self
    }

    fn object(&mut self, name: &str) -> &mut Map<String, Value> {
        let value = self.settings.entry(name).or_insert_with(|| json!({}));
        value.as_object_mut().unwrap_or_else(|| panic!("the setting {name} is no object"))
    }
}

/// The kind of key that the CA signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaKey {
    /// ECDSA with P-256; quick to start.
    Ecdsa,
    /// RSA with 2048 bits, which is Pebble's own default; each key takes up to a second or two.
    Rsa,
}
