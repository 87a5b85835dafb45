//! What an account says, in the words of instant-acme.

use std::net::IpAddr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use instant_acme::{Account, CertificateIdentifier, ChallengeType, Identifier, NewOrder, RevocationReason};
use rustls_pki_types::CertificateDer;
use serde::Deserialize;
use serde_json::json;

use super::desk::{self, Desk, Taken};
use super::gaps;
use crate::directory::to_json;
use crate::protocol::{self, Url};
use crate::{Error, ErrorKind};

/// A payload that some call of instant-acme says.
pub(super) enum Said {
    /// POST-as-GET.
    Nothing,
    /// A challenge may be checked.
    Accept,
    /// A signing request.
    Finalize(Vec<u8>),
    /// An account or an authorization is given up.
    Deactivate,
    /// Whom to tell.
    Contact(Vec<String>),
    /// A new order.
    Order(protocol::NewOrder),
    /// A certificate is taken back.
    Revoke(Vec<u8>, Option<protocol::RevocationReason>),
}

/// The members of all the payloads there are.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    csr: Option<String>,
    status: Option<String>,
    contact: Option<Vec<String>>,
    terms_of_service_agreed: Option<bool>,
    certificate: Option<String>,
    reason: Option<protocol::RevocationReason>,
    identifiers: Option<serde::de::IgnoredAny>,
}

impl Said {
    /// Understands a payload of ours.
    pub(super) fn read(payload: &[u8]) -> Result<Self, Error> {
        if payload.is_empty() {
            return Ok(Self::Nothing);
        }
        let strange = || Error::new(ErrorKind::Internal, "instant-acme is asked to say something unknown");
        let octets = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| strange());
        let members: Members = serde_json::from_slice(payload).map_err(|_| strange())?;
        match members {
            Members { identifiers: Some(_), .. } => {
                let order: protocol::NewOrder = serde_json::from_slice(payload).map_err(|_| strange())?;
                match (order.not_before, order.not_after) {
                    (None, None) => Ok(Self::Order(order)),
                    (Some(_), _) | (_, Some(_)) => Err(gaps::DATES.refusal()),
                }
            }
            Members { terms_of_service_agreed: Some(_), .. } => Err(gaps::TERMS.refusal()),
            Members { csr: Some(csr), .. } => Ok(Self::Finalize(octets(&csr)?)),
            Members { certificate: Some(certificate), reason, .. } => Ok(Self::Revoke(octets(&certificate)?, reason)),
            Members { contact: Some(contact), .. } => Ok(Self::Contact(contact)),
            Members { status: Some(status), .. } if status == "deactivated" => Ok(Self::Deactivate),
            Members { status: None, .. } => Ok(Self::Accept),
            Members { .. } => Err(strange()),
        }
    }

    /// Lets `account` sign this for `url`.
    pub(super) fn by(&self, account: &Account, nonce: &str, url: &Url) -> Result<Option<Taken>, Error> {
        let desk = Desk::new(nonce);
        let at = url.as_str().to_owned();
        let desk = match self {
            Self::Nothing => desk::at(desk, account.order(at)).1,
            Self::Contact(contact) => {
                let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
                desk::at(desk, account.update_contacts(&contact)).1
            }
            Self::Finalize(csr) => {
                let desk = desk.answering(an_order(url)?);
                desk::at(desk, async { account.order(at).await?.finalize_csr(csr).await }).1
            }
            Self::Accept | Self::Deactivate => {
                let desk = desk.answering(an_order(url)?).answering(an_authorization(url)?);
                let work = async {
                    let mut order = account.order(at).await?;
                    let mut authorizations = order.authorizations();
                    let Some(authorization) = authorizations.next().await else { return Ok(()) };
                    let mut authorization = authorization?;
                    if let Self::Deactivate = self {
                        authorization.deactivate().await?;
                    } else if let Some(mut challenge) = authorization.challenge(ChallengeType::Http01) {
                        challenge.set_ready().await?;
                    }
                    Ok::<(), instant_acme::Error>(())
                };
                desk::at(desk, work).1
            }
            Self::Order(order) => {
                let identifiers = order.identifiers.iter().map(identifier).collect::<Result<Vec<_>, _>>()?;
                let mut wanted = NewOrder::new(&identifiers);
                if let Some(profile) = &order.profile {
                    wanted = wanted.profile(profile);
                }
                if let Some((issuer, serial)) = order.replaces.as_ref().and_then(|it| it.as_str().split_once('.')) {
                    wanted = wanted.replaces(CertificateIdentifier {
                        authority_key_identifier: issuer.into(),
                        serial: serial.into(),
                    });
                }
                desk::at(desk, account.new_order(&wanted)).1
            }
            Self::Revoke(certificate, why) => {
                let certificate = &CertificateDer::from(certificate.as_slice());
                let request = instant_acme::RevocationRequest { certificate, reason: why.and_then(reason) };
                desk::at(desk, account.revoke(&request)).1
            }
        };
        Ok(desk.into_taken())
    }
}

/// An order whose authorization, and whose place for a signing request, is at `url`.
fn an_order(url: &Url) -> Result<Vec<u8>, Error> {
    to_json(&json!({ "status": "pending", "authorizations": [url], "finalize": url }))
}

/// An authorization with a challenge at `url`.
fn an_authorization(url: &Url) -> Result<Vec<u8>, Error> {
    let challenge = json!({ "type": "http-01", "status": "pending", "token": "", "url": url });
    to_json(&json!({ "status": "pending", "identifier": { "type": "dns", "value": "a" }, "challenges": [challenge] }))
}

fn identifier(of: &crate::Identifier) -> Result<Identifier, Error> {
    match of {
        crate::Identifier::Dns(name) => Ok(Identifier::Dns(name.to_string())),
        crate::Identifier::Ip(address) => Ok(Identifier::Ip(IpAddr::clone(address))),
        crate::Identifier::Other(_) => Err(Error::new(
            ErrorKind::Unsupported,
            format!("instant-acme 0.8 orders DNS names and IP addresses alone, and {of} is none"),
        )),
    }
}

fn reason(of: protocol::RevocationReason) -> Option<RevocationReason> {
    [
        RevocationReason::Unspecified,
        RevocationReason::KeyCompromise,
        RevocationReason::CaCompromise,
        RevocationReason::AffiliationChanged,
        RevocationReason::Superseded,
        RevocationReason::CessationOfOperation,
        RevocationReason::CertificateHold,
        RevocationReason::RemoveFromCrl,
        RevocationReason::PrivilegeWithdrawn,
        RevocationReason::AaCompromise,
    ]
    .into_iter()
    .find(|it| it.clone() as u8 == u8::from(of))
}
