//! Linting against a real engine: programs of images, ports that are held. And what becomes of a stack
//! when the engine goes during `up`, or two dashboards act on it. Behind the feature `live`.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command as Program;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use stackdash::adapters::compose::ComposeCli;
use stackdash::command::Command as Wish;
use stackdash::model::jobs::{ComposeOrder, ComposeVerb};
use stackdash::ports::{Clock, Engine, Ports};
use stackdash::state::State;
use stackdash::supervisor::Supervisor;

use crate::cli_commands::{finish, stackdash};
use crate::engine_fake::ports;
use crate::engine_live::{Guard, bounded, docker, engine, image};
use crate::proxy::Proxy;

/// A stack in a folder of its own; it goes with its guard.
struct Stack {
    folder: tempfile::TempDir,
    name: String,
}

impl Stack {
    fn new(name: &str, services: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("stackdash-lint-{name}-{}", std::process::id());
        let head = "x-l: &l\n  labels: {stackdash.test: \"1\"}\n  stop_grace_period: 1s\n  command: [\"sleep\", \"9999\"]\n";
        let text = format!("name: {name}\n{head}  image: {}\n{services}", image());
        std::fs::write(folder.path().join("compose.yml"), text).unwrap();
        Self { folder, name }
    }

    fn compose(&self, arguments: &[&str]) -> String {
        let file = self.folder.path().join("compose.yml");
        docker(&[&["compose", "-f", file.to_str().unwrap()], arguments].concat())
    }

    fn order(&self, verb: ComposeVerb) -> Wish {
        Wish::Compose(ComposeOrder {
            verb,
            stack: (*self.name).into(),
            services: Vec::new(),
            profiles: Vec::new(),
        })
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = Program::new("docker")
            .args(["compose", "-p", &self.name, "down", "-v", "-t", "0", "--remove-orphans"])
            .output();
    }
}

fn lint(folder: &Path) -> (i32, Vec<String>) {
    let path = folder.display().to_string();
    let mut command = stackdash(&["lint", &path, "--format", "json"]);
    command.env("PATH", std::env::var("PATH").unwrap()).timeout(Duration::from_mins(2));
    let (code, out, err) = finish(&mut command);
    let document: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    let findings = document["findings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (code, findings.map(|found| format!("{}: {}", text(&found["rule"]), text(&found["message"]))).collect())
}

#[tokio::test]
async fn programs_of_an_image_are_found_without_making_anything() {
    let engine = engine().await;
    let programs: BTreeSet<String> = ["sh", "/bin/cat", "curl", "./odd"].map(String::from).into();
    let wanted = [("/bin/cat", true), ("curl", false), ("sh", true)];
    let told = |facts: &stackdash::model::findings::ImageFacts| {
        facts.programs.iter().map(|(name, there)| (name.clone(), *there)).collect::<Vec<_>>()
    };
    let wanted: Vec<(String, bool)> = wanted.map(|(name, there)| (name.to_owned(), there)).to_vec();
    // An image without a container is read, one with a container is asked through that.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("Dockerfile"),
        format!("FROM {}\nUSER 7\nHEALTHCHECK CMD true\nCOPY Dockerfile /only-lint\n", image()),
    )
    .unwrap();
    let name = format!("stackdash-lint-image-{}", std::process::id());
    docker(&["build", "-q", "--label", "stackdash.test=1", "-t", &name, folder.path().to_str().unwrap()]);
    let before = docker(&["ps", "-aq", "--filter", &format!("ancestor={name}")]);
    let facts = engine.image_facts(&name, &programs).await.unwrap();
    assert_eq!((told(&facts), &*facts.user, facts.has_health_check), (wanted.clone(), "7", true));
    assert_eq!(
        (before.as_str(), docker(&["ps", "-aq", "--filter", &format!("ancestor={name}")])),
        ("", String::new())
    );
    docker(&["rmi", "-f", &name]);
    let _guard = Guard::make(&["create"], &[], "true");
    let fresh = crate::engine_live::engine().await;
    let facts = fresh.image_facts(image(), &programs).await.unwrap();
    assert_eq!((told(&facts), facts.has_health_check), (wanted, false));
    assert!(engine.image_facts("stackdash-lint-no-such-image", &programs).await.is_err());
}

