//! An axum service with HTTPS.
//!
//! `cargo run --features axum --example axum_server -- NAME [DIRECTORY-URL [ROOT-FILE [ADDRESS]]]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to a person")]

use std::error::Error;

use axum::Router;
use axum::routing::get;
use certwright::{Https, Terms, directories};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or("usage: axum_server NAME [DIRECTORY-URL [ROOT-FILE [ADDRESS]]]")?;
    let directory = arguments.next().unwrap_or_else(|| directories::LETS_ENCRYPT_STAGING.to_string());
    let root = arguments.next();
    let address = arguments.next().unwrap_or_else(|| "[::]:443".to_owned());

    let mut https = Https::new([name.as_str()]).directory(directory, Terms::Agreed).state("axum_server_state");
    if let Some(root) = root {
        https = https.root_pem(std::fs::read(root)?);
    }
    let https = https.start().await?;

    let app = Router::new().route("/", get(|| async { "Hello from axum.\n" }));
    let listener = https.listen(&address).await?;
    let ready = https.clone();
    tokio::spawn(async move {
        match ready.ready().await {
            Ok(()) => println!("https://{name}/ is served on {address}"),
            Err(error) => eprintln!("there will be no certificate before somebody acts: {error}"),
        }
    });
    axum::serve(listener, app).await?;
    Ok(())
}
