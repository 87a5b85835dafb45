//! The words of the status of Orders, Challenges and authorizations are known in one place.

use std::fs;
use std::path::{Path, PathBuf};

/// Whose words these are.
const KNOWS: [&str; 2] = ["src/codec/", "src/crd/"];

/// What only the codec may say, anywhere.
const TYPES: [&str; 9] = [
    "AcmeState::Valid",
    "AcmeState::Ready",
    "AcmeState::Pending",
    "AcmeState::Processing",
    "AcmeState::Invalid",
    "AcmeState::Expired",
    "AcmeState::Errored",
    "AuthorizationStatus",
    "protocol::OrderStatus",
];

/// What only the codec may say where Orders and Challenges are stepped.
const WORDS: [&str; 7] =
    ["\"valid\"", "\"ready\"", "\"pending\"", "\"processing\"", "\"invalid\"", "\"expired\"", "\"errored\""];

/// Where Orders and Challenges are stepped, or waited for.
const STEPS: [&str; 5] = ["src/order", "src/challenge", "src/plan/order", "src/request", "src/plan/request"];

#[test]
fn only_the_codec_knows_the_words_of_orders_and_challenges() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    let mut checked = 0;
    for file in files {
        let name = file.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        if KNOWS.iter().any(|it| name.starts_with(it)) || name.contains("/tests") {
            continue;
        }
        checked += 1;
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        let steps = STEPS.iter().any(|it| name.starts_with(it));
        for word in TYPES.iter().chain(WORDS.iter().filter(|_| steps)) {
            // Inside a longer text its quotes are escaped.
            let inside = word.replace('"', "\\\"");
            assert!(!text.contains(word) && !text.contains(&inside), "{name} says {word}: ask the codec instead");
        }
    }
    assert!(checked > 20, "the sources are where this looks for them");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
}
