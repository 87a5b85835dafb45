//! Trust Protection Platform, also called Certificate Manager Self-Hosted: the REST interfaces `vedsdk` and `vedauth`.

mod answer;
mod login;
mod rotation;
mod tokens;

use std::fmt;
use std::sync::Arc;

use acme_core::protocol::RevocationReason;
use acme_core::{Clock, Error, ErrorKind, Retry, Transport, text};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Response, StatusCode};
use rustls_pki_types::CertificateDer;
use serde::Serialize;
use sha1::{Digest as _, Sha1};

pub use login::Login;

use super::answer::certificate;
use super::connection::{Call, Connection, Wire};
use super::order::Order;
use super::service::{Found, Look, Platform};
use super::state::Fingerprint;
use super::zone::Zone;
use crate::limits;

/// A policy folder at a Trust Protection Platform, and how to log in there.
#[derive(Debug)]
pub struct Tpp {
    address: String,
    folder: String,
    login: Login,
    end_date: Vec<String>,
}

impl Tpp {
    /// The folder `zone` at the server at `address`, such as `https://tpp.example.com`; a path `/vedsdk` at its end is left out.
    ///
    /// The folder may be written with `\VED\Policy\` in front of it or without.
    ///
    /// # Errors
    /// `Malformed` when `zone` names no folder.
    pub fn new(address: &str, zone: &str, login: Login) -> Result<Self, Error> {
        let address = address.trim().trim_end_matches('/');
        let path = address.len().saturating_sub("/vedsdk".len());
        let is_interface = address.get(path..).is_some_and(|end| end.eq_ignore_ascii_case("/vedsdk"));
        let address = if is_interface { address.get(..path).unwrap_or(address) } else { address };
        Ok(Self { address: address.to_owned(), folder: policy_dn(zone)?, login, end_date: Vec::new() })
    }

    /// Asks for the duration that a request names, with this attribute of the certificate authority behind the folder: `Specific End Date`,
    /// `Microsoft CA:Specific End Date`, `DigiCert CA:Specific End Date`, `EntrustNET CA:Specific End Date`. Left out, the folder decides.
    #[must_use]
    pub fn with_end_date_as(mut self, attribute: impl Into<String>) -> Self {
        self.end_date.push(attribute.into());
        self
    }
}

/// A policy folder, reached.
pub(super) struct Folder {
    connection: Connection,
    folder: String,
    end_date: Vec<String>,
}

impl Folder {
    pub(super) fn new(settings: Tpp, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let wire = Wire::new(&settings.address, transport, clock)?;
        let credentials = settings.login.source(&wire);
        let connection = Connection { wire, credentials };
        Ok(Self { connection, folder: settings.folder, end_date: settings.end_date })
    }

    /// Where the object of a request is: the name under which it is picked up.
    fn object(&self, order: &Order<'_>) -> String {
        format!("{}\\{}", self.folder, order.object_name)
    }

    /// The error for an answer that says no.
    fn refused(&self, call: &Call<'_>, answer: &Response<Bytes>) -> Error {
        let says = answer::error(answer.body());
        let no_folder = says.as_deref().is_some_and(|it| it.contains("PolicyDN") && it.contains("does not exist"));
        if answer.status() == StatusCode::BAD_REQUEST && no_folder {
            let doing = self.connection.wire.doing(call);
            let what = format!(
                "{doing}: there is no policy folder {:?}: correct the zone",
                text::printable(&self.folder, 200)
            );
            return Error::new(ErrorKind::NotFound, what).with_retry(Retry::Never);
        }
        self.connection.wire.refused(call, answer, says)
    }

    async fn reset(&self, object: &str, restart: Restart) -> Result<(), Error> {
        let body = body(&Reset { certificate_dn: object, restart: restart == Restart::Yes })?;
        let call = Call::post("resetting a failed request", "vedsdk/certificates/reset", body);
        let answer = self.connection.send(&call).await?;
        match answer.status() {
            // Nothing there, or nothing to be reset, is fine.
            StatusCode::OK | StatusCode::BAD_REQUEST => Ok(()),
            _ => Err(self.refused(&call, &answer)),
        }
    }

