//! Usage from control group files of this machine, version 1 and 2.
//!
//! The files of a container are found once and kept open; a sample is then a handful of positioned
//! reads without a look-up, about a hundredth of what the engine's own stats cost. Everything here
//! blocks (for microseconds), so it is called off the async threads.

mod parse;

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::adapters::usage::counters::{Counters, Reading, working_memory};
use crate::model::containers::ContainerId;
use crate::model::usage::{UsageSample, UsageSource};
use crate::ports::UsageRequest;

/// The largest file that makes sense here (a memory.stat has 2 KiB, a net/dev 120 bytes an interface).
const FILE_BYTES: usize = 64 * 1024;

/// The machine's roots; tests put their own in place.
struct Roots {
    proc: PathBuf,
    cgroup: PathBuf,
}

/// Control groups of every container that could be found on this machine.
pub(super) struct Cgroups {
    roots: Roots,
    /// The unified hierarchy is mounted where the controllers would be.
    unified: bool,
    stat: Option<File>,
    open: HashMap<ContainerId, Group>,
    /// Containers whose first process is not one of this machine's, with that process: not tried
    /// again before they start anew.
    elsewhere: HashMap<ContainerId, u32>,
    buffer: Vec<u8>,
}

impl Default for Cgroups {
    fn default() -> Self {
        Self::at(Roots { proc: PathBuf::from("/proc"), cgroup: PathBuf::from("/sys/fs/cgroup") })
    }
}

/// What came of one container.
enum Outcome {
    Read(Reading),
    /// It was here and has ended: nothing to ask the engine for.
    Ended,
    Elsewhere,
}

impl Cgroups {
    fn at(roots: Roots) -> Self {
        // A `0::` line in /proc/PID/cgroup is no proof: hybrid systems have it too.
        let unified = roots.cgroup.join("cgroup.controllers").exists();
        let stat = File::open(roots.proc.join("stat")).ok();
        Self { roots, unified, stat, open: HashMap::new(), elsewhere: HashMap::new(), buffer: vec![0; 4096] }
    }

    /// Reads every container it can; returns the others.
    pub fn sample(&mut self, wanted: Vec<UsageRequest>) -> (Vec<UsageSample>, Vec<UsageRequest>) {
        self.forget_all_but(&wanted);
        // Once for all: /proc/stat is slow on machines with many cores, and the containers are read in
        // the same order within a few milliseconds.
        let system = read_text(self.stat.as_ref(), &mut self.buffer).and_then(parse::system_cpu);
        let mut samples = Vec::with_capacity(wanted.len());
        let mut rest = Vec::new();
        for request in wanted {
            if !request.due && self.open.contains_key(&request.container) {
                continue;
            }
            match self.read(&request, system) {
                Outcome::Read(reading) => {
                    let Some(group) = self.open.get_mut(&request.container) else { continue };
                    let usage = reading.usage(group.before.as_ref());
                    group.before = Some(reading);
                    samples.push(UsageSample {
                        container: request.container,
                        usage,
                        source: UsageSource::Cgroup,
                    });
                }
                Outcome::Ended => {}
                Outcome::Elsewhere => rest.push(request),
            }
        }
        (samples, rest)
    }

    fn forget_all_but(&mut self, wanted: &[UsageRequest]) {
        let pids: HashMap<&ContainerId, Option<u32>> =
            wanted.iter().map(|request| (&request.container, request.pid)).collect();
        // Another process means that it was started anew: other files, counters from zero.
        self.open.retain(|id, group| pids.get(id).is_some_and(|&pid| pid == Some(group.pid)));
        self.elsewhere.retain(|id, pid| pids.get(id).is_some_and(|&now| now == Some(*pid)));
    }

    fn read(&mut self, request: &UsageRequest, system: Option<(u64, u32)>) -> Outcome {
        let Some(pid) = request.pid else { return Outcome::Elsewhere };
        if self.elsewhere.contains_key(&request.container) {
            return Outcome::Elsewhere;
        }
        if !self.open.contains_key(&request.container) {
            let Some(group) = Group::open(&self.roots, self.unified, request, pid) else {
                self.elsewhere.insert(request.container.clone(), pid);
                return Outcome::Elsewhere;
            };
            self.open.insert(request.container.clone(), group);
        }
        let Some(group) = self.open.get(&request.container) else { return Outcome::Elsewhere };
        let at = Instant::now();
        match group.read(&mut self.buffer) {
            Some(mut counters) => {
                if let Some((system_ns, cpus)) = system {
                    counters.system_ns = Some(system_ns);
                    counters.cpus = cpus;
                }
                Outcome::Read(Reading { at, counters })
            }
            None => Outcome::Ended,
        }
    }
}

/// The open files of one container.
struct Group {
    pid: u32,
    unified: bool,
    cpu: Option<File>,
    memory: Option<File>,
    memory_stat: Option<File>,
    memory_limit: Option<File>,
    memory_events: Option<File>,
    pids: Option<File>,
    block: Option<File>,
    network: Option<File>,
    before: Option<Reading>,
}

