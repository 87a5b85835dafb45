//! Accounts of an acme-dns server, in the file format of cert-manager and lego.

use std::collections::BTreeMap;
use std::fmt;

use acme_core::{DnsName, Error, ErrorKind, Secret, Timestamp};
use bytes::Bytes;
use http::{HeaderName, Request};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::dns::http_api::{Credential, sensitive};

/// One account: who may update one name of the server.
#[derive(Deserialize)]
#[serde(try_from = "Wire")]
pub struct Account {
    username: Secret<String>,
    password: Secret<String>,
    full_domain: DnsName,
    subdomain: String,
    allow_from: Vec<String>,
}

impl Account {
    /// The name that it serves.
    pub fn full_domain(&self) -> &DnsName {
        &self.full_domain
    }

    /// The record that delegates the challenges of `domain` to it.
    pub fn delegation_of(&self, domain: &DnsName) -> String {
        format!("_acme-challenge.{}. CNAME {}.", domain.base(), self.full_domain)
    }

    /// It as an entry of the file; keep it where secrets are kept.
    pub fn to_json(&self) -> Secret<String> {
        let value = json!({
            "username": self.username.expose(),
            "password": self.password.expose(),
            "fulldomain": self.full_domain,
            "subdomain": self.subdomain,
            "allowfrom": self.allow_from,
        });
        Secret::new(value.to_string())
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("full_domain", &self.full_domain).finish_non_exhaustive()
    }
}

/// Accounts by the name that each one proves.
#[derive(Default)]
pub struct Accounts(BTreeMap<DnsName, Account>);

impl Accounts {
    /// No accounts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Proves `domain` with `account`.
    #[must_use]
    pub fn with(mut self, domain: DnsName, account: Account) -> Self {
        self.0.insert(domain.base(), account);
        self
    }

    /// Reads the file that cert-manager and lego keep: an object with an account for each name, without `*.`.
    ///
    /// # Errors
    /// `Malformed` when it is none.
    pub fn from_json(text: &Secret<String>) -> Result<Self, Error> {
        // What serde says of a value could show a part of it.
        let read = serde_json::from_str(text.expose()).map(Self);
        read.map_err(|_| {
            let form = "{\"example.com\": {\"username\", \"password\", \"fulldomain\", \"subdomain\"}}";
            Error::new(ErrorKind::Malformed, format!("the accounts of acme-dns are no JSON of this form: {form}"))
        })
    }

    pub(super) fn of(&self, domain: &DnsName) -> Result<&Account, Error> {
        self.0.get(&domain.base()).ok_or_else(|| {
            let known: Vec<&str> = self.0.keys().map(DnsName::as_str).take(SHOWN).collect();
            let known =
                if known.is_empty() { "there are none".to_owned() } else { format!("there are: {}", known.join(", ")) };
            Error::new(
                ErrorKind::NotFound,
                format!(
                    "there is no acme-dns account for {domain} among those given ({known}); register one and add it"
                ),
            )
        })
    }
}

impl Credential for Accounts {
    /// Puts the account's subdomain in the place of the name that it is for.
    fn authenticate(&self, request: &mut Request<Bytes>, _: Timestamp) -> Result<(), Error> {
        let Ok(Value::Object(mut body)) = serde_json::from_slice(request.body()) else { return Ok(()) };
        let Some(Value::String(domain)) = body.remove("domain") else { return Ok(()) };
        let account = self.of(&DnsName::parse(&domain)?)?;
        body.insert("subdomain".to_owned(), account.subdomain.clone().into());
        *request.body_mut() = Value::Object(body).to_string().into();
        request.headers_mut().insert(USER, sensitive(&account.username)?);
        request.headers_mut().insert(KEY, sensitive(&account.password)?);
        Ok(())
    }

    fn secrets(&self) -> Vec<&str> {
        self.0.values().flat_map(|it| [it.username.expose().as_str(), it.password.expose().as_str()]).collect()
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Accounts").field(&self.0).finish()
    }
}

#[derive(Deserialize)]
struct Wire {
    username: String,
    password: String,
    fulldomain: DnsName,
    subdomain: String,
    #[serde(default)]
    allowfrom: Option<Vec<String>>,
}

impl TryFrom<Wire> for Account {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        if wire.subdomain.is_empty() {
            return Err("an account has a subdomain");
        }
        Ok(Self {
            username: Secret::new(wire.username),
            password: Secret::new(wire.password),
            full_domain: wire.fulldomain,
            subdomain: wire.subdomain,
            allow_from: wire.allowfrom.unwrap_or_default(),
        })
    }
}

const USER: HeaderName = HeaderName::from_static("x-api-user");
const KEY: HeaderName = HeaderName::from_static("x-api-key");
/// How many names an error lists.
const SHOWN: usize = 5;
