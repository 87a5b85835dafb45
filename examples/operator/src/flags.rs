//! What can be said on the command line and in the configuration file: one table for both.

mod table;

pub use table::FLAGS;

/// A flag of the command line, and its place in the configuration file.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Its name, without `--`.
    pub name: &'static str,
    /// Where cert-manager's configuration file says the same, as a path with dots.
    pub field: Option<&'static str>,
    /// What its value looks like.
    pub kind: Kind,
    /// What it does here.
    pub meaning: Meaning,
}

/// What the value of a flag looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every reader of values obeys every one")]
pub enum Kind {
    /// `--flag`, `--flag=false`.
    Switch,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Any text.
    Text,
    /// A time span in Go's words: `1h30m`.
    Duration,
    /// Texts with commas between them; given twice, it says both.
    List,
    /// `key=value`, with commas between them.
    Map,
}

/// What a flag does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Meaning {
    /// What it does, in a few words.
    Used(&'static str),
    /// It is understood and changes nothing, for this reason; said once when it is given.
    Idle(&'static str),
}

/// One thing that was said, on the command line or in the file.
#[derive(Debug, Clone)]
pub struct Setting {
    /// About what.
    pub flag: &'static Flag,
    /// The value: one item, except for lists and maps.
    pub items: Vec<String>,
    /// Where it was said, as a reader knows the place.
    pub origin: String,
}

impl Flag {
    /// The flag of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FLAGS.iter().find(|flag| flag.name == name)
    }

    /// The flag whose place in the configuration file this is; older spellings too.
    pub fn of_field(path: &str) -> Option<&'static Self> {
        let path = match path {
            "enableGatewayAPI" => "gatewayAPI.enabled",
            "enableGatewayAPIListenerSet" => "gatewayAPI.enableListenerSet",
            newer => newer,
        };
        FLAGS.iter().find(|flag| flag.field == Some(path))
    }
}

/// The rows of the table as Markdown, for the README: first those that do something, then those that do not.
pub fn as_markdown() -> String {
    let mut out = String::from("| Flag | In the file | What it does |\n|---|---|---|\n");
    for flag in FLAGS {
        if let Meaning::Used(what) = flag.meaning {
            out.push_str(&row(flag, what));
        }
    }
    out.push_str("\n| Understood, without effect | In the file | Why |\n|---|---|---|\n");
    for flag in FLAGS {
        if let Meaning::Idle(why) = flag.meaning {
            out.push_str(&row(flag, why));
        }
    }
    out
}

fn row(flag: &Flag, text: &str) -> String {
    let field = flag.field.map(|field| format!("`{field}`")).unwrap_or_default();
    format!("| `--{}` | {field} | {text} |\n", flag.name)
}
