//! A small server that answers HTTP-01 and nothing else.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};

use super::token_in;
use crate::{Answers, Error, ErrorKind, limits};

/// Listens for HTTP and answers validators from a table; everything else gets 404, or is sent to HTTPS.
///
/// ```
/// # async fn run() -> Result<(), certwright_solvers::Error> {
/// use certwright_solvers::{Answers, Http01, http01::listener::Listener};
///
/// let answers = Answers::new();
/// let listener = Listener::bind(([127, 0, 0, 1], 0).into(), answers.clone()).await?;
/// println!("validators are answered on {}", listener.local_address());
/// tokio::spawn(listener.redirect_to_https().serve());
/// let solver = Http01::new(answers);
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
/// ```
///
/// Make it with [`bind`](Self::bind), give the same [`Answers`] to an [`Http01`](crate::Http01), and run [`serve`](Self::serve) in a task
/// of its own. Time and number of connections are bounded, and the oldest gives way to the newest: clients that stay silent stop nobody.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    answers: Answers,
    manners: Manners,
}

/// How requests are treated that the table has no answer for.
#[derive(Debug, Clone)]
struct Manners {
    elsewhere: Elsewhere,
    /// How long a token that nobody knows yet is waited for, and how many may wait.
    patience: Duration,
    held: Arc<Semaphore>,
    health: Health,
}

/// Whether probes are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Silent,
    Shown,
}

/// What becomes of requests that are not for validators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Elsewhere {
    NotFound,
    Https,
}

impl Listener {
    /// Binds `address`, port 80 for public certificate authorities. `[::]` takes IPv4 too, and `0.0.0.0` in its place where there is no IPv6.
    ///
    /// # Errors
    /// `Conflict` when another program has the port; `Unauthorized` when this process may not open it; `Unreachable` when the address is not one of
    /// this machine. Each says what to do.
    pub async fn bind(address: SocketAddr, answers: Answers) -> Result<Self, Error> {
        let opened = match open(address) {
            Err(error) if is_family_missing(&error) && address.ip().is_unspecified() => {
                open((Ipv4Addr::UNSPECIFIED, address.port()).into())
            }
            other => other,
        };
        let socket = opened.map_err(|source| explain(address, source))?;
        Self::from_socket(socket, answers)
    }

    /// Takes a socket that listens already, as a service manager passes it on.
    ///
    /// # Errors
    /// `Internal` when the system refuses to hand it over.
    pub fn from_socket(socket: std::net::TcpListener, answers: Answers) -> Result<Self, Error> {
        let taken = socket.set_nonblocking(true).and_then(|()| {
            let socket = TcpListener::from_std(socket)?;
            let address = socket.local_addr()?;
            Ok((socket, address))
        });
        let (socket, address) = taken.map_err(|source| {
            Error::new(ErrorKind::Internal, "a socket for HTTP-01 could not be taken over").with_source(source)
        })?;
        let manners = Manners {
            elsewhere: Elsewhere::NotFound,
            patience: Duration::ZERO,
            held: Arc::new(Semaphore::new(limits::HTTP_HELD)),
            health: Health::Silent,
        };
        Ok(Self { socket, address, answers, manners })
    }

    /// Sends every request that is not for a validator to the same place over HTTPS (status 308).
    #[must_use]
    pub fn redirect_to_https(mut self) -> Self {
        self.manners.elsewhere = Elsewhere::Https;
        self
    }

    /// Holds a request for a token that nobody knows yet for up to `patience`: where the answers come from another process, and a validator may be
    /// faster than that news. A [shared](Answers::shared) table has no news to wait for. At most [`limits::HTTP_HELD`] requests wait; others get 404 at once.
    #[must_use]
    pub fn patient(mut self, patience: Duration) -> Self {
        self.manners.patience = patience;
        self
    }

    /// Answers `/healthz` and `/` with 200, for probes of whoever runs it.
    #[must_use]
    pub fn with_health(mut self) -> Self {
        self.manners.health = Health::Shown;
        self
    }

    /// Where it listens: the address given to [`bind`](Self::bind), with the port that the system chose for port 0.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the future is dropped, which also ends the connections.
    pub async fn serve(self) {
        let mut running = JoinSet::new();
        let mut ages: VecDeque<AbortHandle> = VecDeque::new();
        loop {
            tokio::select! {
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) => {
                        ages.retain(|connection| !connection.is_finished());
                        if ages.len() >= limits::HTTP_CONNECTIONS
                            && let Some(oldest) = ages.pop_front()
                        {
                            oldest.abort();
                        }
                        let answers = self.answers.clone();
                        let manners = self.manners.clone();
                        ages.push_back(running.spawn(async move {
                            let answered = answer(stream, &answers, &manners);
                            let _ = tokio::time::timeout(limits::HTTP_TIME, answered).await;
                        }));
                    }
                    Err(error) if is_of_the_connection(&error) => {}
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept connections for HTTP-01");
                        if let Some(oldest) = ages.pop_front() {
                            oldest.abort();
                        }
                        breathe().await;
                    }
                },
                Some(_) = running.join_next() => {}
            }
        }
    }
}

/// Lets the system recover from a lack of file descriptors.
#[expect(
    clippy::disallowed_methods,
    reason = "the accept loop is an edge of its own; there is no event that says descriptors are free again"
)]
async fn breathe() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

