//! What to do about failures whose own words do not say it. Pure.

const FULL: &str = "a disk is full (docker system df says of what, docker builder prune makes room)";

/// Returns what to do about a failure, where its words are known.
pub fn of(words: &str) -> Option<&'static str> {
    words.lines().any(is_full).then_some(FULL)
}

/// Puts what to do about a failure before its words: what is long is cut at its end.
pub fn with(words: String, printed: Option<&str>) -> String {
    match of(&words).or_else(|| of(printed?)) {
        Some(advice) => format!("{advice}: {words}"),
        None => words,
    }
}

/// Whether a line says that a file system has no room. The limit on watched files has the same words.
fn is_full(line: &str) -> bool {
    let line = line.to_lowercase();
    let full = line.contains("no space left on device") || line.contains("disk quota exceeded");
    full && !line.contains("inotify")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_however_it_is_worded() {
        for words in [
            "failed to solve: failed to copy: write /var/lib/docker/tmp/x: no space left on device",
            "dd: error writing '/big': No space left on device ([web 2/2] RUN dd: exit code: 1)",
            "Error response from daemon: open /var/lib/docker/containers/x: disk quota exceeded",
        ] {
            let told = with(words.to_owned(), None);
            assert!(told.ends_with(words) && told.starts_with("a disk is full (docker system df"), "{told}");
        }
        let told = with(String::from("exit code: 1"), Some("E: write error (No space left on device)"));
        assert!(told.starts_with("a disk is full") && told.ends_with(": exit code: 1"), "{told}");
    }

    #[test]
    fn a_limit_on_watched_files_is_no_full_disk() {
        assert_eq!(of("inotify_add_watch: no space left on device"), None);
        assert_eq!(with(String::from("exit code: 1"), Some("make: *** [all] Error 2")), "exit code: 1");
    }
}
