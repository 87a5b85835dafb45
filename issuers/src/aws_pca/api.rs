//! The four calls, and what the service's own codes mean.

use acme_core::{Error, ErrorKind, Retry, pem, text};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use rustls_pki_types::CertificateSigningRequestDer;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use solvers::credentials::aws::{Client, Fault};

use super::arn::AuthorityArn;
use super::state::{State, Validity};

/// The service, for one certificate authority.
pub(super) struct Api<'a> {
    pub(super) client: &'a Client,
    pub(super) authority: &'a AuthorityArn,
}

/// A certificate and what is above it, in PEM.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Certificate {
    pub(super) certificate: String,
    #[serde(default)]
    pub(super) certificate_chain: String,
}

/// What is known of a certificate authority.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Authority {
    pub(super) status: String,
    #[serde(rename = "CertificateAuthorityConfiguration")]
    pub(super) configuration: Configuration,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Configuration {
    pub(super) key_algorithm: String,
    pub(super) signing_algorithm: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Issue<'a> {
    certificate_authority_arn: &'a str,
    csr: String,
    signing_algorithm: &'a str,
    template_arn: &'a str,
    validity: &'a Validity,
    idempotency_token: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Named<'a> {
    certificate_authority_arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_arn: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RevokeSerial<'a> {
    certificate_authority_arn: &'a str,
    certificate_serial: &'a str,
    revocation_reason: &'static str,
}

impl Api<'_> {
    /// Asks for a certificate, and answers its ARN.
    pub(super) async fn issue(&self, csr: &CertificateSigningRequestDer<'_>, state: &State) -> Result<String, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Issued {
            certificate_arn: String,
        }
        let body = Issue {
            certificate_authority_arn: self.authority.as_str(),
            csr: BASE64_STANDARD.encode(pem::encode("CERTIFICATE REQUEST", csr)),
            signing_algorithm: &state.algorithm,
            template_arn: &state.template,
            validity: &state.validity,
            idempotency_token: &state.token,
        };
        let issued: Issued = self.call("IssueCertificate", "ACMPrivateCA.IssueCertificate", &body).await?;
        if issued.certificate_arn.len() > ARN {
            return Err(self.malformed("IssueCertificate", "an ARN beyond any bound"));
        }
        Ok(issued.certificate_arn)
    }

    /// Fetches a certificate. [`is_in_progress`] tells whether an error means "not yet".
    pub(super) async fn get(&self, certificate: &str) -> Result<Certificate, Error> {
        let body = Named { certificate_authority_arn: self.authority.as_str(), certificate_arn: Some(certificate) };
        self.call("GetCertificate", "ACMPrivateCA.GetCertificate", &body).await
    }

    /// What is known of the certificate authority.
    pub(super) async fn describe(&self) -> Result<Authority, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Described {
            certificate_authority: Authority,
        }
        let body = Named { certificate_authority_arn: self.authority.as_str(), certificate_arn: None };
        let described: Described =
            self.call("DescribeCertificateAuthority", "ACMPrivateCA.DescribeCertificateAuthority", &body).await?;
        Ok(described.certificate_authority)
    }

    /// Revokes a certificate; one that is revoked already, or about to be, is a success.
    pub(super) async fn revoke(&self, serial: &str, reason: &'static str) -> Result<(), Error> {
        let authority = self.authority.as_str();
        let body = RevokeSerial {
            certificate_authority_arn: authority,
            certificate_serial: serial,
            revocation_reason: reason,
        };
        let body = self.written("RevokeCertificate", &body)?;
        let what = self.what("RevokeCertificate");
        let target = "ACMPrivateCA.RevokeCertificate";
        match self.client.json(&what, target, body).await.map_err(|error| self.explained(error)) {
            Ok(_) => Ok(()),
            Err(error) if is(&error, &["RequestAlreadyProcessedException", IN_PROGRESS]) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        action: &'static str,
        target: &'static str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let body = self.written(action, body)?;
        let answer = self.client.json(&self.what(action), target, body).await.map_err(|error| self.explained(error))?;
        serde_json::from_slice(&answer).map_err(|_| self.malformed(action, "an answer without what was asked for"))
    }

    fn written(&self, action: &str, body: &impl Serialize) -> Result<Bytes, Error> {
        let unwritable = |source| Error::new(ErrorKind::Internal, self.what(action)).with_source(source);
        serde_json::to_vec(body).map(Bytes::from).map_err(unwritable)
    }

    fn what(&self, action: &str) -> String {
        format!("acm-pca:{action} on {}", self.authority)
    }

    fn malformed(&self, action: &str, why: &str) -> Error {
        Error::new(ErrorKind::Malformed, format!("{}: {why}", self.what(action)))
    }

    /// The kind and the advice that the service's own codes deserve.
    fn explained(&self, error: Error) -> Error {
        let kind = match Fault::of(&error).map(Fault::code) {
            Some("ResourceNotFoundException") => ErrorKind::NotFound,
            Some(
                "InvalidArgsException" | "InvalidArnException" | "InvalidRequestException" | "MalformedCSRException",
            ) => ErrorKind::Refused,
            Some("ConcurrentModificationException") => {
                return rebuilt(&error, ErrorKind::Conflict, Retry::Backoff);
            }
            Some(_) | None => return error,
        };
        rebuilt(&error, kind, Retry::Never)
    }
}

/// Does the service still make what was asked for?
pub(super) fn is_in_progress(error: &Error) -> bool {
    is(error, &[IN_PROGRESS])
}

/// Does the certificate authority not issue in the state that it is in?
pub(super) fn is_in_wrong_state(error: &Error) -> bool {
    is(error, &["InvalidStateException"])
}

/// What is wrong with a certificate authority in this state, and what to do; `None` for one that issues.
pub(super) fn out_of_order(authority: &AuthorityArn, status: &str) -> Option<Error> {
    let advice = match status {
        "ACTIVE" => return None,
        "DISABLED" => "is disabled: enable it",
        "EXPIRED" => "has expired: install a renewed certificate, or use another one",
        "PENDING_CERTIFICATE" => "has no certificate yet: install one",
        "CREATING" => "is being created",
        "DELETED" => "is deleted: restore it, or use another one",
        "FAILED" => "could not be created: make another one",
        other => {
            let shown = text::printable(other, 40);
            let what = format!("the private CA {authority} does not issue: its status is {shown}");
            return Some(Error::new(ErrorKind::Refused, what).with_retry(Retry::Never));
        }
    };
    let retry = if status == "CREATING" { Retry::Backoff } else { Retry::Never };
    Some(Error::new(ErrorKind::Refused, format!("the private CA {authority} {advice}")).with_retry(retry))
}

fn is(error: &Error, codes: &[&str]) -> bool {
    Fault::of(error).is_some_and(|fault| codes.contains(&fault.code()))
}

fn rebuilt(error: &Error, kind: ErrorKind, retry: Retry) -> Error {
    let rebuilt = Error::new(kind, error.what().to_owned()).with_retry(retry);
    match Fault::of(error) {
        Some(fault) => rebuilt.with_source(fault.clone()),
        None => rebuilt,
    }
}

const IN_PROGRESS: &str = "RequestInProgressException";
/// The service's ARNs have at most 200 characters.
const ARN: usize = 512;
