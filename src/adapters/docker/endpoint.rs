//! Which engine is meant: flags, environment, contexts, default sockets, in the Docker CLI's order.
//!
//! Pure: what it looks up comes in through [`Surroundings`]. Knows nothing of connecting.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::adapters::docker::context;
use crate::config::EndpointChoice;
use crate::model::{redact, text};
use crate::ports::EngineError;

/// Where Docker's rootful engine listens; named in the error when no socket exists at all.
const ROOTFUL: &str = "/var/run/docker.sock";
const KNOWN_FORMS: &str = "unix:///path, tcp://host:port, http://, https://, ssh://user@host";

/// How an engine is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Unix(PathBuf),
    /// `tls`: the folder of ca.pem, cert.pem and key.pem.
    Tcp {
        url: String,
        tls: Option<PathBuf>,
    },
    Ssh(SshTarget),
}

/// Host behind an `ssh://` endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshTarget {
    pub user: Option<String>,
    pub host: String,
    pub port: Option<u16>,
    /// The engine's socket on that host.
    pub socket: String,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", text::clean(&path.to_string_lossy())),
            Self::Tcp { url, .. } => f.write_str(&text::clean(&redact::text(url))),
            Self::Ssh(target) => {
                f.write_str("ssh://")?;
                if let Some(user) = &target.user {
                    write!(f, "{}@", text::clean(user))?;
                }
                f.write_str(&text::clean(&target.host))?;
                match target.port {
                    Some(port) => write!(f, ":{port}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// What the resolution may look up; the machine's own, or a table in tests.
pub trait Surroundings {
    /// Returns a variable of the environment; an empty one counts as absent.
    fn env(&self, name: &str) -> Option<String>;
    fn exists(&self, path: &Path) -> bool;
    fn read(&self, path: &Path) -> Option<String>;
    /// Returns the paths in a folder; none where it does not exist.
    fn list(&self, folder: &Path) -> Vec<PathBuf>;
}

/// The machine stackdash runs on.
pub struct Machine;

impl Surroundings for Machine {
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn read(&self, path: &Path) -> Option<String> {
        std::fs::read_to_string(path).ok()
    }

    fn list(&self, folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
    }
}

/// Finds the endpoint that a choice means.
pub fn resolve(choice: &EndpointChoice, around: &dyn Surroundings) -> Result<Endpoint, EngineError> {
    match (&choice.host, &choice.context) {
        (Some(_), Some(_)) => {
            Err(EngineError::BadEndpoint(String::from("--host and --context exclude each other; give one")))
        }
        (Some(host), None) => parse_outside_contexts(host, "--host", around),
        (None, Some(name)) => named_context(name, "--context", around),
        (None, None) => from_environment(around),
    }
}

fn from_environment(around: &dyn Surroundings) -> Result<Endpoint, EngineError> {
    if let Some(host) = around.env("DOCKER_HOST") {
        return parse_outside_contexts(&host, "DOCKER_HOST", around);
    }
    if let Some(name) = around.env("DOCKER_CONTEXT") {
        return named_context(&name, "DOCKER_CONTEXT", around);
    }
    match config_folder(around).and_then(|folder| context::current(&folder, around)) {
        Some(name) => named_context(&name, "the Docker CLI's current context", around),
        None => Ok(default_socket(around)),
    }
}

fn named_context(name: &str, source: &str, around: &dyn Surroundings) -> Result<Endpoint, EngineError> {
    // As with the Docker CLI, `default` is whatever the environment says without contexts.
    if name == "default" {
        return match around.env("DOCKER_HOST") {
            Some(host) => parse_outside_contexts(&host, "DOCKER_HOST", around),
            None => Ok(default_socket(around)),
        };
    }
    let contexts = config_folder(around).map(|folder| context::all(&folder, around)).unwrap_or_default();
    let Some(found) = contexts.iter().find(|context| context.name == name) else {
        let mut known: Vec<String> = contexts.iter().map(|context| text::clean(&context.name)).collect();
        known.push(String::from("default"));
        known.sort();
        return Err(EngineError::BadEndpoint(format!(
            "no context \"{}\" (from {source}); known: {}",
            text::clean(name),
            known.join(", ")
        )));
    };
    // What the environment says of TLS is not about contexts; they bring their own certificates.
    parse(&found.host, &format!("context {}", text::clean(name)), |_| found.tls.clone())
}

/// Reads an endpoint of the environment or a flag, for which the environment holds the certificates.
fn parse_outside_contexts(
    given: &str,
    source: &str,
    around: &dyn Surroundings,
) -> Result<Endpoint, EngineError> {
    parse(given, source, |scheme| {
        let verify = scheme == "https" || (scheme == "tcp" && around.env("DOCKER_TLS_VERIFY").is_some());
        verify.then(|| certificate_folder(around)).flatten()
    })
}

/// Reads one endpoint as it stands in a flag, a variable or a context.
fn parse(
    given: &str,
    source: &str,
    certificates: impl FnOnce(&str) -> Option<PathBuf>,
) -> Result<Endpoint, EngineError> {
    let bad = |why: &str| {
        let given = text::clean(&redact::text(given));
        Err(EngineError::BadEndpoint(format!("{source}: \"{given}\" {why}; known forms: {KNOWN_FORMS}")))
    };
    let Some((scheme, rest)) = given.trim().split_once("://") else {
        let hint =
            if given.starts_with('/') { "is a bare path, write unix:// before it" } else { "has no scheme" };
        return bad(hint);
    };
    match scheme {
        "unix" if rest.is_empty() => bad("names no socket"),
        "unix" => Ok(Endpoint::Unix(PathBuf::from(rest))),
        "tcp" | "http" | "https" => {
            let authority = rest.trim_end_matches('/');
            if authority.is_empty() || authority.contains(['/', '@', '?', '#', ' ']) {
                return bad("is not scheme://host:port");
            }
            let tls = certificates(scheme);
            let url = format!("{scheme}://{authority}");
            let url = if scheme == "tcp" { with_default_port(&url, tls.is_some()) } else { url };
            Ok(Endpoint::Tcp { url, tls })
        }
        "ssh" => match parse_ssh(rest) {
            Some(target) => Ok(Endpoint::Ssh(target)),
            None => bad("is not ssh://user@host:port"),
        },
        _ => bad("has an unknown scheme"),
    }
}

/// Reads what follows `ssh://`. A name that ssh would take for an option is refused.
fn parse_ssh(rest: &str) -> Option<SshTarget> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, address) = match authority.rsplit_once('@') {
        Some((user, address)) => (Some(user.to_owned()), address),
        None => (None, authority),
    };
    let (host, port) = if let Some(bracketed) = address.strip_prefix('[') {
        let (host, after) = bracketed.split_once(']')?;
        (host, after.strip_prefix(':'))
    } else {
        match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        }
    };
    let port = match port {
        Some(port) => Some(port.parse().ok()?),
        None => None,
    };
    let odd = |word: &str| {
        word.is_empty()
            || word.starts_with('-')
            || word.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    // A password in the URL would end on ssh's command line; ssh asks no password of us anyway.
    if odd(host) || user.as_deref().is_some_and(|user| odd(user) || user.contains(':')) {
        return None;
    }
    let socket = if path.is_empty() { ROOTFUL.to_owned() } else { format!("/{path}") };
    Some(SshTarget { user, host: host.to_owned(), port, socket })
}

/// Adds the port that Docker means when none is given: 2376 with TLS, 2375 without.
fn with_default_port(url: &str, tls: bool) -> String {
    let authority = url.split_once("://").map_or(url, |(_, authority)| authority);
    let after_host = authority.rsplit_once(']').map_or(authority, |(_, after)| after);
    if after_host.contains(':') { url.to_owned() } else { format!("{url}:{}", if tls { 2376 } else { 2375 }) }
}

fn certificate_folder(around: &dyn Surroundings) -> Option<PathBuf> {
    around.env("DOCKER_CERT_PATH").map(PathBuf::from).or_else(|| config_folder(around))
}

fn config_folder(around: &dyn Surroundings) -> Option<PathBuf> {
    around
        .env("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| around.env("HOME").map(|home| Path::new(&home).join(".docker")))
}

fn default_socket(around: &dyn Surroundings) -> Endpoint {
    let runtime = around.env("XDG_RUNTIME_DIR").map(PathBuf::from);
    let home = around.env("HOME").map(PathBuf::from);
    let candidates = [
        Some(PathBuf::from(ROOTFUL)),
        runtime.as_ref().map(|folder| folder.join("docker.sock")),
        home.map(|folder| folder.join(".docker/run/docker.sock")),
        runtime.as_ref().map(|folder| folder.join("podman/podman.sock")),
        Some(PathBuf::from("/run/podman/podman.sock")),
    ];
    let found = candidates.into_iter().flatten().find(|path| around.exists(path));
    // Where none exists, the usual one is the one to name.
    Endpoint::Unix(found.unwrap_or_else(|| PathBuf::from(ROOTFUL)))
}

#[cfg(test)]
mod tests;
