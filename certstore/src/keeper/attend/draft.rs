//! The beginning of an issuance: key and signing request, durable before the first word to the issuer.

use acme_core::{Error, Key, PrivateKey, Retry, Signer as _};
use issuers::Issuer;
use issuers::chain::Leaf;

use super::super::events::Happening;
use super::super::plan::Why;
use super::super::shared::Shared;
use super::issuance::{Active, Void, failed};
use super::{Attended, Looked, copy, not_held};
use crate::Keys;
use crate::blocking::blocking;
use crate::holding::Holding;
use crate::policy::reissue;
use crate::policy::rotation::{self, NextKey, Wanted};
use crate::record::{Pending, Record};

/// Claims the record and makes key and signing request durable, in one write, before the first word to the issuer.
pub(super) async fn begin(shared: &Shared, key: &Key, looked: Looked, why: Why) -> Result<Box<Active>, Attended> {
    let Looked { record, version, leaf, .. } = looked;
    let name = record.spec.name.clone();
    let prepared = match shared.issuer_for(&record.spec) {
        Ok(issuer) => prepare(shared, &**issuer, &record, leaf.as_ref()).await,
        Err(error) => Err(error),
    };
    let (private, fresh) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let mut holding = Holding::take(&shared.ground, key, record, version, |_| {})
                .await
                .map_err(|trouble| not_held(shared, &name, trouble))?;
            return Err(failed(shared, &mut holding, &error, Void::Progress).await);
        }
    };
    let taken = Holding::take(&shared.ground, key, record, version, |record| {
        if fresh.is_some() {
            record.pending = fresh;
        }
    });
    let holding = taken.await.map_err(|trouble| not_held(shared, &name, trouble))?;
    shared.outlet.tell(&name, Happening::Began { why });
    Ok(Box::new(Active::begun(holding, private)))
}

/// The key of the issuance under way, or a new one with its signing request.
async fn prepare(
    shared: &Shared,
    issuer: &dyn Issuer,
    record: &Record,
    leaf: Option<&Leaf>,
) -> Result<(PrivateKey, Option<Pending>), Error> {
    let spec = &record.spec;
    let pending = record.pending.as_ref();
    if let Some(pending) = pending.filter(|it| reissue::serves(spec, issuer.id(), it))
        && let Ok(key) = PrivateKey::from_pkcs8_der(copy(&pending.key))
    {
        return Ok((key, None));
    }
    let key = match kept(record)? {
        Some(key) => key,
        None => {
            let kind = spec.key_type;
            blocking(move || PrivateKey::generate(kind)).await?
        }
    };
    let csr = match spec.contents.signature_algorithm {
        None => spec.draft()?.sign_now(&key)?,
        // A key that is read back signs as it always does; so does the one that goes on from here.
        Some(algorithm) => {
            let again = PrivateKey::from_pkcs8_der(copy(key.to_pkcs8_der()))?;
            let signing = again.signing_with(algorithm).map_err(|error| error.with_retry(Retry::Never))?;
            spec.draft()?.sign_now(&signing)?
        }
    };
    let same_issuer = record.current().is_some_and(|it| it.issuer == *issuer.id() && issuer.renewal_info().is_some());
    let replaces = leaf
        .filter(|leaf| same_issuer && spec.identifiers.iter().any(|it| leaf.covers(it)))
        .and_then(|leaf| leaf.id.clone());
    let pending = Pending {
        key: copy(key.to_pkcs8_der()),
        key_type: spec.key_type,
        csr,
        identifiers: spec.identifiers.clone(),
        issuer: issuer.id().clone(),
        profile: spec.profile.clone(),
        contents: spec.contents.clone(),
        replaces,
        begun_at: shared.ground.now(),
        progress: None,
        waiting: None,
    };
    Ok((key, Some(pending)))
}

/// The key in use, when the next certificate shall have it too.
fn kept(record: &Record) -> Result<Option<PrivateKey>, Error> {
    let Some(current) = record.current().filter(|_| record.spec.keys != Keys::Fresh) else {
        return Ok(None);
    };
    let key = PrivateKey::from_pkcs8_der(copy(&current.key))?;
    let existing = rotation::Existing::new(key.public_key())?;
    let next = rotation::next_key(record.spec.keys, &Wanted::new(record.spec.key_type), Some(&existing))?;
    Ok((next == NextKey::Existing).then_some(key))
}