#[tokio::test]
async fn a_running_stack_holds_its_own_ports_and_nobody_elses() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    let held = TcpListener::bind("0.0.0.0:0").unwrap();
    let taken = held.local_addr().unwrap().port();
    drop(free);
    let services = format!(
        "services:\n  web:\n    <<: *l\n    user: \"7\"\n    ports: [\"{port}:80\"]\n    healthcheck: {{test: [\"CMD-SHELL\", \"curl -f http://localhost || exit 1\"]}}\n"
    );
    let stack = Stack::new("own", &services);
    stack.compose(&["up", "-d"]);
    let missing =
        format!("health-program-missing: The health check calls curl, which image {} does not have", image());
    assert_eq!(lint(stack.folder.path()), (1, vec![missing]));
    let services = format!(
        "services:\n  web:\n    <<: *l\n    user: \"7\"\n    ports: [\"{port}:80\", \"{taken}:81\"]\n"
    );
    let other = Stack::new("other", &services);
    let (code, findings) = lint(other.folder.path());
    let by_us = format!("port-taken: Port {taken} of this machine is taken by process");
    let by_stack =
        format!("port-taken: Port {port} of this machine is taken by container {0}-web-1 of {0}", stack.name);
    assert_eq!((code, findings.len()), (1, 2), "{findings:?}");
    assert!(findings.contains(&by_stack), "{findings:?}");
    assert!(findings.iter().any(|found| found.starts_with(&by_us)), "{findings:?}");
}

fn supervisor(url: String) -> Supervisor {
    let compose = Arc::new(ComposeCli::new(Some(url.clone()), None));
    Supervisor::start(Ports { compose, ..ports(url, Clock::Wall) }, false)
}

async fn until(supervisor: &mut Supervisor, what: &str, wanted: impl Fn(&State) -> bool) {
    bounded(what, async {
        while !wanted(supervisor.state()) {
            supervisor.next().await;
        }
    })
    .await;
}

fn is_idle(state: &State) -> bool {
    state.jobs.running().next().is_none()
}

fn last_notice(state: &State) -> String {
    state.jobs.notices().back().map(|notice| notice.text.clone()).unwrap_or_default()
}

/// Web waits for a database that never gets healthy.
const WAITS: &str = "services:\n  db:\n    <<: *l\n    healthcheck: {test: [\"CMD\", \"test\", \"-e\", \"/never\"], interval: 1s, retries: 999, start_period: 999s}\n  web:\n    <<: *l\n    depends_on: {db: {condition: service_healthy}}\n";

#[tokio::test]
async fn an_engine_that_goes_during_up_ends_it_with_a_word_and_comes_back_true() {
    let stack = Stack::new("cut", WAITS);
    stack.compose(&["create"]);
    let proxy = Proxy::open(Path::new("/var/run/docker.sock"));
    let mut supervisor = supervisor(proxy.url());
    let name = stack.name.clone();
    until(&mut supervisor, "its definition", |state| state.containers.definition(&name).is_some()).await;
    supervisor.submit(stack.order(ComposeVerb::Up));
    until(&mut supervisor, "the wait for db", |state| {
        state.jobs.running().any(|job| job.gist.contains("Waiting"))
    })
    .await;
    proxy.cut();
    until(&mut supervisor, "the loss", |state| !state.connection.is_up()).await;
    until(&mut supervisor, "the end of up", is_idle).await;
    let words = last_notice(supervisor.state());
    assert!(words.contains(&*name) && words.contains("failed"), "{words}");
    proxy.restore();
    until(&mut supervisor, "the engine", |state| state.connection.is_up()).await;
    let states = |state: &State| {
        let stack = state.containers.stack(&name)?;
        Some((stack.service("db")?.running, stack.service("web")?.running))
    };
    until(&mut supervisor, "the true picture", |state| states(state) == Some((1, 0))).await;
    // What is left can be dealt with.
    supervisor.submit(stack.order(ComposeVerb::Down { volumes: false }));
    until(&mut supervisor, "nothing left", |state| is_idle(state) && states(state) != Some((1, 0))).await;
    assert_eq!(stack.compose(&["ps", "-aq"]), "");
}

#[tokio::test]
async fn two_dashboards_on_one_stack_end_and_agree() {
    let stack = Stack::new("two", WAITS);
    stack.compose(&["create"]);
    let socket = || String::from("unix:///var/run/docker.sock");
    let (mut one, mut other) = (supervisor(socket()), supervisor(socket()));
    let name = stack.name.clone();
    for supervisor in [&mut one, &mut other] {
        until(supervisor, "its definition", |state| state.containers.definition(&name).is_some()).await;
    }
    one.submit(stack.order(ComposeVerb::Up));
    until(&mut one, "the wait for db", |state| state.jobs.running().any(|job| job.gist.contains("Waiting")))
        .await;
    other.submit(stack.order(ComposeVerb::Down { volumes: false }));
    let gone = |state: &State| {
        is_idle(state)
            && state
                .containers
                .stack(&name)
                .is_none_or(|stack| stack.services.iter().all(|service| service.containers.is_empty()))
    };
    until(&mut other, "its down", gone).await;
    until(&mut one, "the end of its up", gone).await;
    let words = last_notice(one.state());
    assert!(words.contains("failed"), "{words}");
    assert_eq!(stack.compose(&["ps", "-aq"]), "");
}
