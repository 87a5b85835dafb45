//! Keys made ahead of time.
#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]

use std::collections::BTreeSet;
use std::thread;

use certwright_acme_core::key::Spares;
use certwright_acme_core::{KeyType, Signer as _};

#[test]
fn every_key_is_handed_out_once_however_many_make_and_take() {
    let spares = Spares::new(KeyType::EcdsaP256, 8);
    let taken: Vec<Vec<u8>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let take = |_| {
                        spares.make_one().unwrap();
                        spares.take(KeyType::EcdsaP256).unwrap().public_key().to_vec()
                    };
                    (0..50).map(take).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|it| it.join().unwrap()).collect()
    });
    assert_eq!(taken.len(), 200);
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), 200);
}

#[test]
fn no_more_are_kept_than_there_is_room_for() {
    let spares = Spares::new(KeyType::EcdsaP256, 3);
    assert!(spares.take_ready(KeyType::EcdsaP256).is_none(), "nothing is made unasked");
    for left in [2, 1, 0, 0, 0] {
        spares.make_one().unwrap();
        assert_eq!(spares.lacking(), left);
    }
    assert_eq!(format!("{spares:?}"), "Spares(3 of 3 ECDSA P-256)");
    assert!(spares.take_ready(KeyType::EcdsaP384).is_none());
    assert_eq!(spares.take(KeyType::EcdsaP384).unwrap().key_type(), KeyType::EcdsaP384);
    assert_eq!(spares.lacking(), 0, "another kind takes none of them");
    assert_eq!(spares.take(KeyType::EcdsaP256).unwrap().key_type(), KeyType::EcdsaP256);
    assert_eq!(spares.lacking(), 1);
    assert_eq!(Spares::new(KeyType::EcdsaP256, 0).lacking(), 0);
}
