//! What Vault says against a request, in one line that says what to do.

use acme_core::transport::refusal;
use acme_core::{Error, ErrorKind, Retry, Secret, text};
use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::Deserialize;

use super::call::{Call, Doing};
use super::server::Server;
use crate::limits;

/// The error for an answer that does not say yes to a call made with `token`.
pub(super) fn of(server: &Server, call: &Call<'_>, token: Option<&Secret<String>>, answer: &Response<Bytes>) -> Error {
    let (host, status) = (server.host(), answer.status());
    let doing = call.doing.in_words(host);
    let said = hiding(said(answer.body()), call.hidden.iter().copied().chain(token));
    let what = match (status.as_u16(), &said) {
        (501, _) if call.doing == Doing::Health => {
            format!("vault at {host} is not initialized: run vault operator init")
        }
        (503, _) if call.doing == Doing::Health || said.contains("sealed") => {
            format!("vault at {host} is sealed: unseal it (vault operator unseal)")
        }
        (429, _) => format!("{doing}: it limits the rate of requests: {said}"),
        (300..400, _) => format!(
            "{doing}: it is a standby that sends clients to {}: give the address of the active one, or let it forward",
            target(answer)
        ),
        (404, said) if said.starts_with("no handler for route") => {
            format!("{doing}: nothing is mounted at {}{}: {said}", call.path, place(server))
        }
        (404, said) => format!("{doing}: there is no {}{}: {said}", call.path, place(server)),
        (405, said) => format!("{doing}: {} takes no such request: {said}", call.path),
        // Without a token, Vault says of a mount that is not there what it says of a wrong secret.
        (400 | 401 | 403, said) => match (call.doing, status) {
            (Doing::LogIn(advice), StatusCode::FORBIDDEN) => {
                format!("{doing}: {} refused it: {said}; {advice}, and that a login method is mounted there", call.path)
            }
            (Doing::LogIn(advice), _) => format!("{doing}: {} refused it: {said}; {advice}", call.path),
            (Doing::Health | Doing::LookUp | Doing::Renew | Doing::Sign | Doing::Revoke, _) => {
                format!("{doing}: {} refused it: {said}", call.path)
            }
        },
        (_, said) => format!("{doing}: it answered {}: {said}", status.as_u16()),
    };
    let error = refusal(what, answer, server.now());
    match (status, call.doing) {
        // A certificate authority would say 401 or 403; Vault's login methods say 400 as well.
        (StatusCode::BAD_REQUEST, Doing::LogIn(_)) => with_kind(&error, ErrorKind::Unauthorized, Retry::Never),
        (StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED, _) => error.with_retry(Retry::Never),
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => error.with_retry(Retry::Never),
        // What a replica of Vault Enterprise says that lags behind the others.
        (StatusCode::PRECONDITION_FAILED, _) => with_kind(&error, ErrorKind::Busy, Retry::Backoff),
        _ if status.is_redirection() => with_kind(&error, ErrorKind::Busy, Retry::Backoff),
        _ => error,
    }
}

/// The error for a token that is alive, and not allowed to do this.
pub(super) fn denied(server: &Server, call: &Call<'_>, token: &Secret<String>, policies: &[String]) -> Error {
    let whose = match policies {
        [] => "the token's policies".to_owned(),
        some => {
            let shown: Vec<_> = some.iter().take(8).map(|it| text::printable(it, 60)).collect();
            format!("one of the token's policies ({})", hiding(shown.join(", "), [token]))
        }
    };
    let what = format!(
        "{}: it denies {}{}: give {whose} the capability \"update\" on that path",
        call.doing.in_words(server.host()),
        call.path,
        place(server)
    );
    Error::new(ErrorKind::Unauthorized, what)
}

/// The error for a token that Vault does not take (any more), and that logging in does not replace.
pub(super) fn unwanted(server: &Server, call: &Call<'_>) -> Error {
    let what = format!(
        "{}: it does not take the token: it is expired, revoked or of another vault or namespace{}; give a new one",
        call.doing.in_words(server.host()),
        place(server)
    );
    Error::new(ErrorKind::Unauthorized, what)
}

/// What Vault itself wrote; nothing of an answer that is not Vault's.
fn said(body: &Bytes) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        errors: Vec<String>,
    }
    let Ok(refusal) = serde_json::from_slice::<Refusal>(body) else {
        return "the answer is not vault's own, so something in front of it may have made it".to_owned();
    };
    let said = refusal.errors.iter().take(ERRORS).fold(String::new(), |said, error| {
        let words = error.split_whitespace().filter(|word| *word != "*").collect::<Vec<_>>().join(" ");
        if said.is_empty() { words } else { format!("{said}; {words}") }
    });
    if said.is_empty() { "vault gives no reason".to_owned() } else { said }
}

/// The text without these, bounded and printable.
fn hiding<'a>(mut text: String, secrets: impl IntoIterator<Item = &'a Secret<String>>) -> String {
    for secret in secrets {
        let secret = secret.expose().trim();
        if !secret.is_empty() {
            text = text.replace(secret, "…");
        }
    }
    text::printable(&text, limits::VAULT_TEXT)
}

fn place(server: &Server) -> String {
    server.namespace().map(|it| format!(" in the namespace {it:?}")).unwrap_or_default()
}

fn target(answer: &Response<Bytes>) -> String {
    let location = answer.headers().get(header::LOCATION).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let host =
        location.split_once("://").map_or("", |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() { "another one".to_owned() } else { text::printable(host, 120) }
}

fn with_kind(error: &Error, kind: ErrorKind, retry: Retry) -> Error {
    Error::new(kind, error.what().to_owned()).with_retry(retry)
}

/// Most errors of one answer that are repeated.
const ERRORS: usize = 4;
