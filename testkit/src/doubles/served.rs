//! A double behind a port, for clients that are no part of this process.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

type Answers = Arc<dyn Fn(Request<Bytes>) -> Response<Bytes> + Send + Sync>;

/// One request a connection, HTTP/1.1, until it is dropped.
pub struct Served {
    scheme: &'static str,
    address: SocketAddr,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    pub(super) fn start(answers: Answers) -> Self {
        Self::listen("http", move |stream| exchange(stream, &answers))
    }

    /// The same behind HTTPS, for clients that look at no certificate.
    #[cfg(feature = "https")]
    pub(super) fn start_behind_https(answers: Answers) -> Self {
        let identity = crate::https::Identity::new().expect("a certificate for loopback");
        Self::listen("https", move |stream| {
            let connection = rustls::ServerConnection::new(Arc::clone(&identity.config)).map_err(io::Error::other)?;
            limit(&stream)?;
            let mut stream = rustls::StreamOwned::new(connection, stream);
            answer(&mut stream, &answers)?;
            stream.conn.send_close_notify();
            stream.flush()
        })
    }

    fn listen(scheme: &'static str, meet: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let meet = Arc::new(meet);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound port has an address");
        let ends = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ends);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if seen.load(Ordering::Acquire) {
                    return;
                }
                // A client that hangs up is its own affair; each has a thread, for they keep connections open in advance.
                let meet = Arc::clone(&meet);
                std::thread::spawn(move || stream.and_then(|stream| meet(stream)));
            }
        });
        Self { scheme, address, ends, thread: Some(thread) }
    }

    /// `http://127.0.0.1:` and its port, or the same with `https`.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        // Wakes the listener, which then looks.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn exchange(mut stream: TcpStream, answers: &Answers) -> io::Result<()> {
    limit(&stream)?;
    answer(&mut stream, answers)
}

fn limit(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))
}

fn answer(stream: &mut (impl Read + Write), answers: &Answers) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_ascii_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(()) };
    let mut request = Request::builder().method(method).uri(target);
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        request = request.header(name, value.trim());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let answer = answers(request.body(body.into()).map_err(io::Error::other)?);
    let mut head =
        format!("HTTP/1.1 {}\r\nConnection: close\r\nContent-Length: {}\r\n", answer.status(), answer.body().len());
    for (name, value) in answer.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
    }
    head.push_str("\r\n");
    let stream = reader.into_inner();
    // In one piece: Go's client now and then closes the connection between a head and a body that come apart.
    stream.write_all(&[head.as_bytes(), answer.body()].concat())
}

const LIMIT: Duration = Duration::from_secs(30);
