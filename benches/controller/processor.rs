//! Processor time: what a rate on a shared machine leaves out.

use std::fs;
use std::time::Duration;

use crate::bare::text;

/// Processor time used so far, apart for the API server with its store, the rest of the control plane, and whoever makes the writes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// kube-apiserver and etcd.
    pub(crate) servers: Duration,
    /// kube-controller-manager, which hears of each write.
    pub(crate) others: Duration,
    /// Controllers that this process started, and this process.
    pub(crate) clients: Duration,
}

impl Usage {
    /// Of this process and of its children.
    pub(crate) fn now() -> Result<Self, String> {
        let this = std::process::id();
        let mut usage = Self { clients: of(this)?, ..Self::default() };
        for entry in fs::read_dir("/proc").map_err(text)? {
            let Some(id) = entry.map_err(text)?.file_name().to_str().and_then(|it| it.parse().ok()) else { continue };
            // It may have gone since.
            let Ok(stat) = Stat::of(id) else { continue };
            if stat.parent != this {
                continue;
            }
            let whose = match role(id).as_deref() {
                Some("kube-apiserver" | "etcd") => &mut usage.servers,
                Some("kube-controller-manager") => &mut usage.others,
                Some(_) | None => &mut usage.clients,
            };
            *whose += stat.time;
        }
        Ok(usage)
    }

    /// What was used since.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            servers: self.servers.saturating_sub(before.servers),
            others: self.others.saturating_sub(before.others),
            clients: self.clients.saturating_sub(before.clients),
        }
    }

    /// Half of both.
    pub(crate) fn mean(self, other: Self) -> Self {
        Self {
            servers: (self.servers + other.servers) / 2,
            others: (self.others + other.others) / 2,
            clients: (self.clients + other.clients) / 2,
        }
    }

    /// All of it.
    pub(crate) fn all(self) -> Duration {
        self.servers + self.others + self.clients
    }
}

/// Processor time that a process used so far.
pub(crate) fn of(process: u32) -> Result<Duration, String> {
    Stat::of(process).map(|it| it.time)
}

/// Whether a process has got as far as starting a thread. Before that it uses no more than one of the system's ticks, and so may all that it does where
/// there is nothing to do.
pub(crate) fn has_begun(process: u32) -> Result<bool, String> {
    Ok(fs::read_dir(format!("/proc/{process}/task")).map_err(text)?.count() > 1)
}

/// The servers of a control plane are one program: its first argument says which.
fn role(process: u32) -> Option<String> {
    let line = fs::read_to_string(format!("/proc/{process}/cmdline")).ok()?;
    line.split('\0').nth(1).map(str::to_owned)
}

/// What the system says of a process.
struct Stat {
    parent: u32,
    time: Duration,
}

impl Stat {
    fn of(process: u32) -> Result<Self, String> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).map_err(text)?;
        let rest = stat.rsplit(')').next().unwrap_or_default();
        let field = |at: usize| rest.split_whitespace().nth(at).and_then(|it| it.parse::<u64>().ok());
        let (Some(parent), Some(user), Some(system)) = (field(1), field(11), field(12)) else {
            return Err("no times".to_owned());
        };
        let time = Duration::from_millis((user + system) * 1000 / rustix::param::clock_ticks_per_second());
        Ok(Self { parent: u32::try_from(parent).map_err(text)?, time })
    }
}
