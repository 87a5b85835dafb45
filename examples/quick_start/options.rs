//! What the command line says.

use std::error::Error;
use std::path::PathBuf;

/// What the command line says.
pub(crate) struct Options {
    pub(crate) names: Vec<String>,
    pub(crate) directory: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) root: Option<PathBuf>,
    pub(crate) listen: String,
    pub(crate) state: PathBuf,
    pub(crate) once: bool,
}

impl Options {
    pub(crate) fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            names: Vec::new(),
            directory: None,
            email: None,
            root: None,
            listen: String::new(),
            state: PathBuf::new(),
            once: false,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value\n{USAGE}"));
            match argument.as_str() {
                "--once" => options.once = true,
                "--directory" => options.directory = Some(value()?),
                "--name" => options.names.push(value()?),
                "--email" => options.email = Some(value()?),
                "--root" => options.root = Some(value()?.into()),
                "--listen" => options.listen = value()?,
                "--state" => options.state = value()?.into(),
                _ => return Err(format!("what is {argument}?\n{USAGE}").into()),
            }
        }
        let real = options.directory.is_some();
        if real && options.names.is_empty() {
            return Err(format!("a real certificate authority needs a --name of yours\n{USAGE}").into());
        }
        if options.names.is_empty() {
            options.names = vec!["quick.example".to_owned(), "www.quick.example".to_owned()];
        }
        if options.listen.is_empty() {
            options.listen = if real { "[::]:443" } else { "127.0.0.1:0" }.to_owned();
        }
        if options.state.as_os_str().is_empty() {
            let target = std::env::temp_dir().join(format!("certwright-quick-start-{}", std::process::id()));
            options.state = if real { "quick_start_state".into() } else { target };
        }
        Ok(options)
    }
}

const USAGE: &str = "usage: quick_start [--once] [--directory URL] [--name NAME]… [--email ADDRESS] [--root FILE] [--listen ADDRESS] [--state FOLDER]";
