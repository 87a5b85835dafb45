//! moto: much of AWS in one process, and botocore, which signs as AWS itself does.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::free_port;
use super::http::call;
use super::process::{Launch, Process, with_free_ports};
use super::programs::Program;

/// A running moto with no account set up, stopped when dropped.
///
/// It answers every service at one address and takes the service from the signature's scope. By default it believes every signature. What it
/// hides of AWS: pending answers, throttling, idempotency tokens, and the validity of certificates.
#[derive(Debug)]
pub struct Moto {
    process: Process,
    address: SocketAddr,
    // Last, so that the process is gone before its files.
    _folder: TempDir,
}

impl Moto {
    /// Starts the server and waits until it answers.
    ///
    /// # Panics
    ///
    /// When it is missing (the message says how to get it), or does not start (the message holds its log).
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Settings that differ from the default.
    #[must_use]
    pub fn builder() -> MotoBuilder {
        MotoBuilder::default()
    }

    /// Where all its services answer: `http://127.0.0.1:` and a port.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Everything the server printed: a line for each request.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Runs a Python program that may import botocore, boto3 and cryptography, gives it `input`, and answers what it printed.
    ///
    /// # Panics
    ///
    /// When Python is missing (the message says how to get it), or the program fails (the message holds its traceback).
    #[must_use]
    #[track_caller]
    pub fn python(program: &str, input: &str) -> String {
        let python = Program::Moto.find().unwrap_or_else(|error| panic!("{error}"));
        let mut child = Command::new(python)
            .args(["-c", program])
            .env_clear()
            // No test may ask a real cloud who it is, or read the files of whoever runs it.
            .envs([("AWS_EC2_METADATA_DISABLED", "true"), ("AWS_CONFIG_FILE", "/dev/null")])
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("python: {error}"));
        if let Some(mut stdin) = child.stdin.take() {
            let written = stdin.write_all(input.as_bytes());
            written.unwrap_or_else(|error| panic!("python ended before it read its input: {error}"));
        }
        let output = child.wait_with_output().unwrap_or_else(|error| panic!("python: {error}"));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "python: {}", String::from_utf8_lossy(&output.stderr));
        text
    }
}

/// moto's settings, before it runs.
#[derive(Clone, Debug, Default)]
pub struct MotoBuilder {
    unchecked: Option<u32>,
}

impl MotoBuilder {
    /// Checks signatures and permissions once this many calls were made without: as many as setting up takes.
    #[must_use]
    pub fn checking_after(mut self, calls: u32) -> Self {
        self.unchecked = Some(calls);
        self
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Panics
    ///
    /// As [`Moto::start`].
    #[must_use]
    #[track_caller]
    pub fn start(&self) -> Moto {
        with_free_ports(|| self.try_start())
    }

    fn try_start(&self) -> io::Result<Moto> {
        let folder = TempDir::new()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let checking = self.unchecked.map(|calls| ("INITIAL_NO_AUTH_ACTION_COUNT", calls.to_string()));
        let launch = Launch {
            program: Program::Moto,
            arguments: ["-m", "moto.server", "-H", &host, "-p", &port].map(Into::into).into(),
            environment: checking.into_iter().collect(),
            log: folder.path().join("moto.log"),
        };
        let process = Process::start(launch, || call(address, READY, None)?.ok(READY).map(drop))?;
        Ok(Moto { process, address, _folder: folder })
    }
}

/// moto's own list of what it holds.
const READY: &str = "/moto-api/data.json";
