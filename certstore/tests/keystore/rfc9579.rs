//! The files of RFC 9579 appendix A, and what PBMAC1 must not be talked into.

use acme_core::{Error, ErrorKind, KeyType};
use certwright_certstore::keystore::pkcs12::{Contents, Profile, read};

use crate::world::{Holder, file, openssl, secret};

#[test]
fn the_sound_files_of_the_appendix_are_read() {
    for file in
        [&include_bytes!("rfc9579/a1.p12")[..], include_bytes!("rfc9579/a2.p12"), include_bytes!("rfc9579/a3.p12")]
    {
        let contents = read(file, &secret("1234")).unwrap();
        assert_eq!((contents.keys.len(), contents.certificates.len()), (1, 1));
        assert_eq!(read(file, &secret("12345")).unwrap_err().kind(), ErrorKind::Unauthorized);
    }
}

#[test]
fn the_unsound_files_of_the_appendix_are_refused() {
    let wrong_rounds = include_bytes!("rfc9579/a4.p12");
    let wrong_salt = include_bytes!("rfc9579/a5.p12");
    for file in [&wrong_rounds[..], wrong_salt] {
        assert_eq!(read(file, &secret("1234")).unwrap_err().kind(), ErrorKind::Unauthorized);
    }
    let error = read(include_bytes!("rfc9579/a6.p12"), &secret("1234")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("no length of its key"), "{error}");
}

#[test]
fn what_is_written_authenticates_as_the_appendix_does() {
    let ours = Holder::new(KeyType::EcdsaP256, 1).pkcs12(Profile::Modern2026, "changeit");
    let names = |written: &[u8]| -> Vec<String> {
        let written = file(written);
        let text = openssl(&["asn1parse", "-inform", "DER", "-in", written.path.to_str().unwrap()], b"");
        let objects = text.lines().filter(|line| line.contains("OBJECT"));
        objects.map(|line| line.rsplit(':').next().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&ours), ["pkcs7-data", "PBMAC1", "PBKDF2", "hmacWithSHA256", "hmacWithSHA256"]);
    assert_eq!(names(&ours), names(include_bytes!("rfc9579/a1.p12")));
}

#[test]
fn a_key_that_can_be_guessed_or_is_endless_is_not_derived() {
    for (length, kind) in [
        (1, ErrorKind::Unsupported),
        (19, ErrorKind::Unsupported),
        // Within bounds: another key, and so another MAC.
        (20, ErrorKind::Unauthorized),
        (64, ErrorKind::Unauthorized),
        (65, ErrorKind::Unsupported),
        (127, ErrorKind::Unsupported),
    ] {
        let error = changed(|data, at| data[at + 6] = length).unwrap_err();
        assert_eq!(error.kind(), kind, "{length}: {error}");
    }
}

#[test]
fn rounds_are_paid_for_each_block_of_the_key() {
    for (length, kind) in [(32, ErrorKind::Unauthorized), (64, ErrorKind::Unsupported)] {
        let error = changed(|data, at| {
            // One octet less of salt makes room for 1,048,576 rounds: within bounds once, not twice.
            data[at - 17] = 15;
            data[at - 1..at + 7].copy_from_slice(&[0x02, 0x03, 0x10, 0x00, 0x00, 0x02, 0x01, length]);
        })
        .unwrap_err();
        assert_eq!(error.kind(), kind, "{length}: {error}");
    }
}

/// Reads a file of this library after a change to its MacData, which is told where the count of rounds stands: behind the salt.
fn changed(change: impl FnOnce(&mut [u8], usize)) -> Result<Contents, Error> {
    let mut file = Holder::new(KeyType::EcdsaP256, 1).pkcs12(Profile::Modern2026, "changeit");
    let rounds_and_length = [0x02, 0x02, 0x08, 0x00, 0x02, 0x01, 32];
    let at = file.windows(rounds_and_length.len()).rposition(|it| it == rounds_and_length).unwrap();
    assert_eq!(file[at - 18..at - 16], [0x04, 16]);
    change(&mut file, at);
    read(&file, &secret("changeit"))
}
