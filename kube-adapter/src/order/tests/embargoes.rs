//! Pauses in a ConfigMap.

use std::sync::Arc;

use acme_core::Store;
use issuers::TokioTimer;
use testkit::conformance;

use super::rig::Space;
use crate::Settings;
use crate::api::{Api, Room};
use crate::key::Name;
use crate::store::ConfigMapStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_map_is_a_store() {
    let space = Space::new("store");
    let settings = Settings::default();
    let room = Arc::new(Room::new(settings.writes));
    let api = Api::new(space.client().await, room, Arc::new(TokioTimer), settings.patience);
    let name = Name::new(space.namespace.as_str(), "embargoes");

    conformance::store(async || Arc::new(ConfigMapStore::new(api.clone(), name.clone())) as Arc<dyn Store>)
        .await
        .unwrap();
}
