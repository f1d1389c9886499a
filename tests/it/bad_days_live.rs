//! What goes wrong while a stack is worked on: a full disk, an engine that goes away, another stackdash at the
//! same stack, a next key within milliseconds. On a real engine. Behind the feature `live`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use stackdash::adapters::compose::ComposeCli;
use stackdash::command::Command as Wish;
use stackdash::model::containers::RunState;
use stackdash::model::jobs::{ComposeVerb, Verb};
use stackdash::model::stacks::{ServiceState, Target};
use stackdash::ports::{Clock, Ports};
use stackdash::state::State;
use stackdash::supervisor::Supervisor;

use crate::engine_fake::ports;
use crate::engine_live::{docker, image};
use crate::hands_live::{Project, last_notice, supervisor, until};
use crate::proxy::Proxy;

fn idle(state: &State) -> bool {
    state.jobs.running().next().is_none()
}

/// A service that is built, with steps of the build of its own.
fn built(name: &str, steps: &str) -> Project {
    let project = Project::new(
        name,
        "services:\n  app:\n    <<: *l\n    image: stackdash-test/${COMPOSE_PROJECT_NAME}\n    build: {context: .}\n    command: [\"sleep\", \"9999\"]\n",
    );
    write(&project, steps);
    project
}

fn write(project: &Project, steps: &str) {
    let text = format!("FROM {}\nLABEL stackdash.test=1\n{steps}\n", image());
    std::fs::write(project.folder.path().join("Dockerfile"), text).unwrap();
}

fn forget_image(project: &Project) {
    let _ = project.compose(&["down", "-v", "-t", "0"]);
    let _ = Command::new("docker").args(["rmi", "-f", &format!("stackdash-test/{}", project.name)]).output();
}

#[tokio::test]
async fn a_full_disk_ends_a_build_with_what_to_do_and_what_ran_runs_on() {
    let project = built("full", "RUN true");
    project.compose(&["up", "-d", "--build"]);
    let mut supervisor = supervisor();
    let name = project.name.clone();
    until(&mut supervisor, "its definition", |state| state.containers.definition(&name).is_some()).await;
    let runs = |state: &State| state.containers.of_target(&Target::Stack((*name).into()));
    let before = runs(supervisor.state());
    // The shared memory of a build step is a small file system, and this fills it.
    write(&project, "RUN dd if=/dev/zero of=/dev/shm/big bs=1M count=4096");
    for verb in [ComposeVerb::Rebuild, ComposeVerb::Update] {
        supervisor.submit(project.order(verb, &[]));
        until(&mut supervisor, "its end", idle).await;
        let state = supervisor.state();
        let notice = last_notice(state);
        assert!(
            notice.contains("No space left on device") && notice.contains("docker system df"),
            "{notice}"
        );
        assert_eq!(runs(state), before, "what ran runs on");
        let stack = state.containers.stack(&name).unwrap();
        assert_eq!(stack.state, ServiceState::Running);
    }
    forget_image(&project);
}

/// The program, at work on a stack.
struct AtWork {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStderr>>,
}

impl AtWork {
    fn start(arguments: &[&str], folder: &Path, runtime: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_stackdash"))
            .args(arguments)
            .current_dir(folder)
            .envs([("XDG_CONFIG_HOME", "/nonexistent"), ("STACKDASH_HISTORY", "0")])
            .env("XDG_RUNTIME_DIR", runtime)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads on until a line has these words.
    fn wait_for(&mut self, words: &str) {
        let mut all = Vec::new();
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if line.contains(words) {
                return;
            }
            all.push(line);
        }
        panic!("it ended without {words:?}: {all:#?}");
    }

    /// Waits for its end.
    fn end(mut self) -> (i32, String) {
        let rest: Vec<String> = self.lines.by_ref().map(Result::unwrap).collect();
        (self.child.wait().unwrap().code().unwrap_or(-1), rest.join("\n"))
    }
}

#[test]
fn a_second_stackdash_sees_the_first_and_leaves_the_stack_to_it() {
    let project = built("two", "RUN true");
    // Nothing of it may be in the build cache.
    let slow =
        |number: u32| format!("RUN echo {}-{number} >/x && echo has''-begun && sleep 12", std::process::id());
    write(&project, &slow(1));
    let folder = project.folder.path();
    let runtime = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| AtWork::start(arguments, folder, runtime.path());
    let mut first = run(&["up"]);
    first.wait_for("has-begun");
    let pid = first.child.id();
    for verb in ["up", "rebuild", "update"] {
        let (code, said) = run(&[verb]).end();
        let wanted = format!("another stackdash (process {pid}) is at work on it: bringing up");
        assert!(code != 0 && said.contains(&wanted), "{verb}: {said}");
    }
    let (code, said) = first.end();
    assert_eq!(code, 0, "{said}");
    let running = || {
        let own = format!("label=com.docker.compose.project={}", project.name);
        docker(&["ps", "-q", "--filter", &own])
    };
    let container = running();
    assert!(!container.is_empty(), "the first did its work");
    let (code, said) = run(&["up"]).end();
    assert_eq!(code, 0, "{said}");
    assert_eq!(running(), container, "and nothing is left to do");

    // One that is killed leaves nothing behind that would hold the next one up.
    write(&project, &slow(2));
    let mut killed = run(&["rebuild"]);
    killed.wait_for("has-begun");
    let (code, said) = run(&["restart"]).end();
    assert!(code != 0 && said.contains("is at work on it: rebuilding"), "{said}");
    let children = Command::new("pgrep").args(["-P", &killed.child.id().to_string()]).output().unwrap();
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    // Compose goes on without it, and would make things that nobody takes away.
    for group in String::from_utf8_lossy(&children.stdout).lines() {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{group}")]).status();
    }
    let (code, said) = run(&["restart"]).end();
    assert_eq!(code, 0, "{said}");
    forget_image(&project);
}

