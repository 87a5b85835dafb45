//! What the operating system knows of this process.

use std::fmt::Write as _;

/// Who this process is, as the environment tells it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Surroundings {
    /// Its name in elections: the Pod's uid, else the host's name and a random part, as client-go makes it.
    pub identity: String,
}

impl Surroundings {
    /// Reads the environment.
    #[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
    pub fn read() -> Self {
        let set = |name| std::env::var(name).ok().filter(|it| !it.is_empty());
        let identity = set("POD_UID").unwrap_or_else(|| {
            let host = set("HOSTNAME").or_else(|| std::fs::read_to_string("/etc/hostname").ok()).unwrap_or_default();
            format!("{}_{:016x}", host.trim(), random())
        });
        Self { identity }
    }
}

/// A number that no other process has.
fn random() -> u64 {
    getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()))
}

/// Prometheus' usual metrics of a process, from Linux' `/proc`; nothing elsewhere.
pub fn metrics() -> String {
    let mut out = String::new();
    let mut gauge = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            // Writing to a string does not fail.
            _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        }
    };
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let seconds = cpu_ticks(&stat).map(|ticks| ticks / TICKS);
    gauge("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.", seconds);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = kibibytes(&status, "VmRSS:").map(|it| it * 1024.0);
    gauge("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", resident);
    let files = std::fs::read_dir("/proc/self/fd").ok().and_then(|files| u32::try_from(files.count()).ok());
    gauge("process_open_fds", "gauge", "Number of open file descriptors.", files.map(f64::from));
    out
}

/// User and system time, the fields 14 and 15; what precedes may contain spaces, in parentheses.
fn cpu_ticks(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some(next()? + next()?)
}

fn kibibytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// How Linux counts, whatever the machine.
const TICKS: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_does_not_confuse() {
        let stat = "7 (a (odd) name) S 1 7 7 0 -1 4194304 100 0 0 0 120 30 0 0 20 0 4 0 1000 1 2";
        assert_eq!(cpu_ticks(stat), Some(150.0));
        assert_eq!(kibibytes("VmPeak:\t 10 kB\nVmRSS:\t  2048 kB\n", "VmRSS:"), Some(2048.0));
    }
}
