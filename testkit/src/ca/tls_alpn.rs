//! What a validation certificate of TLS-ALPN-01 must be, as Boulder sees it (RFC 8737 section 3).

use acme_core::Identifier;
use acme_core::protocol::{KeyAuthorization, Problem, ProblemType};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::csr::identifier;
use super::keys::PublicKey;
use super::validation::Verdict;

/// Is this certificate (DER) the answer: self-signed, for exactly one name, with a critical `acmeIdentifier` that holds the digest?
///
/// The verdict carries the problem that the authority would show.
pub fn check_certificate(certificate: &[u8], wanted: &Identifier, key_authorization: &KeyAuthorization) -> Verdict {
    match check(certificate, wanted, key_authorization) {
        Ok(()) => Verdict::Valid,
        Err(why) => Verdict::Invalid(Problem::new(
            ProblemType::Unauthorized,
            format!("incorrect validation certificate for tls-alpn-01: {why}"),
        )),
    }
}

fn check(certificate: &[u8], wanted: &Identifier, key_authorization: &KeyAuthorization) -> Result<(), &'static str> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| "it is not a certificate")?;
    if parsed.subject().as_raw() != parsed.issuer().as_raw() {
        return Err("subject and issuer differ");
    }
    let self_signed = PublicKey::from_parsed(parsed.public_key()).is_ok_and(|key| {
        key.verifies_x509(
            &parsed.signature_algorithm.algorithm.to_id_string(),
            parsed.tbs_certificate.as_ref(),
            &parsed.signature_value.data,
        )
    });
    if !self_signed {
        return Err("it is not self-signed");
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut names = None;
    let mut digest = None;
    for extension in parsed.extensions() {
        if !seen.insert(extension.oid.to_id_string()) {
            return Err("an extension stands twice");
        }
        if let ParsedExtension::SubjectAlternativeName(value) = extension.parsed_extension() {
            names = Some(&value.general_names);
        }
        if extension.oid.to_id_string() == ACME_IDENTIFIER {
            if !extension.critical {
                return Err("acmeIdentifier is not critical");
            }
            digest = Some(extension.value);
        }
    }
    match names.map(Vec::as_slice) {
        Some([GeneralName::DNSName(name)]) if *name != name.to_ascii_lowercase() => {
            return Err("its name is not in lower case");
        }
        Some([name]) if identifier(name).as_ref() == Ok(wanted) => {}
        _ => return Err("its subjectAltName is not exactly the identifier"),
    }
    let expected = [&[4, 32][..], &key_authorization.digest()].concat();
    match digest {
        None => Err("acmeIdentifier is missing"),
        Some(found) if found == expected => Ok(()),
        Some(_) => Err("acmeIdentifier holds another digest"),
    }
}

const ACME_IDENTIFIER: &str = "1.3.6.1.5.5.7.1.31";
