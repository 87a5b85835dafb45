//! What happened, for those who want to know.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Poll, Waker};

use acme_core::Timestamp;
use acme_core::flow::{Fault, Waiting};
use issuers::Remark;

use super::inbox::lock;
use super::plan::Why;

/// Something that happened to a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// What the certificate is called.
    pub name: String,
    /// What happened.
    pub what: Happening,
}

/// What happened to a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    /// An issuance began.
    Began {
        /// Why.
        why: Why,
    },
    /// An issuance waits for something.
    Waiting {
        /// For what.
        waiting: Waiting,
        /// When it is looked at again.
        until: Timestamp,
    },
    /// A certificate was issued and stored.
    Issued {
        /// Its serial number, hexadecimal.
        serial: String,
        /// Its last instant.
        not_after: Timestamp,
    },
    /// The issuer remarks on what it issued: it is not all that was asked for.
    Remarked {
        /// What it is; it prints as a sentence.
        remark: Remark,
    },
    /// A certificate was issued and is served, but could not be stored yet. Storing is tried again; nothing is ordered again.
    NotStored {
        /// Why.
        fault: Fault,
    },
    /// A certificate is served from now on: whoever connects gets it.
    Serving {
        /// Its serial number, hexadecimal.
        serial: String,
    },
    /// A certificate could not be handed to whoever serves it. What was served stays.
    NotServed {
        /// Why.
        fault: Fault,
    },
    /// The certificate authority suggested when to renew.
    RenewalSuggested {
        /// The instant that was chosen in its window.
        at: Timestamp,
    },
    /// An attempt failed.
    Failed {
        /// How.
        fault: Fault,
        /// How often in a row.
        failures: u32,
        /// When it is tried again.
        again: Timestamp,
    },
    /// Another keeper works on it now.
    TakenOver,
    /// Its record cannot be read or written.
    StoreFailed {
        /// Why.
        fault: Fault,
    },
    /// The work on it panicked: a defect. It is looked at again later.
    Panicked,
    /// It is kept no more.
    Forgotten,
}

/// An event with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// Counts the events of a keeper from 1.
    pub number: u64,
    /// Events right before this one that were dropped, because nobody took them in time.
    pub missed: u64,
    /// The event.
    pub event: Event,
}

/// The events of a keeper from the moment of asking. What is not taken in time is dropped, and counted in the next [`Notice`].
pub struct Events(Arc<Mutex<Mailbox>>);

struct Mailbox {
    notices: VecDeque<Notice>,
    missed: u64,
    closed: bool,
    reader: Option<Waker>,
}

impl Events {
    /// The next event; `None` after the keeper has shut down.
    pub async fn next(&mut self) -> Option<Notice> {
        std::future::poll_fn(|context| {
            let mut inside = lock(&self.0);
            match inside.notices.pop_front() {
                Some(notice) => Poll::Ready(Some(notice)),
                None if inside.closed => Poll::Ready(None),
                None => {
                    inside.reader = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events(..)")
    }
}

/// Hands events out.
#[derive(Default)]
pub(super) struct Outlet(Mutex<Readers>);

#[derive(Default)]
struct Readers {
    count: u64,
    closed: bool,
    readers: Vec<Weak<Mutex<Mailbox>>>,
}

impl Outlet {
    pub(super) fn subscribe(&self) -> Events {
        let mut readers = lock(&self.0);
        let inside =
            Arc::new(Mutex::new(Mailbox { notices: VecDeque::new(), missed: 0, closed: readers.closed, reader: None }));
        readers.readers.push(Arc::downgrade(&inside));
        Events(inside)
    }

    pub(super) fn tell(&self, name: &str, what: Happening) {
        tracing::debug!(certificate = name, ?what, "certificate");
        let mut readers = lock(&self.0);
        readers.count += 1;
        let number = readers.count;
        readers.readers.retain(|reader| {
            let Some(inside) = reader.upgrade() else {
                return false;
            };
            let mut inside = lock(&inside);
            if inside.notices.len() == KEPT {
                // The oldest goes, and what it says of others lost goes on to the next.
                if let Some(dropped) = inside.notices.pop_front() {
                    let lost = dropped.missed + 1;
                    match inside.notices.front_mut() {
                        Some(next) => next.missed += lost,
                        None => inside.missed += lost,
                    }
                }
            }
            let missed = std::mem::take(&mut inside.missed);
            inside.notices.push_back(Notice {
                number,
                missed,
                event: Event { name: name.to_owned(), what: what.clone() },
            });
            if let Some(reader) = inside.reader.take() {
                reader.wake();
            }
            true
        });
    }

    pub(super) fn close(&self) {
        let mut readers = lock(&self.0);
        readers.closed = true;
        for reader in readers.readers.drain(..).filter_map(|it| it.upgrade()) {
            let mut inside = lock(&reader);
            inside.closed = true;
            if let Some(reader) = inside.reader.take() {
                reader.wake();
            }
        }
    }
}

/// Events kept for one reader.
const KEPT: usize = 1024;
