//! A certificate and an HTTPS page, from an embedded certificate authority or from a real one.
//!
//! `cargo run --example quick_start` needs nothing but loopback; `-- --once` ends after the first page. With `--directory URL`
//! (and `--name`, `--email`, `--root FILE`, `--listen ADDRESS`) it asks a real certificate authority.

#![expect(clippy::print_stdout, reason = "an example talks to a person")]

#[path = "quick_start/authority.rs"]
mod authority;
#[path = "quick_start/browser.rs"]
mod browser;
#[path = "quick_start/options.rs"]
mod options;
#[path = "quick_start/report.rs"]
mod report;

use std::error::Error;
use std::time::Duration;

use certwright::{Https, Terms};
use options::Options;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::from_arguments(std::env::args().skip(1))?;
    let socket = TcpListener::bind(&options.listen).await?;
    let address = socket.local_addr()?;
    let authority = authority::choose(&options, address.port()).await?;

    let mut https =
        Https::new(&options.names).directory(authority.directory.as_str(), Terms::Agreed).state(&options.state);
    if let Some(root) = &authority.directory_root {
        https = https.root_pem(root.as_bytes());
    }
    if let Some(email) = &options.email {
        https = https.email(email);
    }
    let https = https.start().await?;

    println!("Asking {} for a certificate for {} …", authority.name, options.names.join(", "));
    let progress = tokio::spawn(report::progress(https.events()));
    let mut listener = https.listen_on(socket)?;
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await;
            tokio::spawn(async move {
                let mut request = [0; 1024];
                stream.read(&mut request).await?;
                stream.write_all(PAGE).await?;
                stream.shutdown().await
            });
        }
    });
    https.ready().await?;
    progress.abort();

    let name = &options.names[0];
    report::certificate(&https, name, &options.state).await?;
    match &authority.issuance_root {
        Some(root) => {
            let page = browser::fetch(address, name, root).await?;
            println!("\nFetched https://{name}:{}/ with the CA's root: {page:?}", address.port());
        }
        None => println!("\nOpen https://{name}/"),
    }
    if !options.once {
        println!("Serving on https://{address}/ until Ctrl-C.");
        tokio::signal::ctrl_c().await?;
    }
    serving.abort();
    https.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 22\r\nconnection: close\r\n\r\nHello from certwright.";
