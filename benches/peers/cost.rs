//! CPU time and memory, by the kernel's own books.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// What serves the engine's clients; the kernel cuts names at fifteen letters.
const ENGINE: [&str; 4] = ["dockerd", "containerd", "containerd-shim", "docker-proxy"];

/// CPU time of each thread of some processes, in nanoseconds. A thread that has ended keeps its last figure.
#[derive(Default)]
pub struct Meter {
    threads: HashMap<u32, (u64, u64)>,
}

impl Meter {
    /// Reads all threads; call it often enough that no thread lives unseen.
    pub fn read(&mut self, processes: &[u32]) {
        for process in processes {
            let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else { continue };
            for task in tasks.flatten() {
                let Some(thread) = number(&task.file_name().to_string_lossy()) else { continue };
                let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else { continue };
                let Some(spent) = text.split_whitespace().next().and_then(|word| word.parse().ok()) else {
                    continue;
                };
                self.threads.entry(thread).or_insert((spent, spent)).1 = spent;
            }
        }
    }

    /// Returns what was spent between the first and the last reading.
    pub fn spent(&self) -> Duration {
        Duration::from_nanos(self.threads.values().map(|(first, last)| last - first).sum())
    }
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// Returns the processes of the engine: itself, its shims, its proxies.
pub fn engine() -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| number(&entry.file_name().to_string_lossy()))
        .filter(|process| {
            let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
            ENGINE.contains(&name.trim())
        })
        .collect()
}

/// Returns a process and all below it.
pub fn family(process: u32) -> Vec<u32> {
    let mut all = vec![process];
    let mut at = 0;
    while at < all.len() {
        let threads = fs::read_dir(format!("/proc/{}/task", all[at])).into_iter().flatten().flatten();
        for thread in threads {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(number));
        }
        at += 1;
    }
    all
}

/// Returns how often threads of these processes went on after a wait, so far.
pub fn wakes(processes: &[u32]) -> u64 {
    let tasks = processes.iter().filter_map(|process| fs::read_dir(format!("/proc/{process}/task")).ok());
    let of = |task: fs::DirEntry| {
        let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let line =
            status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().to_owned();
        line.parse::<u64>().ok()
    };
    tasks.flat_map(|tasks| tasks.flatten().filter_map(of)).sum()
}

/// Returns resident bytes.
pub fn memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|word| word.parse::<u64>().ok()).unwrap_or_default() * 1024
}

/// Returns the machine's uptime in hundredths of a second.
pub fn uptime() -> u64 {
    let text = fs::read_to_string("/proc/uptime").unwrap();
    let (whole, rest) = text.split_whitespace().next().unwrap().split_once('.').unwrap();
    whole.parse::<u64>().unwrap() * 100 + rest.parse::<u64>().unwrap()
}
