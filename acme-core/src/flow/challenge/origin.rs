//! Whether another process may have acted upon a state.

/// Where a state comes from. It is no part of the state: those that differ in it alone are equal.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Origin {
    /// It was begun in this process.
    Here,
    /// It was read from a record, which another process may have acted upon.
    #[default]
    Record,
}

impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Origin {}
