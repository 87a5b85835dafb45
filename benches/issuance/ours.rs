//! Ours: an `Authority` of `issuers::ca` and what leads to it.

use acme_core::{Clock as _, Identifier, KeyType, PrivateKey, Timestamp};
use issuers::ca::Authority;
use issuers::certify::{Application, Terms};
use issuers::template::SerialNumber;
use issuers::{TokioTimer, chain, csr};

use crate::floor::Check;
use crate::pipeline::{Local, Pipeline};

/// Key, signing request, its signature checked, certificate, PEM.
pub(crate) const CHECKED: &str = "certwright, checked";
/// Key, certificate, PEM: nobody need prove to us that we hold the key which we made.
pub(crate) const OWN_KEY: &str = "certwright, own key";

/// The whole pipeline, with or without a signing request that is read back and checked.
pub(crate) fn ours(check: Check, names: &[&str]) -> Result<impl Pipeline, String> {
    let names: Result<Vec<Identifier>, _> = names.iter().map(|it| Identifier::parse(it)).collect();
    let names = names.map_err(|error| error.to_string())?;
    let now = TokioTimer.now();
    let authority = Authority::ephemeral("Bench Root", now).map_err(|error| error.to_string())?;
    Ok(Local(move || issue(&authority, check, &names, now).map(drop).map_err(|error| error.to_string())))
}

fn issue(authority: &Authority, check: Check, names: &[Identifier], now: Timestamp) -> Result<usize, issuers::Error> {
    let key = PrivateKey::generate(KeyType::EcdsaP256)?;
    let draft = csr::Draft::new(names)?;
    let issued = match check {
        Check::Yes => {
            let request = draft.sign_now(&key)?;
            authority.sign_now(&Application::read(&request)?, &Terms::new(), serial()?, now)?
        }
        Check::No => {
            let public_key = acme_core::Signer::public_key(&key);
            authority.sign_now(&Application::new(&draft, public_key)?, &Terms::new(), serial()?, now)?
        }
    };
    Ok(chain::to_pem(&issued.chain).len() + key.to_pem().expose().len())
}

/// A random serial number, as the issuer over the authority draws it.
pub(crate) fn serial() -> Result<SerialNumber, issuers::Error> {
    let mut octets = [0; 20];
    getrandom::fill(&mut octets)
        .map_err(|error| issuers::Error::new(issuers::ErrorKind::Internal, format!("no random numbers: {error}")))?;
    Ok(SerialNumber::from_random(octets))
}
