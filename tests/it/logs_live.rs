//! Logs against a real engine: nothing lost and nothing doubled over restarts, rotation and re-creation,
//! and many writers in order. Behind the feature `live`.

#![expect(clippy::print_stdout, reason = "figures are for whoever runs it by hand")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use stackdash::command::{Command as Wish, Interest};
use stackdash::model::containers::ContainerId;
use stackdash::model::logs::{LogLine, LogSource, LogStream, Reach};
use stackdash::model::stacks::Target;
use stackdash::ports::Clock;
use stackdash::state::State;
use stackdash::supervisor::Supervisor;

use crate::engine_fake::ports;
use crate::proxy::{Proxy, far_away};

const IMAGE: &str = "stackdash-test/busybox:2";
const PATIENCE: Duration = Duration::from_mins(2);

pub fn docker(arguments: &[&str]) -> String {
    let out = Command::new("docker").args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(out.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

/// Makes the image once, of a static busybox with all its applets: no registry is asked.
pub fn image() -> &'static str {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        let known = Command::new("docker").args(["image", "inspect", IMAGE]).output().unwrap();
        if known.status.success() {
            return;
        }
        let places = ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from);
        let busybox = places.into_iter().find(|path| path.exists());
        let busybox = busybox.expect("a static busybox is needed: apt-get install busybox-static");
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        std::fs::copy(&busybox, bin.join("busybox")).unwrap();
        for name in [
            "sh", "sleep", "echo", "cat", "printf", "yes", "head", "tr", "seq", "awk", "usleep", "false",
            "test",
        ] {
            std::os::unix::fs::symlink("busybox", bin.join(name)).unwrap();
        }
        let tar = folder.path().join("image.tar");
        let (folder, tar) = (folder.path().to_str().unwrap(), tar.to_str().unwrap());
        assert!(
            Command::new("tar").args(["-C", folder, "-cf", tar, "bin", "tmp"]).status().unwrap().success()
        );
        docker(&["import", tar, IMAGE]);
    });
    IMAGE
}

/// A stack of containers that goes when the test ends, however it ends.
pub struct Stack(pub String);

impl Stack {
    pub fn new(name: &str) -> Self {
        let stack = Self(format!("stackdash-logs-{name}"));
        stack.clear();
        stack
    }

    pub fn run(&self, service: &str, number: u32, options: &[&str], script: &str) -> ContainerId {
        let labels = [
            format!("com.docker.compose.project={}", self.0),
            format!("com.docker.compose.service={service}"),
            format!("com.docker.compose.container-number={number}"),
            String::from("stackdash.test=1"),
        ];
        let mut arguments = vec!["run", "-d"];
        for label in &labels {
            arguments.extend(["--label", label]);
        }
        arguments.extend(options);
        arguments.extend([image(), "sh", "-c", script]);
        ContainerId::new(docker(&arguments))
    }

    fn target(&self) -> Target {
        Target::Stack(self.0.as_str().into())
    }

    fn clear(&self) {
        let filter = format!("label=com.docker.compose.project={}", self.0);
        let ids = docker(&["ps", "-aq", "--filter", &filter]);
        for id in ids.lines() {
            let _ = Command::new("docker").args(["rm", "-f", "-v", id]).output();
        }
        let _ = Command::new("docker").args(["network", "rm", &format!("{}_default", self.0)]).output();
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.clear();
    }
}

/// How logs are read.
#[derive(Clone, Copy, Debug)]
enum Way {
    InPlace,
    Engine,
}

/// The engine room, looking at the logs of one stack as the Logs screen does.
pub struct Reader {
    pub supervisor: Supervisor,
    target: Target,
    pub known: BTreeSet<LogSource>,
}

impl Reader {
    pub fn start(stack: &Stack) -> Self {
        let socket =
            std::env::var("DOCKER_HOST").unwrap_or_else(|_| String::from("unix:///var/run/docker.sock"));
        Self::through(socket, stack)
    }

    /// Reads logs from the engine's own files, or through its API.
    async fn by(way: Way, stack: &Stack) -> Self {
        match way {
            Way::InPlace => Self::start(stack),
            Way::Engine => Self::through(far_away().await, stack),
        }
    }

