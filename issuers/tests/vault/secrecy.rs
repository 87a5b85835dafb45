//! Nothing secret is printed, whatever a server echoes.

use std::sync::Arc;

use acme_core::Secret;
use certwright_issuers::vault::auth::{AppRole, Auth, ClientCertificate, Jwt, Kubernetes, Proof, Token};
use certwright_issuers::vault::{Server, VaultIssuer};
use http::Request;
use serde_json::json;
use testkit::transport::Answer;
use testkit::{ScriptedTransport, VirtualClock, logged};

use super::world::{Wanted, World, block_on, everything, fixed, refusal, signer_role};

const SECRET: &str = "hvs.CAESIJ-a-secret-that-nobody-may-see";

#[test]
fn what_a_hostile_server_echoes_is_cut_out() {
    for status in [400, 403, 404, 405, 429, 500, 503] {
        let auths: [Box<dyn Auth>; 4] = [
            Box::new(AppRole::new("role", fixed(SECRET))),
            Box::new(Kubernetes::new("role", fixed(SECRET))),
            Box::new(Jwt::new("role", fixed(SECRET))),
            Box::new(Token::new(fixed(SECRET))),
        ];
        for auth in auths {
            let transport = ScriptedTransport::new();
            transport.whenever(move |request: &Request<_>| {
                let token = request
                    .headers()
                    .get("x-vault-token")
                    .map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
                let body = String::from_utf8_lossy(request.body()).into_owned();
                Some(Answer::json(status, &json!({ "errors": [format!("{token:?} {body} {SECRET}")] })))
            });
            let server = Server::new("http://vault.test", Arc::new(transport), Arc::new(VirtualClock::new())).unwrap();
            let issuer = VaultIssuer::new("vault", server, "pki/sign/web", Shared(auth)).unwrap();
            let error = refusal(&issuer, &Wanted::name("a.example.test"));
            assert!(!everything(&error).contains(SECRET), "{status}: {}", everything(&error));
        }
    }
}

#[test]
fn debug_and_logs_are_silent_about_secrets() {
    let world = World::new();
    let role_id = world.app_role(&signer_role());
    let secret_id = world.secret_id();
    let said = secret_id.expose().clone();
    let issuer = world.issuer(AppRole::new(&role_id, fixed(&said)));
    let mut all = logged(|| {
        block_on(Wanted::name("a.example.test").from(&issuer)).unwrap();
        world.revoke_logins();
        block_on(Wanted::name("a.example.test").from(&issuer)).unwrap();
        refusal(&issuer, &Wanted::name("evil.test"));
    });

    assert!(all.contains("logged in to vault"), "{all}");
    all.push_str(&format!("{issuer:?} {:?}", AppRole::new(&role_id, fixed(&said))));
    all.push_str(&format!(
        "{:?} {:?} {:?}",
        Kubernetes::new("r", fixed(&said)),
        Jwt::new("r", fixed(&said)),
        Token::new(fixed(&said))
    ));
    all.push_str(&format!("{:?}", ClientCertificate::new()));
    let proof = block_on(AppRole::new(&role_id, fixed(&said)).proof(acme_core::Timestamp::EPOCH)).unwrap();
    all.push_str(&format!("{proof:?} {:?}", Proof::Token(Arc::new(Secret::new(said.clone())))));
    assert!(!all.contains(&said), "{all}");
    // Service tokens begin with this.
    assert!(!all.contains("hvs."), "{all}");
}

/// A boxed method is one too.
struct Shared(Box<dyn Auth>);

#[async_trait::async_trait]
impl Auth for Shared {
    async fn proof(&self, now: acme_core::Timestamp) -> Result<Proof, acme_core::Error> {
        self.0.proof(now).await
    }

    fn rejected(&self) {
        self.0.rejected();
    }

    fn advice(&self) -> &'static str {
        self.0.advice()
    }
}