#[tokio::test]
async fn an_engine_that_goes_away_during_up_ends_it_and_the_picture_is_true_when_it_is_back() {
    let project = Project::new(
        "gone",
        "services:\n  db:\n    <<: *l\n    command: [\"sleep\", \"9999\"]\n    healthcheck: {test: [\"CMD\", \"test\", \"-e\", \"/tmp/ok\"], interval: 1s, start_period: 10m}\n  web:\n    <<: *l\n    command: [\"sleep\", \"9999\"]\n    depends_on: {db: {condition: service_healthy}}\n",
    );
    let proxy = Proxy::open(Path::new("/var/run/docker.sock"));
    let compose = Arc::new(ComposeCli::new(Some(proxy.url()), None));
    let plugged = Ports { compose, ..ports(proxy.url(), Clock::Wall) };
    let mut supervisor = Supervisor::start(plugged, false);
    let name = project.name.clone();
    let file = project.folder.path().join("compose.yml");
    let given = stackdash::model::compose::ComposeProject {
        folder: project.folder.path().to_owned(),
        files: vec![file],
        own_environment: true,
        ..Default::default()
    };
    supervisor.submit(Wish::ReadDefinition(given));
    until(&mut supervisor, "its files and the engine", |state| {
        state.containers.definition(&name).is_some() && state.connection.is_up()
    })
    .await;
    let state_of =
        |state: &State, service: &str| Some(state.containers.stack(&name)?.service(service)?.verdict.state);
    supervisor.submit(project.order(ComposeVerb::Up, &[]));
    until(&mut supervisor, "web to wait for db", |state| {
        state_of(state, "db") == Some(ServiceState::Starting)
            && state_of(state, "web") == Some(ServiceState::Blocked)
    })
    .await;
    proxy.cut();
    until(&mut supervisor, "the end of up", idle).await;
    let notice = last_notice(supervisor.state());
    assert!(notice.contains("bring up failed: "), "{notice}");
    until(&mut supervisor, "the loss", |state| !state.connection.is_up()).await;
    supervisor.submit(project.order(ComposeVerb::Up, &[]));
    let notice = last_notice(supervisor.state());
    assert!(notice.contains("cannot be brought up while the engine is out of reach"), "{notice}");
    docker(&["exec", &format!("{name}-db-1"), "touch", "/tmp/ok"]);
    proxy.restore();
    supervisor.submit(Wish::Reconnect);
    until(&mut supervisor, "the true picture", |state| {
        // What it waited for has come, but nobody starts it any more.
        state_of(state, "db") == Some(ServiceState::Healthy)
            && state_of(state, "web") == Some(ServiceState::Stopped)
    })
    .await;
    supervisor.submit(project.order(ComposeVerb::Up, &[]));
    until(&mut supervisor, "the end of the second up", idle).await;
    let state = supervisor.state();
    assert!(last_notice(state).contains("brought up in"), "{}", last_notice(state));
    assert_eq!(state_of(state, "web"), Some(ServiceState::Running));
}

#[tokio::test]
async fn the_next_verb_is_judged_by_what_is_there() {
    let project = Project::new(
        "next",
        "services:\n  web:\n    <<: *l\n    init: true\n    command: [\"sleep\", \"9999\"]\n",
    );
    project.compose(&["up", "-d"]);
    let mut supervisor = supervisor();
    let target = Target::Service { stack: (*project.name).into(), service: "web".into() };
    let run = |state: &State| {
        let id = state.containers.of_target(&target).into_iter().next()?;
        Some(state.containers.get(&id)?.container.run)
    };
    until(&mut supervisor, "the container", |state| run(state) == Some(RunState::Running)).await;
    for round in 0..8 {
        for (verb, wanted) in [(Verb::Stop, RunState::Exited), (Verb::Start, RunState::Running)] {
            supervisor.submit(Wish::Act { verb, target: target.clone() });
            until(&mut supervisor, "its end", idle).await;
            assert_eq!(run(supervisor.state()), Some(wanted), "round {round}");
        }
    }
}

#[test]
fn orphans_go_when_that_is_asked_for() {
    let two = "services:\n  web:\n    <<: *l\n    command: [\"sleep\", \"9999\"]\n  old:\n    <<: *l\n    command: [\"sleep\", \"9999\"]\n";
    let project = Project::new("orphans", two);
    project.compose(&["up", "-d"]);
    let file = project.folder.path().join("compose.yml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.split("  old:").next().unwrap()).unwrap();
    let runtime = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| AtWork::start(arguments, project.folder.path(), runtime.path()).end();
    let own = format!("label=com.docker.compose.project={}", project.name);
    let names = || docker(&["ps", "--filter", &own, "--format", "{{.Names}}"]);
    let (code, said) = run(&["up"]);
    assert_eq!((code, names().lines().count()), (0, 2), "a plain up leaves it: {said}");
    let (code, said) = run(&["up", "--remove-orphans"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("orphans that go:") && said.contains("old-1"), "{said}");
    assert_eq!(names(), format!("{}-web-1", project.name));
    let (code, said) = run(&["up", "--remove-orphans"]);
    assert!(code == 0 && said.contains("there are no orphans"), "{said}");
}
