//! Credentials as agents and the instance metadata service answer them: JSON with four fields.

use acme_core::{Error, ErrorKind, Retry, Secret, Timestamp, text};
use bytes::Bytes;
use http::Response;
use serde::Deserialize;

use super::{Credentials, Fault};
use crate::credentials::Fetched;
use crate::limits;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wire {
    code: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    token: Option<String>,
    expiration: Option<String>,
}

/// Reads the answer to `what`; `secrets` were in the question.
pub(super) fn read(
    answer: &Response<Bytes>,
    what: &str,
    secrets: &[&str],
    now: Timestamp,
) -> Result<Fetched<Credentials>, Error> {
    if !answer.status().is_success() {
        return Err(Fault::read(answer, secrets).to_error(what, answer, now));
    }
    let malformed = |problem: String| Error::new(ErrorKind::Malformed, format!("{what}: {problem}"));
    // What serde says of a value could show a part of it.
    let wire: Wire =
        serde_json::from_slice(answer.body()).map_err(|_| malformed("the answer is no JSON object".to_owned()))?;
    if let Some(code) = wire.code.as_deref().filter(|code| *code != "Success") {
        let code = text::printable(code, 80);
        return Err(
            Error::new(ErrorKind::Unauthorized, format!("{what}: the answer says {code}")).with_retry(Retry::Backoff)
        );
    }
    let field = |value: Option<String>, name: &str| {
        value
            .filter(|it| !it.is_empty() && it.len() <= limits::AWS_TOKEN)
            .ok_or_else(|| malformed(format!("the answer holds no {name}, or one beyond any bound")))
    };
    let secret = field(wire.secret_access_key, "SecretAccessKey").map(Secret::new)?;
    let token = field(wire.token, "Token").map(Secret::new)?;
    let expires = Timestamp::parse_rfc3339(&field(wire.expiration, "Expiration")?)
        .map_err(|error| error.while_doing(format_args!("{what}: Expiration")))?;
    let id = field(wire.access_key_id, "AccessKeyId")?;
    Ok(Fetched::new(Credentials::new(id, &secret).with_session_token(&token), Some(expires)))
}
