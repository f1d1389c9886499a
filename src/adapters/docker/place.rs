//! Where stackdash itself stands: in a container, behind one.
//!
//! Container engines leave no official word about it; the control group, the mounts of a container's own
//! files and the host name together are enough. Pure but for [`Surroundings::of_this_process`].

use crate::adapters::docker::endpoint::Endpoint;
use crate::event::OwnPlace;

/// What the process sees of its place.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    pub cgroup: String,
    pub mounts: String,
    pub host_name: String,
    /// Whether a file says that this is a container.
    pub marked: bool,
}

impl Surroundings {
    pub fn of_this_process() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let there = |path: &str| std::path::Path::new(path).exists();
        Self {
            cgroup: read("/proc/self/cgroup"),
            mounts: read("/proc/self/mountinfo"),
            host_name: read("/proc/sys/kernel/hostname").trim().to_owned(),
            marked: there("/.dockerenv") || there("/run/.containerenv"),
        }
    }
}

/// Finds the own container and the way to the engine.
pub fn of(endpoint: &Endpoint, around: &Surroundings) -> OwnPlace {
    let container = around.container();
    let (engine_name, engine_port) = match endpoint {
        Endpoint::Tcp { url, .. } => host_and_port(url),
        Endpoint::Unix(_) | Endpoint::Ssh(_) => (None, None),
    };
    // Only a port of this machine may be one that a container of it publishes.
    let here = engine_name.as_deref().is_some_and(|name| {
        matches!(name, "localhost" | "0.0.0.0" | "::1" | "host.docker.internal") || name.starts_with("127.")
    });
    OwnPlace {
        container,
        engine_port: engine_port.filter(|_| here),
        engine_name: engine_name.filter(|_| !here),
    }
}

impl Surroundings {
    fn container(&self) -> Option<String> {
        if let Some(id) = self.cgroup.lines().find_map(id_in) {
            return Some(id.to_owned());
        }
        // A private control group namespace hides the path; the engine's files that are mounted do not.
        let own_files = |line: &&str| {
            ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"].iter().any(|file| line.contains(file))
        };
        if let Some(id) = self.mounts.lines().filter(own_files).find_map(id_in) {
            return Some(id.to_owned());
        }
        let by_default = self.host_name.len() == 12 && self.host_name.bytes().all(|b| b.is_ascii_hexdigit());
        (self.marked && by_default).then(|| self.host_name.clone())
    }
}

/// Finds the 64 digits of an id between other characters.
fn id_in(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_ascii_hexdigit()).find(|word| word.len() == 64)
}

fn host_and_port(url: &str) -> (Option<String>, Option<u16>) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split('/').next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
        _ => (rest, None),
    };
    let host = host.trim_matches(['[', ']']);
    ((!host.is_empty()).then(|| host.to_owned()), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4f1d2c3b4a5968778695a4b3c2d1e0f04f1d2c3b4a5968778695a4b3c2d1e0f0";

    fn tcp(url: &str) -> Endpoint {
        Endpoint::Tcp { url: url.to_owned(), tls: None }
    }

    #[test]
    fn the_own_container_is_found_by_each_of_its_traces() {
        let unix = Endpoint::Unix("/var/run/docker.sock".into());
        let find = |around: &Surroundings| of(&unix, around).container;
        let cgroup = format!("0::/system.slice/docker-{ID}.scope\n");
        assert_eq!(find(&Surroundings { cgroup, ..Surroundings::default() }).as_deref(), Some(ID));
        let mounts = format!(
            "700 690 8:1 /var/lib/docker/overlay2/x / rw\n701 690 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw\n"
        );
        assert_eq!(
            find(&Surroundings { cgroup: "0::/\n".into(), mounts, ..Surroundings::default() }).as_deref(),
            Some(ID)
        );
        let named = Surroundings { host_name: ID[..12].into(), marked: true, ..Surroundings::default() };
        assert_eq!(find(&named).as_deref(), Some(&ID[..12]));
        assert_eq!(find(&Surroundings { marked: false, ..named }), None);
        assert_eq!(find(&Surroundings::default()), None);
    }

    #[test]
    fn the_way_to_the_engine_is_a_port_here_or_a_name_elsewhere() {
        let around = Surroundings::default();
        let port = |url: &str| of(&tcp(url), &around).engine_port;
        assert_eq!(port("http://127.0.0.1:2375"), Some(2375));
        assert_eq!(port("tcp://[::1]:2376/"), Some(2376));
        assert_eq!(port("tcp://build.example:2376"), None);
        assert_eq!(of(&tcp("tcp://proxy:2375"), &around).engine_name.as_deref(), Some("proxy"));
    }
}
