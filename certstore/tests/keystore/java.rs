//! What Java finds in both kinds of key stores.

use acme_core::KeyType;
use certwright_certstore::keystore::{KeyStore, pkcs12};
use testkit::servers::judges::Keytool;

use crate::world::{File, Holder, NOW, PROFILES, certificates, file, keytool, openssl, run, secret, seed, sorted};

/// What `keytool -list` says of a file; everything it says is on its standard output.
fn list(written: &[u8], password: &str, how: &str) -> String {
    let written = file(written);
    let output = keytool(&["-list", how], &written.path, password);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said} {}", String::from_utf8_lossy(&output.stderr));
    said
}

/// The key under `alias` as Java opens it: moved into a PKCS #12 of Java's own, which OpenSSL judges elsewhere.
fn moved(written: &[u8], password: &str, alias: &str) -> pkcs12::Contents {
    let from = file(written);
    let to = file(b"");
    std::fs::remove_file(&to.path).unwrap();
    let secret_file: File = file(password.as_bytes());
    let arguments = [
        "-importkeystore",
        "-srckeystore",
        from.path.to_str().unwrap(),
        "-srcstorepass:file",
        secret_file.path.to_str().unwrap(),
        "-srcalias",
        alias,
        "-deststoretype",
        "PKCS12",
        "-destkeystore",
        to.path.to_str().unwrap(),
        "-deststorepass",
        "changeit",
        "-J-Dfile.encoding=UTF-8",
        "-J-XX:TieredStopAtLevel=1",
    ];
    let output = run(Keytool::find().command(), &arguments, b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    pkcs12::read(&std::fs::read(&to.path).unwrap(), &secret("changeit")).unwrap()
}

#[test]
fn java_lists_key_and_chain_of_pkcs12() {
    for kind in [KeyType::Rsa2048, KeyType::EcdsaP256, KeyType::EcdsaP521, KeyType::Ed25519] {
        let holder = Holder::new(kind, 2);
        for profile in PROFILES {
            let written = holder.pkcs12(profile, "changeit");
            let said = list(&written, "changeit", "-rfc");
            assert!(said.contains("Alias name: the service") && said.contains("Entry type: PrivateKeyEntry"), "{said}");
            // Java builds the chain by names and signatures, up to the root beside it.
            assert_eq!(certificates(&said), holder.all(), "{kind} {profile:?}");
        }
    }
}

#[test]
fn java_opens_the_key_of_every_kind() {
    for kind in [KeyType::Rsa2048, KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::Ed25519] {
        let holder = Holder::new(kind, 2);
        for (written, alias) in [
            (holder.pkcs12(pkcs12::Profile::Modern2023, "changeit"), "the service"),
            (holder.pkcs12(pkcs12::Profile::LegacyRc2, "changeit"), "the service"),
            (holder.jks("changeit"), "certificate"),
        ] {
            let found = moved(&written, "changeit", alias);
            assert_eq!(found.keys.len(), 1);
            assert_eq!(found.keys[0].key.expose(), holder.key.to_pkcs8_der().expose(), "{kind}");
            let chain: Vec<_> = found.certificates.iter().map(|it| it.certificate.clone()).collect();
            assert!(chain.starts_with(&holder.chain), "{kind}");
        }
    }
}

#[test]
fn java_lists_key_chain_and_authority_of_jks() {
    for kind in [KeyType::Rsa2048, KeyType::EcdsaP256, KeyType::Ed25519] {
        let holder = Holder::new(kind, 3);
        let said = list(&holder.jks("changeit"), "changeit", "-v");
        assert!(said.contains("Keystore type: JKS"), "{said}");
        assert!(said.contains("Your keystore contains 2 entries"), "{said}");
        assert!(said.contains("Alias name: certificate") && said.contains("Certificate chain length: 3"), "{said}");
        assert!(said.contains("Alias name: ca\n") && said.contains("Entry type: trustedCertEntry"), "{said}");
        assert!(said.contains("Creation date: Sep 21, 2026"), "{said}");
        let found = list(&holder.jks("changeit"), "changeit", "-rfc");
        assert_eq!(sorted(certificates(&found)), sorted(holder.all()));
    }
}

#[test]
fn java_trusts_the_authorities_of_both_kinds() {
    let (one, other) = (Holder::new(KeyType::EcdsaP256, 1), Holder::new(KeyType::EcdsaP256, 1));
    let store = KeyStore::trusting([&one.root, &other.root]).unwrap();
    let mut all: Vec<_> =
        PROFILES.iter().map(|profile| store.to_pkcs12(*profile, &secret("changeit"), &seed()).unwrap()).collect();
    all.push(store.to_jks(&secret("changeit"), NOW, &seed()).unwrap());
    for written in all {
        let said = list(written.expose(), "changeit", "-rfc");
        assert_eq!(said.matches("Entry type: trustedCertEntry").count(), 2, "{said}");
        assert!(said.contains("Alias name: ca\n") && said.contains("Alias name: ca-1\n"), "{said}");
        assert_eq!(sorted(certificates(&said)), sorted(vec![one.root.clone(), other.root.clone()]));
    }
}

#[test]
fn a_wrong_password_opens_nothing_in_java() {
    let holder = Holder::new(KeyType::EcdsaP256, 1);
    for written in [holder.pkcs12(pkcs12::Profile::Modern2023, "changeit"), holder.jks("changeit")] {
        let written = file(&written);
        let output = keytool(&["-list"], &written.path, "changeme");
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("password was incorrect"));
    }
}

#[test]
fn java_takes_passwords_outside_ascii_for_jks_alone() {
    let holder = Holder::new(KeyType::EcdsaP256, 1);
    for password in ["geheim:süß", "пароль", "密码密码密码", "🔑🔑🔑"] {
        let found = moved(&holder.jks(password), password, "certificate");
        assert_eq!(found.keys[0].key.expose(), holder.key.to_pkcs8_der().expose(), "{password}");
    }
    // What OpenSSL writes under such a password is not read by Java either.
    let password = "geheim:süß";
    let theirs = file(b"");
    let input = [holder.key.to_pem().expose().as_bytes(), holder.pem().as_bytes()].concat();
    let words = format!("pass:{password}");
    openssl(&["pkcs12", "-export", "-out", theirs.path.to_str().unwrap(), "-passout", &words], &input);
    let ours = file(&holder.pkcs12(pkcs12::Profile::Modern2023, password));
    for written in [theirs, ours] {
        assert!(!keytool(&["-list"], &written.path, password).status.success());
    }
}

#[test]
fn java_takes_the_empty_password() {
    let holder = Holder::new(KeyType::EcdsaP256, 1);
    for profile in PROFILES {
        assert_eq!(certificates(&list(&holder.pkcs12(profile, ""), "", "-rfc")), holder.all(), "{profile:?}");
    }
    let found = list(&holder.jks(""), "", "-rfc");
    assert_eq!(sorted(certificates(&found)), sorted(holder.all()));
}

#[test]
fn names_are_found_whatever_is_in_them() {
    let holder = Holder::new(KeyType::EcdsaP256, 1);
    for alias in ["Mixed Case", "süß", "東京", "🔑", "nul\0in it"] {
        let store = holder.store().with_alias(alias);
        for written in [
            store.to_jks(&secret("changeit"), NOW, &seed()).unwrap(),
            store.to_pkcs12(pkcs12::Profile::Modern2023, &secret("changeit"), &seed()).unwrap(),
        ] {
            let said = list(written.expose(), "changeit", "-v");
            assert!(said.contains(&format!("Alias name: {}", alias.to_lowercase())), "{said}");
        }
    }
}
