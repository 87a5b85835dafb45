//! Issuers of the cluster as the library's: the one place where a specification becomes configuration.

mod account;
mod account_key;
mod acme;
mod authority;
mod renewals;
mod secrets;
mod servers;
mod service_account;
mod trust;
mod vault;
mod venafi;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use acme_core::{Clock, Retry, Timestamp, text};
use issuers::Issuer;
use issuers::self_signed::SelfSigned;
use issuers::venafi::VenafiIssuer;

use crate::admission;
use crate::context::Context;
use crate::crd::acme::AcmeIssuerStatus;
use crate::crd::issuer::IssuerSpec;
use crate::key::Name;
use crate::limits;
use crate::workshop::Weight;

pub(crate) use account::Account;
pub(crate) use account_key::AccountKey;
pub(crate) use secrets::{Read, Secrets, Unread, read_key};
pub(crate) use servers::Servers;
pub(crate) use service_account::{AWS_AUDIENCE, ServiceAccountToken};
pub(crate) use trust::connection;
pub(crate) use venafi::CUSTOM_FIELDS;

/// An issuer that is set up.
#[derive(Clone)]
pub(crate) enum Engine {
    /// It signs in this process and nobody else hears of the request: the authority of a Secret, and what its signatures cost.
    Authority(Arc<dyn Issuer>, Weight),
    /// It signs in this process, with the key of the request itself.
    SelfSigned(Arc<dyn Issuer>),
    /// Somebody else signs, in one question or a few.
    Remote(Remote),
    /// An account at an ACME server: what it is asked for becomes an Order.
    Acme(Arc<Account>),
}

/// Who else signs.
#[derive(Clone)]
pub(crate) enum Remote {
    /// The PKI engine of Vault.
    Vault(Arc<dyn Issuer>),
    /// CyberArk Certificate Manager, which names what it was asked for, and is asked again by that name.
    Venafi(Arc<VenafiIssuer>),
}

/// Which issuer is set up, and what is known of it before anything is asked.
pub(crate) struct Of {
    /// Its name.
    pub(crate) issuer: Name,
    /// The namespace of its Secrets and ServiceAccounts.
    pub(crate) secrets: Arc<str>,
    pub(crate) spec: Arc<IssuerSpec>,
    pub(crate) annotations: Arc<BTreeMap<String, String>>,
    /// The account at the ACME server, as the status has it.
    pub(crate) account: Option<AcmeIssuerStatus>,
}

/// What a set-up came to.
#[derive(Debug)]
pub(crate) struct SetUp {
    pub(crate) found: Found,
    /// The Secrets that were read: a change of one is a reason to do it again.
    pub(crate) read: Vec<Read>,
    /// Whether it is to be tried again without any change.
    pub(crate) retry: Retry,
}

/// What was found.
#[derive(Debug)]
pub(crate) enum Found {
    /// How the issuer stands.
    Verdict(Verdict),
    /// There is no account key yet; this one is to be stored before anybody hears of it.
    NewKey(Arc<AccountKey>),
}

/// How an issuer stands.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// What signs, when it can.
    pub(crate) engine: Option<Engine>,
    /// One word for the condition.
    pub(crate) reason: &'static str,
    /// A sentence for the condition: nothing in it changes between two identical set-ups.
    pub(crate) message: String,
    /// The account at the ACME server.
    pub(crate) account: Option<AcmeIssuerStatus>,
}

impl Verdict {
    /// The issuer can sign.
    pub(crate) fn ready(engine: Engine, reason: &'static str, message: &'static str) -> Self {
        Self { engine: Some(engine), reason, message: message.to_owned(), account: None }
    }

    /// The issuer cannot sign.
    pub(crate) fn unready(reason: &'static str, message: impl Into<String>) -> Self {
        Self { engine: None, reason, message: message.into(), account: None }
    }
}

impl Engine {
    /// What signs in this process.
    pub(crate) fn issuer(&self) -> Option<&Arc<dyn Issuer>> {
        match self {
            Self::Authority(issuer, _) | Self::SelfSigned(issuer) => Some(issuer),
            Self::Remote(_) | Self::Acme(_) => None,
        }
    }

    /// The account, where it is one.
    pub(crate) fn account(&self) -> Option<&Arc<Account>> {
        match self {
            Self::Acme(account) => Some(account),
            Self::Authority(..) | Self::SelfSigned(_) | Self::Remote(_) => None,
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authority(..) => f.write_str("Authority"),
            Self::SelfSigned(_) => f.write_str("SelfSigned"),
            Self::Remote(remote) => remote.fmt(f),
            Self::Acme(_) => f.write_str("Acme"),
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vault(_) => "Vault",
            Self::Venafi(_) => "Venafi",
        })
    }
}

