//! Finds what somebody probably meant by a word that is not known.

/// Returns the known word nearest to `word`, if one is near enough to be worth asking about.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= allowed || (word.len() > 1 && candidate.to_lowercase().starts_with(&word))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Says `; did you mean "x"?`, or nothing.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |found| format!("; did you mean {found:?}?"))
}

/// Counts the letters to change, add, drop or swap with their neighbor.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood() {
        let known = ["status", "start", "stop", "read_only"];
        assert_eq!(nearest("staus", known), Some("status"));
        assert_eq!(nearest("sotp", known), Some("stop"));
        assert_eq!(nearest("readonly", known), Some("read_only"));
        assert_eq!(nearest("READ", known), Some("read_only"));
    }

    #[test]
    fn a_stranger_is_not_taken_for_somebody_else() {
        assert_eq!(nearest("frobnicate", ["status", "start"]), None);
        assert_eq!(did_you_mean("frobnicate", ["status"]), "");
    }
}
