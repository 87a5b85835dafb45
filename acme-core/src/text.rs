//! Text from outside, made fit to be shown: bounded, and without control characters.

/// At most `limit` characters of `text`, control and bidirectional characters replaced, `…` where something was cut.
pub fn printable(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for (count, char) in text.chars().enumerate() {
        if count == limit {
            out.push('…');
            break;
        }
        out.push(if is_hidden(char) { ' ' } else { char });
    }
    out
}

fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
