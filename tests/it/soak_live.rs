//! Endurance: fifty containers, some that come and go, one that floods, checks that flip, an engine that goes
//! away and comes back, a machine that sleeps, a full disk for what is kept (as root), and an operator who keeps
//! looking around, for as long as `STACKDASH_SOAK_MINUTES` says (half a minute without it). Memory, descriptors,
//! threads and inotify watches must be flat in the second half; the screen's counts must be the engine's.
//!
//! `STACKDASH_SOAK_MINUTES=30 STACKDASH_SOAK_PROGRAM=target/release/stackdash tests/live.sh soak --nocapture`;
//! `STACKDASH_SOAK_HANDS=4` lets about five containers come and go a second.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::engine_live::image;
use crate::proxy::Proxy;
use crate::terminal::Terminal;

const PROJECT: &str = "stackdash-soak";
const MEMBERS: usize = 50;
/// Up and down, other screens, the merged logs of everything, help: what an operator does.
const WANDERINGS: [&str; 12] = ["j", "j", "5", "6", "1", "g", "2", "1", "?", "\x1b", "k", "G"];

/// Runs something on the engine; says nothing, for much of it may rightly fail while things come and go.
fn docker(arguments: &[&str]) -> String {
    let out = Command::new("docker").args(arguments).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

fn start(name: &str, service: &str, more: &[&str], program: &[&str]) {
    let stack = format!("com.docker.compose.project={PROJECT}");
    let service = format!("com.docker.compose.service={service}");
    let mut all = vec!["run", "-d", "--name", name, "--label", "stackdash.test=1"];
    all.extend(["--label", &stack, "--label", &service, "--network", "none"]);
    all.extend(["--log-opt", "max-size=5m", "--log-opt", "max-file=2"]);
    all.extend(more);
    all.push(image());
    all.extend(program);
    docker(&all);
}

struct Crowd;

impl Drop for Crowd {
    fn drop(&mut self) {
        let label = format!("label=com.docker.compose.project={PROJECT}");
        let all = docker(&["ps", "-aq", "--filter", &label]);
        for some in all.lines().collect::<Vec<_>>().chunks(20) {
            let _ = Command::new("docker").args(["rm", "-f", "-v"]).args(some).output();
        }
    }
}

/// A folder on a disk that is full after a few lines; an ordinary one where nobody may mount any.
struct SmallDisk {
    folder: tempfile::TempDir,
    mounted: bool,
}

impl SmallDisk {
    fn mount() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=16k", "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        Self { mounted: mount.is_ok_and(|status| status.success()), folder }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
        }
    }
}

/// Breaks something and mends it again: the way to the engine, or the time that passes.
fn trouble(number: usize, proxy: &Proxy, terminal: &mut Terminal) {
    if number.is_multiple_of(2) {
        proxy.cut();
        terminal.wait_for("disconnected");
        proxy.restore();
        // F5: at once, not when its time has come.
        terminal.press("\x1b[15~");
        terminal.wait_gone("disconnected");
    } else {
        terminal.signal("STOP");
        std::thread::sleep(Duration::from_secs(2));
        terminal.signal("CONT");
    }
}

/// What the program holds, by the kernel: resident KiB, open descriptors, threads, inotify watches.
#[derive(Clone, Copy, Debug)]
struct Held {
    memory: u64,
    descriptors: usize,
    threads: u64,
    watches: usize,
}

fn held(process: u32) -> Held {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let figure = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let mut watches = 0;
    let mut descriptors = 0;
    for entry in std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().flatten() {
        descriptors += 1;
        let info = format!("/proc/{process}/fdinfo/{}", entry.file_name().to_string_lossy());
        let info = std::fs::read_to_string(info).unwrap_or_default();
        watches += info.lines().filter(|line| line.starts_with("inotify")).count();
    }
    Held { memory: figure("VmRSS:"), descriptors, threads: figure("Threads:"), watches }
}

/// Containers that come and go, until told to stop; counts them.
fn churn(stop: &Arc<AtomicBool>, made: &Arc<AtomicU64>) -> std::thread::JoinHandle<()> {
    let (stop, made) = (stop.clone(), made.clone());
    std::thread::spawn(move || {
        while !stop.load(Ordering::SeqCst) {
            let number = made.fetch_add(1, Ordering::SeqCst);
            let name = format!("{PROJECT}-guest-{number}");
            start(&name, &format!("guest-{}", number % 7), &[], &["sleep", "600"]);
            if number.is_multiple_of(3) {
                docker(&["kill", &name]);
            }
            docker(&["rm", "-f", &name]);
            std::thread::sleep(Duration::from_millis(500));
        }
    })
}

