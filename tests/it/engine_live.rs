//! The adapter against a real engine: list, events, health flips, logs, start, stop, restart, and an
//! engine that goes and comes back. Behind the feature `live`.
//!
//! Everything made here carries the label `stackdash.test=1` and goes with its guard.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use stackdash::adapters::docker::DockerEngine;
use stackdash::command::Command as Wish;
use stackdash::config::EndpointChoice;
use stackdash::event::EngineEventKind;
use stackdash::model::containers::{Container, ContainerId, RunState};
use stackdash::model::health::Health;
use stackdash::model::jobs::Verb;
use stackdash::model::logs::LogStream;
use stackdash::model::stacks::{ServiceState, Target};
use stackdash::ports::{Clock, Engine, EngineError, LogRequest};
use stackdash::state::State;
use stackdash::supervisor::Supervisor;

use crate::engine_fake::ports;
use crate::proxy::Proxy;

const IMAGE: &str = "stackdash-test/busybox:1";
/// Bound of every wait; the machine may be slow.
const PATIENCE: Duration = Duration::from_mins(1);

pub fn docker(arguments: &[&str]) -> String {
    let out = Command::new("docker").args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(out.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

/// Makes the image once, of a static busybox: no registry is asked.
pub fn image() -> &'static str {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        let known = Command::new("docker").args(["image", "inspect", IMAGE]).output().unwrap();
        if known.status.success() {
            return;
        }
        let busybox =
            ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from).into_iter().find(|path| path.exists());
        let busybox = busybox.expect("a static busybox is needed: apt-get install busybox-static");
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        std::fs::copy(busybox, bin.join("busybox")).unwrap();
        for name in ["sh", "sleep", "echo", "cat", "test", "true", "tail", "seq", "rm", "touch", "kill"] {
            std::os::unix::fs::symlink("busybox", bin.join(name)).unwrap();
        }
        let tar = folder.path().join("image.tar");
        let packed = Command::new("tar")
            .args(["-C", folder.path().to_str().unwrap(), "-cf", tar.to_str().unwrap(), "bin", "tmp"])
            .status()
            .unwrap();
        assert!(packed.success());
        docker(&["import", tar.to_str().unwrap(), IMAGE]);
    });
    IMAGE
}

/// A container that goes when the test ends, however it ends.
pub struct Guard(pub ContainerId);

impl Guard {
    pub fn run(options: &[&str], script: &str) -> Self {
        Self::make(&["run", "-d"], options, script)
    }

    pub fn make(verb: &[&str], options: &[&str], script: &str) -> Self {
        let labelled = ["--label", "stackdash.test=1"];
        let command = [image(), "sh", "-c", script];
        Self(ContainerId::new(docker(&[verb, &labelled, options, &command].concat())))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "-f", "-v", self.0.as_str()]).output();
    }
}

pub async fn engine() -> DockerEngine {
    let engine = DockerEngine::new(&EndpointChoice::default()).unwrap();
    engine.connect().await.unwrap();
    engine
}

pub async fn bounded<T>(what: &str, wait: impl Future<Output = T>) -> T {
    let came = tokio::time::timeout(PATIENCE, wait).await;
    came.unwrap_or_else(|_| panic!("never: {what}"))
}

