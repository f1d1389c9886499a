//! Usage against a real engine: a busy container, compared with what `docker stats` says of it.
//!
//! Needs `docker`, a static `busybox` and an engine whose control groups are this machine's. Makes its
//! own image and container and takes them away again.

#![expect(clippy::unwrap_used, reason = "a failing step fails its test")]

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use stackdash::adapters::usage::{EngineHandle, UsageMeters};
use stackdash::model::containers::ContainerId;
use stackdash::model::usage::{Usage, UsageSample, UsageSource};
use stackdash::ports::{UsageMeter, UsageRequest};

/// Two busy containers at once would compete for the cores that the comparison needs.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Half a core of work and four MiB held, in a container of its own.
struct Busy {
    name: String,
    image: String,
    id: String,
    pid: u32,
}

impl Busy {
    fn start(test: &str) -> Self {
        let name = format!("stackdash-live-usage-{test}-{}", std::process::id());
        let image = format!("{name}:live");
        import_busybox(&image);
        let work = "dd if=/dev/zero of=/dev/shm/held bs=1M count=4 2>/dev/null; while :; do :; done";
        let limits = ["--cpus", "0.5", "--memory", "64m", "--name", &name];
        let mut arguments = vec!["run", "--detach"];
        arguments.extend(limits);
        arguments.extend([image.as_str(), "/bin/busybox", "sh", "-c", work]);
        let id = docker(&arguments);
        let pid = docker(&["inspect", "--format", "{{.State.Pid}}", &name]).parse().unwrap();
        Self { name, image, id, pid }
    }

