//! What is read back, without any program beside.

use acme_core::{ErrorKind, KeyType};
use certwright_certstore::keystore::pkcs12::{Profile, read};
use certwright_certstore::keystore::{KeyStore, Seed};

use crate::world::{ALL_PROFILES, Holder, NOW, openssl, secret, seed};

#[test]
fn what_is_written_is_read_back() {
    let holder = Holder::new(KeyType::EcdsaP256, 3);
    for profile in ALL_PROFILES {
        for password in ["changeit", "", "密码"] {
            let contents = read(&holder.pkcs12(profile, password), &secret(password)).unwrap();
            let [key] = contents.keys.as_slice() else { panic!("one key") };
            assert_eq!(key.alias.as_deref(), Some("the service"));
            assert_eq!(key.key.expose(), holder.key.to_pkcs8_der().expose());
            let found: Vec<_> = contents.certificates.iter().map(|it| it.certificate.clone()).collect();
            assert_eq!(found, holder.all());
            assert_eq!(contents.certificates[0].id, key.id);
            assert!(contents.certificates.iter().all(|it| !it.trusted));
            assert!(contents.certificates[1..].iter().all(|it| it.alias.is_none() && it.id.is_none()));
        }
    }
}

#[test]
fn what_openssl_writes_is_read() {
    let holder = Holder::new(KeyType::Rsa2048, 2);
    let input = [holder.key.to_pem().expose().as_str(), &holder.pem()].concat();
    for how in [
        &[][..],
        &["-keypbe", "aes-128-cbc", "-certpbe", "aes-192-cbc", "-macalg", "sha512"],
        &["-keypbe", "NONE", "-certpbe", "NONE", "-macalg", "sha384"],
        &["-legacy"],
        &["-iter", "10000", "-nomaciter"],
    ] {
        for password in ["changeit", "", "пароль"] {
            let written = crate::world::file(b"");
            let path = written.path.to_str().unwrap();
            let words = format!("pass:{password}");
            let arguments = ["pkcs12", "-export", "-out", path, "-name", "naïve", "-passout", &words];
            openssl(&[&arguments, how].concat(), input.as_bytes());
            let contents = read(&std::fs::read(path).unwrap(), &secret(password))
                .unwrap_or_else(|error| panic!("{how:?} {password}: {error}"));
            assert_eq!(contents.keys[0].key.expose(), holder.key.to_pkcs8_der().expose());
            assert_eq!(contents.keys[0].alias.as_deref(), Some("naïve"));
            assert_eq!(contents.keys[0].id, contents.certificates[0].id);
            let found: Vec<_> = contents.certificates.iter().map(|it| it.certificate.clone()).collect();
            assert_eq!(found, holder.chain);
        }
    }
}

#[test]
fn a_truststore_is_told_by_its_marks() {
    let holder = Holder::new(KeyType::EcdsaP256, 1);
    let store = KeyStore::trusting([&holder.root]).unwrap();
    let written = store.to_pkcs12(Profile::Modern2023, &secret("changeit"), &seed()).unwrap();
    let contents = read(written.expose(), &secret("changeit")).unwrap();
    assert!(contents.keys.is_empty());
    assert!(contents.certificates[0].trusted);
    assert_eq!(contents.certificates[0].alias.as_deref(), Some("ca"));
}

#[test]
fn the_same_seed_writes_the_same_bytes_and_another_does_not() {
    let holder = Holder::new(KeyType::EcdsaP256, 1);
    let store = holder.store();
    let password = secret("changeit");
    for profile in ALL_PROFILES {
        let write = |seed| store.to_pkcs12(profile, &password, &Seed::fixed([seed; 32])).unwrap().expose().clone();
        assert_eq!(write(1), write(1));
        assert_ne!(write(1), write(2));
    }
    let write = |seed| store.to_jks(&password, NOW, &Seed::fixed([seed; 32])).unwrap().expose().clone();
    assert_eq!(write(1), write(1));
    assert_ne!(write(1), write(2));
}

#[test]
fn a_wrong_password_and_a_changed_file_are_refused_alike() {
    let holder = Holder::new(KeyType::EcdsaP256, 1);
    for profile in [Profile::Modern2023, Profile::Modern2026] {
        let sound = holder.pkcs12(profile, "changeit");
        for password in ["changeme", "", "changeit ", "CHANGEIT"] {
            let error = read(&sound, &secret(password)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
        }
        let mut changed = sound.clone();
        changed[200] ^= 1;
        assert_eq!(read(&changed, &secret("changeit")).unwrap_err().kind(), ErrorKind::Unauthorized);
        for end in [0, 1, 50, sound.len() - 1] {
            assert_eq!(read(&sound[..end], &secret("changeit")).unwrap_err().kind(), ErrorKind::Malformed);
        }
    }
}

#[test]
fn what_costs_too_much_is_not_tried() {
    let holder = Holder::new(KeyType::EcdsaP256, 1);
    let sound = holder.pkcs12(Profile::Modern2023, "changeit");
    // The file ends with MacData, and that with its rounds: 2048 in two octets. Three octets make it eight million.
    let data = sound.len() - 75;
    assert_eq!(sound[data..data + 2], [0x30, 73]);
    assert_eq!(sound[sound.len() - 4..], [0x02, 0x02, 0x08, 0x00]);
    let mut costly = sound[..sound.len() - 4].to_vec();
    costly.extend([0x02, 0x03, 0x7f, 0xff, 0xff]);
    costly[data + 1] += 1;
    costly[3] += 1;
    let error = read(&costly, &secret("changeit")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("rounds"), "{error}");

    let error = read(&vec![0x30; 5 * 1024 * 1024], &secret("changeit")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[test]
fn what_cannot_be_a_key_store_says_why() {
    let holder = Holder::new(KeyType::EcdsaP256, 1);
    let error = KeyStore::keyed(holder.key.to_pkcs8_der(), &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    let error = KeyStore::trusting(std::iter::repeat_n(&holder.root, 2000)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let long = "x".repeat(70_000);
    let store = holder.store().with_alias(&long);
    assert_eq!(store.to_jks(&secret("changeit"), NOW, &seed()).unwrap_err().kind(), ErrorKind::Unsupported);
    let store = holder.store().with_alias("CA").with_authorities([&holder.root]).unwrap();
    assert_eq!(store.to_jks(&secret("changeit"), NOW, &seed()).unwrap_err().kind(), ErrorKind::Malformed);
}

#[test]
fn debug_shows_no_key() {
    let holder = Holder::new(KeyType::EcdsaP256, 1);
    let shown = format!("{:?} {:?}", holder.store(), read(&holder.pkcs12(Profile::Modern2023, "pw"), &secret("pw")));
    assert!(shown.contains("Secret(..)") && shown.len() < 6000, "{shown}");
}