/// Inspects until the container is as wanted.
pub async fn inspected(
    engine: &DockerEngine,
    id: &ContainerId,
    what: &str,
    wanted: impl Fn(&Container) -> bool,
) -> Container {
    bounded(what, async {
        loop {
            let container = engine.inspect(id).await.unwrap();
            if wanted(&container) {
                return container;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
}

#[tokio::test]
async fn the_engine_says_who_it_is() {
    let engine = engine().await;
    let info = engine.connect().await.unwrap();
    assert!(info.local && engine.is_local() && engine.client().is_some());
    assert!(!info.version.is_empty() && info.api.contains('.') && info.cpus > 0 && info.memory_bytes > 0);
    let skew = info.time.unwrap().duration_since(Timestamp::now()).abs();
    assert!(skew.as_secs() < 60, "{skew:?}");
    engine.ping().await.unwrap();
}

#[tokio::test]
async fn the_list_holds_every_container_inspected() {
    let engine = engine().await;
    let running = Guard::run(&["-e", "PLAIN=yes", "-m", "32m", "--stop-timeout", "3"], "exec sleep 1000");
    let created = Guard::make(&["create"], &[], "true");
    let list = engine.list().await.unwrap();
    let find = |id: &ContainerId| list.iter().find(|container| container.id == *id).unwrap();
    let container = find(&running.0);
    assert_eq!((container.run, container.memory_limit), (RunState::Running, Some(32 << 20)));
    assert_eq!(container.stop_timeout_s, 3);
    assert!(container.pid.is_some() && container.started_at.is_some());
    assert!(container.env.contains(&(String::from("PLAIN"), String::from("yes"))));
    assert_eq!(find(&created.0).run, RunState::Created);

    let processes = engine.processes(&running.0).await.unwrap();
    assert!(processes.rows.iter().flatten().any(|cell| cell.contains("sleep")), "{processes:?}");
    let text = engine.inspect_text(&running.0).await.unwrap();
    assert!(text.iter().any(|line| line.contains("\"RestartPolicy\"")));
    assert!(engine.image_bytes(&container.image_id).await.unwrap() > 100_000);
    let disk = engine.disk_usage().await.unwrap();
    assert!(disk.images.count > 0 && disk.images.bytes > 0 && disk.containers.active > 0, "{disk:?}");
}

#[tokio::test]
async fn what_happens_comes_as_events() {
    let engine = engine().await;
    let since = engine.connect().await.unwrap().time.unwrap();
    let mut events = engine.events(Some(since));
    let labels = ["--label", "com.docker.compose.project=sdt", "--label", "com.docker.compose.service=one"];
    let guard = Guard::run(&labels, "trap 'exit 7' TERM; while :; do sleep 0.1; done");
    let id = guard.0.clone();
    tokio::time::sleep(Duration::from_millis(500)).await;
    engine.stop(&id).await.unwrap();
    drop(guard);
    let mut kinds = Vec::new();
    bounded("the removal", async {
        while let Some(event) = events.next().await {
            let event = event.unwrap();
            if event.container == id {
                assert_eq!((event.stack.as_deref(), event.service.as_deref()), (Some("sdt"), Some("one")));
                kinds.push(event.kind);
                if kinds.last() == Some(&EngineEventKind::Removed) {
                    break;
                }
            }
        }
    })
    .await;
    let expected = [
        EngineEventKind::Created,
        EngineEventKind::Started,
        EngineEventKind::Killed { signal: 15 },
        EngineEventKind::Died { exit_code: 7 },
        EngineEventKind::Stopped,
        EngineEventKind::Removed,
    ];
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn health_flips_come_as_events_and_show_in_the_log() {
    let engine = engine().await;
    let since = engine.connect().await.unwrap().time.unwrap();
    let check =
        ["--health-cmd", "test -e /tmp/ok && echo fine", "--health-interval", "1s", "--health-retries", "1"];
    let guard = Guard::run(&check, "touch /tmp/ok; sleep 3; rm /tmp/ok; exec sleep 1000");
    let mut events = engine.events(Some(since));
    let mut flips = Vec::new();
    bounded("unhealthy", async {
        while let Some(event) = events.next().await {
            let event = event.unwrap();
            if let EngineEventKind::Health(health) = event.kind
                && event.container == guard.0
            {
                flips.push(health);
                if health == Health::Unhealthy {
                    break;
                }
            }
        }
    })
    .await;
    assert_eq!(flips, [Health::Healthy, Health::Unhealthy]);
    let container = engine.inspect(&guard.0).await.unwrap();
    assert_eq!(container.health, Health::Unhealthy);
    let passed = container.health_log.iter().find(|check| check.exit_code == 0).unwrap();
    assert_eq!(passed.output, "fine");
    assert!(container.failing_streak >= 1);
}

#[tokio::test]
async fn logs_flow_in_both_streams_with_long_lines_and_without_end() {
    let engine = engine().await;
    let script = "echo out; echo err >&2; i=0; while [ $i -lt 40000 ]; do printf x; i=$((i+1)); done; echo; printf last";
    let guard = Guard::run(&[], script);
    inspected(&engine, &guard.0, "the end", |container| container.run == RunState::Exited).await;
    let request = LogRequest { tail: 100, since: None, until: None, follow: false, tty: false };
    let batches: Vec<_> = bounded("the log's end", engine.logs(&guard.0, request).collect()).await;
    let lines: Vec<_> = batches.into_iter().flat_map(Result::unwrap).collect();
    let find = |text: &str| lines.iter().find(|line| line.text.text() == text);
    assert_eq!(find("out").unwrap().stream, LogStream::Stdout);
    assert_eq!(find("err").unwrap().stream, LogStream::Stderr);
    // One line of three pieces; what is kept of it is up to the model.
    assert!(lines.iter().any(|line| line.text.text().starts_with(&"x".repeat(10_000))));
    assert!(find("last").is_some(), "the last line needs no newline");
    assert_eq!(lines.len(), 4);
}

#[tokio::test]
async fn a_followed_log_ends_with_its_container_and_since_is_exact() {
    let engine = engine().await;
    let guard = Guard::run(&["-t"], "for i in 1 2 3; do echo line $i; sleep 0.3; done");
    let request = LogRequest { tail: 100, since: None, until: None, follow: true, tty: true };
    let batches: Vec<_> = bounded("the log's end", engine.logs(&guard.0, request.clone()).collect()).await;
    let lines: Vec<_> = batches.into_iter().flat_map(Result::unwrap).collect();
    let texts: Vec<&str> = lines.iter().map(|line| line.text.text()).collect();
    assert_eq!(texts, ["line 1", "line 2", "line 3"]);
    let again = LogRequest { since: Some(lines[1].at), follow: false, ..request };
    let batches: Vec<_> = bounded("the rest", engine.logs(&guard.0, again).collect()).await;
    assert_eq!(batches.into_iter().flat_map(Result::unwrap).count(), 2);
}

#[tokio::test]
async fn an_unreadable_log_says_why() {
    let engine = engine().await;
    let guard = Guard::run(&["--log-driver", "none"], "exec sleep 1000");
    let request = LogRequest { tail: 10, since: None, until: None, follow: true, tty: false };
    let mut log = engine.logs(&guard.0, request);
    let error = bounded("the refusal", log.next()).await.unwrap().unwrap_err().to_string();
    assert!(error.contains("log driver \"none\""), "{error}");
}

#[tokio::test]
async fn a_flood_of_lines_comes_in_few_batches() {
    let engine = engine().await;
    let guard = Guard::run(&["--log-opt", "max-size=50m"], "seq 1 40000");
    inspected(&engine, &guard.0, "the end", |container| container.run == RunState::Exited).await;
    let request = LogRequest { tail: 40_000, since: None, until: None, follow: false, tty: false };
    let batches: Vec<_> = bounded("the log's end", engine.logs(&guard.0, request).collect()).await;
    let sizes: Vec<usize> = batches.iter().map(|batch| batch.as_ref().unwrap().len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 40_000);
    assert!(sizes.iter().all(|size| (1..=512).contains(size)));
    assert!(sizes.len() < 4_000, "{} batches", sizes.len());
}

#[tokio::test]
async fn verbs_are_carried_out_and_refused_in_the_engines_words() {
    let engine = engine().await;
    let guard = Guard::run(&["--stop-timeout", "1"], "trap '' TERM; while :; do sleep 0.2; done");
    let id = &guard.0;
    engine.inspect(id).await.unwrap();
    engine.start(id).await.expect("started already is no error");
    let before = engine.inspect(id).await.unwrap();
    engine.restart(id).await.unwrap();
    let after = engine.inspect(id).await.unwrap();
    assert!(after.started_at > before.started_at && after.run == RunState::Running);
    engine.stop(id).await.unwrap();
    let stopped = engine.inspect(id).await.unwrap();
    assert_eq!((stopped.run, stopped.exit_code), (RunState::Exited, Some(137)));
    engine.stop(id).await.expect("stopped already is no error");
    engine.start(id).await.unwrap();
    let unknown = ContainerId::new("0123456789abcdef".repeat(4));
    assert!(matches!(engine.stop(&unknown).await, Err(EngineError::NotFound(_))));
    assert!(matches!(engine.inspect(&unknown).await, Err(EngineError::NotFound(_))));
    assert!(matches!(engine.processes(&unknown).await, Err(EngineError::NotFound(_))));
}

/// Runs the engine room until its state is as wanted.
async fn until(supervisor: &mut Supervisor, what: &str, wanted: impl Fn(&State) -> bool) {
    bounded(what, async {
        while !wanted(supervisor.state()) {
            supervisor.next().await;
        }
    })
    .await;
}

fn told(state: &State, id: &ContainerId) -> Option<ServiceState> {
    state.containers.get(id).map(|entry| entry.verdict.state)
}

#[tokio::test]
async fn an_engine_that_goes_and_comes_back_is_listed_again() {
    let socket = std::env::var("DOCKER_HOST").ok();
    let socket =
        socket.as_deref().and_then(|host| host.strip_prefix("unix://")).unwrap_or("/var/run/docker.sock");
    let proxy = Proxy::open(Path::new(socket));
    let stays = Guard::run(&[], "exec sleep 1000");
    let goes = Guard::run(&[], "exec sleep 1000");
    let mut supervisor = Supervisor::start(ports(proxy.url(), Clock::Wall), false);
    until(&mut supervisor, "both run", |state| {
        [&stays, &goes].iter().all(|guard| told(state, &guard.0) == Some(ServiceState::Running))
    })
    .await;
    proxy.cut();
    until(&mut supervisor, "the loss", |state| !state.connection.is_up()).await;
    assert_eq!(told(supervisor.state(), &goes.0), Some(ServiceState::Running), "the picture stays");
    let gone = goes.0.clone();
    drop(goes);
    let came = Guard::run(&[], "exec sleep 1000");
    proxy.restore();
    until(&mut supervisor, "the return", |state| {
        state.connection.is_up()
            && told(state, &gone).is_none()
            && told(state, &came.0) == Some(ServiceState::Running)
    })
    .await;
    assert_eq!(told(supervisor.state(), &stays.0), Some(ServiceState::Running));
    // And events flow again, through a wish carried out.
    supervisor.submit(Wish::Act { verb: Verb::Stop, target: Target::Container(stays.0.clone()) });
    until(&mut supervisor, "stopped", |state| {
        state.containers.get(&stays.0).is_some_and(|entry| entry.container.run == RunState::Exited)
    })
    .await;
}
