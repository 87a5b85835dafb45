//! Why no answer came.

use std::error::Error as StdError;
use std::io;

use rustls::CertificateError;

use crate::{Error, ErrorKind};

/// What is in the way, in a sentence.
pub(super) fn unreachable(host: &str, source: ::reqwest::Error) -> Error {
    // What the route said on the way: it knows more than the client that hands it on.
    let ours = causes(&source).find_map(|it| it.downcast_ref::<Error>()).map(|it| (it.kind(), it.what().to_owned()));
    if let Some((kind, what)) = ours {
        let kind = if kind == ErrorKind::Refused { kind } else { ErrorKind::Unreachable };
        return Error::new(kind, what).with_source(source.without_url());
    }
    let what = match (certificate_fault(&source), io_fault(&source)) {
        (Some(CertificateError::UnknownIssuer), _) => format!(
            "the certificate of {host} is not trusted: if it is a private certificate authority, add its root to the transport"
        ),
        (Some(CertificateError::BadSignature), _) => format!(
            "the certificate of {host} is not trusted: its issuer has the name of a trusted root, but another key; add the root that is in use now to the transport"
        ),
        (Some(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }), _) => {
            format!("the certificate of {host} is for another name")
        }
        (
            Some(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            ),
            _,
        ) => format!(
            "the certificate of {host} is expired or not valid yet: check this machine's clock, then the server"
        ),
        (Some(_), _) => format!("the certificate of {host} is not valid"),
        (None, _) if source.is_timeout() => format!("{host} did not answer in time"),
        (None, Some(io::ErrorKind::ConnectionRefused)) => format!("{host} refuses connections"),
        (None, _) if says(&source, "dns error") => format!("the name of {host} cannot be resolved"),
        (None, _) if says_tls(&source) => format!("TLS with {host} failed"),
        (None, _) if source.is_connect() => format!("no connection to {host}"),
        (None, _) => format!("the connection to {host} ended before its answer did"),
    };
    Error::new(ErrorKind::Unreachable, what).with_source(source.without_url())
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        // An io::Error that wraps another hides the wrapped one behind `get_ref`.
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
    .take(16)
}

fn certificate_fault(error: &::reqwest::Error) -> Option<&CertificateError> {
    causes(error).find_map(|it| match it.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(fault)) => Some(fault),
        _ => None,
    })
}

fn io_fault(error: &::reqwest::Error) -> Option<io::ErrorKind> {
    causes(error).find_map(|it| it.downcast_ref::<io::Error>().map(io::Error::kind))
}

fn says_tls(error: &::reqwest::Error) -> bool {
    causes(error).any(|it| it.is::<rustls::Error>())
}

fn says(error: &::reqwest::Error, words: &str) -> bool {
    causes(error).any(|it| it.to_string().contains(words))
}
