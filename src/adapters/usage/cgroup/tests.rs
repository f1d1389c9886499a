use std::fs;

use super::*;

const ID: &str = "e3d2cd856fdb7c1d11d2d3311b6dcb2116d5e84618ceb2b524838a1ad3e41fbd";

/// A machine's files in a temporary folder.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new(unified: bool) -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        machine.time(1000);
        if unified {
            machine.write("cgroup/cgroup.controllers", "cpu memory io pids\n");
        }
        machine
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Sets the machine's CPU time in ticks of 10 ms.
    fn time(&self, ticks: u64) {
        self.write("proc/stat", &format!("cpu {ticks} 0 0 0 0 0 0 0 0 0\ncpu0 1\ncpu1 1\nintr 5\n"));
    }

    fn process(&self, pid: u32, cgroup: &str, rx: u64) {
        self.write(&format!("proc/{pid}/cgroup"), cgroup);
        let net = format!("x|\n y|\n lo: 9 0 0 0 0 0 0 0 9 0\neth0: {rx} 0 0 0 0 0 0 0 7 0\n");
        self.write(&format!("proc/{pid}/net/dev"), &net);
    }

    fn cgroups(&self) -> Cgroups {
        let root = self.folder.path();
        Cgroups::at(Roots { proc: root.join("proc"), cgroup: root.join("cgroup") })
    }

    fn version_1(pid: u32) -> Self {
        let machine = Self::new(false);
        machine.process(pid, &format!("3:memory:/docker/{ID}\n2:cpu,cpuacct:/docker/{ID}\n0::/x/{ID}\n"), 50);
        machine.version_1_figures(1_000_000_000);
        machine
    }

    fn version_1_figures(&self, cpu: u64) {
        self.write(&format!("cgroup/cpu,cpuacct/docker/{ID}/cpuacct.usage"), &format!("{cpu}\n"));
        self.write(&format!("cgroup/memory/docker/{ID}/memory.usage_in_bytes"), "1000\n");
        self.write(&format!("cgroup/memory/docker/{ID}/memory.stat"), "cache 1\ntotal_inactive_file 400\n");
        self.write(&format!("cgroup/memory/docker/{ID}/memory.limit_in_bytes"), "9223372036854771712\n");
        self.write(&format!("cgroup/memory/docker/{ID}/memory.oom_control"), "under_oom 0\noom_kill 3\n");
    }
}

fn request(pid: u32, network_mode: &str) -> UsageRequest {
    UsageRequest {
        container: ContainerId::new(ID),
        pid: Some(pid),
        network_mode: network_mode.to_owned(),
        visible: true,
        due: true,
    }
}

#[test]
fn version_1_is_read_also_where_controllers_are_mounted_together() {
    let machine = Machine::version_1(42);
    let mut cgroups = machine.cgroups();
    let (samples, rest) = cgroups.sample(vec![request(42, "bridge")]);
    assert!(rest.is_empty());
    let usage = samples[0].usage;
    assert_eq!((usage.memory_bytes, usage.memory_limit, usage.oom_kills), (Some(600), None, Some(3)));
    assert_eq!((usage.net_rx_bytes, usage.net_tx_bytes, usage.cpu_percent), (Some(50), Some(7), None));
    assert_eq!((usage.pids, usage.block_read_bytes), (None, None));

    machine.time(1400);
    machine.version_1_figures(2_000_000_000);
    let (samples, _) = cgroups.sample(vec![request(42, "bridge")]);
    // One core second of four that passed on two cores.
    assert_eq!(samples[0].usage.cpu_percent, Some(50.0));
    assert_eq!(samples[0].source, UsageSource::Cgroup);
}

#[test]
fn what_is_not_due_keeps_its_files_and_is_read_when_it_is() {
    let machine = Machine::version_1(42);
    let mut cgroups = machine.cgroups();
    let later = || UsageRequest { visible: false, due: false, ..request(42, "bridge") };
    // The first time its files are found, whoever asks.
    assert_eq!(cgroups.sample(vec![later()]).0.len(), 1);
    machine.time(1400);
    machine.version_1_figures(2_000_000_000);
    assert_eq!(cgroups.sample(vec![later()]), (Vec::new(), Vec::new()));
    let (samples, _) = cgroups.sample(vec![UsageRequest { due: true, ..later() }]);
    assert_eq!(samples[0].usage.cpu_percent, Some(50.0), "rates are those since it was read last");
}