impl Group {
    /// Opens the files of a container; `None` where its process is not one of this machine's.
    fn open(roots: &Roots, unified: bool, request: &UsageRequest, pid: u32) -> Option<Self> {
        let process = roots.proc.join(pid.to_string());
        let text = std::fs::read_to_string(process.join("cgroup")).ok()?;
        let id = request.container.as_str();
        let open = |controller: &str, name: &str| {
            let folder = folder_of(&roots.cgroup, &text, id, (!unified).then_some(controller))?;
            File::open(folder.join(name)).ok()
        };
        let network =
            has_own_network(&request.network_mode).then(|| File::open(process.join("net/dev")).ok());
        let network = network.flatten();
        let group = if unified {
            Self {
                pid,
                unified,
                cpu: open("", "cpu.stat"),
                memory: open("", "memory.current"),
                memory_stat: open("", "memory.stat"),
                memory_limit: open("", "memory.max"),
                memory_events: open("", "memory.events"),
                pids: open("", "pids.current"),
                block: open("", "io.stat"),
                network,
                before: None,
            }
        } else {
            Self {
                pid,
                unified,
                cpu: open("cpuacct", "cpuacct.usage"),
                memory: open("memory", "memory.usage_in_bytes"),
                memory_stat: open("memory", "memory.stat"),
                memory_limit: open("memory", "memory.limit_in_bytes"),
                memory_events: open("memory", "memory.oom_control"),
                pids: open("pids", "pids.current"),
                block: open("blkio", "blkio.throttle.io_service_bytes_recursive"),
                network,
                before: None,
            }
        };
        // With neither CPU nor memory the engine knows more.
        (group.cpu.is_some() && group.memory.is_some()).then_some(group)
    }

    /// Reads all figures; `None` when the group has gone.
    fn read(&self, buffer: &mut Vec<u8>) -> Option<Counters> {
        let cpu = read_text(self.cpu.as_ref(), buffer)?;
        let cpu_ns = if self.unified {
            parse::keyed(cpu, "usage_usec").map(|microseconds| microseconds * 1000)
        } else {
            parse::number(cpu)
        };
        let memory = parse::number(read_text(self.memory.as_ref(), buffer)?);
        let inactive_file = read_text(self.memory_stat.as_ref(), buffer).and_then(|text| {
            parse::keyed(text, if self.unified { "inactive_file" } else { "total_inactive_file" })
        });
        let block = read_text(self.block.as_ref(), buffer).and_then(if self.unified {
            parse::block_v2
        } else {
            parse::block_v1
        });
        let network = read_text(self.network.as_ref(), buffer).and_then(parse::network);
        Some(Counters {
            cpu_ns,
            memory_bytes: memory.map(|usage| working_memory(usage, inactive_file)),
            memory_limit: read_text(self.memory_limit.as_ref(), buffer).and_then(parse::limit),
            net_rx_bytes: network.map(|(rx, _)| rx),
            net_tx_bytes: network.map(|(_, tx)| tx),
            block_read_bytes: block.map(|(read, _)| read),
            block_write_bytes: block.map(|(_, written)| written),
            pids: read_text(self.pids.as_ref(), buffer).and_then(parse::number).map(|pids| pids as u32),
            oom_kills: read_text(self.memory_events.as_ref(), buffer)
                .and_then(|text| parse::keyed(text, "oom_kill")),
            ..Counters::default()
        })
    }
}

/// Whether the figures of a container's network namespace are its own: the host's are the machine's,
/// and a namespace shared with another container is that one's.
pub(super) fn has_own_network(mode: &str) -> bool {
    !(mode == "host" || mode.starts_with("container:") || mode.starts_with("service:"))
}

/// Returns the folder of a container's group, for one controller or (`None`) in the unified hierarchy.
fn folder_of(root: &Path, text: &str, id: &str, controller: Option<&str>) -> Option<PathBuf> {
    let group = parse::group_path(text, id, controller)?;
    let mounts = match controller {
        None => [root.to_owned(), root.to_owned()],
        // Mounted together, they stand under both names, or only under the joined one.
        Some(name) => [root.join(name), root.join(group.controllers)],
    };
    mounts.into_iter().map(|mount| mount.join(group.path)).find(|folder| folder.is_dir())
}

/// Reads a kept file from its start; `None` when there is none or it has gone.
fn read_text<'a>(file: Option<&File>, buffer: &'a mut Vec<u8>) -> Option<&'a str> {
    let file = file?;
    let mut length = 0;
    loop {
        match file.read_at(&mut buffer[length..], length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
        if length == buffer.len() {
            if length >= FILE_BYTES {
                break;
            }
            buffer.resize(length * 2, 0);
        }
    }
    // An empty answer is an answer: io.stat is empty until a device was used.
    std::str::from_utf8(&buffer[..length]).ok()
}

#[cfg(test)]
mod tests;
