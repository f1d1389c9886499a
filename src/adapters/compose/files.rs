//! Whether a compose file can be read at all, before anybody tries: a pipe would never end, and a huge
//! file would fill the memory.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::model::text::clean;

/// No compose file that people write is larger.
const LARGEST: u64 = 4 << 20;

/// Says why a compose file cannot be used.
pub fn check(path: &Path) -> Result<(), String> {
    let shown = clean(&path.display().to_string());
    let facts = fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("{shown} is not on this machine"),
        _ => format!("cannot read {shown}: {error}"),
    })?;
    if facts.is_dir() {
        return Err(format!("{shown} is a folder, not a compose file"));
    }
    if !facts.is_file() {
        return Err(format!("{shown} is a pipe, a socket or a device, not a compose file"));
    }
    if facts.len() > LARGEST {
        let (size, most) = (facts.len() >> 20, LARGEST >> 20);
        return Err(format!("{shown} has {size} MB; a compose file has {most} MB at most"));
    }
    Ok(())
}

/// Reads a compose file or a file of variables.
pub fn read(path: &Path) -> Result<String, String> {
    check(path)?;
    fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", clean(&path.display().to_string())))
}
