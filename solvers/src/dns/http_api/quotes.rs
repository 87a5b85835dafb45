//! Texts as services write them: in quotes, as zone files have them.

/// `value` in quotes. The values of challenges hold nothing that must be escaped.
pub fn quoted(value: &str) -> String {
    format!("\"{value}\"")
}

/// `text` without the quotes around it, if there are any.
pub fn bare(text: &str) -> &str {
    text.trim_matches('"')
}
