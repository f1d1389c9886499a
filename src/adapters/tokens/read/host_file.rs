//! In a file of this machine.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::adapters::tokens::extract::Taken;
use crate::adapters::tokens::read::Source;
use crate::model::secret::Secret;
use crate::model::text::clean;
use crate::model::tokens::TokenProblem;
use crate::ports::Clock;

/// A larger file is no document with tokens.
const LIMIT: u64 = 1 << 20;

pub async fn get(path: PathBuf) -> Result<Source, TokenProblem> {
    let work = tokio::task::spawn_blocking(move || {
        let (secret, written) = read(&path).map_err(|error| {
            let words = format!("cannot read {}: {error}", clean(&path.display().to_string()));
            match error.kind() {
                std::io::ErrorKind::NotFound => TokenProblem::Missing(words),
                _ => TokenProblem::Unreadable(words),
            }
        })?;
        let taken = Taken { at: written.unwrap_or_else(|| Clock::Wall.now()), answer: false };
        Ok(Source { secret, name: path.display().to_string(), taken, clock_ahead: None })
    });
    work.await.unwrap_or_else(|_| Err(TokenProblem::Unreadable(String::from("reading was broken off"))))
}

/// Reads a regular file, with when it was written.
pub fn read(path: &Path) -> std::io::Result<(Secret, Option<Timestamp>)> {
    let about = std::fs::metadata(path)?;
    // A pipe of that name would keep us waiting for ever.
    if !about.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    let written = about.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
    Ok((Secret::new(bytes), written))
}
