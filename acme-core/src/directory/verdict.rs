//! What an answer that says no means to us: the one place where failures of a certificate authority are classified.
//!
//! | answer | kind | retry |
//! |---|---|---|
//! | 429, 503, `rateLimited` | `Busy` | the time given, else back off |
//! | other 5xx, 408, 425, `serverInternal`, `badNonce` | `Busy` | the time given, else back off |
//! | 404, 410, `accountDoesNotExist` | `NotFound` | the time given, else back off |
//! | 409, `orderNotReady`, `alreadyReplaced`, `alreadyRevoked` | `Conflict` | the time given, else back off |
//! | `unauthorized`, `externalAccountRequired`, `userActionRequired` | `Unauthorized` | never |
//! | `connection`, `dns`, `tls` | `Refused` | the time given, else back off |
//! | `malformed` with 400, every other type that this crate knows | `Refused` | never |
//! | 401, 403 of no known type | `Unauthorized` | the time given, else back off |
//! | every other 4xx | `Refused` | the time given, else back off |
//! | 1xx, 3xx | `Malformed` | back off |
//!
//! The type decides before the status, except that 429 and 503 always mean "later". Only what is classified is final.

use std::time::Duration;

use http::StatusCode;

use crate::protocol::{Problem, ProblemType};
use crate::{Error, ErrorKind, Retry};

/// The error for an answer of `status`, whose text begins with `what`.
pub(crate) fn refusal(
    what: String,
    status: StatusCode,
    problem: Option<Problem>,
    retry_after: Option<Duration>,
) -> Error {
    let kind = match problem.as_ref().map(|it| &it.kind) {
        _ if is_later(status) => Ruling::later(ErrorKind::Busy),
        // Boulder's answer for an order that it does not know is `malformed` with 404.
        Some(ProblemType::Malformed) if status == StatusCode::BAD_REQUEST => Ruling::last(ErrorKind::Refused),
        Some(kind) => by_type(kind).unwrap_or_else(|| by_status(status)),
        None => by_status(status),
    };
    let retry = match (kind.last, retry_after) {
        (Finality::Final, _) => Retry::Never,
        // A server that says "0 seconds" of a refusal must not be asked in a hot loop.
        (Finality::Later, Some(wait)) => Retry::After(wait.max(Duration::from_secs(1))),
        (Finality::Later, None) => Retry::Backoff,
    };
    let error = Error::new(kind.kind, what).with_retry(retry);
    match problem {
        Some(problem) => error.with_problem(problem),
        None => error,
    }
}

struct Ruling {
    kind: ErrorKind,
    last: Finality,
}

#[derive(Clone, Copy)]
enum Finality {
    Final,
    Later,
}

impl Ruling {
    fn later(kind: ErrorKind) -> Self {
        Self { kind, last: Finality::Later }
    }

    fn last(kind: ErrorKind) -> Self {
        Self { kind, last: Finality::Final }
    }
}

fn is_later(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

fn by_type(kind: &ProblemType) -> Option<Ruling> {
    Some(match kind {
        ProblemType::RateLimited | ProblemType::ServerInternal | ProblemType::BadNonce => {
            Ruling::later(ErrorKind::Busy)
        }
        ProblemType::AccountDoesNotExist => Ruling::later(ErrorKind::NotFound),
        ProblemType::OrderNotReady | ProblemType::AlreadyReplaced | ProblemType::AlreadyRevoked => {
            Ruling::later(ErrorKind::Conflict)
        }
        ProblemType::Unauthorized | ProblemType::ExternalAccountRequired | ProblemType::UserActionRequired => {
            Ruling::last(ErrorKind::Unauthorized)
        }
        ProblemType::Connection | ProblemType::Dns | ProblemType::Tls => Ruling::later(ErrorKind::Refused),
        ProblemType::BadCsr
        | ProblemType::BadPublicKey
        | ProblemType::BadRevocationReason
        | ProblemType::BadSignatureAlgorithm
        | ProblemType::Caa
        | ProblemType::Compound
        | ProblemType::IncorrectResponse
        | ProblemType::InvalidContact
        | ProblemType::InvalidProfile
        | ProblemType::RejectedIdentifier
        | ProblemType::UnsupportedContact
        | ProblemType::UnsupportedIdentifier => Ruling::last(ErrorKind::Refused),
        ProblemType::Malformed | ProblemType::Other(_) => return None,
    })
}

fn by_status(status: StatusCode) -> Ruling {
    match status.as_u16() {
        404 | 410 => Ruling::later(ErrorKind::NotFound),
        408 | 425 | 500.. => Ruling::later(ErrorKind::Busy),
        409 => Ruling::later(ErrorKind::Conflict),
        401 | 403 => Ruling::later(ErrorKind::Unauthorized),
        400..500 => Ruling::later(ErrorKind::Refused),
        _ => Ruling::later(ErrorKind::Malformed),
    }
}
