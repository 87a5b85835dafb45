//! Akamai's signatures: EG1-HMAC-SHA256 in the `Authorization` header.

use std::fmt;

use acme_core::hash::sha256;
use acme_core::{Error, ErrorKind, Secret, Timestamp};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::AUTHORIZATION;
use http::{Method, Request};
use sha2::Sha256;

use crate::dns::http_api::{Credential, sensitive};

/// An API client of Akamai: its two tokens, and the secret that signs.
pub struct EdgeGrid {
    client_token: Secret<String>,
    access_token: Secret<String>,
    client_secret: Secret<String>,
}

impl EdgeGrid {
    /// An API client. White space around a part is dropped.
    pub fn new(client_token: &Secret<String>, access_token: &Secret<String>, client_secret: &Secret<String>) -> Self {
        let trimmed = |it: &Secret<String>| Secret::new(it.expose().trim().to_owned());
        Self {
            client_token: trimmed(client_token),
            access_token: trimmed(access_token),
            client_secret: trimmed(client_secret),
        }
    }

    fn header(&self, request: &Request<Bytes>, time: &str, nonce: &str) -> Result<Secret<String>, Error> {
        let uri = request.uri();
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.authority()) else {
            return Err(Error::new(ErrorKind::Malformed, "a request to be signed names no host"));
        };
        let path = uri.path_and_query().map_or("/", |it| it.as_str());
        let unsigned = format!(
            "EG1-HMAC-SHA256 client_token={};access_token={};timestamp={time};nonce={nonce};",
            self.client_token.expose(),
            self.access_token.expose()
        );
        // The body of POST alone is hashed, and no more of it than this.
        let hash = match *request.method() {
            Method::POST if !request.body().is_empty() => {
                BASE64_STANDARD.encode(sha256(&request.body()[..request.body().len().min(HASHED)]))
            }
            _ => String::new(),
        };
        let data = format!("{}\t{scheme}\t{host}\t{path}\t\t{hash}\t{unsigned}", request.method());
        let key = Secret::new(mac(self.client_secret.expose().as_bytes(), time.as_bytes()));
        Ok(Secret::new(format!("{unsigned}signature={}", mac(key.expose().as_bytes(), data.as_bytes()))))
    }
}

impl Credential for EdgeGrid {
    fn authenticate(&self, request: &mut Request<Bytes>, now: Timestamp) -> Result<(), Error> {
        let mut chance = [0; 16];
        getrandom::fill(&mut chance).map_err(|source| {
            Error::new(ErrorKind::Internal, "the system gives no randomness for a nonce").with_source(source)
        })?;
        let nonce = uuid(u128::from_be_bytes(chance));
        let header = self.header(request, &time(now), &nonce)?;
        request.headers_mut().insert(AUTHORIZATION, sensitive(&header)?);
        Ok(())
    }

    fn secrets(&self) -> Vec<&str> {
        [&self.client_secret, &self.client_token, &self.access_token].map(|it| it.expose().as_str()).into()
    }
}

impl fmt::Debug for EdgeGrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EdgeGrid(..)")
    }
}

/// `20260102T03:04:05+0000`.
fn time(now: Timestamp) -> String {
    let whole = Timestamp::from_unix_seconds(now.unix_seconds()).to_string();
    let (date, time) = whole.split_once('T').unwrap_or_default();
    format!("{}T{}+0000", date.replace('-', ""), time.trim_end_matches('Z'))
}

fn uuid(chance: u128) -> String {
    let hex = format!("{chance:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn mac(key: &[u8], message: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

const HASHED: usize = 131_072;

#[cfg(test)]
mod tests {
    use super::*;

    /// What Akamai's own library in Python (edgegrid-python 2.0.9) makes of the same requests.
    #[test]
    fn signatures_are_those_of_akamais_own_library() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let client =
            EdgeGrid::new(&secret("akab-client-token-xxx"), &secret("akab-access-token-xxx"), &secret("SOMESECRET"));
        let body = "{\"name\":\"_acme-challenge.example.org\",\"type\":\"TXT\",\"ttl\":300,\"rdata\":[\"\\\"v\\\"\"]}";
        for (method, body, signature) in [
            ("GET", "", "iUWCXgaDNqkTbUZ6Ds0B20M89rAllb/9nsX7ZFMGcMY="),
            ("POST", body, "x0tBI0VPxiEP3d3dziU+b8F+7aqzBu8fZKzkkc49Bx4="),
            ("PUT", body, "nAuFkGVBJ44pxQ/fbiASXFTyiG088/FE+CrsHJmgQjI="),
        ] {
            let uri = "https://akaa-host.luna.akamaiapis.net/config-dns/v2/zones/example.org/names/_acme-challenge.example.org/types/TXT";
            let request = Request::builder().method(method).uri(uri).body(Bytes::from(body)).unwrap();
            let now = Timestamp::parse_rfc3339("2026-01-02T03:04:05Z").unwrap();
            let header = client.header(&request, &time(now), "nonce-xx-xxxx-xxxx-xxxx-xxxxxxxxxxxx").unwrap();
            assert!(header.expose().ends_with(&format!(";signature={signature}")), "{method}: {}", header.expose());
        }
    }

    #[test]
    fn a_nonce_is_written_as_a_uuid() {
        assert_eq!(uuid(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff), "00112233-4455-6677-8899-aabbccddeeff");
    }
}