    /// What is there under this name; `None` when there is no object.
    async fn shown(&self, object: &str) -> Result<Option<Look>, Error> {
        let answer = self.retrieve(object).await?;
        match answer::retrieved(PICKING_UP, answer.status(), answer.body())? {
            None if answer.status() != StatusCode::BAD_REQUEST => {
                Err(self.refused(&Call::get(PICKING_UP, ""), &answer))
            }
            shown => Ok(shown),
        }
    }

    async fn retrieve(&self, object: &str) -> Result<Response<Bytes>, Error> {
        let body = body(&Retrieve { certificate_dn: object, format: "base64", include_chain: true })?;
        self.connection.send(&Call::post(PICKING_UP, "vedsdk/certificates/retrieve", body)).await
    }
}

#[async_trait]
impl Platform for Folder {
    /// A failure of an earlier request would be answered to this one; resetting leaves a certificate that is there alone.
    async fn prepare(&self, order: &Order<'_>) -> Result<Bytes, Error> {
        self.reset(&self.object(order), Restart::No).await?;
        let mut fields: Vec<Field<'_>> = Vec::new();
        for field in order.fields {
            match fields.iter_mut().find(|it| it.name == field.name) {
                Some(known) => known.values.push(&field.value),
                None => fields.push(Field { name: &field.name, values: vec![&field.value] }),
            }
        }
        let end = order.duration.map(|duration| (order.now + duration).to_string());
        let mut attributes = vec![Attribute { name: "Origin", value: ORIGIN }];
        for name in &self.end_date {
            attributes.extend(end.as_deref().map(|value| Attribute { name, value }));
        }
        body(&RequestBody {
            policy_dn: &self.folder,
            object_name: &order.object_name,
            pkcs10: &order.csr_pem,
            ca_specific_attributes: attributes,
            custom_fields: fields,
            origin: ORIGIN,
            certificate_type: "AUTO",
            disable_automatic_renewal: true,
            reenable: true,
        })
    }

    async fn submit(&self, request: &Bytes) -> Result<String, Error> {
        let call = Call::post("requesting a certificate", "vedsdk/certificates/request", request.clone());
        let answer = self.connection.send(&call).await?;
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED => {
                answer::requested(&self.connection.wire.doing(&call), answer.body())
            }
            _ => Err(self.refused(&call, &answer)),
        }
    }

    async fn present(&self, order: &Order<'_>) -> Result<Option<Fingerprint>, Error> {
        Ok(match self.shown(&self.object(order)).await? {
            // What cannot be read is nobody's renewal.
            Some(Look::Issued(pem)) => {
                certificate(&pem, &order.public_key).ok().flatten().as_ref().map(Fingerprint::of)
            }
            Some(Look::Pending(_) | Look::Stuck(_) | Look::Failed(_)) | None => None,
        })
    }

    fn can_find(&self) -> bool {
        true
    }

    async fn find(&self, order: &Order<'_>, old: Option<&Fingerprint>) -> Result<Found, Error> {
        let object = self.object(order);
        Ok(match self.shown(&object).await? {
            Some(Look::Pending(_)) => Found::Request(object),
            Some(Look::Issued(pem)) if old.is_some_and(|old| old.is_in(&pem, &order.public_key)) => Found::Old,
            Some(Look::Issued(pem)) if certificate(&pem, &order.public_key)?.is_none() => Found::Nothing,
            Some(Look::Issued(_)) => Found::Request(object),
            Some(Look::Stuck(_) | Look::Failed(_)) | None => Found::Nothing,
        })
    }

    async fn look(&self, pickup: &str) -> Result<Look, Error> {
        let answer = self.retrieve(pickup).await?;
        match answer::retrieved(PICKING_UP, answer.status(), answer.body())? {
            Some(look) => Ok(look),
            None => {
                let error = self.refused(&Call::get(PICKING_UP, ""), &answer);
                // Somebody removed the object: another request makes it anew.
                let is_gone = error.to_string().contains("does not exist");
                Err(if is_gone { Error::new(ErrorKind::NotFound, error.to_string()) } else { error })
            }
        }
    }

    async fn restart(&self, pickup: &str) -> Result<(), Error> {
        self.reset(pickup, Restart::Yes).await
    }

    async fn zone(&self) -> Result<Zone, Error> {
        let body = body(&PolicyBody { policy_dn: &self.folder })?;
        let call = Call::post("reading the policy folder", "vedsdk/certificates/checkpolicy", body);
        let answer = self.connection.send(&call).await?;
        match answer.status() {
            StatusCode::OK => answer::zone(&self.connection.wire.doing(&call), answer.body()),
            _ => Err(self.refused(&call, &answer)),
        }
    }

    fn can_revoke(&self) -> bool {
        true
    }

    async fn revoke(&self, certificate: &CertificateDer<'_>, reason: Option<RevocationReason>) -> Result<(), Error> {
        let thumbprint = hex_upper(&Sha1::digest(certificate.as_ref()));
        let reason = reason.map_or(0, u8::from);
        if reason > 5 {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("the platform knows no revocation for reason {reason}: name another one of RFC 5280, up to 5"),
            ));
        }
        let body =
            body(&RevokeBody { thumbprint: &thumbprint, reason, comments: "revoked by certwright", disable: false })?;
        let call = Call::post("revoking a certificate", "vedsdk/certificates/revoke", body);
        let answer = self.connection.send(&call).await?;
        match answer.status() {
            StatusCode::OK | StatusCode::ACCEPTED => answer::revoked(&self.connection.wire.doing(&call), answer.body()),
            _ => Err(self.refused(&call, &answer)),
        }
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tpp").field("connection", &self.connection).field("folder", &self.folder).finish()
    }
}

