//! A certificate to show until there is another: signed by an authority that nobody keeps.

use std::time::Duration;

use acme_core::{Error, PrivateKey, Signer as _, Timestamp, hash};
use issuers::ca::Authority;
use issuers::certify::{Application, Terms};
use issuers::chain;
use issuers::template::SerialNumber;

use super::wanted::Wanted;
use crate::crd::certificate::Certificate;
use crate::secret::target::TEMPORARY_ISSUER;

/// A temporary certificate for this key, in PEM.
///
/// # Errors
/// What is wrong with the specification.
pub(super) fn certificate(
    object: &Certificate,
    wanted: &Wanted,
    key: &PrivateKey,
    now: Timestamp,
) -> Result<Vec<u8>, Error> {
    let authority = Authority::ephemeral(TEMPORARY_ISSUER, now)?;
    let draft = wanted.spec.draft()?;
    let application = Application::new(&draft, key.public_key())?;
    let mut terms = Terms::new().lasting(wanted.spec.duration.unwrap_or(USUAL));
    if object.spec.is_ca {
        terms = terms.for_authority();
    }
    // The key is random, and so is what is hashed of it.
    let mut serial = [0; 20];
    serial.copy_from_slice(&hash::sha256(key.public_key())[..20]);
    let issued = authority.sign_now(&application, &terms, SerialNumber::from_random(serial), now)?;
    Ok(chain::to_pem(&issued.chain).into_bytes())
}

/// Whether a temporary certificate is wanted until there is another.
pub(super) fn is_wanted(object: &Certificate) -> bool {
    let annotations = object.metadata.annotations.as_ref();
    annotations.and_then(|it| it.get(ANNOTATION)).is_some_and(|it| it == "true")
}

const ANNOTATION: &str = "cert-manager.io/issue-temporary-certificate";

/// How long certificates are valid where nothing is said.
const USUAL: Duration = Duration::from_secs(90 * 24 * 3600);