#[test]
fn version_2_is_read() {
    let machine = Machine::new(true);
    machine.process(42, &format!("0::/system.slice/docker-{ID}.scope/init\n"), 50);
    let folder = format!("cgroup/system.slice/docker-{ID}.scope");
    let write = |name: &str, text: &str| machine.write(&format!("{folder}/{name}"), text);
    write("cpu.stat", "usage_usec 1000000\nuser_usec 1\n");
    write("memory.current", "1000\n");
    write("memory.stat", "anon 1\ninactive_file 300\n");
    write("memory.max", "4096\n");
    write("memory.events", "low 0\noom 1\noom_kill 1\n");
    write("pids.current", "5\n");
    write("io.stat", "8:0 rbytes=10 wbytes=20 rios=1 wios=1\n");
    let mut cgroups = machine.cgroups();
    let (samples, rest) = cgroups.sample(vec![request(42, "bridge")]);
    assert!(rest.is_empty());
    let usage = samples[0].usage;
    assert_eq!((usage.memory_bytes, usage.memory_limit, usage.oom_kills), (Some(700), Some(4096), Some(1)));
    assert_eq!((usage.block_read_bytes, usage.block_write_bytes, usage.pids), (Some(10), Some(20), Some(5)));

    machine.time(1200);
    write("cpu.stat", "usage_usec 1500000\nuser_usec 1\n");
    let (samples, _) = cgroups.sample(vec![request(42, "bridge")]);
    assert_eq!(samples[0].usage.cpu_percent, Some(50.0));
}

#[test]
fn shared_and_host_networks_have_no_figures() {
    let machine = Machine::version_1(42);
    for mode in ["host", "container:abc", "service:db"] {
        let (samples, _) = machine.cgroups().sample(vec![request(42, mode)]);
        assert_eq!(samples[0].usage.net_rx_bytes, None, "{mode}");
    }
}

#[test]
fn a_process_that_is_not_the_containers_is_left_to_the_engine() {
    let machine = Machine::version_1(42);
    machine.process(43, "3:memory:/user.slice\n2:cpu,cpuacct:/user.slice\n0::/\n", 1);
    let mut cgroups = machine.cgroups();
    for request in
        [request(43, "bridge"), request(44, "bridge"), UsageRequest { pid: None, ..request(42, "bridge") }]
    {
        let (samples, rest) = cgroups.sample(vec![request.clone()]);
        assert_eq!((samples, rest), (vec![], vec![request]));
    }
    // Once it has started anew (another process), it is looked for again.
    assert_eq!(cgroups.sample(vec![request(42, "bridge")]).0.len(), 1);
}

#[test]
fn a_new_process_starts_without_the_old_ones_counters() {
    let machine = Machine::version_1(42);
    let mut cgroups = machine.cgroups();
    cgroups.sample(vec![request(42, "bridge")]);
    machine.process(77, &format!("3:memory:/docker/{ID}\n2:cpu,cpuacct:/docker/{ID}\n"), 900);
    machine.version_1_figures(9_000_000_000);
    machine.time(1400);
    let (samples, _) = cgroups.sample(vec![request(77, "bridge")]);
    assert_eq!((samples[0].usage.cpu_percent, samples[0].usage.net_rx_rate), (None, None));
    assert_eq!(samples[0].usage.net_rx_bytes, Some(900));
}

#[test]
fn files_of_a_container_that_is_not_wanted_are_closed() {
    let machine = Machine::version_1(42);
    let mut cgroups = machine.cgroups();
    cgroups.sample(vec![request(42, "bridge")]);
    assert_eq!(cgroups.open.len(), 1);
    cgroups.sample(vec![]);
    assert!(cgroups.open.is_empty());
}

#[test]
fn a_group_that_has_gone_is_not_asked_of_the_engine() {
    let machine = Machine::version_1(42);
    // A folder opens like a file and then refuses to be read, as the file of a removed group does.
    let usage = machine.folder.path().join(format!("cgroup/cpu,cpuacct/docker/{ID}/cpuacct.usage"));
    fs::remove_file(&usage).unwrap();
    fs::create_dir(&usage).unwrap();
    assert_eq!(machine.cgroups().sample(vec![request(42, "bridge")]), (vec![], vec![]));
}

#[test]
fn a_file_longer_than_the_buffer_is_read_whole() {
    let machine = Machine::version_1(42);
    let padding = "padding 1\n".repeat(900);
    machine.write(
        &format!("cgroup/memory/docker/{ID}/memory.stat"),
        &format!("{padding}total_inactive_file 250\n"),
    );
    let (samples, _) = machine.cgroups().sample(vec![request(42, "bridge")]);
    assert_eq!(samples[0].usage.memory_bytes, Some(750));
}
