//! Certificates taken back (RFC 8555 section 7.6).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use rustls_pki_types::CertificateDer;
use serde::Serialize;

use super::account::to_json;
use super::{Author, Directory, Endpoint, Post};
use crate::jose::Jwk;
use crate::protocol::{ProblemType, RevocationReason, Url};
use crate::{Error, Session, Signer};

/// Who asks for a revocation.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Revoker<'a> {
    /// The account that ordered the certificate, or one that holds authorizations for all its names.
    Account(&'a Session),
    /// Whoever holds the certificate's own key; no account is needed.
    CertificateKey(&'a dyn Signer),
}

impl Directory {
    /// Revokes `certificate`. One that is revoked already is a success: the repeat of a request whose answer was lost.
    ///
    /// # Errors
    /// `Unsupported` when the server has no revocation, `Refused` when it does not take the reason, `Unauthorized` when `revoker` may not.
    pub async fn revoke(
        &self,
        certificate: &CertificateDer<'_>,
        reason: Option<RevocationReason>,
        revoker: Revoker<'_>,
    ) -> Result<(), Error> {
        let payload = to_json(&Revocation { certificate: BASE64_URL_SAFE_NO_PAD.encode(certificate), reason })?;
        let jwk;
        let author = match revoker {
            Revoker::Account(session) => Author::Account(session),
            Revoker::CertificateKey(key) => {
                jwk = Jwk::from_spki(key.public_key())?;
                Author::Key(key, &jwk)
            }
        };
        let payload = payload.as_slice();
        let ask = |url: Url| async move { self.post(Post { author, url: &url, payload, accept: None }).await }.boxed();
        let answer = self.at(Endpoint::RevokeCert, ask).await?;
        if answer.is_problem(&ProblemType::AlreadyRevoked) {
            return Ok(());
        }
        answer.success("revoking a certificate").map(drop)
    }
}

#[derive(Serialize)]
struct Revocation {
    certificate: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<RevocationReason>,
}
