//! The suite for stores lets a sound one pass and catches every broken one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod broken;

use std::sync::Arc;

use acme_core::Store;
use certwright_testkit::conformance;
use certwright_testkit::{DurableStore, VirtualClock, run};

use broken::{Flaw, Shared};

#[test]
fn a_sound_store_passes() {
    let store = DurableStore::new();
    run(&VirtualClock::new(), conformance::store(async || Arc::new(store.clone()) as Arc<dyn Store>)).unwrap();
}

#[test]
fn every_broken_store_is_caught_by_the_clause_it_breaks() {
    for (flaw, clause) in Flaw::ALL {
        let shared = Shared::default();
        let outcome =
            run(&VirtualClock::new(), conformance::store(async || Arc::new(shared.open(flaw)) as Arc<dyn Store>));
        let breach = outcome.expect_err(&format!("{flaw:?} was not caught"));
        assert_eq!(breach.clause, clause, "{flaw:?} was caught as {breach}");
    }
}