    pub fn through(socket: String, stack: &Stack) -> Self {
        let supervisor = Supervisor::start(ports(socket, Clock::Wall), false);
        Self { supervisor, target: stack.target(), known: BTreeSet::new() }
    }

    /// Follows whatever the stack has now, and what it had.
    async fn turn(&mut self) {
        self.supervisor.next().await;
        let state = self.supervisor.state();
        let ids = state.containers.of_target(&self.target);
        let entries = ids.iter().filter_map(|id| state.containers.get(id));
        self.known.extend(entries.flat_map(|entry| state.stack_files.logs_of(&entry.container)));
        if self.known != state.interest.logs {
            let interest = Interest { logs: self.known.clone(), ..Interest::default() };
            self.supervisor.submit(Wish::LookAt(interest));
        }
    }

    pub async fn until(&mut self, what: &str, wanted: impl Fn(&State) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !wanted(self.supervisor.state()) {
                self.turn().await;
            }
        });
        if waited.await.is_err() {
            let lines = self.supervisor.state().logs.lines();
            let last: Vec<_> = lines.iter().rev().take(5).map(|line| line.text.text()).collect();
            panic!("never: {what}; {} lines, the last: {last:?}", lines.len());
        }
    }

    pub fn lines(&self) -> impl Iterator<Item = &LogLine> {
        self.supervisor.state().logs.lines().iter()
    }

    pub fn remarks(&self) -> Vec<&str> {
        let remarks = self.lines().filter(|line| line.stream == LogStream::Remark);
        remarks.map(|line| line.text.text()).collect()
    }
}

/// Whether a line with this text is held.
pub fn has(state: &State, text: &str) -> bool {
    state.logs.lines().iter().rev().take(2_000).any(|line| line.text.text() == text)
}

/// Counts on over restarts in a file, to both streams, as fast as a shell can.
const COUNTING: &str = "n=$(cat /tmp/n 2>/dev/null || echo 0); k=0; trap 'echo $n > /tmp/n; echo bye; exit 3' TERM; \
    while :; do n=$((n+1)); echo line $n; n=$((n+1)); echo line $n >&2; \
    k=$((k+1)); [ $((k % 100)) -eq 0 ] && usleep 100000; done";

/// Asserts that numbers come once each, without a hole; in order within each stream.
fn assert_gapless(reader: &Reader) -> u64 {
    let numbers = |stream: Option<LogStream>| -> Vec<u64> {
        reader
            .lines()
            .filter(|line| stream.is_none_or(|stream| line.stream == stream))
            .filter_map(|line| line.text.text().strip_prefix("line ")?.parse().ok())
            .collect()
    };
    for stream in [LogStream::Stdout, LogStream::Stderr] {
        let own = numbers(Some(stream));
        let turned = own.windows(2).find(|pair| pair[0] >= pair[1]);
        assert!(turned.is_none(), "out of order in {stream:?}: {turned:?}");
    }
    let mut all = numbers(None);
    all.sort_unstable();
    let odd: Vec<_> = all.windows(2).filter(|pair| pair[0] + 1 != pair[1]).take(5).collect();
    assert!(odd.is_empty(), "holes or doubles from {} to {}: {odd:?}", all[0], all[all.len() - 1]);
    all.len() as u64
}

#[tokio::test]
async fn twenty_restarts_under_load_lose_no_line_and_double_none() {
    twenty_restarts(Way::InPlace).await;
}

#[tokio::test]
async fn twenty_restarts_under_load_lose_no_line_and_double_none_through_the_engine() {
    twenty_restarts(Way::Engine).await;
}

