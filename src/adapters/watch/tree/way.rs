//! The way to a path: which folders to watch to notice that it leads elsewhere, appears or goes.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// As many as the kernel follows.
const LINKS: u32 = 40;

/// Where a path leads to. All paths in it are free of links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// `None`: there is nothing.
    pub real: Option<PathBuf>,
    /// The folder nearest to it that is there; itself, where it is a folder.
    pub nearest: PathBuf,
    /// If one of these changes, the path may lead elsewhere.
    pub points: BTreeSet<PathBuf>,
    /// Where that is noticed.
    pub folders: BTreeSet<PathBuf>,
}

impl Way {
    /// Follows a complete path name by name.
    pub fn trace(path: &Path) -> Self {
        let mut way = Self::default();
        let mut real = PathBuf::from("/");
        let mut links = 0;
        let mut names: VecDeque<OsString> = names(path).collect();
        while let Some(name) = names.pop_front() {
            if name == ".." {
                real.pop();
                continue;
            }
            let next = real.join(&name);
            match fs::symlink_metadata(&next) {
                Ok(meta) if meta.is_symlink() && links < LINKS => {
                    links += 1;
                    way.note(&next, &real);
                    let target = fs::read_link(&next).unwrap_or_default();
                    if target.is_absolute() {
                        real = PathBuf::from("/");
                    }
                    for name in self::names(&target).collect::<Vec<_>>().into_iter().rev() {
                        names.push_front(name);
                    }
                }
                Ok(meta) if !meta.is_symlink() && (meta.is_dir() || names.is_empty()) => real = next,
                _ => {
                    way.note(&next, &real);
                    way.nearest = real;
                    return way;
                }
            }
        }
        let folder = real.parent().unwrap_or(&real).to_owned();
        way.note(&real, &folder);
        way.nearest = if real.is_dir() { real.clone() } else { folder };
        way.real = Some(real);
        way
    }

    fn note(&mut self, point: &Path, folder: &Path) {
        self.points.insert(point.to_owned());
        // The folder itself may be moved or removed.
        self.points.insert(folder.to_owned());
        self.folders.insert(folder.to_owned());
    }
}

fn names(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}
