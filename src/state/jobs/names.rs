//! What a container may be called, by the engine's rule, so that a slip is told while it is typed.

/// The engine's own limit lies far beyond; host names end here.
const LONGEST: usize = 128;

/// Says what is wrong with a name, if anything is.
pub fn fault_of(name: &str) -> Option<&'static str> {
    let mut characters = name.chars();
    let Some(first) = characters.next() else { return Some("A container needs a name") };
    if !first.is_ascii_alphanumeric() {
        return Some("A name begins with a letter or a digit");
    }
    if !characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')) {
        return Some("A name has letters, digits, and . _ - only");
    }
    match name.len() {
        1 => Some("A name has two characters at least"),
        length if length > LONGEST => Some("A name has 128 characters at most"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_engine_takes_is_a_name() {
        for good in ["web", "w2", "Shop_web-1.old"] {
            assert_eq!(fault_of(good), None, "{good}");
        }
        for bad in ["", "a", "-web", "/web", "web 1", "wéb", "web/1", &"x".repeat(129)] {
            assert!(fault_of(bad).is_some(), "{bad}");
        }
    }
}
