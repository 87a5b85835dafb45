//! PKCS #12 between this library and go-pkcs12, which cert-manager writes its key stores with.

use acme_core::{ErrorKind, KeyType, PrivateKey, Secret};
use certwright_certstore::keystore::KeyStore;
use certwright_certstore::keystore::pkcs12::{Profile, read};
use testkit::servers::judges::Go;

use crate::world::{ALL_PROFILES, Holder, secret, seed};

/// Go has passwords in UTF-16, without what lies outside its first plane.
const PASSWORDS: [&str; 4] = ["changeit", "", "geheim:süß", "密码"];

fn name(profile: Profile) -> &'static str {
    match profile {
        Profile::Modern2026 => "Modern2026",
        Profile::Modern2023 => "Modern2023",
        Profile::LegacyDes => "LegacyDES",
        Profile::LegacyRc2 => "LegacyRC2",
        other => panic!("{other:?} has no name in cert-manager"),
    }
}

/// A key of Go's as this library writes it.
fn as_ours(key: &[u8]) -> Vec<u8> {
    PrivateKey::from_der(Secret::new(key.to_vec())).unwrap().to_pkcs8_der().expose().clone()
}

#[test]
fn go_finds_key_and_chain_in_what_is_written_here() {
    let go = Go::start();
    for kind in [KeyType::Rsa2048, KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::EcdsaP521, KeyType::Ed25519] {
        let holder = Holder::new(kind, 3);
        for profile in ALL_PROFILES {
            for password in PASSWORDS {
                let opened = go.open_keystore(&holder.pkcs12(profile, password), password);
                let opened = opened.unwrap_or_else(|why| panic!("{kind} {profile:?} {password:?}: {why}"));
                assert_eq!(as_ours(&opened.key), *holder.key.to_pkcs8_der().expose(), "{kind} {profile:?}");
                assert_eq!(opened.certificates, holder.all(), "{kind} {profile:?}");
            }
        }
    }
}

#[test]
fn what_go_writes_is_read_here() {
    let go = Go::start();
    for kind in [KeyType::Rsa2048, KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::EcdsaP521, KeyType::Ed25519] {
        let holder = Holder::new(kind, 3);
        for profile in ALL_PROFILES {
            for password in PASSWORDS {
                let key = holder.key.to_pkcs8_der().expose();
                let written = go.make_keystore(name(profile), key, &holder.all(), password);
                let contents = read(&written, &secret(password))
                    .unwrap_or_else(|error| panic!("{kind} {profile:?} {password:?}: {error}"));
                let [found] = contents.keys.as_slice() else { panic!("one key") };
                assert_eq!(as_ours(found.key.expose()), *key, "{kind} {profile:?}");
                let chain: Vec<_> = contents.certificates.iter().map(|it| it.certificate.clone()).collect();
                assert_eq!(chain, holder.all(), "{kind} {profile:?}");
                assert_eq!(contents.certificates[0].id, found.id);
            }
        }
    }
}

#[test]
fn authorities_pass_both_ways() {
    let go = Go::start();
    let roots = [Holder::new(KeyType::EcdsaP256, 1).root, Holder::new(KeyType::EcdsaP256, 1).root];
    let store = KeyStore::trusting(&roots).unwrap();
    for profile in ALL_PROFILES {
        for password in PASSWORDS {
            let ours = store.to_pkcs12(profile, &secret(password), &seed()).unwrap();
            assert_eq!(go.open_truststore(ours.expose(), password).unwrap(), roots, "{profile:?} {password:?}");

            let theirs = go.make_truststore(name(profile), &roots, password);
            let contents = read(&theirs, &secret(password)).unwrap();
            assert!(contents.keys.is_empty() && contents.certificates.iter().all(|it| it.trusted), "{profile:?}");
            let found: Vec<_> = contents.certificates.into_iter().map(|it| it.certificate).collect();
            assert_eq!(found, roots, "{profile:?} {password:?}");
        }
    }
}

#[test]
fn a_wrong_password_opens_nothing_on_either_side() {
    let go = Go::start();
    let holder = Holder::new(KeyType::EcdsaP256, 1);
    for profile in ALL_PROFILES {
        let why = go.open_keystore(&holder.pkcs12(profile, "changeit"), "changeme").unwrap_err();
        assert!(why.contains("password incorrect"), "{profile:?}: {why}");
        let theirs = go.make_keystore(name(profile), holder.key.to_pkcs8_der().expose(), &holder.chain, "changeit");
        assert_eq!(read(&theirs, &secret("changeme")).unwrap_err().kind(), ErrorKind::Unauthorized, "{profile:?}");
    }
}
