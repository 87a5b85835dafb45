//! Keys, public and private, and the files that hold them.

use acme_core::instant_acme_0_8::Credentials;
use acme_core::key::{Encoding, PublicKey, verify_x509};
use acme_core::{PrivateKey, Secret, Signer as _};
use certstore::keystore::pkcs12::{Contents, read as read_pkcs12};

use super::sound;
use crate::vouched::authenticated;

/// An account as instant-acme stores it.
pub fn credentials(bytes: &[u8]) {
    match Credentials::from_json(bytes) {
        Ok(credentials) => {
            let debugged = format!("{credentials:?}");
            assert!(!debugged.contains(&format!("{:?}", credentials.key.to_pkcs8_der().expose())));
        }
        Err(error) => sound(&error),
    }
}

/// A key store of PKCS #12, and the inside of one that its password vouches for.
pub fn pkcs12(bytes: &[u8]) {
    for file in [bytes, &authenticated(bytes)] {
        match read_pkcs12(file, &Secret::new(String::new())) {
            Ok(Contents { keys, certificates, .. }) => {
                assert!(certificates.len() <= certstore::limits::KEYSTORE_CERTIFICATES);
                assert!(format!("{keys:?}").matches("Secret(..)").count() >= keys.len(), "a key is shown");
            }
            Err(error) => sound(&error),
        }
    }
}

/// A private key as people bring it, in PEM or DER; what is read goes through every structure.
pub fn private_key(bytes: &[u8]) {
    let read = match std::str::from_utf8(bytes) {
        Ok(pem) => PrivateKey::from_pem(pem),
        Err(_) => PrivateKey::from_der(Secret::new(bytes.to_vec())),
    };
    let key = match read {
        Ok(key) => key,
        Err(error) => return sound(&error),
    };
    for encoding in [Encoding::Pkcs8, Encoding::Traditional] {
        let pem = PrivateKey::from_pem(key.to_pem_as(encoding).expose());
        let der = PrivateKey::from_der(key.to_der_as(encoding));
        for again in [pem, der] {
            assert_eq!(again.ok().as_ref().map(|it| it.public_key()), Some(key.public_key()));
        }
    }
}

/// A public key (DER).
pub fn public_key(bytes: &[u8]) {
    match PublicKey::read(&bytes.into()) {
        Ok(key) => {
            let _ = key.kind().to_string();
            if let Err(error) = key.refuse_weak() {
                sound(&error);
            }
        }
        Err(error) => sound(&error),
    }
}

/// The name of a signature's algorithm (DER), over keys of every kind.
pub fn signature_algorithm(bytes: &[u8]) {
    for key in
        [&include_bytes!("../../seeds/public_key/rsa2048.der")[..], include_bytes!("../../seeds/public_key/p256.der")]
    {
        if let Err(error) = verify_x509(bytes, &key.into(), b"message", b"no signature") {
            sound(&error);
        }
    }
}