    fn request(&self, visible: bool) -> UsageRequest {
        UsageRequest {
            container: ContainerId::new(self.id.as_str()),
            pid: Some(self.pid),
            network_mode: "default".to_owned(),
            visible,
            due: true,
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for arguments in [["rm", "--force", self.name.as_str()], ["rmi", "--force", self.image.as_str()]] {
            let _ =
                Command::new("docker").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Returns percent of a core, bytes of memory and processes, as `docker stats` prints them.
fn docker_stats(name: &str) -> (f64, f64, u32) {
    let line = docker(&["stats", "--no-stream", "--format", "{{.CPUPerc}} {{.MemUsage}} {{.PIDs}}", name]);
    let words: Vec<&str> = line.split_whitespace().collect();
    let cpu = words[0].trim_end_matches('%').parse().unwrap();
    (cpu, bytes_of(words[1]), words.last().unwrap().parse().unwrap())
}

/// Makes an image of a static busybox and nothing else.
fn import_busybox(image: &str) {
    let folder = tempfile::tempdir().unwrap();
    let binary =
        ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| std::path::Path::new(path).exists());
    let binary = binary.expect("a static busybox: apt-get install busybox-static");
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    std::fs::copy(binary, folder.path().join("bin/busybox")).unwrap();
    let tar = Command::new("tar").arg("-C").arg(folder.path()).args(["-c", "."]).output().unwrap();
    let mut import = Command::new("docker")
        .args(["import", "-", image])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    import.stdin.take().unwrap().write_all(&tar.stdout).unwrap();
    assert!(import.wait().unwrap().success());
}

/// Reads `4.25MiB` as bytes.
fn bytes_of(text: &str) -> f64 {
    let digits = text.find(|c: char| c.is_ascii_alphabetic()).unwrap();
    let unit = match &text[digits..] {
        "B" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        unit => panic!("unknown unit {unit}"),
    };
    text[..digits].parse::<f64>().unwrap() * unit
}

fn engine() -> EngineHandle {
    let docker = bollard::Docker::connect_with_defaults().unwrap();
    Arc::new(move || Some(docker.clone()))
}

/// Samples for some seconds while `docker stats` does; returns the averages and the last sample.
async fn compare(meter: &UsageMeters, busy: &Busy, beat: Duration) -> (Averages, UsageSample) {
    let name = busy.name.clone();
    let asking = tokio::task::spawn_blocking(move || (0..4).map(|_| docker_stats(&name)).collect::<Vec<_>>());
    let mut ours: Vec<UsageSample> = Vec::new();
    let start = Instant::now();
    while !asking.is_finished() || (ours.len() < 2 && start.elapsed() < Duration::from_mins(1)) {
        ours.extend(meter.sample(vec![busy.request(true)]).await);
        tokio::time::sleep(beat).await;
    }
    let theirs = asking.await.unwrap();
    let cpu: Vec<f64> = ours.iter().filter_map(|sample| sample.usage.cpu_percent).map(f64::from).collect();
    let averages = Averages {
        our_cpu: average(&cpu),
        their_cpu: average(&theirs.iter().map(|stats| stats.0).collect::<Vec<_>>()),
        our_memory: ours.last().and_then(|sample| sample.usage.memory_bytes).unwrap() as f64,
        their_memory: theirs.last().unwrap().1,
    };
    let last = ours.pop().unwrap();
    assert_eq!(last.usage.pids, Some(theirs.last().unwrap().2));
    (averages, last)
}

#[derive(Debug)]
struct Averages {
    our_cpu: f64,
    their_cpu: f64,
    our_memory: f64,
    their_memory: f64,
}

impl Averages {
    fn assert_close(&self) {
        assert!(self.their_cpu > 20.0, "the container is not busy: {self:?}");
        assert!((self.our_cpu / self.their_cpu - 1.0).abs() < 0.10, "{self:?}");
        assert!(self.our_memory > 4.0 * 1024.0 * 1024.0, "{self:?}");
        assert!((self.our_memory / self.their_memory - 1.0).abs() < 0.10, "{self:?}");
    }
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[tokio::test(flavor = "multi_thread")]
async fn control_groups_agree_with_docker_stats() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let busy = Busy::start("cgroup");
    let meter = UsageMeters::new(engine(), true);
    let (averages, last) = compare(&meter, &busy, Duration::from_secs(1)).await;
    assert_eq!(last.source, UsageSource::Cgroup);
    assert_eq!(last.usage.memory_limit, Some(64 * 1024 * 1024));
    assert!(last.usage.net_rx_bytes.is_some());
    averages.assert_close();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engines_stats_agree_with_docker_stats() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let busy = Busy::start("stats");
    let meter = UsageMeters::new(engine(), false);
    let (averages, last) = compare(&meter, &busy, Duration::from_secs(1)).await;
    assert_eq!(last.source, UsageSource::Engine);
    assert_eq!(last.usage.memory_limit, Some(64 * 1024 * 1024));
    averages.assert_close();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_on_the_screen_is_asked_too() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let busy = Busy::start("oneshot");
    let meter = UsageMeters::new(engine(), false);
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut usage = Usage::default();
    while usage.memory_bytes.is_none() && Instant::now() < deadline {
        if let Some(sample) = meter.sample(vec![busy.request(false)]).await.pop() {
            usage = sample.usage;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(usage.memory_bytes.is_some_and(|bytes| bytes > 0), "{usage:?}");
}

/// The stack's own container ends between two beats: neither a wrong figure nor a question to the engine.
#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_ended_has_no_figures() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let busy = Busy::start("ended");
    let meter = UsageMeters::new(engine(), true);
    assert_eq!(meter.sample(vec![busy.request(true)]).await.len(), 1);
    docker(&["kill", &busy.name]);
    assert_eq!(meter.sample(vec![busy.request(true)]).await, []);
    docker(&["start", &busy.name]);
    let pid = docker(&["inspect", "--format", "{{.State.Pid}}", &busy.name]).parse().unwrap();
    let again = UsageRequest { pid: Some(pid), ..busy.request(true) };
    let samples = meter.sample(vec![again]).await;
    assert_eq!(samples[0].source, UsageSource::Cgroup);
    assert_eq!(samples[0].usage.cpu_percent, None);
}
