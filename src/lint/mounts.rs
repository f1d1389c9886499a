//! What is mounted: sources that do not exist, the engine's own socket, secrets nobody can read.

use std::path::{Path, PathBuf};

use crate::lint::document::{Document, Mount, Service};
use crate::lint::facts::{AtPath, Questions};
use crate::lint::places::Place;
use crate::lint::{Findings, Rule, Subject};
use crate::model::findings::FindingSeverity::{Error, Info, Warning};

pub const MISSING: Rule = Rule {
    name: "bind-missing",
    why: "The engine makes an empty folder of that name, owned by root, and mounts that instead",
};
pub const KIND: Rule =
    Rule { name: "bind-kind", why: "A folder is mounted where the service reads a file: it does not start" };
pub const SOCKET: Rule = Rule {
    name: "docker-socket",
    why: "Whoever may talk to the engine's socket is root on the host; read-only mounts do not change that",
};
pub const SECRET: Rule =
    Rule { name: "secret-unreadable", why: "The service does not start, or starts without its secret" };

/// Ends of names that are files.
const FILES: [&str; 20] = [
    "conf", "cfg", "yml", "yaml", "json", "toml", "ini", "sql", "sh", "pem", "crt", "cer", "key", "env",
    "db", "xml", "html", "js", "py", "txt",
];

pub fn ask(document: &Document, questions: &mut Questions) {
    for service in document.services.values() {
        for mount in service.volumes.iter().filter(|mount| is_bind(mount)) {
            questions.paths.insert(PathBuf::from(&mount.source));
        }
    }
    for source in document.secrets.values().chain(document.configs.values()) {
        questions.paths.extend(source.file.clone());
    }
}

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for (name, service) in &subject.document.services {
        for mount in service.volumes.iter().filter(|mount| is_bind(mount)) {
            let fits = |text: &str| text.contains(&format!(":{}", mount.target)) || text == mount.target;
            let place = subject.places.item_with(name, "volumes", fits);
            if is_socket(&mount.source) {
                socket(name, mount, place, findings);
            } else if subject.facts.local {
                bind(subject, name, mount, place, findings);
            }
        }
        files(subject, name, service, findings);
    }
}

fn is_bind(mount: &Mount) -> bool {
    mount.kind == "bind" && mount.source.starts_with('/')
}

fn is_socket(source: &str) -> bool {
    ["/docker.sock", "/podman.sock", "/containerd.sock"].iter().any(|end| source.ends_with(end))
}

fn socket(name: &str, mount: &Mount, place: Place, findings: &mut Findings) {
    let (severity, how) = if mount.read_only { (Info, "read-only") } else { (Warning, "writable") };
    findings.add(
        SOCKET,
        severity,
        Some(name),
        place,
        (
            format!("{} is mounted {how}", mount.source),
            String::from("Put a socket proxy between that allows only the calls it needs, or do without"),
        ),
    );
}

fn bind(subject: &Subject<'_>, name: &str, mount: &Mount, place: Place, findings: &mut Findings) {
    let source = Path::new(&mount.source);
    let wants_file = is_file_name(source) && is_file_name(Path::new(&mount.target));
    match subject.facts.paths.get(source) {
        Some(AtPath::Missing) => {
            let refused = mount.bind.as_ref().is_some_and(|bind| !bind.create_host_path);
            // An empty folder is often just what is wanted; an empty folder for a file never is.
            let severity = if refused || wants_file { Error } else { Info };
            findings.add(
                MISSING,
                severity,
                Some(name),
                place,
                (
                    format!("{} does not exist on the host", mount.source),
                    String::from("Create it before the first start, with the owner that the service runs as"),
                ),
            );
        }
        Some(AtPath::Folder) if wants_file => {
            findings.add(
                KIND,
                Error,
                Some(name),
                place,
                (
                    format!("{} is a folder, {} looks like a file", mount.source, mount.target),
                    String::from(
                        "Remove the folder (an earlier start may have made it) and put the file there",
                    ),
                ),
            );
        }
        _ => {}
    }
}

fn is_file_name(path: &Path) -> bool {
    path.extension().and_then(|end| end.to_str()).is_some_and(|end| FILES.contains(&end))
}

/// Secrets and configs that come from files.
fn files(subject: &Subject<'_>, name: &str, service: &Service, findings: &mut Findings) {
    let kinds = [
        ("secrets", &service.secrets, &subject.document.secrets),
        ("configs", &service.configs, &subject.document.configs),
    ];
    for (key, used, defined) in kinds {
        for source in used.iter().map(|reference| reference.source.as_str()) {
            let Some(path) = defined.get(source).and_then(|source| source.file.as_ref()) else { continue };
            let shown = path.display();
            let place = subject.places.top(&[key, source, "file"]);
            let fix = format!("Create {shown}, or correct {key}.{source}.file");
            let (severity, what, fix) = match subject.facts.paths.get(path) {
                Some(AtPath::Missing) => (Error, format!("{shown} does not exist"), fix),
                Some(AtPath::Folder) => (Error, format!("{shown} is a folder"), fix),
                Some(AtPath::File { readable: false, .. }) => {
                    let fix = format!("Let your own user read it: chown or chmod {shown}");
                    (Error, format!("{shown} cannot be read"), fix)
                }
                Some(AtPath::File { mode, owner, .. }) => match numeric_user(service) {
                    Some(user) if user != *owner && mode & 0o004 == 0 => (
                        Warning,
                        format!("{shown} cannot be read by user {user}, whom the service runs as"),
                        format!("chown {user} {shown}: it is mounted with the owner and the mode it has"),
                    ),
                    _ => continue,
                },
                Some(AtPath::Other) | None => continue,
            };
            findings.add(SECRET, severity, Some(name), place, (what, fix));
        }
    }
}

/// Returns the user of a service where it is a number other than root's.
fn numeric_user(service: &Service) -> Option<u32> {
    service.user.as_deref()?.split(':').next()?.parse().ok().filter(|user| *user != 0)
}
