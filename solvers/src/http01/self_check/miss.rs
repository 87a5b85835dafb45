//! Why an answer was not seen.

use std::fmt;
use std::net::SocketAddr;

use acme_core::protocol::Url;
use acme_core::text::printable;
use acme_core::transport::Peer;
use bytes::Bytes;
use http::header::SERVER;
use http::{Response, StatusCode};

use crate::{Error, ErrorKind, limits};

/// Why an answer was not seen. It prints in cert-manager's words, and says who answered.
///
/// `{:#}` prints from which address, too, and what the answer began with. Show that to nobody who may not ask the server himself: who owns a name says where it
/// leads. For the same reason it is in no `Debug`.
#[non_exhaustive]
pub struct Miss {
    /// What was asked last, redirects followed.
    pub url: Url,
    /// Who answered there, as it calls itself (`Server`), made printable.
    pub answered_by: Option<String>,
    /// The address that answered, where the transport knows it.
    pub address: Option<SocketAddr>,
    /// What the answer began with, made printable.
    pub began: Option<String>,
    /// What is wrong.
    pub fault: Fault,
}

impl Miss {
    pub(super) fn new(url: Url, answer: Option<&Response<Bytes>>, fault: Fault) -> Self {
        let answered_by = answer.and_then(|it| it.headers().get(SERVER));
        let answered_by = answered_by.map(|it| shown(it.as_bytes(), limits::SERVER_SHOWN)).filter(|it| !it.is_empty());
        let address = answer.and_then(|it| it.extensions().get()).map(|Peer(address)| *address);
        let began = answer.map(|it| shown(it.body(), limits::SELF_CHECK_SHOWN));
        Self { url, answered_by, address, began, fault }
    }
}

fn shown(bytes: &[u8], most: usize) -> String {
    // No character is longer than four bytes.
    let bytes = bytes.get(..most * 4).unwrap_or(bytes);
    printable(&String::from_utf8_lossy(bytes), most)
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = |f: &mut fmt::Formatter<'_>, why: fmt::Arguments<'_>| {
            write!(f, "failed to perform self check GET request '{}': {why}", self.url)
        };
        match &self.fault {
            Fault::Status(status) => write!(f, "wrong status code '{}', expected '200'", status.as_u16())?,
            Fault::Content => f.write_str("did not get expected response when querying endpoint")?,
            Fault::Redirects => failed(f, format_args!("stopped after {} redirects", limits::SELF_CHECK_REDIRECTS))?,
            Fault::Astray => failed(f, format_args!("it redirects to no URL"))?,
            Fault::Port(target) => {
                let target = target.authority();
                failed(
                    f,
                    format_args!(
                        "it redirects to {target}, and certificate authorities go to the ports 80 and 443 alone"
                    ),
                )?;
            }
            Fault::Late => failed(f, format_args!("it took too long"))?,
            Fault::Forbidden(error) | Fault::Unreachable(error) => failed(f, format_args!("{error}"))?,
        }
        if let Some(server) = &self.answered_by {
            write!(f, " (answered by {server})")?;
        }
        match (f.alternate(), self.address, &self.began) {
            (true, Some(address), Some(began)) => write!(f, " ({address} answered {began:?})"),
            (true, None, Some(began)) => write!(f, " (it answered {began:?})"),
            (true, _, None) | (false, _, _) => Ok(()),
        }
    }
}

impl fmt::Debug for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Miss");
        debug.field("url", &self.url).field("answered_by", &self.answered_by).field("fault", &self.fault);
        debug.finish_non_exhaustive()
    }
}

/// What is wrong with what was seen. What a server sent is in none of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// Another status than 200.
    Status(StatusCode),
    /// Something else than the key authorization.
    Content,
    /// More redirects than [`limits::SELF_CHECK_REDIRECTS`].
    Redirects,
    /// A redirect to what is not a URL of HTTP.
    Astray,
    /// A redirect to a port that certificate authorities do not ask.
    Port(Url),
    /// Redirects until the time was over.
    Late,
    /// It leads to an address that is not asked.
    Forbidden(Error),
    /// No answer came: names, routes, connections, time limits. A certificate authority may see more.
    Unreachable(Error),
}

impl Fault {
    pub(super) fn of(error: Error) -> Self {
        if error.kind() == ErrorKind::Refused { Self::Forbidden(error) } else { Self::Unreachable(error) }
    }
}
