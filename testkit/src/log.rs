//! Everything that is logged while something runs, as text: for tests of what it says, and of what it keeps to itself.

use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use tracing::Dispatch;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::sync::lock;

/// What `work` logs on this thread, at every level: all events with their fields. Look for a line that it must have, too; a log that is empty proves nothing.
pub fn logged(work: impl FnOnce()) -> String {
    LazyLock::force(&ANOTHER);
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(lines.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, work);
    let text = lock(&lines.0);
    String::from_utf8_lossy(&text).into_owned()
}

/// What threads log that never end, or end in their own time. Copies share it.
#[derive(Clone, Default)]
pub struct Log(Lines);

impl Log {
    /// Keeps what this thread logs from now on, at every level.
    pub fn listen_to_this_thread(&self) {
        LazyLock::force(&ANOTHER);
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(self.0.clone())
            .finish();
        // The guard would end it, and belongs to the thread.
        std::mem::forget(tracing::subscriber::set_default(subscriber));
    }

    /// What was logged so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.0.0)).into_owned()
    }
}

/// Where lines go. Copies share them.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// As long as there is one dispatcher, tracing asks the thread that meets an event first whether it listens, and remembers the answer for all threads: an event
/// that a test beside this one meets would stay silent here.
static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

#[cfg(test)]
mod tests {
    use super::logged;

    #[test]
    fn what_is_logged_is_heard_at_every_level_and_nothing_else() {
        tracing::error!("before");
        let text = logged(|| {
            tracing::trace!(name = "www.example.com", "looked");
            tracing::error!("failed");
        });
        assert!(text.contains("looked") && text.contains("www.example.com") && text.contains("failed"), "{text}");
        assert!(!text.contains("before") && !text.contains('\u{1b}'), "{text}");
    }
}
