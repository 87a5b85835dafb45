//! The model certificate authority as a program: validates by TLS-ALPN-01 at a loopback port, until it is killed.
//!
//! `authority TLS-PORT FOLDER` writes `directory` (its URL), `root.pem` (what vouches for its HTTPS) and `issued.pem` (what vouches for its
//! certificates) into the folder; `directory` comes last.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use certwright_testkit as testkit;

use acme_core::{Clock, Timestamp};
use testkit::ca::{ModelCa, Settings};
use testkit::https::{HttpsFront, RealValidator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(port), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: authority TLS-PORT FOLDER".into());
    };
    let folder = PathBuf::from(folder);
    let validator = RealValidator::new(0, port.parse()?);
    let front = HttpsFront::start_validating(ModelCa::new(Settings::default()), Arc::new(WallClock), validator).await?;
    std::fs::write(folder.join("root.pem"), front.root_pem())?;
    std::fs::write(folder.join("issued.pem"), front.ca().root_pem(0).ok_or("it has no root")?)?;
    let part = folder.join("directory.part");
    std::fs::write(&part, front.directory_url().as_str())?;
    std::fs::rename(part, folder.join("directory"))?;
    std::future::pending::<()>().await;
    Ok(())
}

struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "a program of its own has no other clock")]
    fn now(&self) -> Timestamp {
        std::time::SystemTime::now().into()
    }
}
