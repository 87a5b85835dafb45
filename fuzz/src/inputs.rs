//! Inputs from seeds: the seeds themselves, then changes of them, each reached by its number alone.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::chance::Chance;
use crate::json;

/// Everything one target is fed with.
#[derive(Debug)]
pub struct Inputs {
    seeds: Vec<Vec<u8>>,
    trees: Vec<Value>,
    words: Vec<String>,
}

impl Inputs {
    /// Reads the seeds of `target`: the files of `seeds/TARGET`, in the order of their names.
    ///
    /// # Errors
    /// When the folder cannot be read or holds no file.
    pub fn of(target: &str) -> io::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
        let mut files: Vec<_> = fs::read_dir(&folder)
            .and_then(|entries| entries.map(|entry| entry.map(|it| it.path())).collect::<io::Result<_>>())
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
        files.sort();
        let seeds = files.iter().map(fs::read).collect::<io::Result<Vec<_>>>()?;
        if seeds.is_empty() {
            return Err(io::Error::other(format!("{} holds no seed", folder.display())));
        }
        Ok(Self::new(seeds))
    }

    /// Inputs from `seeds`, which must not be empty.
    pub fn new(seeds: Vec<Vec<u8>>) -> Self {
        let trees = seeds.iter().filter_map(|seed| serde_json::from_slice(seed).ok()).collect();
        let words = seeds.iter().flat_map(|seed| words(&String::from_utf8_lossy(seed))).collect();
        Self { seeds, trees, words }
    }

    /// How many seeds there are: the inputs below this number.
    pub fn seeds(&self) -> u64 {
        self.seeds.len() as u64
    }

    /// The input of number `index` under `seed`; the first ones are the seeds as they are.
    pub fn at(&self, seed: u64, index: u64) -> Vec<u8> {
        if let Some(whole) = usize::try_from(index).ok().and_then(|at| self.seeds.get(at)) {
            return whole.clone();
        }
        let mut chance = Chance::new(seed, index);
        if self.trees.is_empty() || chance.once_in(8) {
            let seed = chance.one_of(&self.seeds).clone();
            return self.change_bytes(seed, &mut chance);
        }
        let mut tree = chance.one_of(&self.trees).clone();
        for _ in 0..=chance.below(4) {
            let other = chance.one_of(&self.trees);
            json::mutate(&mut tree, other, &mut chance);
        }
        let bytes = tree.to_string().into_bytes();
        if chance.once_in(4) { self.change_bytes(bytes, &mut chance) } else { bytes }
    }

    fn change_bytes(&self, mut bytes: Vec<u8>, chance: &mut Chance) -> Vec<u8> {
        for _ in 0..=chance.below(4) {
            let at = chance.below(bytes.len() + 1);
            match chance.below(6) {
                0 => bytes.truncate(at),
                1 => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << chance.below(8);
                    }
                }
                2 => bytes.insert(at, u8::try_from(chance.below(256)).unwrap_or(0)),
                3 => {
                    let other = chance.one_of(&self.seeds);
                    let from = chance.below(other.len());
                    let piece = &other[from..from + chance.below(other.len() - from)];
                    bytes.splice(at..at, piece.iter().copied());
                }
                _ => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    bytes = change_text(&text, &self.words, chance).into_bytes();
                }
            }
        }
        bytes
    }
}

/// `text` with one change; `words` are what may be put into it.
pub fn change_text(text: &str, words: &[String], chance: &mut Chance) -> String {
    let chars: Vec<char> = text.chars().collect();
    let from = chance.below(chars.len() + 1);
    let to = from + chance.below((chars.len() - from + 1).min(16));
    let (head, middle, tail) = (&chars[..from], &chars[from..to], &chars[to..]);
    let join =
        |middle: &str| -> String { head.iter().copied().chain(middle.chars()).chain(tail.iter().copied()).collect() };
    let inside: String = middle.iter().collect();
    match chance.below(8) {
        0 => join(""),
        1 => join(&inside.repeat(2 + chance.below(3))),
        2 => join(&inside.to_uppercase()),
        3 => join(odd_text(chance)),
        4 => format!("{text}{}", odd_text(chance)),
        5 => odd_text(chance).repeat(1 + chance.below(120)),
        6 if !words.is_empty() => join(chance.one_of(words).as_str()),
        _ => join(&chance.number().to_string()[..1 + chance.below(3).min(2)]),
    }
}

/// A text that readers trip over.
pub fn odd_text(chance: &mut Chance) -> &'static str {
    const ODD: &[&str] = &[
        "",
        " ",
        "\0",
        "\n",
        "\r\n",
        "\t",
        "\"",
        "\\",
        "/",
        "//",
        "..",
        ".",
        "*",
        "*.",
        "-",
        "_",
        ":",
        ",",
        ";",
        "%00",
        "%",
        "?",
        "#",
        "@",
        "[",
        "]",
        "<",
        ">",
        "=",
        "+",
        "é",
        "ß",
        "İ",
        "ﬀ",
        "字",
        "。",
        "😀",
        "\u{301}",
        "\u{200d}",
        "\u{202e}",
        "\u{feff}",
        "\u{ad}",
        "\u{fffd}",
        "\u{10ffff}",
        "xn--",
        "xn--a",
        "xn--bcher-kva",
        "localhost",
        "0x7f.1",
        "::1",
        "fe80::1%eth0",
        "::ffff:192.0.2.1",
        "999999999999999999999",
        "-1",
        "1e9",
        "NaN",
        "null",
        "true",
        "{}",
        "[]",
        "http://",
        "https://ca.test:99999/",
        "https://u:p@ca.test/",
        "https://[::1]/",
        "1985-04-12T23:20:50.52Z",
        "9999-12-31T23:59:60Z",
        "0000-01-01T00:00:00+23:59",
        "-0001-01-01T00:00:00Z",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];
    ODD[chance.below(ODD.len())]
}

fn words(text: &str) -> Vec<String> {
    text.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_reached_by_its_number() {
        let inputs = Inputs::new(vec![br#"{"type":"dns","value":"example.com"}"#.to_vec()]);
        for index in 0..500 {
            assert_eq!(inputs.at(1, index), inputs.at(1, index));
        }
        assert_ne!(inputs.at(1, 7), inputs.at(2, 7));
    }

    #[test]
    fn most_inputs_differ_and_most_stay_json() {
        let inputs = Inputs::new(vec![
            br#"{"status":"pending","identifiers":[{"type":"dns","value":"example.com"}],"n":1}"#.to_vec(),
        ]);
        let all: std::collections::HashSet<_> = (0..2000).map(|index| inputs.at(1, index)).collect();
        let json = all.iter().filter(|it| serde_json::from_slice::<Value>(it).is_ok()).count();
        assert!(all.len() > 1200, "{}", all.len());
        assert!(json > all.len() / 2, "{json} of {}", all.len());
    }
}
