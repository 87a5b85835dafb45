//! TLS Protect Cloud, and what Next-Gen Trust Security has in common with it: the REST interface `outagedetection/v1`.

mod answer;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock, Error, ErrorKind, Retry, Secret, Transport, text};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;
use solvers::credentials::Fixed;

use super::connection::{Call, Connection, Credential, Wire, encoded};
use super::ngts::Ngts;
use super::order::Order;
use super::service::{Look, Platform};
use super::zone::Zone;
use crate::limits;

/// An application and an issuing template at TLS Protect Cloud, and an API key.
pub struct Cloud {
    address: String,
    application: String,
    alias: String,
    durations: Durations,
    key: Secret<String>,
}

/// Whether durations are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durations {
    Asked,
    Left,
}

impl Cloud {
    /// The zone `application\template alias`, with an API key of a user who may request there. The tenant is taken to be in the United States.
    ///
    /// # Errors
    /// `Malformed` when `zone` has not these two parts.
    pub fn new(zone: &str, key: Secret<String>) -> Result<Self, Error> {
        // Where a backslash means something, two of them stand for one.
        let parts: Vec<&str> = zone.split('\\').filter(|part| !part.trim().is_empty()).collect();
        let [application, alias] = parts.as_slice() else {
            let shown = text::printable(zone, 120);
            return Err(Error::new(
                ErrorKind::Malformed,
                format!(
                    "{shown:?} is no zone: write the application's name, a backslash, and the alias of an issuing template"
                ),
            ));
        };
        Ok(Self {
            address: US.to_owned(),
            application: name(application, "application")?,
            alias: name(alias, WHAT)?,
            durations: Durations::Left,
            key,
        })
    }

    /// At this address; [`EU`](Self::EU), [`AU`](Self::AU) and the others are those of the regions.
    #[must_use]
    pub fn at(mut self, address: impl Into<String>) -> Self {
        self.address = address.into();
        self
    }

    /// Asks for the duration that a request names. Left out, the template decides.
    #[must_use]
    pub fn ask_for_durations(mut self) -> Self {
        self.durations = Durations::Asked;
        self
    }

    /// Tenants in the United States.
    pub const US: &'static str = US;
    /// Tenants in Europe.
    pub const EU: &'static str = "https://api.venafi.eu";
    /// Tenants in Australia.
    pub const AU: &'static str = "https://api.au.venafi.cloud";
    /// Tenants in the United Kingdom.
    pub const UK: &'static str = "https://api.uk.venafi.cloud";
    /// Tenants in Singapore.
    pub const SG: &'static str = "https://api.sg.venafi.cloud";
    /// Tenants in Canada.
    pub const CA: &'static str = "https://api.ca.venafi.cloud";
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloud")
            .field("address", &self.address)
            .field("application", &self.application)
            .field("alias", &self.alias)
            .finish_non_exhaustive()
    }
}

/// A tenant of either service, reached.
pub(super) struct Tenant {
    connection: Connection,
    place: Place,
    durations: Durations,
}

/// What a zone names.
#[derive(Debug)]
enum Place {
    /// An alias within an application.
    Alias { application: String, alias: String },
    /// A template by its name.
    Template(String),
}

impl Tenant {
    pub(super) fn cloud(settings: Cloud, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let wire = Wire::new(&settings.address, transport, clock)?;
        let key = Credential::key("tppl-api-key", settings.key.expose().clone());
        let place = Place::Alias { application: settings.application, alias: settings.alias };
        let connection = Connection { wire, credentials: Arc::new(Fixed::new(key)) };
        Ok(Self { connection, place, durations: settings.durations })
    }

    pub(super) fn ngts(settings: Ngts, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let wire = Wire::new(&settings.address, Arc::clone(&transport), Arc::clone(&clock))?;
        let (place, durations) = (Place::Template(settings.template.clone()), settings.durations);
        let connection = Connection { wire, credentials: settings.source(transport, clock)? };
        Ok(Self { connection, place, durations })
    }

    /// The ids of what the zone names.
    async fn locate(&self) -> Result<Located, Error> {
        match &self.place {
            Place::Alias { application, alias } => {
                let path = format!("outagedetection/v1/applications/name/{}", encoded(application));
                let call = Call::get("reading the application", path);
                let answer = self.connection.send(&call).await?;
                let found = match answer.status() {
                    StatusCode::OK => answer::application(&self.connection.wire.doing(&call), answer.body())?,
                    _ => return Err(self.refused(&call, &answer, "application", application)),
                };
                match found.templates.get(alias) {
                    Some(template) => Ok(Located { application: Some(found.id), template: template.clone() }),
                    None => Err(not_found(&self.connection.wire.doing(&call), WHAT, alias)),
                }
            }
            Place::Template(name) => {
                let template = self.template(name).await?;
                Ok(Located { application: None, template: template.id })
            }
        }
    }

    async fn template(&self, name: &str) -> Result<answer::Template, Error> {
        let call = Call::get("reading the issuing templates", "v1/certificateissuingtemplates");
        let answer = self.connection.send(&call).await?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(&call, &answer, WHAT, name));
        }
        let doing = self.connection.wire.doing(&call);
        let templates = answer::templates(&doing, answer.body())?;
        templates.into_iter().find(|it| it.name == name).ok_or_else(|| not_found(&doing, WHAT, name))
    }

    /// The error for an answer that says no to a question about `what` called `name`.
    fn refused(&self, call: &Call<'_>, answer: &Response<Bytes>, what: &str, name: &str) -> Error {
        let refusal = answer::errors(answer.body());
        let is_missing = refusal.as_ref().is_some_and(|it| it.is_zone_missing());
        if answer.status() == StatusCode::NOT_FOUND || is_missing {
            return not_found(&self.connection.wire.doing(call), what, name);
        }
        self.connection.wire.refused(call, answer, refusal.map(|it| it.says))
    }

    fn said_no(&self, call: &Call<'_>, answer: &Response<Bytes>) -> Error {
        let says = answer::errors(answer.body()).map(|it| it.says);
        self.connection.wire.refused(call, answer, says)
    }
}

