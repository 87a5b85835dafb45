//! The operator: see its README.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use certwright_operator::arguments::{self, Command};
use certwright_operator::flags::{Setting, as_markdown};
use certwright_operator::options::{Options, Telling};
use certwright_operator::process::Surroundings;
use certwright_operator::{Error, ErrorKind, config_file, logging, run};

/// Memory that a storm of certificates took is given back page by page; of the C library's heap, what stays among it keeps most.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match begin() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut line = format!("certwright-operator: {error}");
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                line.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            // Where nobody reads it, the exit code remains.
            _ = writeln!(std::io::stderr(), "{line}");
            if error.kind() == ErrorKind::Malformed { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

fn begin() -> Result<(), Error> {
    match arguments::read(std::env::args().skip(1))? {
        Command::Run(settings) => start(&settings),
        Command::Solver(solver) => {
            let defaults = Options::default().telling;
            log(&defaults)?;
            run_in_threads(run::answer(solver))
        }
        Command::Crds => {
            let unusable =
                |source| Error::new(ErrorKind::Internal, "the definitions cannot be written").with_source(source);
            print(&kube_adapter::crd::all_yaml().map_err(unusable)?)
        }
        Command::Role(role) => {
            let mut objects = String::new();
            std::io::stdin().read_to_string(&mut objects).map_err(|source| {
                Error::new(ErrorKind::Malformed, "the standard input cannot be read").with_source(source)
            })?;
            print(&role.write(&objects)?)
        }
        Command::Version => print(concat!("certwright-operator ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Help => print(&format!("{USAGE}{}", as_markdown())),
    }
}

fn start(settings: &[Setting]) -> Result<(), Error> {
    let file = settings.iter().find(|it| it.flag.name == "config").and_then(|it| it.items.first());
    let mut all = Vec::new();
    if let Some(path) = file.filter(|path| !path.is_empty()) {
        let text = std::fs::read_to_string(path).map_err(|source| {
            Error::new(ErrorKind::Malformed, format!("--config: {path} cannot be read")).with_source(source)
        })?;
        all = config_file::read(&text)?;
        // Flags go before the file, lists as a whole.
        all.retain(|said| settings.iter().all(|it| it.flag.name != said.flag.name));
    }
    all.extend(settings.iter().cloned());
    let options = Options::from_settings(&all)?;

    log(&options.telling)?;
    // kube's client takes rustls' provider from here; everything else is given its own.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return Err(Error::new(ErrorKind::Internal, "rustls has a provider already"));
    }
    run_in_threads(run::run(options, Surroundings::read()))
}

fn log(telling: &Telling) -> Result<(), Error> {
    logging::start(telling.format, telling.verbosity)
        .map_err(|source| Error::new(ErrorKind::Internal, "logs go somewhere already").with_source(source))
}

fn run_in_threads(main: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|source| Error::new(ErrorKind::Internal, "no threads can be started").with_source(source))?
        .block_on(main)
}

fn print(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|source| Error::new(ErrorKind::Internal, "the output cannot be written").with_source(source))
}

/// What takes long has threads of its own. A second worker would be woken for every answer of the API server, and find nothing left to do: a fifth of a
/// start's processor time.
const WORKERS: usize = 1;

const USAGE: &str = "\
usage: certwright-operator [FLAGS]      runs
       certwright-operator solver …     answers one challenge, in a Pod made for it
       certwright-operator crds         prints the definitions of the resources, in YAML
       certwright-operator role         prints the Roles that name the Secrets of the objects that it reads
       certwright-operator version      prints the version

";
