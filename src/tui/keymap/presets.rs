//! Keys as other programs have them: tables in the shape of the configuration file, embedded.

use crate::config::KeyChoice;
use crate::config::file;

/// A named table of keys.
#[derive(Debug, PartialEq, Eq)]
pub struct Preset {
    pub name: &'static str,
    text: &'static str,
}

impl Preset {
    pub const ALL: &[Self] = &[
        Self { name: "default", text: "" },
        Self { name: "lazydocker", text: include_str!("lazydocker.toml") },
        Self { name: "k9s", text: include_str!("k9s.toml") },
    ];

    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|preset| preset.name == name)
    }

    /// Reads the table; a test holds that each can be read.
    pub(super) fn choices(&self) -> Vec<KeyChoice> {
        file::parse(self.name, self.text).map(|file| file.keys).unwrap_or_default()
    }
}
