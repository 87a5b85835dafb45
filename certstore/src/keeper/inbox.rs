//! Waiting without a runtime: a queue with one reader, and a door that opens once.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// A queue with one reader.
pub(super) struct Inbox<T>(Mutex<Queue<T>>);

struct Queue<T> {
    items: VecDeque<T>,
    reader: Option<Waker>,
}

impl<T> Inbox<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Queue { items: VecDeque::new(), reader: None }))
    }

    pub(super) fn send(&self, item: T) {
        let reader = {
            let mut queue = lock(&self.0);
            queue.items.push_back(item);
            queue.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    pub(super) async fn receive(&self) -> T {
        std::future::poll_fn(|context| {
            let mut queue = lock(&self.0);
            match queue.items.pop_front() {
                Some(item) => Poll::Ready(item),
                None => {
                    queue.reader = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// A door that opens once, for everybody.
#[derive(Default)]
pub(super) struct Door(Mutex<(bool, Vec<Waker>)>);

impl Door {
    pub(super) fn open(&self) {
        let waiting = {
            let mut door = lock(&self.0);
            door.0 = true;
            std::mem::take(&mut door.1)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(super) fn is_open(&self) -> bool {
        lock(&self.0).0
    }

    pub(super) async fn opened(&self) {
        std::future::poll_fn(|context| {
            let mut door = lock(&self.0);
            if door.0 {
                return Poll::Ready(());
            }
            if !door.1.iter().any(|it| it.will_wake(context.waker())) {
                door.1.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}

/// Nothing between a lock and its release panics half-way.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
