//! A service in the format of lego's `httpreq`, in both of its modes.

use bytes::Bytes;
use http::{Method, Response};
use serde_json::Value;

use super::{Asked, Service, empty, json};
use crate::SimDns;

/// Writes what it is told into `dns`, for one user.
pub struct HttpReq {
    dns: SimDns,
    login: Option<String>,
    /// Makes the value of a key authorization, in the mode RAW.
    value: Option<fn(&str) -> String>,
}

impl HttpReq {
    /// A service that lets in everybody.
    pub fn new(dns: SimDns) -> Self {
        Self { dns, login: None, value: None }
    }

    /// Wants this `Authorization` header (`Basic …`).
    #[must_use]
    pub fn with_login(mut self, header: &str) -> Self {
        self.login = Some(header.to_owned());
        self
    }

    /// Wants domain, token and key authorization, of which `value` makes the TXT value.
    #[must_use]
    pub fn raw(mut self, value: fn(&str) -> String) -> Self {
        self.value = Some(value);
        self
    }

    fn read(&self, asked: &Asked) -> Option<(String, String)> {
        let Some(value) = self.value else {
            let object = asked.object(&["fqdn", "value"])?;
            let (fqdn, value) = (object.get("fqdn")?.as_str()?, object.get("value")?.as_str()?);
            return Some((fqdn.strip_suffix('.')?.to_owned(), value.to_owned()));
        };
        let object = asked.object(&["domain", "token", "keyAuth"])?;
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        let (domain, token, proof) = (text("domain")?, text("token")?, text("keyAuth")?);
        Some((format!("_acme-challenge.{domain}"), proof.starts_with(token).then(|| value(proof))?))
    }
}

impl Service for HttpReq {
    fn answer(&self, asked: &Asked) -> Response<Bytes> {
        if self.login.is_some() && asked.header("authorization") != self.login.as_deref() {
            return json(401, &serde_json::json!("who are you?"));
        }
        let Some((owner, value)) = self.read(asked).filter(|_| asked.method == Method::POST && asked.query.is_empty())
        else {
            return json(400, &serde_json::json!("this is no request of httpreq"));
        };
        match asked.path.as_str() {
            "/present" => self.dns.add_txt(&owner, &value),
            "/cleanup" => self.dns.remove_txt(&owner, &value),
            _ => return empty(404),
        }
        empty(200)
    }
}
