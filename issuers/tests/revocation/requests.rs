//! OCSP requests: how they are read, and what bounds them.

use acme_core::KeyType;
use certwright_issuers::ca::ocsp::{CertificateId, Refusal, Request, Responder, from_path};
use certwright_issuers::limits;

use crate::stage::{Bench, Ca, answer, serial};

#[test]
fn requests_are_bounded_and_unknown_critical_extensions_refused() {
    let ca = Ca::new(KeyType::EcdsaP256);
    let bench = Bench::new(&ca);
    let many: Vec<u64> = (1..=u64::try_from(limits::OCSP_CERTIFICATES).unwrap()).collect();
    let full = bench.request("-sha1", &many, "-no_nonce");
    let over = bench.request("-sha1", &[&many[..], &[1000]].concat(), "-no_nonce");
    let why = |bytes: &[u8]| Request::read(bytes).unwrap_err().to_string();

    let ids = Request::read(&full).unwrap().certificates().iter().map(CertificateId::serial).collect::<Vec<_>>();
    assert_eq!(ids, many.iter().map(|it| Some(serial(*it))).collect::<Vec<_>>());
    assert!(why(&over).contains("more than 64 certificates"));
    assert!(why(&vec![0x30; limits::OCSP_REQUEST + 1]).contains("longer than 16384 octets"));
    assert!(why(&tlv(0x30, &[&tlv(0x30, &[&tlv(0x30, &[])])])).contains("asks for no certificate"));
    let extension = tlv(0x30, &[&tlv(6, &[&[0x2a, 3]]), &[1, 1, 0xff], &tlv(4, &[])]);
    assert!(
        why(&with_extension(&bench.request("-sha1", &[7], "-no_nonce"), &extension)).contains("1.2.3 is not known")
    );
}

#[test]
fn a_request_by_get_is_in_its_path() {
    let ca = Ca::new(KeyType::EcdsaP256);
    let request = Bench::new(&ca).request("-sha1", &[7], "-nonce");
    let text = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &request);
    let escaped = text.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D");

    for path in [&text, &escaped, &format!("/{escaped}")] {
        assert_eq!(from_path(path).unwrap(), request, "{path}");
    }
    for path in ["%", "%2", "%zz", "%+1", "é", "A"] {
        assert!(from_path(path).is_err(), "{path}");
    }
}

#[test]
fn a_nonce_goes_back_as_it_came() {
    let ca = Ca::new(KeyType::EcdsaP256);
    let responder = Responder::new(&ca.certificate, ca.signer()).unwrap();
    let bench = Bench::new(&ca);
    let plain = bench.request("-sha1", &[7], "-no_nonce");
    let id = Request::read(&plain).unwrap();
    assert_eq!(id.nonce(), None);
    for (length, is_taken) in
        [(1, true), (16, true), (limits::OCSP_NONCE, true), (0, false), (limits::OCSP_NONCE + 1, false)]
    {
        let nonce = vec![0xa5; length];
        let request = with_nonce(&plain, &nonce);

        let answer = answer(&responder, &request);

        assert_eq!(Request::read(&request).is_ok(), is_taken, "{length}");
        if is_taken {
            assert_eq!(Request::read(&request).unwrap().nonce(), Some(&nonce[..]));
            let sent_back = tlv(4, &[&nonce]);
            assert!(answer.windows(sent_back.len()).any(|it| it == sent_back), "{length}");
        } else {
            assert_eq!(answer, Refusal::MalformedRequest.to_der(), "{length}");
        }
    }
    assert!(!answer(&responder, &plain).windows(NONCE.len()).any(|it| it == NONCE), "nobody asked for a nonce");
}

fn with_nonce(request: &[u8], nonce: &[u8]) -> Vec<u8> {
    with_extension(request, &tlv(0x30, &[&tlv(6, &[NONCE]), &tlv(4, &[&tlv(4, &[nonce])])]))
}

/// A request without extensions, with this one.
fn with_extension(request: &[u8], extension: &[u8]) -> Vec<u8> {
    // Two headers of two octets each: the request is shorter than 128.
    let list = &request[4..];
    tlv(0x30, &[&tlv(0x30, &[list, &tlv(0xa2, &[&tlv(0x30, &[extension])])])])
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let header = match u16::try_from(content.len()).unwrap().to_be_bytes() {
        [0, short @ 0..=0x7f] => vec![tag, short],
        [0, long] => vec![tag, 0x81, long],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [header, content].concat()
}

/// id-pkix-ocsp-nonce.
const NONCE: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02];