async fn answer(mut stream: TcpStream, answers: &Answers, manners: &Manners) -> io::Result<()> {
    let mut head = Vec::with_capacity(1024);
    let reply = loop {
        if let Some(end) = head.windows(4).position(|it| it == b"\r\n\r\n") {
            break match std::str::from_utf8(&head[..end]) {
                Ok(head) => reply_to(head, answers, manners).await,
                Err(_) => Reply::status("400 Bad Request"),
            };
        }
        if head.len() >= limits::HTTP_HEAD {
            break Reply::status("431 Request Header Fields Too Large");
        }
        let mut chunk = [0; 1024];
        let length = stream.read(&mut chunk).await?;
        if length == 0 {
            return Ok(());
        }
        head.extend_from_slice(&chunk[..length]);
    };
    stream.write_all(reply.to_bytes().as_bytes()).await?;
    stream.shutdown().await
}

async fn reply_to(head: &str, answers: &Answers, manners: &Manners) -> Reply {
    let mut lines = head.split("\r\n");
    let Some(Request { method, host, path }) =
        lines.next().and_then(|line| Request::parse(line, lines.filter_map(|line| line.split_once(':'))))
    else {
        return Reply::status("400 Bad Request");
    };
    if path.len() > limits::HTTP_PATH && manners.elsewhere == Elsewhere::NotFound {
        return Reply::status("414 URI Too Long");
    }
    if manners.health == Health::Shown && matches!(path, "/healthz" | "/") {
        return Reply { body: "ok".to_owned(), with_body: method == "GET", ..Reply::status("200 OK") };
    }
    if let Some(token) = token_in(path) {
        let mut answer = answers.seek_http(host, token).await;
        if answer.is_none()
            && !answers.is_shared()
            && !manners.patience.is_zero()
            && let Ok(_place) = manners.held.try_acquire()
        {
            answer = answers.http_soon(host, token, manners.patience).await;
        }
        return match (method, answer) {
            ("GET" | "HEAD", Some(answer)) => Reply {
                status: "200 OK",
                fields: "Content-Type: text/plain\r\nCache-Control: no-store\r\n".to_owned(),
                body: answer.as_str().to_owned(),
                with_body: method == "GET",
            },
            ("GET" | "HEAD", None) => Reply::status("404 Not Found"),
            _ => Reply::status("405 Method Not Allowed"),
        };
    }
    match manners.elsewhere {
        Elsewhere::Https if is_plain(host, path) => Reply {
            fields: format!("Location: https://{}{path}\r\n", without_port(host)),
            ..Reply::status("308 Permanent Redirect")
        },
        Elsewhere::Https | Elsewhere::NotFound => Reply::status("404 Not Found"),
    }
}

/// What matters of a request.
struct Request<'a> {
    method: &'a str,
    host: &'a str,
    path: &'a str,
}

impl<'a> Request<'a> {
    fn parse(line: &'a str, mut fields: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut words = line.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() || !version.starts_with("HTTP/1.") {
            return None;
        }
        // A proxy may write the whole URL (RFC 9112 section 3.2.2); then the Host field says nothing.
        if let Some(rest) = target.strip_prefix("http://") {
            let slash = rest.find('/').unwrap_or(rest.len());
            let (host, path) = rest.split_at(slash);
            let path = if path.is_empty() { "/" } else { path };
            return Some(Self { method, host, path });
        }
        let host = fields.find(|(name, _)| name.eq_ignore_ascii_case("host")).map_or("", |(_, value)| value.trim());
        target.starts_with('/').then_some(Self { method, host, path: target })
    }
}

struct Reply {
    status: &'static str,
    fields: String,
    body: String,
    with_body: bool,
}

impl Reply {
    fn status(status: &'static str) -> Self {
        Self { status, fields: String::new(), body: String::new(), with_body: true }
    }

    fn to_bytes(&self) -> String {
        let Self { status, fields, body, .. } = self;
        let shown = if self.with_body { body } else { "" };
        format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\nConnection: close\r\n\r\n{shown}", body.len())
    }
}

/// Whether both may stand in a `Location` field.
fn is_plain(host: &str, path: &str) -> bool {
    !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
        && path.bytes().all(|byte| byte.is_ascii_graphic())
}

fn without_port(host: &str) -> &str {
    match host.rfind(':') {
        Some(colon) if !host[colon..].contains(']') => &host[..colon],
        _ => host,
    }
}

fn open(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!takes_v4(address))?;
    }
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}

/// Whether a socket of IPv6 is meant for IPv4 too.
fn takes_v4(address: SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(_) => true,
        IpAddr::V6(ip) => ip.is_unspecified() || ip.to_ipv4_mapped().is_some(),
    }
}

fn is_family_missing(error: &io::Error) -> bool {
    // EAFNOSUPPORT on Linux and the BSDs; the kind covers a kernel with IPv6 switched off by sysctl.
    matches!(error.raw_os_error(), Some(97 | 47))
        || error.kind() == io::ErrorKind::AddrNotAvailable
        || error.kind() == io::ErrorKind::Unsupported
}

fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

fn explain(address: SocketAddr, source: io::Error) -> Error {
    let port = address.port();
    let (kind, advice) = if source.kind() == io::ErrorKind::AddrInUse {
        (
            ErrorKind::Conflict,
            format!(
                "another program listens on port {port}; stop it, let it forward /.well-known/acme-challenge/ to another port, or put the answers behind it (layer or webroot)"
            ),
        )
    } else if source.kind() == io::ErrorKind::PermissionDenied {
        (
            ErrorKind::Unauthorized,
            format!(
                "this process may not open port {port}; grant CAP_NET_BIND_SERVICE, pass the socket through a service manager, or forward port 80 to a port above 1023"
            ),
        )
    } else if source.kind() == io::ErrorKind::AddrNotAvailable {
        (ErrorKind::Unreachable, "this machine has no such address; use [::] for all of them".to_owned())
    } else {
        (ErrorKind::Internal, "the system refused".to_owned())
    };
    Error::new(kind, format!("cannot listen for HTTP-01 on {address}: {advice}")).with_source(source)
}
