//! The annotations of a target Secret that tell what its certificate says.

use std::collections::BTreeMap;

use acme_core::Error;
use issuers::Holder;
use issuers::name::AttributeType;
use rustls_pki_types::CertificateDer;

/// The annotations that tell what a certificate says, as cert-manager writes them: from the certificate itself, not from what was asked for.
///
/// # Errors
/// `Malformed` when it is no certificate.
pub(crate) fn of(leaf: &CertificateDer<'_>) -> Result<BTreeMap<String, String>, Error> {
    let (holder, listed) = (Holder::of_certificate(leaf)?, Holder::listed(leaf)?);
    let addresses: Vec<String> = listed.addresses.iter().map(ToString::to_string).collect();
    let mut details = BTreeMap::new();
    let mut put = |key: &str, value: String| details.insert(format!("cert-manager.io/{key}"), value);
    put("common-name", holder.common_name().unwrap_or_default());
    put("alt-names", listed.dns_names.join(","));
    put("ip-sans", addresses.join(","));
    put("uri-sans", listed.uris.join(","));
    if !listed.emails.is_empty() {
        put("email-sans", listed.emails.join(","));
    }
    for (key, kind) in [
        ("subject-organizations", AttributeType::ORGANIZATION),
        ("subject-organizationalunits", AttributeType::ORGANIZATIONAL_UNIT),
        ("subject-countries", AttributeType::COUNTRY),
        ("subject-provinces", AttributeType::PROVINCE),
        ("subject-localities", AttributeType::LOCALITY),
        ("subject-streetaddresses", AttributeType::STREET_ADDRESS),
        ("subject-postalcodes", AttributeType::POSTAL_CODE),
    ] {
        let values = holder.values(&kind);
        if !values.is_empty() {
            put(key, values.iter().map(|it| field(it)).collect::<Vec<_>>().join(","));
        }
    }
    if let Some(serial_number) = holder.values(&AttributeType::SERIAL_NUMBER).pop() {
        put("subject-serialnumber", serial_number);
    }
    Ok(details)
}

/// A field of a line of comma-separated values, as Go's `encoding/csv` writes it.
fn field(text: &str) -> String {
    let needs_quotes = text == "\\." || text.contains(['"', ',', '\r', '\n']) || text.starts_with([' ', '\t']);
    if needs_quotes { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn what_a_comma_would_tear_is_quoted() {
        for (text, written) in [
            ("Example Inc.", "Example Inc."),
            ("Example, Inc.", "\"Example, Inc.\""),
            ("the \"Example\"", "\"the \"\"Example\"\"\""),
            (" led by a space", "\" led by a space\""),
        ] {
            assert_eq!(field(text), written);
        }
    }
}
