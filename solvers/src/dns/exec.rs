//! A program of one's own, called as lego's `exec` calls it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Error, ErrorKind, Retry, text};
use async_trait::async_trait;
use futures_util::lock::Mutex as Turn;
use tokio::process::Command;

use crate::dns01::{DnsProvider, TxtRecord, Zones};
use crate::limits;

/// Runs a program for each value: `program present _acme-challenge.example.org. value`, and `cleanup` likewise. Names come after delegation.
///
/// It runs one at a time, for programs that read, change and write. An exit status other than 0 is a failure that may pass. What the program prints is logged
/// (DEBUG) and is in no error, for it may hold secrets. Wants a tokio runtime.
#[derive(Debug, Clone)]
pub struct Exec {
    program: PathBuf,
    form: Form,
    limit: Duration,
    turn: Arc<Turn<()>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Value,
    KeyAuthorization,
}

impl Exec {
    /// Runs `program`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), form: Form::Value, limit: limits::EXEC_TIME, turn: Arc::default() }
    }

    /// Calls `program present -- domain token key-authorization` instead (lego's mode RAW): it makes owner and value of them itself.
    #[must_use]
    pub fn raw(mut self) -> Self {
        self.form = Form::KeyAuthorization;
        self
    }

    /// How long one run may take before it is killed; [`limits::EXEC_TIME`] by default.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    async fn run(&self, verb: &str, record: &TxtRecord) -> Result<(), Error> {
        let program = self.program.display();
        let what = format!("{program} {verb} for a TXT value at {}", record.owner);
        let arguments = self.arguments(record)?;
        let _turn = self.turn.lock().await;
        let mut command = Command::new(&self.program);
        command.arg(verb).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        let run = tokio::time::timeout(self.limit, command.output()).await;
        let output = run.map_err(|_| {
            let limit = self.limit;
            Error::new(ErrorKind::Unreachable, format!("{what}: it did not end within {limit:?} and was killed"))
        })?;
        let output = output.map_err(|source| {
            let advice = "is it there, executable, and does its first line name an interpreter?";
            Error::new(ErrorKind::NotFound, format!("{what}: it cannot be run; {advice}")).with_source(source)
        })?;
        for printed in [&output.stdout, &output.stderr] {
            let printed = text::printable(String::from_utf8_lossy(printed).trim(), limits::DNS_API_MESSAGE);
            if !printed.is_empty() {
                tracing::debug!(%program, verb, printed);
            }
        }
        if output.status.success() {
            return Ok(());
        }
        let status = output.status;
        let what = format!("{what}: it ended with {status}; what it printed is in the log, at the level DEBUG");
        Err(Error::new(ErrorKind::Refused, what).with_retry(Retry::Backoff))
    }

    fn arguments(&self, record: &TxtRecord) -> Result<Vec<OsString>, Error> {
        Ok(match self.form {
            Form::Value => vec![format!("{}.", record.owner).into(), record.value.clone().into()],
            Form::KeyAuthorization => {
                let proof = record.needed_key_authorization()?;
                // Tokens may begin with `-`.
                vec!["--".into(), record.identifier.as_str().into(), proof.token().into(), proof.as_str().into()]
            }
        })
    }
}

#[async_trait]
impl DnsProvider for Exec {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        self.run("present", record).await
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        self.run("cleanup", record).await
    }

    fn zones(&self) -> Zones<'_> {
        Zones::Unneeded
    }
}
