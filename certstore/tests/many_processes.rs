//! Sixteen processes, some of them killed again and again, count to 16,000 in one key.
#![cfg_attr(all(feature = "file", unix), expect(clippy::unwrap_used, reason = "a test fails by panicking"))]
#![cfg(all(feature = "file", unix))]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

use acme_core::{ErrorKind, Expect, Key, Secret, Store as _};
use certwright_certstore::FileStore;

const PROCESSES: usize = 16;
const EACH: u32 = 1000;
/// The first so many processes are killed so often.
const VICTIMS: usize = 8;
const DEATHS: u32 = 4;

#[test]
fn increments_are_never_lost_and_never_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let kills: u32 = thread::scope(|scope| {
        let folder = folder.path();
        let threads: Vec<_> = (0..PROCESSES).map(|number| scope.spawn(move || see_through(folder, number))).collect();
        threads.into_iter().map(|it| it.join().unwrap()).sum()
    });
    assert_eq!(kills, VICTIMS as u32 * DEATHS);

    let counts = testkit::run(&testkit::VirtualClock::new(), async {
        let store = FileStore::open(folder.path()).await.unwrap();
        store.get(&key()).await.unwrap().unwrap()
    });
    let counts: Vec<u32> = serde_json::from_slice(counts.value.expose()).unwrap();
    assert_eq!(counts, [EACH; PROCESSES]);
    assert_eq!(counts.iter().sum::<u32>(), 16_000);
}

/// Starts process `number`, kills it at moments of its own while it works, starts it again, and sees it end.
fn see_through(folder: &Path, number: usize) -> u32 {
    let mut kills = 0;
    if number < VICTIMS {
        for death in 1..=DEATHS {
            let (mut child, lines) = start(folder, number);
            // Killed while it works on the increments right after this one.
            let at = death * 200 - 7 * u32::try_from(number).unwrap();
            for line in lines.lines().map_while(Result::ok) {
                if line.strip_prefix("at ").and_then(|it| it.parse().ok()) >= Some(at) {
                    break;
                }
            }
            child.kill().unwrap();
            if !child.wait().unwrap().success() {
                kills += 1;
            }
        }
    }
    let (mut child, lines) = start(folder, number);
    lines.lines().for_each(drop);
    assert!(child.wait().unwrap().success(), "process {number} failed");
    kills
}

fn start(folder: &Path, number: usize) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--ignored"])
        .env(FOLDER, folder)
        .env(NUMBER, number.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

/// One of the sixteen; run by the test above.
#[test]
#[ignore = "run by increments_are_never_lost_and_never_doubled, as a process of its own"]
#[expect(clippy::disallowed_methods, reason = "a child hears from its parent through the environment")]
fn child() {
    let (Ok(folder), Ok(number)) = (std::env::var(FOLDER), std::env::var(NUMBER)) else {
        return;
    };
    let number: usize = number.parse().unwrap();
    testkit::run(&testkit::VirtualClock::new(), async {
        let store = FileStore::open(folder).await.unwrap();
        let key = key();
        loop {
            let entry = store.get(&key).await.unwrap();
            let mut counts = match &entry {
                Some(entry) => serde_json::from_slice(entry.value.expose()).unwrap(),
                None => vec![0_u32; PROCESSES],
            };
            println!("at {}", counts[number]);
            if counts[number] == EACH {
                break;
            }
            counts[number] += 1;
            let value = Secret::new(serde_json::to_vec(&counts).unwrap());
            let expect = entry.map_or(Expect::Absent, |entry| Expect::Version(entry.version));
            match store.put(&key, value, expect).await {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    });
}

fn key() -> Key {
    Key::new("count").unwrap()
}

const FOLDER: &str = "CERTWRIGHT_TEST_FOLDER";
const NUMBER: &str = "CERTWRIGHT_TEST_NUMBER";
