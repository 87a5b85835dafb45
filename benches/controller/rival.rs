//! cert-manager's own controller, where there is one.

/// Where cert-manager's controller is, if the environment says so.
#[expect(clippy::disallowed_methods, reason = "where things are built is the environment's to say")]
pub(crate) fn program() -> Option<std::path::PathBuf> {
    std::env::var_os(VARIABLE).map(Into::into)
}

const VARIABLE: &str = "CERTWRIGHT_CERT_MANAGER";
