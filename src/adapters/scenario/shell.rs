//! A make-believe shell, so that whoever tries the demo sees what the key does. It says what it is,
//! repeats what is typed and ends as a shell does.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::mpsc;

use crate::model::shells::{ShellEnd, ShellWay, ShellWish};
use crate::ports::ShellSession;

const GREETING: &str = "This is the demo: no container, and no shell either. What you type is repeated.\r\n\
    exit or Ctrl-d leads back.\r\n";
/// Longest line that is taken.
const LONGEST: usize = 4096;

/// Opens it; `name` is the container's.
pub fn open(wish: &ShellWish, name: &str) -> ShellSession {
    let root = if matches!(&wish.way, ShellWay::Shell { user, .. } if !user.is_empty()) { '$' } else { '#' };
    let prompt = format!("{name}:/ {root} ");
    let (output_in, output) = mpsc::channel::<Vec<u8>>(64);
    let (input, mut keys) = mpsc::channel::<Vec<u8>>(64);
    // Sizes are taken and forgotten.
    let (resize, mut sizes) = mpsc::channel(4);
    tokio::spawn(async move { while sizes.recv().await.is_some() {} });
    let code = Arc::new(AtomicI64::new(0));
    let code_of_end = code.clone();
    tokio::spawn(async move {
        let mut line = Line { text: String::new(), prompt };
        let greeting = format!("{GREETING}{}", line.prompt);
        if output_in.send(greeting.into_bytes()).await.is_err() {
            return;
        }
        while let Some(bytes) = keys.recv().await {
            let (answer, ended) = line.take(&String::from_utf8_lossy(&bytes));
            if output_in.send(answer.into_bytes()).await.is_err() {
                return;
            }
            if let Some(exit_code) = ended {
                code.store(exit_code, Ordering::SeqCst);
                return;
            }
        }
    });
    let output = futures_util::stream::unfold(output, |mut chunks| async move {
        let chunk = chunks.recv().await?;
        Some((chunk, chunks))
    });
    let end = Box::pin(async move {
        ShellEnd { exit_code: Some(code_of_end.load(Ordering::SeqCst)), container_runs: Some(true) }
    });
    ShellSession { output: Box::pin(output), input, plain: false, resize, end, hang_up: Box::pin(async {}) }
}

/// The line being typed.
struct Line {
    text: String,
    prompt: String,
}

impl Line {
    /// Takes keys; returns what the terminal shows for them, and the exit code once it is over.
    fn take(&mut self, keys: &str) -> (String, Option<i64>) {
        let mut shown = String::new();
        for key in keys.chars() {
            match key {
                '\r' | '\n' => {
                    let line = std::mem::take(&mut self.text);
                    shown.push_str("\r\n");
                    let mut words = line.split_whitespace();
                    match words.next() {
                        Some("exit") => {
                            return (shown, Some(words.next().and_then(|n| n.parse().ok()).unwrap_or(0)));
                        }
                        Some(_) => shown.push_str(&format_line(&line)),
                        None => {}
                    }
                    shown.push_str(&self.prompt);
                }
                '\x04' if self.text.is_empty() => return (shown + "\r\n", Some(0)),
                '\x03' => {
                    self.text.clear();
                    shown.push_str("^C\r\n");
                    shown.push_str(&self.prompt);
                }
                '\x7f' | '\x08' if self.text.pop().is_some() => shown.push_str("\x08 \x08"),
                key if !key.is_control() && self.text.len() < LONGEST => {
                    self.text.push(key);
                    shown.push(key);
                }
                _ => {}
            }
        }
        (shown, None)
    }
}

fn format_line(line: &str) -> String {
    format!("demo: {}\r\n", line.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_repeats_what_is_typed_and_ends_as_a_shell_does() {
        let mut line = Line { text: String::new(), prompt: String::from("# ") };
        assert_eq!(line.take("lsx\x7f\r"), (String::from("lsx\x08 \x08\r\ndemo: ls\r\n# "), None));
        assert_eq!(line.take("no\x03\r"), (String::from("no^C\r\n# \r\n# "), None));
        assert_eq!(line.take("a\x04").1, None, "only at the beginning of a line");
        assert_eq!(line.take("\x7f\x04"), (String::from("\x08 \x08\r\n"), Some(0)));
        assert_eq!(line.take("exit 3\rmore").1, Some(3));
    }
}
