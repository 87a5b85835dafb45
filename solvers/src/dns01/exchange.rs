//! One DNS message out, one in: UDP, then TCP, within a time limit.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::{Error, ErrorKind};

/// Which transports an exchange may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transports {
    /// UDP, and TCP when the answer was cut or none came.
    UdpThenTcp,
    /// TCP alone.
    Tcp,
}

/// A random message id in front of the rest of a message.
pub(crate) fn numbered(message: &mut [u8]) -> Result<(), Error> {
    let mut id = [0; 2];
    getrandom::fill(&mut id)
        .map_err(|source| Error::new(ErrorKind::Internal, "the system gave no random bytes").with_source(source))?;
    message[..2].copy_from_slice(&id);
    Ok(())
}

/// Sends `message`, whole with its header, to `server` and answers the first reply that belongs to it: same id, a response, from that
/// very address, and with the same question where one is repeated.
pub(crate) async fn exchange(
    server: SocketAddr,
    message: &[u8],
    transports: Transports,
    limit: Duration,
) -> Result<Vec<u8>, Error> {
    if transports == Transports::UdpThenTcp {
        // Two chances of a quarter each, because datagrams get lost; the other half is TCP's.
        for _ in 0..2 {
            match timeout(limit / 4, over_udp(server, message)).await {
                Ok(Ok(reply)) if is_cut(&reply) => break,
                Ok(Ok(reply)) => return Ok(reply),
                // A port nobody listens on, or a network that is away: TCP may tell more.
                Ok(Err(_)) => break,
                Err(_) => {}
            }
        }
    }
    match timeout(limit / 2, over_tcp(server, message)).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(source)) => {
            Err(Error::new(ErrorKind::Unreachable, format!("no answer from the name server {server}"))
                .with_source(source))
        }
        Err(_) => {
            Err(Error::new(ErrorKind::Unreachable, format!("no answer from the name server {server} within {limit:?}")))
        }
    }
}

async fn over_udp(server: SocketAddr, message: &[u8]) -> io::Result<Vec<u8>> {
    let own: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(own).await?;
    socket.connect(server).await?;
    socket.send(message).await?;
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if belongs(message, &buffer[..length]) {
            buffer.truncate(length);
            return Ok(buffer);
        }
    }
}

async fn over_tcp(server: SocketAddr, message: &[u8]) -> io::Result<Vec<u8>> {
    let length =
        u16::try_from(message.len()).map_err(|_| io::Error::other("the message is longer than 65535 bytes"))?;
    let mut stream = TcpStream::connect(server).await?;
    let mut framed = Vec::with_capacity(message.len() + 2);
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(message);
    stream.write_all(&framed).await?;
    let mut length = [0; 2];
    stream.read_exact(&mut length).await?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply).await?;
    if belongs(message, &reply) { Ok(reply) } else { Err(io::Error::other("the answer belongs to another question")) }
}

/// Whether `reply` is one to `message`.
pub(super) fn belongs(message: &[u8], reply: &[u8]) -> bool {
    const QUESTIONS: std::ops::Range<usize> = 4..6;
    let header = reply.len() >= 12 && reply[..2] == message[..2] && reply[2] & 0x80 != 0;
    if !header || reply[QUESTIONS] != message[QUESTIONS] {
        // Errors may come without the question.
        return header && reply[QUESTIONS] == [0, 0] && reply[3] & 0x0f != 0;
    }
    let end = question_end(message);
    reply.get(12..end).is_some_and(|it| it.eq_ignore_ascii_case(&message[12..end]))
}

/// Where the one question of a message that we made ends. Its name is not compressed: it is the first.
fn question_end(message: &[u8]) -> usize {
    let mut at = 12;
    while let Some(&length) = message.get(at) {
        at += 1 + usize::from(length);
        if length == 0 {
            break;
        }
    }
    (at + 4).min(message.len())
}

fn is_cut(reply: &[u8]) -> bool {
    reply[2] & 0x02 != 0
}