/// The distinguished name of a policy folder, from any way to write it.
fn policy_dn(zone: &str) -> Result<String, Error> {
    let mut parts: Vec<&str> = zone.trim().split('\\').filter(|part| !part.is_empty()).collect();
    if let [first, second, ..] = parts.as_slice()
        && first.eq_ignore_ascii_case("VED")
        && second.eq_ignore_ascii_case("Policy")
    {
        parts.drain(..2);
    }
    let dn = format!("\\VED\\Policy\\{}", parts.join("\\"));
    if parts.is_empty() || dn.len() > limits::VENAFI_NAME || dn.contains(char::is_control) {
        let shown = text::printable(zone, 120);
        return Err(Error::new(
            ErrorKind::Malformed,
            format!("{shown:?} is no policy folder: write \\VED\\Policy\\Folder"),
        ));
    }
    Ok(dn)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Restart {
    Yes,
    No,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RequestBody<'a> {
    #[serde(rename = "PolicyDN")]
    policy_dn: &'a str,
    object_name: &'a str,
    #[serde(rename = "PKCS10")]
    pkcs10: &'a str,
    #[serde(rename = "CASpecificAttributes")]
    ca_specific_attributes: Vec<Attribute<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    custom_fields: Vec<Field<'a>>,
    origin: &'a str,
    certificate_type: &'a str,
    disable_automatic_renewal: bool,
    reenable: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute<'a> {
    name: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Field<'a> {
    name: &'a str,
    values: Vec<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Retrieve<'a> {
    #[serde(rename = "CertificateDN")]
    certificate_dn: &'a str,
    format: &'a str,
    include_chain: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reset<'a> {
    #[serde(rename = "CertificateDN")]
    certificate_dn: &'a str,
    restart: bool,
}

#[derive(Serialize)]
struct PolicyBody<'a> {
    #[serde(rename = "PolicyDN")]
    policy_dn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RevokeBody<'a> {
    thumbprint: &'a str,
    reason: u8,
    comments: &'a str,
    disable: bool,
}

fn body(value: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|source| Error::new(ErrorKind::Internal, "a request cannot be written").with_source(source))
}

fn hex_upper(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

const PICKING_UP: &str = "picking up a certificate";
/// Shown in the platform as where a certificate comes from.
const ORIGIN: &str = "certwright";
