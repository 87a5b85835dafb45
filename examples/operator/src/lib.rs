//! The operator: a program around [`kube_adapter`], with the flags and the configuration file of cert-manager's controller.
//!
//! | Module | What it is |
//! |---|---|
//! | [`flags`] | one table of everything that can be said, for command line and file |
//! | [`arguments`] | the command line, in pflag's syntax |
//! | [`config_file`] | cert-manager's `ControllerConfiguration` |
//! | [`choices`] | roles, `--controllers`, feature gates |
//! | [`options`] | what was said, checked and typed |
//! | [`mod@settings`] | the same as the library's settings |
//! | [`api_server`] | how the API server is reached |
//! | [`logging`] | where logs go |
//! | [`certificates`] | what `/metrics` is served with |
//! | [`endpoints`] | metrics and health over HTTP |
//! | [`process`] | what the operating system knows of this process |
//! | [`role`] | which Secrets a Role must name |
//! | [`mod@run`] | all of it together, and its orderly end |

pub mod api_server;
pub mod arguments;
pub mod certificates;
pub mod choices;
pub mod config_file;
pub mod endpoints;
pub mod flags;
pub mod logging;
mod nearest;
pub mod options;
pub mod process;
pub mod role;
pub mod run;
pub mod settings;
mod values;

pub use acme_core::{Error, ErrorKind};

/// Something that was said makes no sense.
fn usage(what: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Malformed, what)
}
