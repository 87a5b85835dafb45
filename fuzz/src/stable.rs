//! The driver that needs no nightly compiler: numbered inputs, one thread for each core, the same on every run.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{fmt, thread};

use crate::inputs::Inputs;
use crate::targets::{ALL, Target};

const USAGE: &str = "usage: stable [--inputs N] [--seed N] [--only N] [TARGET...]

  --inputs N  how many inputs each target takes (100000)
  --seed N    another sequence of inputs (1)
  --only N    the one input of this number, as a failure names it; needs one TARGET";

/// No input may take longer than this, in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was asked on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plan {
    inputs: u64,
    seed: u64,
    only: Option<u64>,
    targets: BTreeSet<String>,
}

/// An input that a target did not survive.
#[derive(Debug)]
pub struct Failure {
    /// The number of the input.
    pub index: u64,
    /// The input.
    pub input: Vec<u8>,
    /// What the target said.
    pub said: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "input {}: {}\n  {}", self.index, self.said, self.input.escape_ascii())
    }
}

/// The program: runs what `arguments` ask for and prints a line for each target.
pub fn run(arguments: impl IntoIterator<Item = String>) -> ExitCode {
    let mut out = std::io::stdout();
    let plan = match read(arguments) {
        Ok(plan) => plan,
        Err(why) => {
            let _ = writeln!(out, "{why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    // A failing target panics; its message is ours to print.
    panic::set_hook(Box::new(|_| {}));
    let mut code = ExitCode::SUCCESS;
    for target in ALL.iter().filter(|it| plan.targets.is_empty() || plan.targets.contains(it.name)) {
        let began = now();
        let found = Inputs::of(target.name).map(|inputs| match plan.only {
            Some(index) => try_one(target, &inputs, plan.seed, index).err(),
            None => try_all(target, &inputs, plan.seed, plan.inputs),
        });
        let took = now().duration_since(began);
        let line = match found {
            Ok(None) => {
                format!("{:18} {:>8} inputs, no panic, {took:.1?}", target.name, plan.only.map_or(plan.inputs, |_| 1))
            }
            Ok(Some(failure)) => format!(
                "{:18} FAILED on {failure}\n  again: cargo run -p certwright-fuzz -- --seed {} --only {} {}",
                target.name, plan.seed, failure.index, target.name
            ),
            Err(error) => format!("{:18} FAILED: {error}", target.name),
        };
        if line.contains("FAILED") {
            code = ExitCode::FAILURE;
        }
        let _ = writeln!(out, "{line}");
    }
    code
}

/// The first failure among the inputs `0..count`, or none.
pub fn try_all(target: &Target, inputs: &Inputs, seed: u64, count: u64) -> Option<Failure> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(0);
    let mut failures: Vec<Failure> = thread::scope(|scope| {
        let all: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= count {
                            return None;
                        }
                        if let Err(failure) = try_one(target, inputs, seed, index) {
                            next.store(count, Ordering::Relaxed);
                            return Some(failure);
                        }
                    }
                })
            })
            .collect();
        all.into_iter().filter_map(|it| it.join().ok().flatten()).collect()
    });
    failures.sort_by_key(|it| it.index);
    failures.into_iter().next()
}

/// One input.
///
/// # Errors
/// When the target panics, or takes too long.
pub fn try_one(target: &Target, inputs: &Inputs, seed: u64, index: u64) -> Result<(), Failure> {
    let input = inputs.at(seed, index);
    let began = now();
    let ended = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
    let took = now().duration_since(began);
    let said = match ended {
        Ok(()) if took <= PATIENCE => return Ok(()),
        Ok(()) => format!("took {took:.0?}"),
        Err(panic) => panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()))
            .unwrap_or_else(|| "panicked".to_owned()),
    };
    Err(Failure { index, input, said })
}

fn read(arguments: impl IntoIterator<Item = String>) -> Result<Plan, String> {
    let mut plan = Plan { inputs: 100_000, seed: 1, only: None, targets: BTreeSet::new() };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut number = || {
            arguments.next().and_then(|it| it.parse::<u64>().ok()).ok_or_else(|| format!("{argument} wants a number"))
        };
        match argument.as_str() {
            "--inputs" => plan.inputs = number()?,
            "--seed" => plan.seed = number()?,
            "--only" => plan.only = Some(number()?),
            name if ALL.iter().any(|it| it.name == name) => drop(plan.targets.insert(argument)),
            other => return Err(format!("there is no {other}")),
        }
    }
    if plan.only.is_some() && plan.targets.len() != 1 {
        return Err("--only wants one target".to_owned());
    }
    Ok(plan)
}

#[expect(clippy::disallowed_methods, reason = "a driver times what it drives")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn names_in(folder: &str) -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        std::fs::read_dir(folder)
            .unwrap()
            .map(|it| it.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn every_target_has_its_program_and_its_seeds() {
        let targets: BTreeSet<String> = ALL.iter().map(|it| it.name.to_owned()).collect();
        assert_eq!(names_in("fuzz_targets"), targets);
        assert_eq!(names_in("seeds"), targets);
    }

    #[test]
    fn no_target_panics_on_its_seeds_and_their_neighbours() {
        for target in ALL {
            let inputs = Inputs::of(target.name).unwrap();
            if let Some(failure) = try_all(target, &inputs, 2, 500) {
                panic!("{} on {failure}", target.name);
            }
        }
    }

    #[test]
    fn a_panic_is_found_and_found_again() {
        let fragile = Target { name: "fragile", run: |bytes| assert!(!bytes.starts_with(b"[")) };
        let inputs = Inputs::new(vec![br#"{"a":{"b":[1,2]}}"#.to_vec()]);

        let failure = try_all(&fragile, &inputs, 1, 10_000).unwrap();

        assert!(failure.input.starts_with(b"["));
        assert!(try_one(&fragile, &inputs, 1, failure.index).is_err());
    }

    #[test]
    fn a_wrong_command_line_says_so() {
        for wrong in [&["--inputs"][..], &["--inputs", "many"], &["nothing"], &["--only", "3"]] {
            assert!(read(wrong.iter().map(|it| (*it).to_owned())).is_err(), "{wrong:?}");
        }
    }
}
