//! Connections that are read in larger pieces than TLS asks for.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tower::ServiceExt;
use tower::util::MapResponse;

/// A connection. rustls asks for four kilobytes at a time, a quarter of a record: a list would be a call to the system for each of them.
pub(super) struct Socket(BufReader<TcpStream>);

/// A connector that wraps what another one opens.
type Sockets = MapResponse<HttpConnector, fn(TokioIo<TcpStream>) -> TokioIo<Socket>>;

/// Opens connections as `connector` does.
pub(super) fn sockets(connector: HttpConnector) -> Sockets {
    ServiceExt::<Uri>::map_response(connector, Socket::around as fn(_) -> _)
}

impl Socket {
    fn around(stream: TokioIo<TcpStream>) -> TokioIo<Self> {
        TokioIo::new(Self(BufReader::with_capacity(PIECE, stream.into_inner())))
    }
}

impl Connection for Socket {
    fn connected(&self) -> Connected {
        self.0.get_ref().connected()
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, from)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, from)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// A record of TLS and its frame.
const PIECE: usize = 17 * 1024;
