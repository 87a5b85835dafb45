//! The forms in which a text may hold a secret.

use acme_core::PrivateKey;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// Secrets, each under a name that may be said.
#[derive(Default)]
pub(super) struct Secrets(Vec<(String, Vec<u8>)>);

impl Secrets {
    /// The private half of a key.
    pub(super) fn key(&mut self, name: &str, key: &PrivateKey) {
        self.pkcs8(name, key.to_pkcs8_der().expose());
    }

    /// The private half of an EC key in PKCS #8: the octets of its scalar. The rest of the text is public or the same in all keys.
    pub(super) fn pkcs8(&mut self, name: &str, der: &[u8]) {
        // ECPrivateKey of RFC 5915: version 1, then an OCTET STRING as long as the curve's order.
        let at = [[2, 1, 1, 4, 32], [2, 1, 1, 4, 48]].iter().find_map(|head| {
            let at = der.windows(head.len()).position(|window| window == head)?;
            Some((at + head.len(), usize::from(head[4])))
        });
        let (at, length) = at.expect("an EC key");
        self.0.push((name.to_owned(), der[at..at + length].to_vec()));
    }

    /// A secret as its owner has it, in base64 of any alphabet.
    pub(super) fn base64(&mut self, name: &str, text: &str) {
        let decoded = BASE64_STANDARD.decode(text).or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(text)).expect("base64");
        self.0.push((name.to_owned(), decoded));
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The first secret that the text holds a part of, and where.
    pub(super) fn find_in(&self, text: &str) -> Option<(&str, usize)> {
        self.0.iter().find_map(|(name, secret)| {
            let at = fragments(secret).flat_map(forms).find_map(|form| text.find(&form))?;
            Some((name.as_str(), at))
        })
    }
}

/// Two parts, so that a line that ends within one leaves the other whole.
fn fragments(secret: &[u8]) -> impl Iterator<Item = &[u8]> {
    [&secret[..12], &secret[secret.len() - 12..]].into_iter()
}

/// How 12 octets may stand in a text: in hexadecimal, in base64 wherever in its groups of three they fall, as a list of numbers.
fn forms(octets: &[u8]) -> Vec<String> {
    let joined =
        |separator: &str, format: fn(&u8) -> String| octets.iter().map(format).collect::<Vec<_>>().join(separator);
    let mut forms = vec![
        joined("", |it| format!("{it:02x}")),
        joined("", |it| format!("{it:02X}")),
        joined(":", |it| format!("{it:02x}")),
        joined(":", |it| format!("{it:02X}")),
        joined(", ", u8::to_string),
        joined(",", u8::to_string),
        joined(",\n    ", u8::to_string),
        joined(", ", |it| format!("0x{it:02x}")),
        octets.escape_ascii().to_string(),
    ];
    for before in 0..3 {
        let shifted = [&[0; 2][..before.min(2)], octets].concat();
        // The characters that depend on the neighbours are left out.
        let first = [0, 2, 3][before];
        for encoded in [BASE64_STANDARD_NO_PAD.encode(&shifted), BASE64_URL_SAFE_NO_PAD.encode(&shifted)] {
            let whole = shifted.len() * 8 / 6;
            forms.push(encoded[first..whole].to_owned());
        }
    }
    forms
}

#[test]
fn a_secret_is_found_in_every_form() {
    let key = PrivateKey::generate(acme_core::KeyType::EcdsaP256).expect("a key");
    let der = key.to_pkcs8_der().expose();
    let mut secrets = Secrets::default();
    secrets.key("it", &key);

    let mut said = vec![
        key.to_pem().expose().clone(),
        format!("{der:?}"),
        format!("{der:02x?}").replace(", ", "").replace(['[', ']'], ""),
        der.escape_ascii().to_string(),
        BASE64_URL_SAFE_NO_PAD.encode(der),
    ];
    // In a structure of any length before it.
    said.extend((0..3).map(|before| BASE64_STANDARD.encode([&vec![7; before][..], der].concat())));
    for said in said {
        let said = format!("some words {said} and others");
        assert!(secrets.find_in(&said).is_some(), "{said}");
    }
    assert!(secrets.find_in(&format!("{key:?}")).is_none());
}
