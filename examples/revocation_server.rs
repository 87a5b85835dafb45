//! A certificate authority whose URLs are true: its revocation list and OCSP, served over HTTP.
//!
//! `cargo run --features ca --example revocation_server -- FOLDER [ADDRESS]` writes `ca.pem`, `good.pem` and `revoked.pem` there. `openssl verify -crl_check -crl_download -CAfile ca.pem revoked.pem` looks where the certificate says.

#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::IntoResponse;
use axum::{Router, routing};
use certwright::acme_core::protocol::RevocationReason;
use certwright::acme_core::{Clock as _, client::Chain, key::PrivateKey};
use certwright::issuers::ca::{Authority, Register, Revoked, crl::RevocationList, ocsp, ocsp::Responder};
use certwright::issuers::certify::{Application, Terms};
use certwright::issuers::{TokioTimer, chain, csr, template::SerialNumber};
use certwright::{Identifier, KeyType};

struct Desk {
    authority: Authority,
    responder: Responder,
    register: Register,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = std::path::PathBuf::from(arguments.next().ok_or("usage: revocation_server FOLDER [ADDRESS]")?);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    let (here, now) = (format!("http://{}", listener.local_addr()?), TokioTimer.now());

    // The authority writes into certificates where it will be asked about them.
    let authority = Authority::ephemeral("Example CA", now)?
        .with_crl_distribution_points(&[format!("{here}/ca.crl")])?
        .with_information(&[format!("{here}/ocsp")], &[])?;
    let responder = Responder::new(authority.certificate(), authority.signer())?;
    let mut register = Register::new();

    // Two certificates; the key of the second one is lost. Their numbers would be random (`CaIssuer`).
    for (number, name) in [(1, "good"), (2, "revoked")] {
        let key = PrivateKey::generate(KeyType::EcdsaP256)?;
        let request = csr::create(&key, &[Identifier::parse(&format!("{name}.example"))?]).await?;
        let serial = SerialNumber::from_octets(&[number])?;
        let issued = authority.sign(&Application::read(&request)?, &Terms::new(), serial.clone(), now).await?;
        register.issued(serial);
        std::fs::write(folder.join(name).with_extension("pem"), chain::to_pem(&issued.chain))?;
    }
    register.revoke(SerialNumber::from_octets(&[2])?, Revoked::new(now, RevocationReason::KeyCompromise));
    std::fs::write(folder.join("ca.pem"), chain::to_pem(&Chain::new(vec![authority.certificate().clone()])))?;

    let app = Router::new()
        .route("/ca.crl", routing::get(list))
        .route("/ocsp", routing::post(answer))
        .route("/ocsp/{*request}", routing::get(answer))
        .with_state(Arc::new(Desk { authority, responder, register }));
    println!("serving {here}/ca.crl and {here}/ocsp");
    Ok(axum::serve(listener, app).await?)
}

/// Signed anew for whoever asks, and numbered by the time; a busier authority signs once a day.
async fn list(State(desk): State<Arc<Desk>>) -> Result<impl IntoResponse, StatusCode> {
    let (now, signer) = (TokioTimer.now(), desk.authority.signer());
    let list = RevocationList::new(now.unix_seconds().unsigned_abs(), now, now + Duration::from_secs(24 * 3600));
    let list = list.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?.with_revoked(desk.register.revoked());
    match list.sign(desk.authority.certificate(), signer.as_ref()).await {
        Ok(signed) => Ok(([(header::CONTENT_TYPE, "application/pkix-crl")], signed.to_vec())),
        Err(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

async fn answer(State(desk): State<Arc<Desk>>, uri: Uri, body: Bytes) -> impl IntoResponse {
    let by_get = || uri.path().strip_prefix("/ocsp/").and_then(|path| ocsp::from_path(path).ok()).unwrap_or_default();
    let request = if body.is_empty() { by_get() } else { body.to_vec() };
    let response = desk.responder.answer(&request, &desk.register, TokioTimer.now()).await;
    ([(header::CONTENT_TYPE, "application/ocsp-response")], response)
}
