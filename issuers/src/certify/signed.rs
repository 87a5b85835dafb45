//! The certificate itself.

use acme_core::{Error, ErrorKind};
use rustls_pki_types::CertificateDer;

use super::Application;
use crate::name::RawName;
use crate::template::ToBeSigned;
use crate::x509::{Certificate, oid};

/// Puts the signature to it, and compares what must be the same to the byte with what stands in the certificate: both names, the key, the alternative names.
pub(crate) fn signed(
    unsigned: ToBeSigned,
    signature: &[u8],
    issuer: &RawName,
    application: &Application<'_>,
) -> Result<CertificateDer<'static>, Error> {
    let certificate = unsigned.finish(signature);
    let written = Certificate::read(&certificate)
        .map_err(|why| Error::new(ErrorKind::Internal, format!("a certificate that was just made is {why}")))?;
    let is_same = written.issuer == issuer.as_der()
        && written.subject == application.subject().as_der()
        && written.public_key == *application.public_key()
        && written.extension(oid::SUBJECT_ALTERNATIVE_NAME).map(|it| it.value) == application.names();
    if is_same {
        Ok(certificate)
    } else {
        Err(Error::new(
            ErrorKind::Internal,
            "a certificate that was just made has other names or another key than it was to have",
        ))
    }
}
