//! What name servers refuse.

use std::net::SocketAddr;

use super::TsigKey;
use super::tsig::{Reply, TsigFault};
use crate::dns01::TxtRecord;
use crate::{Error, ErrorKind, Retry};

/// What a reply refuses, and what to do about it.
pub(super) fn refusal(reply: &Reply, key: Option<&TsigKey>, record: &TxtRecord, server: SocketAddr) -> Option<Error> {
    let zone = record.zone.as_ref().map_or("", |zone| zone.name.as_str());
    let owner = &record.owner;
    let named = key.map_or_else(String::new, ToString::to_string);
    let fault = |kind, what: String| Some(Error::new(kind, what));
    match (reply.fault, reply.code, key) {
        (Some(TsigFault::BadKey), ..) => fault(
            ErrorKind::Unauthorized,
            format!("BADKEY: the server {server} does not take {named}; check the key's name and algorithm there, and (Knot) that it may update TXT at {owner}"),
        ),
        (Some(TsigFault::BadSignature), ..) => fault(
            ErrorKind::Unauthorized,
            format!("BADSIG: the secret of {named} is not the one that the server {server} has"),
        ),
        (Some(TsigFault::BadTime), ..) => Some(
            Error::new(
                ErrorKind::Unauthorized,
                format!("BADTIME: this machine's clock and that of the server {server} are more than five minutes apart; correct them"),
            )
            .with_retry(Retry::Backoff),
        ),
        (Some(TsigFault::Other(number)), ..) => fault(
            ErrorKind::Refused,
            format!("the server {server} refused the signature of {named} with TSIG error {number}"),
        ),
        (None, 0, _) => None,
        (None, REFUSED, None) => fault(
            ErrorKind::Unauthorized,
            format!("REFUSED: the server {server} takes no unsigned update of {zone}; configure a TSIG key, or allow this address there"),
        ),
        (None, REFUSED, Some(_)) => fault(
            ErrorKind::Unauthorized,
            format!("REFUSED: the server {server} does not let {named} change TXT records at {owner}; grant it (BIND: update-policy or allow-update of zone {zone})"),
        ),
        (None, NOTAUTH, None) => fault(
            ErrorKind::Unauthorized,
            format!("NOTAUTH: the server {server} does not hold {zone}, or takes no unsigned update of it; send updates to its primary server, with a TSIG key"),
        ),
        (None, NOTAUTH, Some(_)) => fault(
            ErrorKind::Refused,
            format!("NOTAUTH: the server {server} does not hold the zone {zone}; send updates to its primary server"),
        ),
        (None, NOTZONE, _) => fault(
            ErrorKind::Refused,
            format!("NOTZONE: {owner} does not lie in the zone {zone} of the server {server}"),
        ),
        (None, NOTIMP, _) => fault(
            ErrorKind::Unsupported,
            format!("NOTIMP: the server {server} takes no updates; switch them on for {zone}, or use another server"),
        ),
        (None, SERVFAIL, _) => fault(
            ErrorKind::Busy,
            format!("SERVFAIL: the server {server} could not apply the update of {zone}; its log says why (often: it may not write the zone's journal)"),
        ),
        (None, code, _) => fault(
            ErrorKind::Internal,
            format!("the server {server} answered the update of {zone} with response code {code}"),
        ),
    }
}

const SERVFAIL: u8 = 2;
const NOTIMP: u8 = 4;
const REFUSED: u8 = 5;
const NOTAUTH: u8 = 9;
const NOTZONE: u8 = 10;
