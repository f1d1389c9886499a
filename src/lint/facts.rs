//! What rules have to know of the machine and of images, and what was found out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;

use crate::lint::tokens::WrittenRule;
use crate::model::findings::ImageFacts;

/// What has to be found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// Files and folders of this machine: bind sources, secrets, build contexts.
    pub paths: BTreeSet<PathBuf>,
    /// Dockerfiles whose text is wanted.
    pub dockerfiles: BTreeSet<PathBuf>,
    /// Images, and the programs that are looked for in each.
    pub images: BTreeMap<String, BTreeSet<String>>,
    /// Ports of this machine that are wanted.
    pub ports: BTreeSet<u16>,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtPath {
    Missing,
    Folder,
    File {
        /// Whether we may read it.
        readable: bool,
        mode: u32,
        owner: u32,
    },
    /// A socket, a device.
    Other,
}

/// Something that listens on a port of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    pub port: u16,
    /// `tcp` or `udp`.
    pub protocol: &'static str,
    /// `None`: every address.
    pub address: Option<IpAddr>,
    pub owner: Option<Owner>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    pub pid: u32,
    pub name: String,
    /// Whole id of the container that it runs in.
    pub container: Option<String>,
}

/// A service that the stack's own file names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedService {
    /// The rule, as it is called: `token cloud`.
    pub what: String,
    pub service: String,
    /// As it is shown.
    pub file: String,
    pub line: Option<u32>,
}

/// What was found out; what is not in it is not known, and no rule speaks of it.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Whether the engine runs on this machine, so that our files and ports are its own.
    pub local: bool,
    pub paths: BTreeMap<PathBuf, AtPath>,
    pub dockerfiles: BTreeMap<PathBuf, String>,
    /// Images that are on the engine, by the name that was asked for.
    pub images: BTreeMap<String, ImageFacts>,
    pub listeners: Vec<Listener>,
    /// What the stack's own file and its services' labels say of tokens.
    pub tokens: Vec<WrittenRule>,
    /// Rules of the stack's own file that are about one service; none where it knows several variants, each with
    /// services of its own.
    pub named: Vec<NamedService>,
    /// Services whose labels cannot be used, and why.
    pub label_faults: Vec<(String, String)>,
    /// Files with variables that git keeps.
    pub tracked: Vec<PathBuf>,
    /// Profiles that are switched on by `COMPOSE_PROFILES`, with the file that does so.
    pub profiles: Vec<(String, Option<PathBuf>)>,
}
