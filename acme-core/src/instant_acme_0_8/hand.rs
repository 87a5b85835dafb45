//! An account of instant-acme that signs for a session.

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use instant_acme::Account;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::desk::Taken;
use super::gaps::{GAPS, Here, KEY_CHANGE};
use super::request::Said;
use crate::client::Needs;
use crate::jose::Jwk;
use crate::protocol::{NewOrder, Url};
use crate::session::Hand;
use crate::{DnsName, Error, ErrorKind};

/// Signs through an account of instant-acme.
pub(super) struct Through(Account);

/// A signed request of instant-acme.
#[derive(Deserialize)]
struct Jws {
    protected: String,
    payload: String,
}

#[derive(Deserialize)]
struct Protected {
    kid: String,
    nonce: String,
    url: String,
}

impl Through {
    pub(super) fn new(account: Account) -> Self {
        Self(account)
    }

    /// Where the account makes its orders. Fails for one whose requests do not come past us.
    pub(super) fn new_order_url(&self) -> Result<String, Error> {
        let name = DnsName::parse("a.invalid")?;
        let order = Said::Order(NewOrder::new([name.into()]));
        let anywhere = Url::parse(self.0.id())?;
        match order.by(&self.0, "AAAA", &anywhere)? {
            Some(taken) => Ok(taken.url),
            None => Err(Error::new(
                ErrorKind::Unsupported,
                "the instant-acme account sends over an HTTP client of its own: build it with \
                 Account::builder_with_http and instant_acme_0_8::OverTransport",
            )),
        }
    }
}

#[async_trait]
impl Hand for Through {
    async fn sign(&self, account: &Url, nonce: &str, url: &Url, payload: &[u8]) -> Result<Vec<u8>, Error> {
        let said = Said::read(payload)?;
        let taken = said
            .by(&self.0, nonce, url)?
            .ok_or_else(|| Error::new(ErrorKind::Internal, format!("instant-acme signed nothing for {url}")))?;
        check(&taken, account, nonce, url, payload)?;
        Ok(taken.body.to_vec())
    }

    fn thumbprint(&self) -> &str {
        self.0.key_thumbprint()
    }

    fn lacks(&self, needs: Needs) -> Needs {
        GAPS.iter().fold(Needs::NONE, |lacking, gap| match gap.here {
            Here::Lacks(these) => lacking.and(these.within(needs)),
            Here::Works | Here::Refused => lacking,
        })
    }

    fn replaceable(&self) -> Result<&Jwk, Error> {
        Err(KEY_CHANGE.refusal())
    }
}

/// What was signed is what was to be said: nothing is left out, and it goes nowhere else.
fn check(taken: &Taken, account: &Url, nonce: &str, url: &Url, payload: &[u8]) -> Result<(), Error> {
    let unreadable = || Error::new(ErrorKind::Internal, format!("what instant-acme signed for {url} cannot be read"));
    let jws: Jws = serde_json::from_slice(&taken.body).map_err(|_| unreadable())?;
    let protected: Protected = decoded(&jws.protected).ok_or_else(unreadable)?;
    if protected.url != url.as_str() {
        return Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "the instant-acme account would send to {}, and the certificate authority moved that to {url}: build the account again",
                crate::text::printable(&protected.url, crate::limits::URL)
            ),
        ));
    }
    let same = if payload.is_empty() {
        jws.payload.is_empty()
    } else {
        let wanted: Option<Value> = serde_json::from_slice(payload).ok();
        wanted.is_some() && wanted == decoded(&jws.payload)
    };
    if same && protected.kid == account.as_str() && protected.nonce == nonce {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Internal, format!("instant-acme signed something else than was to be said to {url}")))
    }
}

fn decoded<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}
