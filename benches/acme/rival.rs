//! Other people's clients: Go programs of `benches/peers`, one process for each course.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use testkit::servers::Pebble;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::contender::{Contender, Lap, Repeat};

/// A rival in a process of its own. It ends when its input does, and is killed when this is dropped.
pub(crate) struct Rival {
    name: &'static str,
    child: Child,
    steps: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Rival {
    /// Starts the program called `name` and waits until it has its account.
    pub(crate) async fn start(
        name: &'static str,
        pebble: &Pebble,
        names: usize,
        laps: usize,
        repeat: Repeat,
    ) -> Result<Self, String> {
        let program = programs().join(name);
        if !program.is_file() {
            return Err(format!("there is no {}: run benches/peers/build.sh (needs Go)", program.display()));
        }
        let mut command = Command::new(program);
        command.args(["-directory", &pebble.directory_url()]).arg("-root").arg(pebble.root_file());
        command.args(["-names", &names.to_string(), "-runs", &laps.to_string(), "-step"]);
        if repeat == Repeat::Same {
            command.arg("-same");
        }
        // Nothing of the caller's environment (proxies, settings of these clients) shall change what is measured.
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| format!("could not be started: {error}"))?;
        let (Some(steps), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("has no input or output".to_owned());
        };
        let mut rival = Self { name, child, steps, lines: BufReader::new(output).lines() };
        rival.hear("ready").await?;
        Ok(rival)
    }

    /// The time that goes with the event which is waited for.
    async fn hear(&mut self, event: &str) -> Result<Duration, String> {
        let Some(line) = self.lines.next_line().await.map_err(|error| error.to_string())? else {
            return Err(format!("ended: {}", self.last_words().await));
        };
        let said: Value = serde_json::from_str(&line).map_err(|error| format!("said {line:?}: {error}"))?;
        match (said["event"].as_str(), said["ms"].as_f64()) {
            (Some(heard), Some(ms)) if heard == event => Ok(Duration::from_secs_f64(ms / 1000.0)),
            _ => Err(format!("said {line:?} where {event} was due")),
        }
    }

    async fn last_words(&mut self) -> String {
        let mut words = String::new();
        if let Some(errors) = &mut self.child.stderr {
            // What cannot be read was not said.
            let _ = errors.take(2000).read_to_string(&mut words).await;
        }
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[async_trait]
impl Contender for Rival {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn obtain(&mut self, _: &Lap) -> Result<Duration, String> {
        self.steps.write_all(b"\n").await.map_err(|error| format!("does not listen: {error}"))?;
        self.hear("obtained").await
    }
}

/// Where `benches/peers/build.sh` puts them.
#[expect(clippy::disallowed_methods, reason = "where things are built is the environment's to say")]
fn programs() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").filter(|it| !it.is_empty()).unwrap_or_else(|| "target".into());
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(target).join("peers")
}
