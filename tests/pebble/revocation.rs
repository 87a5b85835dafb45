//! Certificates taken back; Pebble's management interface is the judge.

use acme_core::directory::Revoker;
use acme_core::protocol::{NewOrder, RevocationReason};
use acme_core::{Error, ErrorKind};
use issuers::chain::Leaf;
use testkit::servers::Pebble;

use crate::authority::{directory, identifiers};
use crate::by_hand;
use crate::under::{Under, under_both};

under_both! {
    the_account_revokes_what_it_ordered,
    the_certificate_s_own_key_revokes_it_without_an_account,
}

async fn the_account_revokes_what_it_ordered(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().start();
    let directory = directory(&pebble);
    let session = under.account(&directory).await?;
    let finished = by_hand::finish(&session, NewOrder::new(identifiers(&["a.test"])), None).await.unwrap();
    let leaf = finished.chains[0].leaf().expect("a leaf");
    let serial = Leaf::read(leaf).unwrap().serial;
    assert_eq!(pebble.certificate_status(&serial)["Status"], "Valid");

    let stranger = under.account(&directory).await?;
    let error = directory.revoke(leaf, None, Revoker::Account(&stranger)).await.expect_err("not its own");
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert_eq!(pebble.certificate_status(&serial)["Status"], "Valid");

    let reason = Some(RevocationReason::Superseded);
    directory.revoke(leaf, reason, Revoker::Account(&session)).await.unwrap();

    let status = pebble.certificate_status(&serial);
    assert_eq!((&status["Status"], &status["Reason"]), (&"Revoked".into(), &4.into()));
    // The repeat of a request whose answer was lost.
    directory.revoke(leaf, reason, Revoker::Account(&session)).await.unwrap();
    Ok(())
}

async fn the_certificate_s_own_key_revokes_it_without_an_account(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().start();
    let session = under.account(&directory(&pebble)).await?;
    let finished = by_hand::finish(&session, NewOrder::new(identifiers(&["a.test"])), None).await.unwrap();
    let leaf = finished.chains[0].leaf().expect("a leaf");

    let reason = Some(RevocationReason::KeyCompromise);
    let elsewhere = directory(&pebble);
    elsewhere.revoke(leaf, reason, Revoker::CertificateKey(&finished.key)).await.unwrap();

    let status = pebble.certificate_status(&Leaf::read(leaf).unwrap().serial);
    assert_eq!((&status["Status"], &status["Reason"]), (&"Revoked".into(), &1.into()));
    Ok(())
}
