//! A plain HTTP service of one's own, in the format of lego's `httpreq`.

use std::fmt;
use std::sync::Arc;

use acme_core::{Clock, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use super::http_api::{Basic, Fault, HttpApi, Service};
use crate::Error;
use crate::credentials::{CredentialSource, Fixed};
use crate::dns01::{DnsProvider, TxtRecord, Zones};

/// Posts each value to `/present` and `/cleanup` of a service, which writes it wherever it can: `{"fqdn": "_acme-challenge.example.org.", "value": "…"}`.
///
/// Any 2xx is a success. The service keeps the contract of [`DnsProvider`]; it hears names after delegation, and needs to know no zones.
#[derive(Clone)]
pub struct HttpReq {
    api: HttpApi<Option<Basic>>,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Value,
    KeyAuthorization,
}

impl HttpReq {
    /// A provider that asks the service at `endpoint`, without credentials.
    ///
    /// # Errors
    /// `Malformed` when `endpoint` is no URL.
    pub fn new(endpoint: &str, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Self::with_login(endpoint, Arc::new(Fixed::new(None)), transport, clock)
    }

    /// The same, with a user's name and password where the source answers them.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_login(
        endpoint: &str,
        login: Arc<dyn CredentialSource<Option<Basic>>>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Ok(Self { api: HttpApi::new(SERVICE, endpoint, login, transport, clock)?, form: Form::Value })
    }

    /// Sends `{"domain", "token", "keyAuth"}` instead (lego's mode RAW): the service makes owner and value of them itself.
    #[must_use]
    pub fn raw(mut self) -> Self {
        self.form = Form::KeyAuthorization;
        self
    }

    async fn post(&self, doing: &str, path: &str, record: &TxtRecord) -> Result<(), Error> {
        let what = format!("{doing} a TXT value at {}", record.owner);
        self.api.send(&what, Method::POST, path, Some(&self.body(record)?)).await.map(drop)
    }

    fn body(&self, record: &TxtRecord) -> Result<Value, Error> {
        match self.form {
            Form::Value => Ok(json!({ "fqdn": format!("{}.", record.owner), "value": record.value })),
            Form::KeyAuthorization => {
                let proof = record.needed_key_authorization()?;
                Ok(json!({ "domain": record.identifier, "token": proof.token(), "keyAuth": proof.as_str() }))
            }
        }
    }
}

#[async_trait]
impl DnsProvider for HttpReq {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        self.post("adding", "/present", record).await
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        self.post("removing", "/cleanup", record).await
    }

    fn zones(&self) -> Zones<'_> {
        Zones::Unneeded
    }
}

impl fmt::Debug for HttpReq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpReq").field("api", &self.api).field("form", &self.form).finish()
    }
}

/// The service says what it likes; its first words may help.
fn fault(answer: &Response<Bytes>) -> Option<Fault> {
    let fault = Fault::by_status(answer, String::from_utf8_lossy(answer.body()))?;
    Some(match answer.status().as_u16() {
        401 => fault.advising("check the user and the password"),
        403 => fault.advising("the service must let this user write the name"),
        _ => fault,
    })
}

const SERVICE: Service = Service { name: "the HTTP service", fault };
