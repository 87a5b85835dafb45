//! The credentials that instant-acme stores, read to the byte.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]

use acme_core::instant_acme_0_8::Credentials;
use acme_core::{ErrorKind, KeyType};
use certwright_acme_core as acme_core;

/// As instant-acme 0.8.5 wrote it, for an account at a Pebble of its own; the URLs were changed.
const STORED: &str = include_str!("golden/instant_acme_0_8_5.json");

#[test]
fn what_release_0_8_5_wrote_is_read() {
    let Credentials { account, key, directory, .. } = Credentials::from_json(STORED.as_bytes()).unwrap();

    assert_eq!(account.as_str(), "https://acme-v02.api.letsencrypt.org/acme/acct/123456789");
    assert_eq!(directory.unwrap().as_str(), "https://acme-v02.api.letsencrypt.org/directory");
    assert_eq!(key.key_type(), KeyType::EcdsaP256);
}

#[test]
fn what_releases_before_0_4_wrote_names_no_directory() {
    let urls = r#""urls":{"newNonce":"https://ca.example/nonce","newAccount":"https://ca.example/account","newOrder":"https://ca.example/order"}"#;
    let older = changed(r#""directory":"https://acme-v02.api.letsencrypt.org/directory""#, urls);

    assert_eq!(Credentials::from_json(older.as_bytes()).unwrap().directory, None);
}

#[test]
fn damage_is_told_by_its_place_and_without_the_key() {
    let key = STORED.split('"').find(|it| it.starts_with("MIG")).unwrap();
    for (damaged, said) in [
        (STORED[..40].to_owned(), "no JSON object with `id`, `key_pkcs8` and `directory`"),
        (changed("key_pkcs8", "key"), "no JSON object with `id`, `key_pkcs8` and `directory`"),
        (changed("https://acme-v02.api.letsencrypt.org/acme/acct/", "acct:"), "`id` is not the URL of an account"),
        (changed("https://acme-v02.api.letsencrypt.org/directory", "production"), "`directory` is not the URL"),
        (changed(key, &key[..key.len() - 1].replacen('M', "!", 1)), "`key_pkcs8` is not base64url"),
        (changed(key, &key[..key.len() / 2 / 4 * 4]), "`key_pkcs8`: not an unencrypted private key"),
        (changed(key, &key.replacen("MBMGByqG", "MBMGByqH", 1)), "`key_pkcs8`: a private key of the algorithm"),
        (changed(key, ""), "`key_pkcs8`: not an unencrypted private key"),
    ] {
        let error = Credentials::from_json(damaged.as_bytes()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Malformed | ErrorKind::Unsupported), "{error}");
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("the credentials of instant-acme cannot be read") && text.contains(said),
            "{said}: {text}"
        );
        assert!(!text.contains(&key[..24]), "{text}");
    }
}

fn changed(from: &str, to: &str) -> String {
    assert!(STORED.contains(from));
    STORED.replacen(from, to, 1)
}