#[async_trait]
impl Platform for Tenant {
    async fn prepare(&self, order: &Order<'_>) -> Result<Bytes, Error> {
        let located = self.locate().await?;
        let asked = order.duration.filter(|_| self.durations == Durations::Asked);
        let body = RequestBody {
            certificate_signing_request: &order.csr_pem,
            application_id: located.application.as_deref(),
            certificate_issuing_template_id: &located.template,
            is_vaas_generated: false,
            validity_period: asked.map(period),
            api_client_information: ClientInformation { kind: ORIGIN, identifier: ORIGIN },
        };
        serde_json::to_vec(&body)
            .map(Bytes::from)
            .map_err(|source| Error::new(ErrorKind::Internal, "a request cannot be written").with_source(source))
    }

    async fn submit(&self, request: &Bytes) -> Result<String, Error> {
        let path = "outagedetection/v1/certificaterequests";
        let call = Call::post("requesting a certificate", path, request.clone());
        let answer = self.connection.send(&call).await?;
        match answer.status() {
            StatusCode::CREATED => answer::requested(&self.connection.wire.doing(&call), answer.body()),
            _ => Err(self.said_no(&call, &answer)),
        }
    }

    async fn look(&self, pickup: &str) -> Result<Look, Error> {
        let path = format!("outagedetection/v1/certificaterequests/{}", encoded(pickup));
        let call = Call::get("looking for a certificate", path);
        let answer = self.connection.send(&call).await?;
        if answer.status() != StatusCode::OK {
            return Err(self.said_no(&call, &answer));
        }
        let certificate = match answer::status(&self.connection.wire.doing(&call), answer.body())? {
            answer::Status::Issued(id) => id,
            answer::Status::Pending(says) => return Ok(Look::Pending(says)),
            answer::Status::Failed(says) => return Ok(Look::Failed(says)),
        };
        let path = format!(
            "outagedetection/v1/certificates/{}/contents?chainOrder=EE_FIRST&format=PEM",
            encoded(&certificate)
        );
        let call = Call::get("picking up a certificate", path).accepting("*/*");
        let answer = self.connection.send(&call).await?;
        match answer.status() {
            StatusCode::OK => Ok(Look::Issued(answer.body().to_vec())),
            // Not signed yet; or signed, and not everywhere yet.
            StatusCode::CONFLICT | StatusCode::NOT_FOUND => {
                Ok(Look::Pending("it is not there to be picked up yet".to_owned()))
            }
            _ => Err(self.said_no(&call, &answer)),
        }
    }

    async fn restart(&self, _: &str) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Internal, "requests to this service do not get stuck"))
    }

    async fn zone(&self) -> Result<Zone, Error> {
        let (application, alias) = match &self.place {
            Place::Template(name) => return self.template(name).await.map(answer::Template::into_zone),
            Place::Alias { application, alias } => (application, alias),
        };
        let (first, second) = (encoded(application), encoded(alias));
        let path = format!("outagedetection/v1/applications/{first}/certificateissuingtemplates/{second}");
        let call = Call::get("reading the issuing template", path);
        let answer = self.connection.send(&call).await?;
        let (doing, both) = (self.connection.wire.doing(&call), format!("{application}\\{alias}"));
        match answer.status() {
            StatusCode::OK => answer::template(&doing, answer.body()).map(answer::Template::into_zone),
            StatusCode::BAD_REQUEST => Err(not_found(&doing, WHAT, &both)),
            _ => Err(self.refused(&call, &answer, WHAT, &both)),
        }
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant").field("connection", &self.connection).field("place", &self.place).finish()
    }
}

struct Located {
    application: Option<String>,
    template: String,
}

fn not_found(doing: &str, what: &str, name: &str) -> Error {
    let shown = text::printable(name, 120);
    Error::new(ErrorKind::NotFound, format!("{doing}: there is no {what} {shown:?}: correct the zone"))
        .with_retry(Retry::Never)
}

/// A part of a zone.
pub(super) fn name(text: &str, what: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() || text.len() > limits::VENAFI_NAME || text.contains(char::is_control) {
        let shown = text::printable(text, 80);
        return Err(Error::new(ErrorKind::Malformed, format!("{shown:?} is no name of an {what}")));
    }
    Ok(text.to_owned())
}

/// A duration in the words of ISO 8601.
fn period(duration: Duration) -> String {
    let seconds = duration.as_secs();
    format!("PT{}H{}M{}S", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestBody<'a> {
    certificate_signing_request: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_id: Option<&'a str>,
    certificate_issuing_template_id: &'a str,
    #[serde(rename = "isVaaSGenerated")]
    is_vaas_generated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    validity_period: Option<String>,
    api_client_information: ClientInformation<'a>,
}

#[derive(Serialize)]
struct ClientInformation<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    identifier: &'a str,
}

const WHAT: &str = "issuing template";
const US: &str = "https://api.venafi.cloud";
/// Shown by the service as where a certificate comes from.
const ORIGIN: &str = "certwright";
