//! Parsers that read what a stranger sent: whatever it is, they return.

use certwright_acme_core::client::Chain;
use certwright_acme_core::directory::headers::{links, retry_after};
use certwright_acme_core::jose::Jwk;
use certwright_acme_core::protocol::Url;
use certwright_acme_core::{Timestamp, limits};
use proptest::prelude::*;
use rustls_pki_types::SubjectPublicKeyInfoDer;

use crate::script::url;

proptest! {
    #[test]
    fn headers_never_panic(text in r#"[<>;,="\\ a-z/.?#:é\t]{0,80}"#) {
        let base = url("https://ca.example/acme/cert/1?x");
        prop_assert!(links([text.as_str()], &base).len() <= limits::LINKS);
        prop_assert!(retry_after(&text, Timestamp::EPOCH).is_none_or(|wait| wait <= limits::RETRY_AFTER));
    }

    #[test]
    fn a_resolved_url_is_a_url(reference in r"[a-z/.?#:@\[\]%é ]{0,40}") {
        let base = url("https://ca.example/acme/cert/1?x");
        if let Ok(joined) = base.join(&reference) {
            prop_assert!(Url::parse(joined.as_str()).is_ok());
        }
    }

    #[test]
    fn chains_and_keys_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "(-----(BEGIN|END) CERTIFICATE-----|[A-Za-z=\r\n]{0,9}){0,9}") {
        let _ = Chain::from_pem(&bytes);
        let _ = Chain::from_pem(text.as_bytes());
        let _ = Jwk::from_spki(&SubjectPublicKeyInfoDer::from(bytes));
    }
}
