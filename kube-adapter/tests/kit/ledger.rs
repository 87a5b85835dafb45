//! What was written, and whether it is what the ledger says.

use std::fmt;

use super::call::{Call, Verb};

/// A write that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What was asked.
    pub call: Call,
    /// The status of the answer; 0 where the connection broke first.
    pub code: u16,
}

/// The writes of a path, in the order of their arrival.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger(pub Vec<Written>);

impl Ledger {
    /// Fails unless exactly these object writes were made, in whatever order, all of them with success, and none of them a PUT; Events are at most `events`.
    #[track_caller]
    pub fn assert_is(&self, expected: &[&str], events: usize) {
        let mut written: Vec<String> = self.objects().map(|it| it.call.to_string()).collect();
        let mut wanted: Vec<String> = expected.iter().map(|it| (*it).to_owned()).collect();
        written.sort();
        wanted.sort();
        assert_eq!(written, wanted, "the writes were\n{self}");
        self.assert_clean();
        let made = self.0.iter().filter(|it| it.call.resource == "events").count();
        assert!(made <= events, "{made} Events, at most {events} are allowed:\n{self}");
    }

    /// Fails when a write was refused, or was a PUT.
    #[track_caller]
    pub fn assert_clean(&self) {
        self.assert_never_put();
        for it in &self.0 {
            assert!((200..300).contains(&it.code), "{} {} was answered {}:\n{self}", it.call, it.call.name, it.code);
        }
    }

    /// Fails when a write was a PUT.
    #[track_caller]
    pub fn assert_never_put(&self) {
        let put = self.0.iter().find(|it| it.call.verb == Verb::Update);
        assert!(put.is_none(), "PUT is never sent: {put:?}");
    }

    /// The writes that the ledger counts, in the order of their arrival.
    pub fn objects(&self) -> impl Iterator<Item = &Written> {
        self.0.iter().filter(|it| it.call.counts())
    }

    /// How many writes were answered with this status.
    pub fn answered(&self, code: u16) -> usize {
        self.0.iter().filter(|it| it.code == code).count()
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for it in &self.0 {
            let Call { name, manager, .. } = &it.call;
            writeln!(f, "  {} {} {name} by {}", it.code, it.call, manager.as_deref().unwrap_or("nobody"))?;
        }
        Ok(())
    }
}
