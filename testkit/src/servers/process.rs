//! A server process that cannot outlive the test.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::programs::{Program, in_system};

/// A running server: killed and waited for when dropped.
#[derive(Debug)]
pub(super) struct Process {
    launch: Launch,
    child: Child,
}

/// How a server is started, and started again.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) program: Program,
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: Vec<(&'static str, String)>,
    /// Everything the server prints, in the order it was written: complete up to the answer that we last saw.
    pub(super) log: PathBuf,
}

impl Process {
    /// Starts the server and asks `ready` until it says yes.
    pub(super) fn start(launch: Launch, ready: impl Fn() -> io::Result<()>) -> io::Result<Self> {
        let mut process = Self { child: spawn(command(&launch)?)?, launch };
        process.wait_until(ready)?;
        Ok(process)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn log(&self) -> String {
        text(&self.launch.log)
    }

    /// Stops the server; everything it held in memory is gone.
    pub(super) fn stop(&mut self) {
        // Both fail only for a child that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Stops the server if it runs, and starts it with the same ports and files.
    pub(super) fn restart(&mut self, ready: impl Fn() -> io::Result<()>) -> io::Result<()> {
        self.stop();
        self.child = spawn(command(&self.launch)?)?;
        self.wait_until(ready)
    }

    fn wait_until(&mut self, ready: impl Fn() -> io::Result<()>) -> io::Result<()> {
        let clock = clock();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(self.failure(&format!("ended at once ({status})")));
            }
            match ready() {
                Ok(()) if port_taken(&self.log()) => {
                    return Err(self.failure("found its port taken"));
                }
                Ok(()) => return Ok(()),
                Err(error) if clock.elapsed() > START_LIMIT => {
                    return Err(self.failure(&format!("was not ready after {START_LIMIT:?} ({error})")));
                }
                Err(_) => pause(),
            }
        }
    }

    fn failure(&self, what: &str) -> io::Error {
        let log = self.log();
        let kind = if port_taken(&log) { io::ErrorKind::AddrInUse } else { io::ErrorKind::Other };
        io::Error::new(kind, format!("{} {what}; it said:\n{log}", self.launch.program.name()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Calls `attempt` again when somebody took the port between our look and the server's.
pub(super) fn with_free_ports<T>(attempt: impl Fn() -> io::Result<T>) -> T {
    let mut tries = 1..=PORT_TRIES;
    loop {
        match attempt() {
            Ok(server) => return server,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries.next().is_some() => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Whether something listens there.
pub(super) fn accepts(address: SocketAddr) -> io::Result<()> {
    TcpStream::connect_timeout(&address, CONNECT_LIMIT).map(drop)
}

/// Whether a DNS server answers there, over UDP, whatever it says.
pub(super) fn answers_dns(address: SocketAddr) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(CONNECT_LIMIT))?;
    socket.connect(address)?;
    socket.send(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05ready\x04test\x00\x00\x01\x00\x01")?;
    let mut answer = [0; 512];
    match socket.recv(&mut answer)? {
        12.. if answer.starts_with(b"\x12\x34") => Ok(()),
        _ => Err(io::Error::other("not a DNS answer")),
    }
}

/// Reads a log that is still written to.
pub(super) fn text(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn port_taken(log: &str) -> bool {
    log.contains("address already in use") || log.contains("address in use")
}

fn command(launch: &Launch) -> io::Result<Command> {
    let program = launch.program.find()?;
    let log = OpenOptions::new().create(true).append(true).open(&launch.log)?;
    // A child asks the kernel for this itself, which our own code could not do without `unsafe`.
    let mut command = match in_system("setpriv") {
        Some(setpriv) if cfg!(target_os = "linux") => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            // Ctrl-C is for the process that started the server, which may still need it.
            command.process_group(0);
            command
        }
        _ => Command::new(program),
    };
    // Nothing of the caller's environment (proxies, PEBBLE_*) shall change what is tested.
    command.args(&launch.arguments).env_clear().envs(launch.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command)
}

/// Starts a child from a thread that lives as long as this process: the kernel's death signal goes by the thread
/// that started the child, and a test's thread ends with its test, while a server may be shared by many.
fn spawn(command: Command) -> io::Result<Child> {
    static STARTER: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();
    let (answer, child) = channel();
    let starter = STARTER.get_or_init(|| {
        let (sender, orders) = channel();
        thread::spawn(move || serve(&orders));
        Mutex::new(sender)
    });
    let gone = |_| io::Error::other("the thread that starts servers is gone");
    starter.lock().unwrap_or_else(PoisonError::into_inner).send(Order { command, answer }).map_err(|_| gone(()))?;
    child.recv().map_err(|_| gone(()))?
}

struct Order {
    command: Command,
    answer: Sender<io::Result<Child>>,
}

fn serve(orders: &Receiver<Order>) {
    for mut order in orders {
        if let Err(unheard) = order.answer.send(order.command.spawn()) {
            // Nobody waits for this child any more.
            if let Ok(mut child) = unheard.0 {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a real server starts in real time")]
fn clock() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a server that starts can only be asked again")]
pub(super) fn pause() {
    thread::sleep(Duration::from_millis(10));
}

/// A control plane that has the machine for itself takes four seconds, and many times that beside builds and other tests.
const START_LIMIT: Duration = Duration::from_secs(120);
const CONNECT_LIMIT: Duration = Duration::from_millis(500);
const PORT_TRIES: usize = 3;
