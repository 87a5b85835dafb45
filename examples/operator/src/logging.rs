//! Where logs go, and how much of them.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::options::LogFormat;

/// Writes logs to the standard error, line by line.
///
/// # Errors
/// When logs go somewhere already.
pub fn start(format: LogFormat, verbosity: u64) -> Result<(), TryInitError> {
    let registry = tracing_subscriber::registry();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => registry.with(lines.with_ansi(false).with_filter(filter(verbosity))).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_filter(filter(verbosity))).try_init(),
    }
}

/// cert-manager's levels. Warnings are seen at any level: one that nobody sees is none.
fn filter(verbosity: u64) -> Targets {
    let level = match verbosity {
        0 | 1 => LevelFilter::WARN,
        2 | 3 => LevelFilter::INFO,
        4 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let others = if verbosity > 5 { LevelFilter::DEBUG } else { LevelFilter::WARN };
    Targets::new().with_default(others).with_target("certwright", level)
}
