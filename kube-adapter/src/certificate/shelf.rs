//! Where whole Certificates wait for their turn: many in one piece of memory, which is given back as one.
//!
//! A storm brings thousands at once. If each had its own piece, what stays of them would be spread among the holes that they leave.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};

/// Texts that wait, and the room for them.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// What is left of the last board.
    free: BytesMut,
    board: Option<Arc<Board>>,
    /// How many bytes all boards take.
    taken: Arc<AtomicUsize>,
}

/// A text on the shelf; its board is given back with the last of them.
pub(super) struct Kept {
    text: Bytes,
    _board: Arc<Board>,
}

/// A piece of memory that holds many texts, or one that is long.
#[derive(Debug)]
struct Board {
    bytes: usize,
    taken: Arc<AtomicUsize>,
}

impl Shelf {
    /// Puts a text in, if there is room for it.
    pub(super) fn put(&mut self, text: &[u8]) -> Option<Kept> {
        if text.len() > BOARD {
            let board = self.board(text.len())?;
            return Some(Kept { text: Bytes::copy_from_slice(text), _board: board });
        }
        if self.board.is_none() || self.free.capacity() < text.len() {
            (self.board, self.free) = (None, BytesMut::new());
            self.board = Some(self.board(BOARD)?);
            self.free = BytesMut::with_capacity(BOARD);
        }
        let board = Arc::clone(self.board.as_ref()?);
        self.free.extend_from_slice(text);
        Some(Kept { text: self.free.split().freeze(), _board: board })
    }

    /// Gives back the last board where nothing is left on it.
    pub(super) fn tidy(&mut self) {
        if self.board.as_ref().is_some_and(|it| Arc::strong_count(it) == 1) {
            (self.board, self.free) = (None, BytesMut::new());
        }
    }

    /// How many bytes it takes.
    #[cfg(test)]
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    fn board(&self, bytes: usize) -> Option<Arc<Board>> {
        let board = Arc::new(Board { bytes, taken: Arc::clone(&self.taken) });
        let before = self.taken.fetch_add(bytes, Ordering::Relaxed);
        (before + bytes <= ROOM).then_some(board)
    }
}

impl Kept {
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// Large enough for the allocator to ask the system for it even where it holds freed memory, and to give it back.
const BOARD: usize = 1024 * 1024;

/// Whole Certificates that wait for their turn take so much at most; others are read when it comes.
const ROOM: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::{BOARD, ROOM, Shelf};

    #[test]
    fn texts_share_a_board_that_goes_with_the_last_of_them() {
        let mut shelf = Shelf::default();
        let first = shelf.put(b"one").expect("there is room");
        let second = shelf.put(b"another").expect("there is room");
        let long = shelf.put(&[7; BOARD + 1]).expect("there is room");
        assert_eq!((first.text(), second.text(), long.text().len()), (&b"one"[..], &b"another"[..], BOARD + 1));
        assert_eq!(shelf.taken(), 2 * BOARD + 1);
        drop(long);
        assert_eq!(shelf.taken(), BOARD);
        let third = shelf.put(&[7; BOARD]).expect("there is room");
        assert_eq!(shelf.taken(), 2 * BOARD);
        drop((first, second));
        assert_eq!(shelf.taken(), BOARD);
        assert_eq!(third.text().len(), BOARD);
        shelf.tidy();
        assert_eq!(shelf.taken(), BOARD, "a text is on it");
        drop(third);
        shelf.tidy();
        assert_eq!(shelf.taken(), 0);
    }

    #[test]
    fn what_finds_no_room_is_not_kept() {
        let mut shelf = Shelf::default();
        let kept: Vec<_> = std::iter::from_fn(|| shelf.put(&[7; BOARD])).collect();
        assert_eq!(kept.len(), ROOM / BOARD);
        drop(kept);
        assert!(shelf.put(b"one").is_some() && shelf.taken() == BOARD);
    }
}
