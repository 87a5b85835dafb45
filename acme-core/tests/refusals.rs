//! Answers of HTTP APIs that are not ACME, as errors.

use std::time::Duration;

use bytes::Bytes;
use certwright_acme_core::transport::refusal;
use certwright_acme_core::{ErrorKind, Retry, Timestamp};

#[test]
fn the_status_is_the_kind_and_nothing_is_final() {
    use ErrorKind::{Busy, Conflict, NotFound, Refused, Unauthorized};
    for (status, kind) in [
        (400, Refused),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, NotFound),
        (409, Conflict),
        (429, Busy),
        (500, Busy),
        (503, Busy),
    ] {
        let error = refusal("signing at the vault".to_owned(), &answer(status, &[]), Timestamp::EPOCH);
        assert_eq!((error.kind(), error.retry()), (kind, Retry::Backoff), "{status}");
    }
}

#[test]
fn retry_after_is_seen_from_the_answers_own_date() {
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let later = ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT");
    let error = refusal("asking".to_owned(), &answer(503, &[date, later]), Timestamp::EPOCH);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(60)));

    let error = refusal("asking".to_owned(), &answer(429, &[("retry-after", "7")]), Timestamp::EPOCH);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(7)));
}

fn answer(status: u16, headers: &[(&str, &str)]) -> http::Response<Bytes> {
    let mut answer = http::Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    answer.body(Bytes::new()).expect("an answer of HTTP")
}
