//! Next-Gen Trust Security: the interface of TLS Protect Cloud behind the login of Strata Cloud Manager.

use std::fmt;
use std::sync::Arc;

use acme_core::{Clock, Error, ErrorKind, Retry, Secret, Timestamp, Transport, text};
use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use serde::Deserialize;
use solvers::credentials::{CredentialSource, Fetch, Fetched, Refreshing};

use super::answer::{json, oauth_error};
use super::connection::{Call, Credential, Wire, encoded};

/// An issuing template at Next-Gen Trust Security, and how to log in there.
pub struct Ngts {
    pub(super) address: String,
    pub(super) template: String,
    pub(super) durations: super::cloud::Durations,
    token_endpoint: String,
    tsg_id: String,
    client_id: String,
    client_secret: Secret<String>,
}

impl Ngts {
    /// The issuing template `zone` of the tenant service group `tsg_id`, for a service account.
    ///
    /// # Errors
    /// `Malformed` when `tsg_id` is no number, or `zone` is empty.
    pub fn new(
        zone: &str,
        tsg_id: &str,
        client_id: impl Into<String>,
        client_secret: Secret<String>,
    ) -> Result<Self, Error> {
        if tsg_id.is_empty() || tsg_id.len() > 20 || !tsg_id.bytes().all(|byte| byte.is_ascii_digit()) {
            let shown = text::printable(tsg_id, 40);
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("{shown:?} is no id of a tenant service group: those have ten digits"),
            ));
        }
        Ok(Self {
            address: ADDRESS.to_owned(),
            template: super::cloud::name(zone, "issuing template")?,
            durations: super::cloud::Durations::Left,
            token_endpoint: TOKEN_ENDPOINT.to_owned(),
            tsg_id: tsg_id.to_owned(),
            client_id: client_id.into(),
            client_secret,
        })
    }

    /// At another address than `https://api.sase.paloaltonetworks.com/ngts`.
    #[must_use]
    pub fn at(mut self, address: impl Into<String>) -> Self {
        self.address = address.into();
        self
    }

    /// Logs in at another address than `https://auth.apps.paloaltonetworks.com/oauth2/access_token`.
    #[must_use]
    pub fn with_token_endpoint(mut self, url: impl Into<String>) -> Self {
        self.token_endpoint = url.into();
        self
    }

    /// Asks for the duration that a request names. Left out, the template decides.
    #[must_use]
    pub fn ask_for_durations(mut self) -> Self {
        self.durations = super::cloud::Durations::Asked;
        self
    }

    pub(super) fn source(
        self,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn CredentialSource<Credential>>, Error> {
        let wire = Wire::new(&self.token_endpoint, transport, clock)?;
        let pair = format!("{}:{}", self.client_id, self.client_secret.expose());
        let client = Credential::basic(BASE64_STANDARD.encode(pair));
        Ok(Arc::new(Refreshing::new(ServiceAccount { wire, client, tsg_id: self.tsg_id })))
    }
}

impl fmt::Debug for Ngts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ngts")
            .field("address", &self.address)
            .field("template", &self.template)
            .field("tsg_id", &self.tsg_id)
            .finish_non_exhaustive()
    }
}

/// Fetches access tokens for a client id and a client secret (RFC 6749 section 4.4).
struct ServiceAccount {
    wire: Wire,
    client: Credential,
    tsg_id: String,
}

#[async_trait]
impl Fetch<Credential> for ServiceAccount {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<Credential>, Error> {
        #[derive(Deserialize)]
        struct Granted {
            access_token: String,
            token_type: String,
            #[serde(default)]
            expires_in: u64,
        }
        let scope = encoded(&format!("tsg_id:{}", self.tsg_id));
        let call = Call::form("logging in", "", format!("grant_type=client_credentials&scope={scope}"));
        let answer = self.wire.send(&call, Some(&self.client)).await?;
        if answer.status() != StatusCode::OK {
            let error = self.wire.refused(&call, &answer, oauth_error(answer.body()));
            let is_ours = answer.status().is_client_error() && answer.status() != StatusCode::TOO_MANY_REQUESTS;
            let advice =
                "check client id, client secret, and that the service account belongs to this tenant service group";
            return Err(if is_ours {
                Error::new(ErrorKind::Unauthorized, format!("{error}; {advice}")).with_retry(Retry::Never)
            } else {
                error
            });
        }
        let doing = self.wire.doing(&call);
        let granted: Granted = json(&doing, answer.body())?;
        if !granted.token_type.eq_ignore_ascii_case("bearer") || granted.access_token.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, format!("{doing}: the answer holds no bearer token")));
        }
        let life = std::time::Duration::from_secs(granted.expires_in.min(LONGEST_LIFE));
        let expires = (granted.expires_in > 0).then_some(now + life);
        Ok(Fetched::new(Credential::bearer(&granted.access_token), expires))
    }
}

const ADDRESS: &str = "https://api.sase.paloaltonetworks.com/ngts";
const TOKEN_ENDPOINT: &str = "https://auth.apps.paloaltonetworks.com/oauth2/access_token";
/// Tokens live for 15 minutes; nothing is believed for longer than a day.
const LONGEST_LIFE: u64 = 24 * 3600;