#[expect(clippy::print_stdout, reason = "figures for whoever runs it with --nocapture")]
#[test]
fn nothing_grows_while_containers_come_and_go() {
    let minutes: f64 =
        std::env::var("STACKDASH_SOAK_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(0.5);
    let program = std::env::var("STACKDASH_SOAK_PROGRAM")
        .unwrap_or_else(|_| String::from(env!("CARGO_BIN_EXE_stackdash")));
    let _crowd = Crowd;
    for number in 0..MEMBERS {
        let name = format!("{PROJECT}-member-{number}");
        // Every fifth has a check, and of these some turn sick and well again.
        let check = "test $(( $(busybox cut -d. -f1 /proc/uptime) / 20 % 3 )) -ne 0";
        let sick = ["--health-cmd", check, "--health-interval", "5s", "--health-retries", "1"];
        let more: &[&str] = if number.is_multiple_of(5) { &sick } else { &[] };
        start(&name, &format!("member-{number}"), more, &["sleep", "36000"]);
    }
    start(
        &format!("{PROJECT}-flood"),
        "flood",
        &[],
        &["sh", "-c", "while true; do seq 1 10000; sleep 1; done"],
    );

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let proxy = Proxy::open(std::path::Path::new("/var/run/docker.sock"));
    let disk = SmallDisk::mount();
    let kept = disk.folder.path().display().to_string();
    let environment = [("STACKDASH_HISTORY", "1"), ("XDG_STATE_HOME", &*kept)];
    let arguments = ["-p", PROJECT, "--host", &proxy.url()];
    let mut terminal = Terminal::start_program(&program, 120, 40, &arguments, &environment);
    terminal.wait_for("member-0");
    let (stop, made) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let hands = std::env::var("STACKDASH_SOAK_HANDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let guests: Vec<_> = (0..hands).map(|_| churn(&stop, &made)).collect();

    let begin = Instant::now();
    let length = Duration::from_secs_f64(minutes * 60.0);
    let mut readings = Vec::new();
    let mut step = 0;
    // On a slow machine fewer readings fit into the time than it takes to compare halves.
    while begin.elapsed() < length || readings.len() < 4 {
        terminal.press(WANDERINGS[step % WANDERINGS.len()]);
        step += 1;
        terminal.pause(Duration::from_millis(700));
        terminal.forget_raw();
        if step.is_multiple_of(WANDERINGS.len()) {
            // Back on the first screen, whose header tells of the engine.
            terminal.press("\x1b\x1b1");
            trouble(step / WANDERINGS.len(), &proxy, &mut terminal);
        }
        if step.is_multiple_of(14) {
            let now = held(terminal.process_id());
            println!("{:>5.1} min  {now:?}", begin.elapsed().as_secs_f64() / 60.0);
            readings.push(now);
        }
    }
    stop.store(true, Ordering::SeqCst);
    for hand in guests {
        hand.join().unwrap();
    }
    terminal.press("\x1b\x1b1");
    terminal.wait_for("member-0");

    // Half of the time everything that is kept fills up to its bound; after that nothing may grow.
    let half = readings.len() / 2;
    let most = |part: &[Held], figure: fn(&Held) -> u64| part.iter().map(figure).max().unwrap_or_default();
    let (early, late) = readings.split_at(half.max(1));
    let late = if late.is_empty() { early } else { late };
    let memory = (most(early, |held| held.memory), most(late, |held| held.memory));
    println!(
        "{} containers came and went; memory {} KiB in the first half, {} KiB in the second",
        made.load(Ordering::SeqCst),
        memory.0,
        memory.1
    );
    assert!(memory.1 < memory.0 + memory.0 / 4 + 8192, "memory grows: {readings:?}");
    for figure in [
        (|held: &Held| held.descriptors as u64) as fn(&Held) -> u64,
        |held| held.threads,
        |held| held.watches as u64,
    ] {
        let (before, after) = (most(early, figure), most(late, figure));
        // As many requests as may be under way when one looks.
        assert!(after <= before + 16, "something is held on to: {readings:?}");
    }

    // What the screen believes is what the engine says.
    let label = format!("label=com.docker.compose.project={PROJECT}");
    let count = docker(&["ps", "-aq", "--filter", &label]).lines().count();
    let running = docker(&["ps", "-q", "--filter", &label]).lines().count();
    let counts = format!("{running}/{count}");
    terminal.press("g");
    terminal.wait_until(&format!("the stack's row says {counts}"), |screen| {
        screen.lines().any(|line| line.contains(PROJECT) && line.contains(&counts))
    });
    let out =
        Command::new(&program).args(["-p", PROJECT, "status", "--no-usage", "--format", "json"]).output();
    let document: serde_json::Value = serde_json::from_slice(&out.unwrap().stdout).unwrap();
    let told: usize = document["stacks"][0]["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| service["containers"].as_array().unwrap().len())
        .sum();
    assert_eq!(told, count);
    terminal.wait_until("no guest is left on the screen", |screen| !screen.contains("guest-"));
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_given_back();
}
