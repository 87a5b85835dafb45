//! What was probably meant.

/// The candidate that takes the fewest edits to become `word`, when they are few enough to be a slip.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (edits, found) = candidates.into_iter().map(|it| (distance(word, it), it)).min()?;
    (edits <= 1 + word.len() / 4).then_some(found)
}

/// `; did you mean x?` where something is near, else nothing.
pub(crate) fn hint<'a>(word: &str, mark: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map(|near| format!("; did you mean {mark}{near}?")).unwrap_or_default()
}

/// Levenshtein's distance, row by row. Long words are not compared at all.
fn distance(left: &str, right: &str) -> usize {
    if left.len() > LONGEST {
        return usize::MAX;
    }
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in right.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

const LONGEST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_something_else_is_not() {
        let names = ["namespace", "namespaces", "controllers"];
        assert_eq!(nearest("namespacs", names), Some("namespace"));
        assert_eq!(nearest("controlers", names), Some("controllers"));
        assert_eq!(nearest("webhook", names), None);
    }
}
