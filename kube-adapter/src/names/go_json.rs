//! JSON as Go's `encoding/json` writes it.

use serde::Serialize;

/// `object` as JSON text with Go's escapes and without spaces.
///
/// Fields stand in the order in which the type has them; that they are Go's order is up to the type.
pub(crate) fn text<T: Serialize>(object: &T) -> String {
    let written = serde_json::to_string(object).unwrap_or_default();
    let mut text = String::with_capacity(written.len());
    let mut place = Place::Outside;
    for character in written.chars() {
        place = match (place, character) {
            (Place::Outside, ' ' | '\t' | '\n' | '\r') => continue,
            (Place::Outside, '"') => Place::Inside,
            (Place::Outside, _) => Place::Outside,
            (Place::Inside, '"') => Place::Outside,
            (Place::Inside, '\\') => Place::Escaped,
            (Place::Inside | Place::Escaped, _) => Place::Inside,
        };
        match character {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            other => text.push(other),
        }
    }
    text
}

/// Where in the text a character stands: JSON that was read byte for byte may have spaces outside of strings.
#[derive(Clone, Copy)]
enum Place {
    Outside,
    Inside,
    Escaped,
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn characters_that_html_minds_are_escaped() {
        assert_eq!(
            text(&"<a&b>\u{2028}\u{2029}\u{7f}é\t\u{1}\"\\"),
            r#""\u003ca\u0026b\u003e\u2028\u2029é\t\u0001\"\\""#.replace('é', "\u{7f}é")
        );
    }

    #[test]
    fn spaces_stay_only_in_strings() {
        let raw = RawValue::from_string("{ \"a b\" : [ 1 ,\n 2 ] , \"c\\\" d\" : \" \" }".to_owned()).unwrap();
        assert_eq!(text(&raw), r#"{"a b":[1,2],"c\" d":" "}"#);
    }
}