async fn twenty_restarts(way: Way) {
    let stack = Stack::new("restarts");
    let id = stack.run("counter", 1, &["--stop-timeout", "5"], COUNTING);
    let mut reader = Reader::by(way, &stack).await;
    reader.until("the first lines", |state| state.logs.lines().len() > 100).await;
    for restart in 1..=20_usize {
        let restarting = tokio::task::spawn_blocking({
            let id = id.clone();
            move || docker(&["restart", id.as_str()])
        });
        let seams = |state: &State| {
            let remarks = state.logs.lines().iter().filter(|line| line.stream == LogStream::Remark);
            remarks.count()
        };
        reader.until(&format!("restart {restart}"), |state| seams(state) >= restart).await;
        restarting.await.unwrap();
        let before = reader.supervisor.state().logs.lines().len();
        reader.until("more lines", |state| state.logs.lines().len() > before + 500).await;
    }
    docker(&["stop", id.as_str()]);
    reader
        .until("the end", |state| state.logs.lines().iter().rev().take(50).any(|l| l.text.text() == "bye"))
        .await;
    assert_eq!(reader.supervisor.state().logs.dropped(), 0, "the buffer holds all of it");
    let count = assert_gapless(&reader);
    let remarks = reader.remarks();
    assert_eq!(remarks.len(), 20, "{remarks:?}");
    assert!(
        remarks.iter().all(|words| words.starts_with("started again") && words.ends_with("exit code 3")),
        "{remarks:?}"
    );
    println!("{count} lines over 20 restarts; {}", remarks[0]);
}

