//! acme-dns: a small name server for challenges alone, to which names are delegated.

mod accounts;

use std::fmt;
use std::sync::Arc;

use acme_core::{Clock, DnsName, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use serde::Deserialize;
use serde_json::json;

pub use accounts::{Account, Accounts};

use super::http_api::{Fault, HttpApi, Ids, Meaning, Service};
use crate::credentials::{CredentialSource, Fixed};
use crate::dns01::{Delegation, DnsProvider, Resolver, TxtRecord, Zones};
use crate::{Error, ErrorKind};

/// Updates the TXT records of accounts at an acme-dns server, one account for each name.
///
/// The server keeps the last two values of an account and removes none, so an account serves a name and its wildcard, and nothing more. A repeated update would
/// push the other value out: whether the value is served already is looked up first. [`register`] makes an account; then `_acme-challenge` of the name must become an
/// alias of the account's [full domain](Account::full_domain), and as long as it is none, the error says which record is missing.
#[derive(Clone)]
pub struct AcmeDns {
    api: HttpApi<Accounts>,
    accounts: Arc<dyn CredentialSource<Accounts>>,
    resolver: Resolver,
    /// What this process wrote lately, by owner and value.
    written: Arc<Ids<(DnsName, String)>>,
}

impl AcmeDns {
    /// A provider that updates at `host`, the server's address, and looks through `resolver`.
    ///
    /// # Errors
    /// `Malformed` when `host` is no URL; it wants its scheme.
    pub fn new(
        host: &str,
        accounts: Arc<dyn CredentialSource<Accounts>>,
        resolver: Resolver,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let api = HttpApi::new(SERVICE, host, Arc::clone(&accounts), transport, clock)?;
        Ok(Self { api, accounts, resolver, written: Arc::default() })
    }

    /// Is the name that the certificate authority asks an alias of the account's?
    async fn is_delegated(&self, record: &TxtRecord, full_domain: &DnsName) -> Result<(), Error> {
        let end = self.resolver.locate(&record.owner, Delegation::Follow).await?.into_end();
        if end == *full_domain {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Refused,
            format!(
                "{} is not delegated to the acme-dns account of {}; make this record: {}. CNAME {full_domain}.",
                record.owner, record.identifier, record.owner
            ),
        )
        .with_retry(crate::Retry::Backoff))
    }

    async fn is_served(&self, full_domain: &DnsName, value: &str) -> bool {
        match self.resolver.shows(full_domain, value).await {
            Ok(is_served) => is_served,
            Err(error) => {
                tracing::debug!(%full_domain, %error, "whether a value is served already could not be looked up");
                false
            }
        }
    }
}

#[async_trait]
impl DnsProvider for AcmeDns {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let what = format!("adding a TXT value at {}", record.owner);
        let about = |error: Error| error.while_doing(&what);
        let now = self.api.clock().now();
        let accounts = self.accounts.credential(now).await.map_err(about)?;
        let full_domain = accounts.of(&record.identifier).map_err(about)?.full_domain().clone();
        self.is_delegated(record, &full_domain).await.map_err(about)?;
        let key = (full_domain, record.value.clone());
        if self.written.known(&key, now).is_some() || self.is_served(&key.0, &record.value).await {
            return Ok(());
        }
        // The account's own part is added with its password.
        let body = json!({ "domain": record.identifier, "txt": record.value });
        self.api.send(&what, Method::POST, "/update", Some(&body)).await?;
        self.written.remember(key, "", now);
        Ok(())
    }

    /// The server removes nothing; later values push this one out.
    async fn remove_txt(&self, _: &TxtRecord) -> Result<(), Error> {
        Ok(())
    }

    fn zones(&self) -> Zones<'_> {
        Zones::Unneeded
    }
}

impl fmt::Debug for AcmeDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcmeDns").field("api", &self.api).finish_non_exhaustive()
    }
}

/// Makes a new account at `host`, from which only `allow_from` (networks such as `192.0.2.0/24`; anywhere when empty) may update.
///
/// Keep it, then make the alias that [`Account::delegation_of`] names.
///
/// # Errors
/// `Malformed` for an address that is none; what the server refuses.
pub async fn register(
    host: &str,
    allow_from: &[&str],
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
) -> Result<Account, Error> {
    let nobody = Arc::new(Fixed::new(Accounts::default()));
    let api = HttpApi::new(SERVICE, host, nobody, transport, clock)?;
    let body = (!allow_from.is_empty()).then(|| json!({ "allowfrom": allow_from }));
    api.ask("registering an account", Method::POST, "/register", body.as_ref()).await
}

fn fault(answer: &Response<Bytes>) -> Option<Fault> {
    if answer.status().is_success() {
        return None;
    }
    let told: Complaint = serde_json::from_slice(answer.body()).unwrap_or_default();
    let (meaning, advice) = match told.error.as_str() {
        "forbidden" => (
            Meaning::Credentials,
            "the server knows no such account, or the account may not be updated from this address (allowfrom)",
        ),
        "bad_txt" => (Meaning::Refused, "it takes values of 43 characters, as challenges have them"),
        "bad_subdomain" | "invalid_allowfrom_cidr" | "malformed_json_payload" => (Meaning::Refused, ""),
        _ => return Fault::by_status(answer, told.error),
    };
    Some(Fault::new(told.error, "", meaning).advising(advice))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Complaint {
    error: String,
}

const SERVICE: Service = Service { name: "acme-dns", fault };
