//! PEM (RFC 7468), written; `rustls_pki_types::pem` reads it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroize as _;

/// `der` between the lines that name it, as in `pem::encode("CERTIFICATE", der)`.
///
/// Nothing of `der` is left behind in memory but the text itself, so it serves for keys too.
pub fn encode(label: &str, der: &[u8]) -> String {
    let lines = der.len().div_ceil(OCTETS);
    // Sized ahead: a string that grows leaves copies behind.
    let mut out = String::with_capacity(lines * (LINE + 1) + 2 * label.len() + 40);
    for part in ["-----BEGIN ", label, "-----\n"] {
        out.push_str(part);
    }
    let mut line = [0; LINE];
    for octets in der.chunks(OCTETS) {
        // A line holds the octets that it is made for, and base64 is ASCII.
        let length = BASE64_STANDARD.encode_slice(octets, &mut line).unwrap_or(0);
        out.push_str(std::str::from_utf8(&line[..length]).unwrap_or_default());
        out.push('\n');
    }
    line.zeroize();
    for part in ["-----END ", label, "-----\n"] {
        out.push_str(part);
    }
    out
}

/// Characters of a line (RFC 7468 section 2).
const LINE: usize = 64;
/// What a line holds.
const OCTETS: usize = LINE / 4 * 3;

#[cfg(test)]
mod tests {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject as _;

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for length in [0, 1, 47, 48, 49, 96, 1000] {
            let der: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let text = encode("CERTIFICATE", &der);
            assert!(text.lines().all(|line| line.len() <= LINE));
            assert_eq!(CertificateDer::from_pem_slice(text.as_bytes()).unwrap().as_ref(), der, "{length} octets");
        }
    }
}