/// The way to the engine breaks three times while its own files are read; meanwhile the container writes on,
/// rests, or is restarted.
#[tokio::test]
async fn an_engine_that_goes_away_costs_a_log_no_line() {
    let stack = Stack::new("away");
    let id = stack.run("counter", 1, &["--stop-timeout", "5"], COUNTING);
    let proxy = Proxy::open(Path::new("/var/run/docker.sock"));
    let mut reader = Reader::through(proxy.url(), &stack);
    reader.until("the first lines", |state| state.logs.lines().len() > 100).await;
    for verb in ["", "pause", "restart"] {
        proxy.cut();
        reader.until("the engine is away", |state| !state.connection.is_up()).await;
        if !verb.is_empty() {
            docker(&[verb, id.as_str()]);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        proxy.restore();
        reader.supervisor.submit(Wish::Reconnect);
        reader.until("the engine is back", |state| state.connection.is_up()).await;
        if verb == "pause" {
            docker(&["unpause", id.as_str()]);
        }
        let before = reader.lines().count();
        reader.until("more lines", |state| state.logs.lines().len() > before + 500).await;
    }
    docker(&["stop", id.as_str()]);
    reader
        .until("the end", |state| state.logs.lines().iter().rev().take(50).any(|l| l.text.text() == "bye"))
        .await;
    let asked = proxy.asked();
    println!(
        "{} lines over three breaks; {:?}; {} requests for logs",
        assert_gapless(&reader),
        reader.remarks(),
        asked.iter().filter(|line| line.contains("/logs?")).count()
    );
}

#[tokio::test]
async fn a_log_that_rotates_is_followed_without_a_hole() {
    rotation(Way::InPlace).await;
}

#[tokio::test]
async fn a_log_that_rotates_is_followed_without_a_hole_through_the_engine() {
    rotation(Way::Engine).await;
}

async fn rotation(way: Way) {
    let stack = Stack::new("rotation");
    let options = ["--log-opt", "max-size=100k", "--log-opt", "max-file=2"];
    // About 16 rotations.
    let script = "i=0; while [ $i -lt 8000 ]; do i=$((i+1)); echo line $((i*2-1)); echo line $((i*2)) >&2; \
        [ $((i % 100)) -eq 0 ] && usleep 60000; done; echo the end; exec sleep 1000";
    let mut reader = Reader::by(way, &stack).await;
    reader.until("the engine", |state| state.connection.is_up()).await;
    stack.run("writer", 1, &options, script);
    reader.until("the end", |state| has(state, "the end")).await;
    println!("{} lines over rotations", assert_gapless(&reader));
}

#[tokio::test]
async fn a_service_made_again_by_compose_goes_on_with_a_seam() {
    created_again(Way::InPlace).await;
}

#[tokio::test]
async fn a_service_made_again_by_compose_goes_on_with_a_seam_through_the_engine() {
    created_again(Way::Engine).await;
}

async fn created_again(way: Way) {
    let stack = Stack::new("again");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("compose.yaml");
    let text = format!(
        "name: {}\nservices:\n  app:\n    image: {}\n    stop_grace_period: 1s\n    labels: {{stackdash.test: \"1\"}}\n    \
         networks: [default]\n    command: [sh, -c, \"for i in $$(seq 1 300); do echo $$HOSTNAME $$i; done; exec sleep 1000\"]\n\
         networks:\n  default:\n    labels: {{stackdash.test: \"1\"}}\n",
        stack.0,
        image()
    );
    std::fs::write(&file, text).unwrap();
    let up = |more: &[&str]| {
        let file = file.to_str().unwrap().to_owned();
        let more: Vec<String> = more.iter().map(ToString::to_string).collect();
        tokio::task::spawn_blocking(move || {
            let mut arguments = vec!["compose", "-f", &file, "up", "-d", "--pull", "never"];
            arguments.extend(more.iter().map(String::as_str));
            docker(&arguments)
        })
    };
    up(&[]).await.unwrap();
    let mut reader = Reader::by(way, &stack).await;
    let ends =
        |state: &State| state.logs.lines().iter().filter(|line| line.text.text().ends_with(" 300")).count();
    reader.until("the first container's lines", |state| ends(state) == 1).await;
    let again = up(&["--force-recreate"]);
    reader.until("the second container's lines", |state| ends(state) == 2).await;
    again.await.unwrap();
    // All of the new one's lines, though a log that is opened shows only the last 200.
    let second = reader.lines().last().unwrap().source.container.clone();
    assert_eq!(
        reader
            .lines()
            .filter(|line| line.source.container == second && line.stream != LogStream::Remark)
            .count(),
        300
    );
    let remarks = reader.remarks();
    assert!(
        remarks.iter().any(|words| words.starts_with(&format!("created again as {}", second.short()))),
        "{remarks:?}"
    );
    println!("{remarks:?}");
}

#[tokio::test]
async fn ten_writers_are_merged_in_order_of_time() {
    ten_writers(Way::InPlace).await;
}

#[tokio::test]
async fn ten_writers_are_merged_in_order_of_time_through_the_engine() {
    ten_writers(Way::Engine).await;
}

async fn ten_writers(way: Way) {
    let stack = Stack::new("writers");
    for n in 1..=10 {
        let script = "for i in $(seq 1 400); do echo w $i; usleep 5000; done; exec sleep 1000";
        stack.run(&format!("w{n}"), 1, &[], script);
    }
    let mut reader = Reader::by(way, &stack).await;
    let ends = |state: &State| state.logs.lines().iter().filter(|line| line.text.text() == "w 400").count();
    reader.until("ten ends", |state| ends(state) == 10).await;
    let lines: Vec<&LogLine> = reader.lines().collect();
    let late = lines.windows(2).filter(|pair| pair[0].at > pair[1].at).count();
    assert_eq!(late, 0, "of {}", lines.len());
}

#[tokio::test]
async fn older_lines_are_read_back_to_the_very_first_one() {
    older_lines(Way::InPlace).await;
}

#[tokio::test]
async fn older_lines_are_read_back_to_the_very_first_one_through_the_engine() {
    older_lines(Way::Engine).await;
}

async fn older_lines(way: Way) {
    let stack = Stack::new("older");
    let id = stack.run("writer", 1, &[], "seq 1 4500; echo the end; exec sleep 1000");
    let log = LogSource::from(&id);
    // Only a log that is complete is opened at its end.
    while docker(&["logs", "--tail", "1", id.as_str()]) != "the end" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut reader = Reader::by(way, &stack).await;
    reader.until("the end", |state| has(state, "the end")).await;
    let first = |state: &State| state.logs.lines().front().map(|line| line.text.text().to_owned());
    assert_eq!(first(reader.supervisor.state()).as_deref(), Some("4302"), "200 lines at first");
    for _ in 0..10 {
        if reader.supervisor.state().logs.reach(&log) == Some(&Reach::Beginning) {
            break;
        }
        reader.supervisor.submit(Wish::LoadOlderLogs(vec![log.clone()]));
        reader.until("the answer", |state| state.logs.reach(&log) != Some(&Reach::Reading)).await;
    }
    assert_eq!(reader.supervisor.state().logs.reach(&log), Some(&Reach::Beginning));
    let texts: Vec<String> = reader.lines().map(|line| line.text.text().to_owned()).collect();
    let wanted: Vec<String> = (1..=4500).map(|n| n.to_string()).chain([String::from("the end")]).collect();
    assert_eq!(texts, wanted);
}
