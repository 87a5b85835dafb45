//! What OpenSSL finds in PKCS #12.

use acme_core::{KeyType, PrivateKey, Signer as _};
use certwright_certstore::keystore::KeyStore;
use certwright_certstore::keystore::pkcs12::Profile;
use testkit::servers::judges::OpenSsl;

use crate::world::{Holder, PROFILES, certificates, file, openssl, run, secret, seed};

/// `openssl pkcs12 -in` what was written; the old ciphers need its own leave.
fn pkcs12(written: &[u8], profile: Profile, password: &str, arguments: &[&str]) -> String {
    let written = file(written);
    let password = format!("pass:{password}");
    let path = written.path.to_str().unwrap();
    let legacy: &[&str] = if profile == Profile::Modern2023 { &[] } else { &["-legacy"] };
    openssl(&[&["pkcs12", "-in", path, "-passin", &password, "-nodes"], legacy, arguments].concat(), b"")
}

#[test]
fn key_and_chain_come_back_to_the_byte() {
    for kind in [KeyType::Rsa2048, KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::EcdsaP521, KeyType::Ed25519] {
        let holder = Holder::new(kind, 2);
        for profile in PROFILES {
            let written = holder.pkcs12(profile, "changeit");
            let text = pkcs12(&written, profile, "changeit", &[]);
            assert_eq!(certificates(&text), holder.all(), "{kind} {profile:?}");
            let key = PrivateKey::from_pem(&text).unwrap();
            assert_eq!(key.to_pkcs8_der().expose(), holder.key.to_pkcs8_der().expose(), "{kind} {profile:?}");
            assert_eq!(key.public_key(), holder.key.public_key());
            assert_eq!(text.matches("friendlyName: the service").count(), 2, "the key and the leaf: {text}");
            assert_eq!(text.matches("localKeyID").count(), 2, "{text}");
        }
    }
}

#[test]
fn each_profile_is_what_its_name_says() {
    let holder = Holder::new(KeyType::EcdsaP256, 1);
    for (profile, mac, for_certificates, for_key) in [
        (Profile::Modern2023, "MAC: sha256, Iteration 2048", AES, AES),
        (Profile::LegacyDes, "MAC: sha1, Iteration 2048", "pbeWithSHA1And3-KeyTripleDES-CBC", TRIPLE_DES),
        (Profile::LegacyRc2, "MAC: sha1, Iteration 2048", "pbeWithSHA1And40BitRC2-CBC", TRIPLE_DES),
    ] {
        let written = file(&holder.pkcs12(profile, "changeit"));
        let path = written.path.to_str().unwrap();
        let arguments = ["pkcs12", "-in", path, "-passin", "pass:changeit", "-info", "-noout", "-legacy"];
        let output = run(OpenSsl::find().command(), &arguments, b"");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let info = String::from_utf8(output.stderr).unwrap();
        let line = |start: &str| info.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned();
        assert_eq!(line("MAC:"), mac);
        assert!(line("PKCS7 Encrypted data:").contains(for_certificates), "{info}");
        assert!(line("Shrouded Keybag:").contains(for_key), "{info}");
    }
}

#[test]
fn a_wrong_password_opens_nothing() {
    let holder = Holder::new(KeyType::EcdsaP256, 1);
    for profile in PROFILES {
        let written = file(&holder.pkcs12(profile, "changeit"));
        let path = written.path.to_str().unwrap();
        let arguments = ["pkcs12", "-in", path, "-passin", "pass:changeme", "-nodes", "-legacy"];
        let output = run(OpenSsl::find().command(), &arguments, b"");
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains("invalid password"));
    }
}

#[test]
fn every_password_is_taken_as_openssl_types_it() {
    let holder = Holder::new(KeyType::EcdsaP256, 1);
    for profile in PROFILES {
        for password in ["", " ", "geheim:süß", "пароль", "密码", "🔑", &"long".repeat(100)] {
            let written = holder.pkcs12(profile, password);
            assert_eq!(
                certificates(&pkcs12(&written, profile, password, &[])),
                holder.all(),
                "{password:?} {profile:?}"
            );
        }
    }
}

#[test]
fn a_long_chain_and_a_long_name_fit() {
    let holder = Holder::new(KeyType::EcdsaP256, 30);
    let alias = "Dienst für 東京 🔑 ".repeat(40);
    let store = holder.store().with_alias(&alias);
    let written = store.to_pkcs12(Profile::Modern2023, &secret("changeit"), &seed()).unwrap();
    let text = pkcs12(written.expose(), Profile::Modern2023, "changeit", &[]);
    assert_eq!(certificates(&text), holder.chain);
}

#[test]
fn authorities_alone_need_no_key() {
    let (one, other) = (Holder::new(KeyType::EcdsaP256, 1), Holder::new(KeyType::EcdsaP256, 1));
    for profile in PROFILES {
        let store = KeyStore::trusting([&one.root, &other.root]).unwrap();
        let written = store.to_pkcs12(profile, &secret("changeit"), &seed()).unwrap();
        let text = pkcs12(written.expose(), profile, "changeit", &[]);
        assert_eq!(certificates(&text), [one.root.clone(), other.root.clone()]);
        assert!(!text.contains("PRIVATE KEY"));
        assert!(text.contains("friendlyName: ca\n") && text.contains("friendlyName: ca-1\n"), "{text}");
    }
}

const AES: &str = "PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256";
const TRIPLE_DES: &str = "pbeWithSHA1And3-KeyTripleDES-CBC";
