//! The hands on a real engine: each verb, files in and out, the Compose CLI. Behind the feature `live`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stackdash::adapters::compose::ComposeCli;
use stackdash::command::Command as Wish;
use stackdash::model::containers::RunState;
use stackdash::model::jobs::{ComposeOrder, ComposeVerb, CopyOrder, Signal};
use stackdash::ports::{Clock, Engine, EngineError, Ports};
use stackdash::state::State;
use stackdash::supervisor::Supervisor;
use tokio::sync::mpsc;

use crate::engine_fake::ports;
use crate::engine_live::{Guard, bounded, docker, engine, image, inspected};

const TRAPS: &str = "trap 'echo hup' HUP; trap 'exit 3' TERM; while :; do sleep 0.1; done";

#[tokio::test]
async fn a_container_is_paused_signalled_renamed_and_removed() {
    let guard = Guard::run(&["-v", "/scratch"], TRAPS);
    let (engine, id) = (engine().await, &guard.0);
    engine.pause(id).await.unwrap();
    inspected(&engine, id, "paused", |found| found.run == RunState::Paused).await;
    let words = engine.pause(id).await.unwrap_err().to_string();
    assert!(words.contains("already paused"), "{words}");
    engine.unpause(id).await.unwrap();
    inspected(&engine, id, "running", |found| found.run == RunState::Running).await;

    let refused = engine.remove(id).await.unwrap_err();
    assert!(matches!(refused, EngineError::Conflict(_)), "{refused:?}");

    engine.kill(id, Signal::Hup).await.unwrap();
    bounded("the trap to answer", async {
        while !docker(&["logs", id.as_str()]).contains("hup") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let name = format!("stackdash-renamed-{}", std::process::id());
    engine.rename(id, &name).await.unwrap();
    inspected(&engine, id, "its new name", |found| *found.name == *name).await;
    engine.kill(id, Signal::Term).await.unwrap();
    inspected(&engine, id, "the end by SIGTERM", |found| found.exit_code == Some(3)).await;
    let volume = engine.inspect(id).await.unwrap().mounts[0].source.clone();
    engine.remove(id).await.unwrap();
    assert!(matches!(engine.inspect(id).await, Err(EngineError::NotFound(_))));
    assert!(!docker(&["volume", "ls", "-q"]).contains(&volume), "its anonymous volume went too");
}

fn order(guard: &Guard, out: bool, inside: &str, outside: &Path) -> CopyOrder {
    CopyOrder {
        container: guard.0.clone(),
        out,
        inside: inside.to_owned(),
        outside: outside.to_owned(),
        overwrite: false,
    }
}

#[tokio::test]
async fn a_file_goes_in_and_comes_out_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (here, back) = (folder.path().join("here.bin"), folder.path().join("back.bin"));
    // More than one chunk, no multiple of a block.
    let content: Vec<u8> = (0..3_000_001_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(&here, &content).unwrap();
    let guard = Guard::make(&["create"], &[], "true");
    let engine = engine().await;
    let (progress, mut told) = mpsc::channel(8);
    engine.copy(&order(&guard, false, "/tmp/", &here), progress).await.unwrap();
    let mut last = (0, 0);
    while let Some(next) = told.recv().await {
        last = next;
    }
    assert_eq!(last.1, content.len() as u64);
    let (progress, _told) = mpsc::channel(8);
    engine.copy(&order(&guard, true, "/tmp/here.bin", &back), progress.clone()).await.unwrap();
    assert_eq!(std::fs::read(&back).unwrap(), content);

    let again = engine.copy(&order(&guard, true, "/tmp/here.bin", &back), progress.clone()).await;
    assert!(again.unwrap_err().to_string().contains("exists already and was left alone"));
    let replace = CopyOrder { overwrite: true, ..order(&guard, true, "/tmp/here.bin", &back) };
    engine.copy(&replace, progress.clone()).await.unwrap();

    let missing = engine.copy(&order(&guard, true, "/no/such", folder.path()), progress.clone()).await;
    assert!(missing.unwrap_err().to_string().contains("there is no /no/such in the container"));
    let is_folder = engine.copy(&order(&guard, true, "/tmp", folder.path()), progress.clone()).await;
    assert!(is_folder.unwrap_err().to_string().contains("it is a folder"));
    // A link is followed to what it means.
    engine.copy(&order(&guard, true, "/bin/sh", folder.path()), progress.clone()).await.unwrap();
    assert!(std::fs::metadata(folder.path().join("busybox")).unwrap().len() > 100_000);
    let nowhere = engine.copy(&order(&guard, false, "/no/such/x", &here), progress).await;
    assert!(nowhere.unwrap_err().to_string().contains("is there a folder /no/such?"));
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "nothing half done stays: {left:?}");
}

/// A stack of its own folder; it goes when the test ends.
pub struct Project {
    pub folder: tempfile::TempDir,
    pub name: String,
}

impl Project {
    pub fn new(name: &str, services: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("stackdash-{name}-{}", std::process::id());
        let text = format!(
            "name: {name}\nx-l: &l\n  image: {}\n  labels: {{stackdash.test: \"1\"}}\n  stop_grace_period: 1s\n{services}",
            image()
        );
        std::fs::write(folder.path().join("compose.yml"), text).unwrap();
        Self { folder, name }
    }

    pub fn compose(&self, arguments: &[&str]) -> String {
        let file = self.folder.path().join("compose.yml");
        docker(&[&["compose", "-f", file.to_str().unwrap(), "--profile", "*"], arguments].concat())
    }

    pub fn order(&self, verb: ComposeVerb, services: &[&str]) -> Wish {
        let services = services.iter().map(|name| (*name).into()).collect();
        Wish::Compose(ComposeOrder { verb, stack: (*self.name).into(), services, profiles: Vec::new() })
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = std::process::Command::new("docker")
            .args(["compose", "-p", &self.name, "down", "-v", "-t", "0", "--remove-orphans"])
            .output();
    }
}

pub fn supervisor() -> Supervisor {
    let plugged = ports(String::from("unix:///var/run/docker.sock"), Clock::Wall);
    let compose = Arc::new(ComposeCli::new(None, None));
    Supervisor::start(Ports { compose, ..plugged }, false)
}

pub async fn until(supervisor: &mut Supervisor, what: &str, wanted: impl Fn(&State) -> bool) {
    bounded(what, async {
        while !wanted(supervisor.state()) {
            supervisor.next().await;
        }
    })
    .await;
}

pub fn last_notice(state: &State) -> String {
    state.jobs.notices().back().map(|notice| notice.text.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_stack_is_recreated_taken_down_and_brought_up_with_its_own_command_lines() {
    let project = Project::new(
        "verbs",
        "services:\n  web:\n    <<: *l\n    command: [\"sleep\", \"9999\"]\n  extra:\n    <<: *l\n    profiles: [tools]\n    command: [\"sleep\", \"9999\"]\n",
    );
    project.compose(&["up", "-d"]);
    let mut supervisor = supervisor();
    let name = project.name.clone();
    until(&mut supervisor, "its definition", |state| state.containers.definition(&name).is_some()).await;
    let web = |state: &State| {
        state.containers.stack(&name).and_then(|stack| stack.service("web")?.containers.first().cloned())
    };
    let before = web(supervisor.state()).unwrap();
    supervisor.submit(project.order(ComposeVerb::Recreate, &["web"]));
    let running = supervisor.state().jobs.running().next().cloned().unwrap();
    assert!(
        running.command.contains("--profile tools"),
        "the profile of what is there stays on: {running:?}"
    );
    until(&mut supervisor, "output", |state| state.jobs.running().all(|job| !job.gist.is_empty())).await;
    until(&mut supervisor, "another container", |state| {
        state.jobs.running().next().is_none() && web(state).is_some_and(|id| id != before)
    })
    .await;
    supervisor.submit(project.order(ComposeVerb::Down { volumes: false }, &[]));
    until(&mut supervisor, "nothing left", |state| {
        state.jobs.running().next().is_none() && web(state).is_none()
    })
    .await;
    assert_eq!(project.compose(&["ps", "-aq"]), "", "what stands behind the profile went too");
    supervisor.submit(project.order(ComposeVerb::Up, &[]));
    until(&mut supervisor, "web again", |state| {
        web(state).is_some() && state.jobs.running().next().is_none()
    })
    .await;
    assert!(last_notice(supervisor.state()).contains("brought up"), "{}", last_notice(supervisor.state()));
    let told = supervisor.state().timeline.entries();
    assert!(
        told.iter().any(|entry| entry.text.contains("· docker compose -p") && entry.text.ends_with("down"))
    );
}

#[tokio::test]
async fn a_cancelled_call_ends_with_its_whole_process_group() {
    // The dependency never gets healthy, so Compose waits until it is ended.
    let project = Project::new(
        "cancel",
        "services:\n  db:\n    <<: *l\n    command: [\"sleep\", \"9999\"]\n    healthcheck: {test: [\"CMD\", \"test\", \"-e\", \"/never\"], interval: 1s, retries: 999, start_period: 999s}\n  web:\n    <<: *l\n    command: [\"sleep\", \"9999\"]\n    depends_on: {db: {condition: service_healthy}}\n",
    );
    project.compose(&["create"]);
    let mut supervisor = supervisor();
    let name = project.name.clone();
    until(&mut supervisor, "its definition", |state| state.containers.definition(&name).is_some()).await;
    supervisor.submit(project.order(ComposeVerb::Up, &[]));
    until(&mut supervisor, "the wait for db", |state| {
        state.jobs.running().any(|job| job.gist.contains("Waiting"))
    })
    .await;
    let running = || {
        let list = std::process::Command::new("ps").args(["-eo", "args"]).output().unwrap();
        String::from_utf8_lossy(&list.stdout)
            .lines()
            .filter(|line| line.contains(&*name) && line.contains("compose"))
            .count()
    };
    assert!(running() > 0, "Compose is at work");
    let job = supervisor.state().jobs.running().next().unwrap().id;
    supervisor.submit(Wish::Cancel(job));
    until(&mut supervisor, "the end", |state| state.jobs.running().next().is_none()).await;
    let words = last_notice(supervisor.state());
    assert!(words.contains("cancelled after") && words.contains("of 2 services are up"), "{words}");
    bounded("no process left", async {
        while running() > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_failed_build_keeps_its_output() {
    let project = Project::new(
        "build",
        "services:\n  app:\n    <<: *l\n    image: stackdash-test-never\n    build: {context: ., dockerfile_inline: \"FROM scratch\\nCOPY nothing-of-that-name /\\n\"}\n  web:\n    <<: *l\n    command: [\"sleep\", \"9999\"]\n",
    );
    project.compose(&["up", "-d", "web"]);
    let mut supervisor = supervisor();
    let name = project.name.clone();
    until(&mut supervisor, "its definition", |state| state.containers.definition(&name).is_some()).await;
    supervisor.submit(project.order(ComposeVerb::Rebuild, &["app"]));
    until(&mut supervisor, "its end", |state| state.jobs.running().next().is_none()).await;
    let words = last_notice(supervisor.state());
    assert!(words.contains("rebuild failed"), "{words}");
    let target = stackdash::model::stacks::Target::Service { stack: (*name).into(), service: "app".into() };
    let output = supervisor.state().jobs.output(&target, &supervisor.state().containers).unwrap();
    assert!(
        output.failed() && output.lines.iter().any(|line| line.contains("nothing-of-that-name")),
        "{output:?}"
    );
}