/// Sets an issuer up as its spec says, and tries it.
pub(crate) async fn set_up(context: &Context, of: Of, now: Timestamp) -> SetUp {
    let mut secrets = Secrets::new(&context.api, Arc::clone(&of.secrets));
    let spec = Arc::clone(&of.spec);
    if let Some(refused) = refused(&spec) {
        let found = Found::Verdict(Verdict::unready(INVALID, refused));
        return SetUp { found, read: Vec::new(), retry: Retry::Never };
    }
    let clock: Arc<dyn Clock> = context.timer.clone();
    let (found, retry) = if let Some(ca) = &spec.ca {
        authority::set_up(&mut secrets, &of, ca, clock, now).await
    } else if let Some(own) = &spec.self_signed {
        self_signed(&of, &own.crl_distribution_points, clock)
    } else if let Some(acme) = &spec.acme {
        acme::set_up(context, &mut secrets, &of, acme, now).await
    } else if let Some(vault) = &spec.vault {
        vault::set_up(context, &mut secrets, &of, vault, clock).await
    } else if let Some(venafi) = &spec.venafi {
        venafi::set_up(context, &mut secrets, &of, venafi, clock).await
    } else {
        (Found::Verdict(Verdict::unready(INVALID, "at least one issuer must be configured")), Retry::Never)
    };
    SetUp { found, read: secrets.into_read(), retry }
}

/// What cert-manager's webhook would have refused of a spec. Where its controller has words of its own for what Vault lacks, those are known.
fn refused(spec: &IssuerSpec) -> Option<String> {
    let is_told = spec.vault.as_ref().is_some_and(|it| vault::wrong(it).is_some());
    let is_alone = *spec == IssuerSpec { vault: spec.vault.clone(), ..IssuerSpec::default() };
    let violations = if is_told && is_alone { Vec::new() } else { admission::issuer(spec) };
    (!violations.is_empty()).then(|| text::printable(&admission::message(&violations), limits::TEXT))
}

fn self_signed(of: &Of, lists: &[String], clock: Arc<dyn Clock>) -> (Found, Retry) {
    let issuer = SelfSigned::new(of.issuer.to_string(), clock);
    let issuer = if lists.is_empty() { Ok(issuer) } else { issuer.with_crl_distribution_points(lists) };
    let verdict = match issuer {
        Ok(issuer) => Verdict::ready(Engine::SelfSigned(Arc::new(issuer)), "IsReady", ""),
        Err(error) => Verdict::unready(INVALID, format!("spec.selfSigned.crlDistributionPoints: {error}")),
    };
    (Found::Verdict(verdict), Retry::Never)
}

/// The reason where a specification is none.
const INVALID: &str = "InvalidConfig";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::refused;

    fn judged(spec: Value) -> Option<String> {
        refused(&serde_json::from_value(spec).expect("it is a specification"))
    }

    #[test]
    fn what_the_webhook_refuses_of_an_issuer_is_not_begun() {
        let acme = json!({ "server": "https://ca.example", "privateKeySecretRef": { "name": "account" } });
        let ca = json!({ "secretName": "authority" });
        for (spec, told) in [
            (json!({ "ca": ca }), None),
            (json!({ "selfSigned": {} }), None),
            (json!({ "acme": acme }), None),
            (json!({}), Some("spec: Required value: at least one issuer must be configured")),
            (json!({ "acme": acme, "ca": ca }), Some("spec.ca: Forbidden: may not specify more than one issuer type")),
            (json!({ "ca": {} }), Some("spec.ca.secretName: Required value")),
            (
                json!({ "acme": { "server": "https://ca.example", "privateKeySecretRef": { "name": "account" }, "solvers": [{}] } }),
                Some("spec.acme.solvers[0]: Required value: no solver type configured"),
            ),
        ] {
            assert_eq!(judged(spec.clone()).as_deref(), told, "{spec}");
        }
    }

    #[test]
    fn what_a_vault_issuer_lacks_is_left_to_the_words_of_its_controller() {
        let vault = json!({ "server": "https://vault.example", "path": "pki/sign/web", "auth": {} });
        assert_eq!(judged(json!({ "vault": vault })), None);
        let several = judged(json!({ "vault": vault, "ca": { "secretName": "authority" } })).expect("it is refused");
        assert!(several.contains("may not specify more than one issuer type"), "{several}");
    }
}
