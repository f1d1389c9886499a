//! The machine stackdash runs on, and what the engine keeps on its disks.

/// One sample of the machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostSample {
    pub name: String,
    pub cpu_percent: f32,
    pub cores: Vec<f32>,
    pub memory_used: u64,
    pub memory_total: u64,
    pub swap_used: u64,
    pub swap_total: u64,
    /// 1, 5 and 15 minutes.
    pub load: [f64; 3],
    pub uptime_s: u64,
    pub disks: Vec<Disk>,
    /// Degrees Celsius, hottest first; empty in most virtual machines.
    pub temperatures: Vec<(String, f32)>,
    pub own: OwnCost,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    pub mount: String,
    pub device: String,
    pub file_system: String,
    pub used: u64,
    pub total: u64,
}

/// What stackdash itself costs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnCost {
    /// Of one core.
    pub cpu_percent: f32,
    pub memory_bytes: u64,
    pub open_files: u32,
    pub threads: u32,
}

/// The engine's disk use, as `docker system df` counts it. Bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineDiskUsage {
    pub images: DiskUsageRow,
    pub containers: DiskUsageRow,
    pub volumes: DiskUsageRow,
    pub build_cache: DiskUsageRow,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskUsageRow {
    pub count: u32,
    pub active: u32,
    pub bytes: u64,
    pub reclaimable_bytes: u64,
}
