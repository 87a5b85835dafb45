//! An answer cut into pieces, in one buffer.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body::Frame;
use http_body_util::BodyExt as _;
use kube::client::Body;

/// The pieces of an answer, as far as they arrived.
pub(super) struct Pieces {
    body: Body,
    cut: Cut,
    buffer: Vec<u8>,
    /// Where the next piece begins.
    taken: usize,
    /// Up to where no end of a line was found.
    searched: usize,
}

/// How an answer is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// A piece is a line.
    Lines,
    /// Before each piece stands its length: four bytes, the highest first.
    Lengths,
}

impl Pieces {
    pub(super) fn new(body: Body, cut: Cut) -> Self {
        Self { body, cut, buffer: Vec::new(), taken: 0, searched: 0 }
    }

    /// Waits for more; `false` is the end. What is left of a piece that broke off is nothing.
    ///
    /// # Errors
    /// What went wrong.
    pub(super) async fn more(&mut self) -> Result<bool, String> {
        self.buffer.drain(..self.taken);
        self.searched -= self.taken;
        self.taken = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT {
            self.buffer = Vec::new();
        }
        match self.body.frame().await {
            None => Ok(false),
            Some(Err(error)) => Err(super::printable(error)),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    self.buffer.extend_from_slice(&data);
                }
                if self.buffer.len() > LONGEST {
                    return Err("the API server sent a piece of news that is too long".to_owned());
                }
                Ok(true)
            }
        }
    }

    /// The next piece that is complete, without what marks where it ends.
    pub(super) fn next(&mut self) -> Option<&mut [u8]> {
        match self.cut {
            Cut::Lines => self.line(),
            Cut::Lengths => self.measured(),
        }
    }

    fn measured(&mut self) -> Option<&mut [u8]> {
        let (length, rest) = self.buffer.get(self.taken..)?.split_first_chunk()?;
        let length = u32::from_be_bytes(*length) as usize;
        if rest.len() < length {
            return None;
        }
        let begin = self.taken + size_of::<u32>();
        self.taken = begin + length;
        self.searched = self.taken;
        self.buffer.get_mut(begin..self.taken)
    }

    fn line(&mut self) -> Option<&mut [u8]> {
        loop {
            let begin = self.taken;
            let Some(length) = memchr::memchr(b'\n', self.buffer.get(self.searched..)?) else {
                self.searched = self.buffer.len();
                return None;
            };
            let end = self.searched + length;
            self.taken = end + 1;
            self.searched = self.taken;
            if end > begin {
                return self.buffer.get_mut(begin..end);
            }
        }
    }
}

/// A whole answer, read into a buffer instead of what was in it.
///
/// # Errors
/// What went wrong.
pub(super) async fn read_whole(mut body: Body, bytes: &mut Vec<u8>) -> Result<(), String> {
    bytes.clear();
    while let Some(frame) = next(&mut body).await {
        if let Ok(data) = frame.map_err(super::printable)?.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() > LONGEST_PAGE {
            return Err("the API server sent a page that is too long".to_owned());
        }
    }
    Ok(())
}

/// The next piece of an answer. Where none has arrived, some are waited for: the server writes an object at a time, and to be woken for each costs a cold
/// start a tenth of its processor time.
async fn next(body: &mut Body) -> Option<kube::Result<Frame<Bytes>>> {
    if let Some(frame) = body.frame().now_or_never() {
        return frame;
    }
    after_others().await;
    if let Some(frame) = body.frame().now_or_never() {
        return frame;
    }
    #[expect(clippy::disallowed_methods, reason = "how soon a socket is looked at again says nothing of what is read")]
    tokio::time::sleep(MOMENT).await;
    body.frame().await
}

/// Whoever is ready goes first, and so does whoever reads the connection. `yield_now` would ask the system for news each time, for every object of a list.
async fn after_others() {
    let mut is_first = true;
    poll_fn(|context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

/// Within it several objects arrive.
const MOMENT: Duration = Duration::from_millis(2);

/// A buffer that was needed for one large object is given back.
const KEPT: usize = 64 * 1024;

/// etcd holds objects of 1.5 MiB; JSON may make more of them.
const LONGEST: usize = 32 * 1024 * 1024;

/// A page of the largest objects.
const LONGEST_PAGE: usize = 512 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::{Cut, Pieces};

    #[tokio::test]
    async fn lines_are_complete_or_not_there() {
        let mut lines = Pieces::new(b"first\n\nsecond\nthi".to_vec().into(), Cut::Lines);
        assert!(lines.more().await.expect("it arrives"));
        assert_eq!(lines.next().as_deref(), Some(&b"first"[..]));
        assert_eq!(lines.next().as_deref(), Some(&b"second"[..]));
        assert_eq!(lines.next(), None);
        assert!(!lines.more().await.expect("it ends"));
        assert_eq!(lines.next(), None);
    }
    #[tokio::test]
    async fn what_has_a_length_before_it_is_complete_or_not_there() {
        let told = b"\0\0\0\x05first\0\0\0\0\0\0\0\x06sec\nnd\0\0\0\x05thi";
        let mut pieces = Pieces::new(told.to_vec().into(), Cut::Lengths);
        assert!(pieces.more().await.expect("it arrives"));
        for piece in ["first", "", "sec\nnd"] {
            assert_eq!(pieces.next().as_deref(), Some(piece.as_bytes()));
        }
        assert_eq!(pieces.next(), None);
        assert!(!pieces.more().await.expect("it ends"));
        assert_eq!(pieces.next(), None);
    }
}
