//! The machine, through sysinfo.
//!
//! One long-lived instance: percentages are what changed since the sample before. Only what is cheap
//! is read each time (never the table of processes); disks and temperatures once in ten seconds.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sysinfo::{
    Components, CpuRefreshKind, DiskRefreshKind, Disks, Pid, ProcessRefreshKind, ProcessesToUpdate, System,
};

use crate::model::host::{Disk, HostSample, OwnCost};
use crate::model::text::clean;
use crate::ports::{BoxFuture, HostMeter};

/// Disks and temperatures change slowly, and listing hundreds of container mounts takes milliseconds.
const SLOW_BEAT: Duration = Duration::from_secs(10);

/// Reads the figures of the machine stackdash runs on.
#[derive(Clone, Default)]
pub struct SystemMeter {
    machine: Arc<Mutex<Option<Machine>>>,
}

impl SystemMeter {
    /// Takes the first reading beside everything else: the first screen does not wait for it.
    pub fn new() -> Self {
        let meter = Self::default();
        let machine = meter.machine.clone();
        let work = move || {
            machine.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Machine::default);
        };
        // Without it, the first sample is the first reading.
        let _ = std::thread::Builder::new().name(String::from("host")).spawn(work);
        meter
    }
}

impl HostMeter for SystemMeter {
    fn sample(&self) -> BoxFuture<'_, HostSample> {
        let machine = self.machine.clone();
        Box::pin(async move {
            let reading = tokio::task::spawn_blocking(move || {
                let mut machine = machine.lock().unwrap_or_else(PoisonError::into_inner);
                machine.get_or_insert_with(Machine::default).sample()
            });
            // It fails only while the runtime shuts down.
            reading.await.unwrap_or_default()
        })
    }
}

/// Everything that must live from one sample to the next. On a system that sysinfo does not know,
/// figures stay at zero.
struct Machine {
    system: Option<System>,
    disks: Option<Disks>,
    components: Option<Components>,
    name: String,
    slow_read: Option<Instant>,
    last_disks: Vec<Disk>,
    last_temperatures: Vec<(String, f32)>,
}

impl Default for Machine {
    fn default() -> Self {
        let mut system = System::new().ok();
        if let Some(system) = &mut system {
            // Percentages need a sample before; this is it.
            system.refresh_cpu_list(CpuRefreshKind::nothing().with_usage());
            refresh_own_process(system);
        }
        Self {
            system,
            disks: Disks::new().ok(),
            components: Components::new().ok(),
            name: System::host_name().map(|name| clean(&name)).unwrap_or_default(),
            slow_read: None,
            last_disks: Vec::new(),
            last_temperatures: Vec::new(),
        }
    }
}

impl Machine {
    fn sample(&mut self) -> HostSample {
        if self.slow_read.is_none_or(|at| at.elapsed() >= SLOW_BEAT) {
            self.slow_read = Some(Instant::now());
            self.refresh_slow();
        }
        let load = System::load_average().map(|load| [load.one, load.five, load.fifteen]).unwrap_or_default();
        let mut sample = HostSample {
            name: self.name.clone(),
            load,
            uptime_s: System::uptime().unwrap_or_default(),
            disks: self.last_disks.clone(),
            temperatures: self.last_temperatures.clone(),
            ..HostSample::default()
        };
        let Some(system) = &mut self.system else { return sample };
        system.refresh_cpu_usage();
        system.refresh_memory();
        sample.cpu_percent = system.global_cpu_usage();
        sample.cores = system.cpus().iter().map(sysinfo::Cpu::usage).collect();
        sample.memory_used = system.used_memory();
        sample.memory_total = system.total_memory();
        sample.swap_used = system.used_swap();
        sample.swap_total = system.total_swap();
        sample.own = own_cost(system);
        sample
    }

    fn refresh_slow(&mut self) {
        if let Some(disks) = &mut self.disks {
            disks.refresh_specifics(true, DiskRefreshKind::nothing().with_storage());
            self.last_disks = real_disks(disks.iter().map(disk_of));
        }
        if let Some(components) = &mut self.components {
            components.refresh(true);
            self.last_temperatures = hottest_first(
                components.iter().filter_map(|part| Some((clean(part.label()), part.temperature()?))),
            );
        }
    }
}

fn refresh_own_process(system: &mut System) {
    let own = Pid::from_u32(std::process::id());
    let what = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), true, what);
}

fn own_cost(system: &mut System) -> OwnCost {
    refresh_own_process(system);
    let process = system.process(Pid::from_u32(std::process::id()));
    OwnCost {
        cpu_percent: process.map_or(0.0, sysinfo::Process::cpu_usage),
        memory_bytes: process.map_or(0, sysinfo::Process::memory),
        // The folder being listed is open too, and not ours for long.
        open_files: entries_of("/proc/self/fd").saturating_sub(1),
        threads: entries_of("/proc/self/task"),
        engine_calls: None,
    }
}

