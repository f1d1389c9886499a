//! `stackdash.toml` beside the compose files, from the disk.

use std::io::Read as _;
use std::path::Path;

use crate::config::stack_file::{self, variables};
use crate::model::stack_file::{FILE_NAME, StackFile};
use crate::model::text::clean;
use crate::ports::{BoxFuture, StackFiles};

/// A larger one is a mistake, in bytes.
const LIMIT: u64 = 1 << 20;

/// Looks into each stack's folder on this machine.
pub struct FolderStackFiles;

impl StackFiles for FolderStackFiles {
    fn read<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<StackFile, String>> {
        let path = folder.join(FILE_NAME);
        Box::pin(async move {
            let name = clean(&path.display().to_string());
            match tokio::task::spawn_blocking(move || read(&path)).await {
                Ok(result) => result,
                Err(_) => Err(format!("{name}: reading it was broken off")),
            }
        })
    }
}

/// Reads the file in a folder, now.
pub fn read_in(folder: &Path) -> Result<StackFile, String> {
    read(&folder.join(FILE_NAME))
}

fn read(path: &Path) -> Result<StackFile, String> {
    let name = clean(&path.display().to_string());
    let cannot = |error: std::io::Error| format!("{name}: cannot read it: {error}");
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(StackFile::default()),
        Err(error) => return Err(cannot(error)),
    };
    // A pipe of that name would keep us waiting for ever.
    if !about.is_file() {
        return Err(format!("{name}: this is no file"));
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(cannot)?;
    file.take(LIMIT + 1).read_to_string(&mut text).map_err(cannot)?;
    if text.len() as u64 > LIMIT {
        return Err(format!("{name}: it is larger than 1 MiB, so it is not read"));
    }
    let mut file = stack_file::parse(path, &text).map_err(|faults| faults.to_string())?;
    let beside = std::fs::read_to_string(path.with_file_name(".env")).unwrap_or_default();
    // As Compose has it: the environment wins.
    let value = |name: &str| std::env::var(name).ok().or_else(|| variables::value_in(&beside, name));
    variables::fill_in(&mut file, &value)?;
    Ok(file)
}
