//! Sessions whose requests instant-acme signs.

use rustls_pki_types::PrivatePkcs8KeyDer;
use serde_json::json;

use super::desk::{self, Desk};
use super::gaps;
use super::hand::Through;
use super::over_transport::OverTransport;
use crate::directory::to_json;
use crate::protocol::{DirectoryObject, Url};
use crate::{Directory, Error, ErrorKind, KeyType, PrivateKey, Retry, Session};

/// A session that signs through `account`, which was built over [`OverTransport`].
///
/// Call it inside the runtime that the account was built in.
///
/// # Errors
/// `Unsupported` when the account sends over another HTTP client, `Conflict` when it belongs to another certificate authority; as
/// [`Directory::object`] when the directory cannot be read.
pub async fn session(directory: &Directory, account: instant_acme::Account) -> Result<Session, Error> {
    let object = directory.object().await?;
    let url = Url::parse(account.id()).map_err(|error| error.while_doing("the account of instant-acme"))?;
    let hand = Through::new(account);
    let orders_at = hand.new_order_url()?;
    if orders_at != object.new_order.as_str() {
        return Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "the instant-acme account {url} orders at {}, and {} has its orders at {}: use the account's own directory",
                crate::text::printable(&orders_at, crate::limits::URL),
                directory.url(),
                object.new_order
            ),
        )
        .with_retry(Retry::Never));
    }
    Ok(Session::by_hand(directory.clone(), Box::new(hand), url))
}

/// A session whose requests instant-acme signs with `key`, for the account at `account`.
///
/// The key is read by instant-acme, and nothing is sent except, where that was not done before, for the directory.
///
/// # Errors
/// `Unsupported` for a key that instant-acme cannot sign with; as [`Directory::object`] when the directory cannot be read.
pub async fn restore(directory: &Directory, account: &Url, key: &PrivateKey) -> Result<Session, Error> {
    if key.key_type() != KeyType::EcdsaP256 {
        return Err(gaps::OTHER_KEYS.refusal());
    }
    let object = directory.object().await?;
    let desk = Desk::default().with_directory(as_instant_acme_reads(&object)?);
    let pkcs8 = PrivatePkcs8KeyDer::from(key.to_pkcs8_der().expose().as_slice());
    let builder = instant_acme::Account::builder_with_http(Box::new(OverTransport::new(directory.transport())));
    let building = builder.from_parts(account.as_str().to_owned(), pkcs8, directory.url().as_str().to_owned());
    let built = desk::at(desk, building).0;
    let built = built.ok_or_else(|| Error::new(ErrorKind::Internal, "instant-acme waits for something"))?;
    let built = built.map_err(|source| {
        Error::new(ErrorKind::Internal, "instant-acme does not take the account").with_source(source)
    })?;
    Ok(Session::by_hand(directory.clone(), Box::new(Through::new(built)), account.clone()))
}

/// The directory as instant-acme would have read it.
fn as_instant_acme_reads(object: &DirectoryObject) -> Result<Vec<u8>, Error> {
    to_json(&json!({
        "newNonce": object.new_nonce,
        "newAccount": object.new_account,
        "newOrder": object.new_order,
        "revokeCert": object.revoke_cert,
        "keyChange": object.key_change,
        "renewalInfo": object.renewal_info,
    }))
}
