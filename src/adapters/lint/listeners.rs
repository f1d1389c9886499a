//! Who listens on this machine's ports: `/proc/net`, and the processes behind the sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::lint::facts::{Listener, Owner};
use crate::model::text::clean;

/// A TCP socket that listens, a UDP socket that is bound.
const LISTENS: &str = "0A";
const BOUND: &str = "07";
/// Processes looked at for their sockets.
const PROCESSES: usize = 20_000;

/// Finds listeners on these ports, with their owners as far as we may look.
pub fn read(ports: &BTreeSet<u16>) -> Vec<Listener> {
    if ports.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (file, protocol, state) in
        [("tcp", "tcp", LISTENS), ("tcp6", "tcp", LISTENS), ("udp", "udp", BOUND), ("udp6", "udp", BOUND)]
    {
        let text = fs::read_to_string(format!("/proc/net/{file}")).unwrap_or_default();
        let lines = text.lines().skip(1).filter_map(|line| parse(line, state));
        found.extend(
            lines
                .filter(|(_, port, _)| ports.contains(port))
                .map(|(address, port, inode)| (Listener { port, protocol, address, owner: None }, inode)),
        );
    }
    if found.is_empty() {
        return Vec::new();
    }
    let wanted: BTreeSet<u64> = found.iter().map(|(_, inode)| *inode).collect();
    let owners = owners(&wanted);
    found
        .into_iter()
        .map(|(listener, inode)| Listener { owner: owners.get(&inode).cloned(), ..listener })
        .collect()
}

/// Reads a line of `/proc/net/tcp`: address, port, inode.
fn parse(line: &str, state: &str) -> Option<(Option<IpAddr>, u16, u64)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    if fields.get(3) != Some(&state) {
        return None;
    }
    let (address, port) = fields.get(1)?.split_once(':')?;
    let ip = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(u32::from_str_radix(address, 16).ok()?.to_le_bytes())),
        32 => {
            let mut bytes = [0; 16];
            for (word, place) in bytes.chunks_exact_mut(4).enumerate() {
                let number = u32::from_str_radix(address.get(word * 8..word * 8 + 8)?, 16).ok()?;
                place.copy_from_slice(&number.to_le_bytes());
            }
            let ip = Ipv6Addr::from(bytes);
            ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4)
        }
        _ => return None,
    };
    let inode = fields.get(9)?.parse().ok()?;
    Some((Some(ip).filter(|ip| !ip.is_unspecified()), u16::from_str_radix(port, 16).ok()?, inode))
}

/// Finds the processes that hold sockets; others' processes are seen by root only.
fn owners(wanted: &BTreeSet<u64>) -> BTreeMap<u64, Owner> {
    let mut owners = BTreeMap::new();
    let Ok(entries) = fs::read_dir("/proc") else { return owners };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids.take(PROCESSES) {
        let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { continue };
        for file in files.flatten() {
            let Ok(link) = fs::read_link(file.path()) else { continue };
            let inode = link
                .to_str()
                .and_then(|text| text.strip_prefix("socket:["))
                .and_then(|text| text.strip_suffix(']')?.parse().ok());
            if let Some(inode) = inode.filter(|inode| wanted.contains(inode)) {
                owners.entry(inode).or_insert_with(|| owner(pid));
            }
        }
        if owners.len() == wanted.len() {
            break;
        }
    }
    owners
}

fn owner(pid: u32) -> Owner {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    Owner { pid, name: clean(name.trim()), container: container_in(&groups) }
}

/// Finds a container's id in the names of control groups.
fn container_in(groups: &str) -> Option<String> {
    groups.split(|c: char| !c.is_ascii_hexdigit()).find(|part| part.len() == 64).map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_read() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1";
        assert_eq!(parse(line, LISTENS), Some((Some("127.0.0.1".parse().unwrap()), 8080, 4711)));
        assert_eq!(parse(line, BOUND), None);
        let line = "   0: 00000000000000000000000000000000:0050 0:0 0A 0 0 0 0 0";
        assert_eq!(parse(line, LISTENS), None, "too few fields");
        let line = "   0: 00000000000000000000000000000000:0050 0:0 0A 0 0 0 0 0 12 1";
        assert_eq!(parse(line, LISTENS), Some((None, 80, 12)));
        assert_eq!(parse("", LISTENS), None);
    }

    #[test]
    fn a_listener_is_found_with_its_process() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let found = read(&BTreeSet::from([port]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].owner.as_ref().unwrap().pid, std::process::id());
        assert_eq!(found[0].address, Some("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_container_is_known_by_its_control_group() {
        let id = "ab".repeat(32);
        assert_eq!(container_in(&format!("12:cpu:/docker/{id}\n")), Some(id.clone()));
        assert_eq!(container_in(&format!("0::/system.slice/docker-{id}.scope")), Some(id));
        assert_eq!(container_in("0::/user.slice"), None);
    }
}
