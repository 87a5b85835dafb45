//! The contract of issuers, held against a real Vault.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use acme_core::transport::ReqwestTransport;
use acme_core::{Error, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use certwright_issuers::Issuer;
use certwright_issuers::vault::VaultIssuer;
use certwright_issuers::vault::auth::AppRole;
use testkit::VirtualClock;
use testkit::conformance::{IssuerWorld, issuer};

use super::world::{World, block_on, fixed, signer_role};

#[test]
fn the_vault_issuer_keeps_the_contract() {
    let world = World::new();
    let role_id = world.app_role(&signer_role());
    let secret_id = world.secret_id().expose().clone();
    let transport = Counting { inner: ReqwestTransport::builder().build().unwrap(), sent: Arc::default() };
    // Nothing sleeps on the virtual clock: this issuer never says "not yet".
    block_on(issuer(&Contract { world, role_id, secret_id, transport })).unwrap();
}

struct Contract {
    world: World,
    role_id: String,
    secret_id: String,
    transport: Counting,
}

impl IssuerWorld for Contract {
    fn issuer(&self) -> Box<dyn Issuer> {
        let server = self.world.server_over(Arc::new(self.transport.clone()));
        let auth = AppRole::new(&self.role_id, fixed(&self.secret_id));
        Box::new(VaultIssuer::new("vault", server, "pki/sign/web", auth).unwrap())
    }

    fn clock(&self) -> &VirtualClock {
        &self.world.clock
    }

    fn sent(&self) -> usize {
        self.transport.sent.load(Ordering::Relaxed)
    }

    fn spent(&self) -> usize {
        self.world.asked("pki/sign/web")
    }
}

#[derive(Clone)]
struct Counting {
    inner: ReqwestTransport,
    sent: Arc<AtomicUsize>,
}

#[async_trait]
impl Transport for Counting {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Error> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.inner.send(request).await
    }
}
