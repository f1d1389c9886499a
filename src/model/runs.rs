//! Programs that are run once: in a container without a terminal, or by the Compose CLI.
//!
//! What is run is an argument vector from end to end; no shell ever sees it.

use std::sync::Arc;
use std::time::Duration;

use crate::model::compose::quoted;
use crate::model::containers::ContainerId;
use crate::model::redact;
use crate::model::stacks::Target;
use crate::model::text::clean;

/// A program to be run in a container, without a terminal and without input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecOrder {
    pub container: ContainerId,
    /// The program first.
    pub arguments: Vec<String>,
    /// `None`: the container's own.
    pub user: Option<String>,
    pub folder: Option<String>,
}

/// What a run is called: the name of a custom action, or the program that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunTitle {
    pub name: Arc<str>,
    /// Whether it is a custom action: the same one never runs twice on one stack.
    pub is_action: bool,
}

/// A program to be run, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOrder {
    pub title: RunTitle,
    pub target: Target,
    pub way: RunWay,
    /// `None`: it may take as long as it likes.
    pub timeout: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunWay {
    Exec(ExecOrder),
    /// What follows `docker compose` and the words that name the project.
    Compose {
        stack: Arc<str>,
        arguments: Vec<String>,
    },
}

/// A line that a program printed, cleaned and masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputLine {
    pub text: String,
    pub is_error: bool,
    /// Whether it stands here as it was printed: nothing cleaned away, masked or cut off.
    pub is_whole: bool,
}

/// How a program ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecEnd {
    /// `None`: it runs on, or nobody knows.
    pub exit_code: Option<i64>,
    /// Why it never began, in the engine's words and with what to do; empty: it began.
    pub refusal: String,
}

/// Writes an argument vector as one would type it, fit to be shown, secrets masked.
pub fn words(arguments: &[String]) -> String {
    redact::command(arguments).iter().map(|word| quoted(&clean(word))).collect::<Vec<_>>().join(" ")
}

/// Cuts a typed line into arguments as a shell does with its quotes; nothing is expanded.
pub fn split(line: &str) -> Result<Vec<String>, &'static str> {
    shell_words::split(line).map_err(|_| "A quote is still open")
}

/// Puts answers in the places of `{name}`. Each argument stays one argument, whatever the answer holds,
/// and an answer is never looked through for other names.
pub fn fill(arguments: &[String], answers: &[(String, String)]) -> Vec<String> {
    arguments.iter().map(|argument| fill_one(argument, answers)).collect()
}

fn fill_one(argument: &str, answers: &[(String, String)]) -> String {
    let mut filled = String::with_capacity(argument.len());
    let mut rest = argument;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        filled.push_str(before);
        let found = answers.iter().find_map(|(name, answer)| {
            let after = from.strip_prefix('{')?.strip_prefix(name.as_str())?.strip_prefix('}')?;
            Some((answer, after))
        });
        if let Some((answer, after)) = found {
            filled.push_str(answer);
            rest = after;
        } else {
            filled.push('{');
            rest = &from[1..];
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_line_is_cut_as_a_shell_does_and_nothing_is_expanded() {
        for (line, wanted) in [
            ("ls -l /data", texts(&["ls", "-l", "/data"])),
            ("  echo 'a b'  \"c \\\" d\" e\\ f ", texts(&["echo", "a b", "c \" d", "e f"])),
            ("echo $HOME *.txt `id` $(id) ; rm -rf / | x && y > z", {
                let words = "echo $HOME *.txt `id` $(id) ; rm -rf / | x && y > z";
                words.split(' ').map(str::to_owned).collect()
            }),
            ("sh -c 'for f in *; do echo $f; done'", texts(&["sh", "-c", "for f in *; do echo $f; done"])),
            ("x '' \"\"", texts(&["x", "", ""])),
            ("", Vec::new()),
        ] {
            assert_eq!(split(line), Ok(wanted), "{line}");
        }
        assert!(split("echo 'a").is_err());
        assert!(split("echo \"a").is_err());
    }

    #[test]
    fn an_answer_takes_the_place_of_its_name_only() {
        let answers = [("file", "a {to} b"), ("to", "/x")].map(|(n, a)| (n.to_owned(), a.to_owned()));
        let filled = fill(&texts(&["cp", "--from={file}", "{to}/{to}", "{other}", "{", "{{to}}"]), &answers);
        assert_eq!(filled, ["cp", "--from=a {to} b", "/x//x", "{other}", "{", "{/x}"]);
    }

    #[test]
    fn what_is_shown_can_be_typed_again_and_shows_no_secret() {
        assert_eq!(words(&texts(&["ls", "my file", "it's"])), r"ls 'my file' 'it'\''s'");
        let shown = words(&texts(&["restore", "--password", "correct-horse-battery"]));
        assert!(!shown.contains("horse"), "{shown}");
    }

    proptest! {
        #[test]
        fn an_answer_stays_one_argument(answer in "[ -~äß'\"`;$(){}|&<>*?\\\\]{1,40}") {
            let arguments = texts(&["tool", "--archive=/data/{file}", "{file}", "end"]);
            let filled = fill(&arguments, &[(String::from("file"), answer.clone())]);
            prop_assert_eq!(filled.len(), 4);
            prop_assert_eq!(&filled[1], &format!("--archive=/data/{answer}"));
            prop_assert_eq!(&filled[2], &answer);
            prop_assert_eq!(&filled[3], "end");
        }

        #[test]
        fn what_is_shown_reads_back_as_the_same_arguments(words_in in proptest::collection::vec("[a-z 'äß\"`;$]{0,12}", 1..5)) {
            let line: Vec<String> = words_in.iter().map(|word| quoted(word)).collect();
            prop_assert_eq!(split(&line.join(" ")), Ok(words_in));
        }
    }
}
