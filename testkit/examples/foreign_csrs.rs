//! Writes `testkit/csr` anew: one signing request of each kind that foreign programs make.

use std::error::Error;
use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use certwright_testkit::servers::foreign_csrs::{folder, made_now};

fn main() -> Result<(), Box<dyn Error>> {
    for it in made_now() {
        let encoded = BASE64_STANDARD.encode(&it.der);
        let lines: Vec<_> = encoded.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        let pem =
            format!("-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n", lines.join("\n"));
        fs::write(folder().join(format!("{}.pem", it.label)), pem)?;
    }
    Ok(())
}