fn entries_of(folder: &str) -> u32 {
    std::fs::read_dir(folder).map_or(0, |entries| entries.count() as u32)
}

fn disk_of(disk: &sysinfo::Disk) -> Disk {
    Disk {
        mount: clean(&disk.mount_point().to_string_lossy()),
        device: clean(&disk.name().to_string_lossy()),
        file_system: clean(&disk.file_system().to_string_lossy()),
        used: disk.total_space().saturating_sub(disk.available_space()),
        total: disk.total_space(),
    }
}

/// Keeps what is backed by a device, each device once, under its shortest mount point.
///
/// An engine's machine has hundreds of other mounts: a file system and a network namespace for each
/// container.
fn real_disks(disks: impl Iterator<Item = Disk>) -> Vec<Disk> {
    let mut by_device: BTreeMap<String, Disk> = BTreeMap::new();
    for disk in disks.filter(is_real) {
        match by_device.get_mut(&disk.device) {
            Some(kept) if disk.mount.len() < kept.mount.len() => *kept = disk,
            Some(_) => {}
            None => {
                by_device.insert(disk.device.clone(), disk);
            }
        }
    }
    let mut disks: Vec<Disk> = by_device.into_values().collect();
    disks.sort_by(|a, b| a.mount.cmp(&b.mount));
    disks
}

fn is_real(disk: &Disk) -> bool {
    if disk.total == 0 {
        return false;
    }
    if disk.mount == "/" {
        return true;
    }
    let backed = disk.device.starts_with("/dev/")
        || matches!(disk.file_system.as_str(), "zfs" | "nfs" | "nfs4" | "cifs");
    // Images that are mounted read-only are always full, and single files are mounted into containers.
    backed && !matches!(disk.file_system.as_str(), "squashfs" | "iso9660" | "erofs") && !is_file(&disk.mount)
}

fn is_file(path: &str) -> bool {
    // A network mount whose server is gone would block here, so only local files are looked at.
    ["/etc/", "/run/", "/var/run/"].iter().any(|start| path.starts_with(start)) && Path::new(path).is_file()
}

fn hottest_first(parts: impl Iterator<Item = (String, f32)>) -> Vec<(String, f32)> {
    let mut parts: Vec<(String, f32)> = parts.filter(|(_, degrees)| degrees.is_finite()).collect();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(mount: &str, device: &str, file_system: &str, total: u64) -> Disk {
        Disk { mount: mount.into(), device: device.into(), file_system: file_system.into(), used: 1, total }
    }

    #[test]
    fn each_device_is_listed_once_and_containers_mounts_never() {
        let disks = real_disks(
            [
                disk("/var/lib/docker", "/dev/sda1", "ext4", 10),
                disk("/", "/dev/sda1", "ext4", 10),
                disk("/srv/data", "/dev/sdb1", "xfs", 20),
                disk("/var/lib/docker/overlay2/abc/merged", "overlay", "overlay", 10),
                disk("/run/docker/netns/abc", "nsfs", "nsfs", 10),
                disk("/run", "tmpfs", "tmpfs", 5),
                disk("/snap/core/1", "/dev/loop0", "squashfs", 5),
                disk("/boot/efi", "/dev/sda2", "vfat", 0),
                disk("/tank", "tank/data", "zfs", 30),
            ]
            .into_iter(),
        );
        let mounts: Vec<&str> = disks.iter().map(|disk| disk.mount.as_str()).collect();
        assert_eq!(mounts, ["/", "/srv/data", "/tank"]);
    }

    #[test]
    fn the_root_is_listed_even_where_no_device_backs_it() {
        let disks = real_disks([disk("/", "overlay", "overlay", 10)].into_iter());
        assert_eq!(disks.len(), 1);
    }

    #[test]
    fn sensors_without_a_reading_are_left_out() {
        let parts = [("a".to_owned(), 40.0), ("b".to_owned(), f32::NAN), ("c".to_owned(), 71.5)];
        let names: Vec<String> = hottest_first(parts.into_iter()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["c", "a"]);
    }

    #[tokio::test]
    async fn a_sample_of_this_machine_makes_sense() {
        let meter = SystemMeter::new();
        let sample = meter.sample().await;
        assert!(sample.memory_total > 0 && sample.memory_used <= sample.memory_total);
        assert!(!sample.cores.is_empty() && sample.uptime_s > 0);
        assert!(sample.own.memory_bytes > 0);
        if cfg!(target_os = "linux") {
            assert!(sample.own.threads > 0 && sample.own.open_files > 0);
        }
    }
}
