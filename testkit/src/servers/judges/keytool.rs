//! Java's keytool, for key stores.

use std::path::PathBuf;
use std::process::Command;

use crate::servers::programs::Program;

/// Java's `keytool`, of whatever version the system has. It starts a machine for every question.
#[derive(Debug)]
pub struct Keytool(PathBuf);

impl Keytool {
    /// Finds it.
    ///
    /// # Panics
    /// When it is not installed, with how to do that.
    #[must_use]
    pub fn find() -> Self {
        Self(Program::Keytool.find().unwrap_or_else(|error| panic!("{error}")))
    }

    /// The program, ready for arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        Command::new(&self.0)
    }
}
