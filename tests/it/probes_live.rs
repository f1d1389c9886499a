//! Probes, budgets and healing on a real engine: a service inside its container's network, one that is healthy by
//! Docker and by nobody else, one that stays unhealthy. Behind the feature `live`.

use std::sync::Arc;
use std::time::Duration;

use stackdash::adapters::docker::DockerEngine;
use stackdash::adapters::probes::HttpProber;
use stackdash::adapters::stack_files::FolderStackFiles;
use stackdash::config::EndpointChoice;
use stackdash::model::containers::ContainerId;
use stackdash::model::probes::{ProbeId, ProbeState};
use stackdash::model::timeline::EntryKind;
use stackdash::ports::{Clock, Ports};
use stackdash::state::State;
use stackdash::state::probes::Probe;
use stackdash::supervisor::Supervisor;

use crate::engine_live::{Guard, docker};

/// Programs that every image with a busybox has, `httpd` among them.
const TOOLS: &str = "stackdash-test/alpine:3";
const PATIENCE: Duration = Duration::from_mins(1);

/// A stack of one service, `web`, with a `stackdash.toml` and a guard.
struct Stack {
    web: Guard,
    name: String,
    _folder: tempfile::TempDir,
}

impl Stack {
    fn new(name: &str, file: &str, options: &[&str], script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("stackdash.toml"), file).unwrap();
        let name = format!("stackdash-probes-{name}-{}", std::process::id());
        let labels = [
            String::from("stackdash.test=1"),
            format!("com.docker.compose.project={name}"),
            String::from("com.docker.compose.service=web"),
            String::from("com.docker.compose.oneoff=False"),
            String::from("com.docker.compose.container-number=1"),
            format!("com.docker.compose.project.working_dir={}", folder.path().display()),
            format!("com.docker.compose.project.config_files={}/compose.yml", folder.path().display()),
        ];
        let mut arguments = vec!["run", "-d", "--stop-timeout", "0"];
        arguments.extend(labels.iter().flat_map(|label| ["--label", label]));
        arguments.extend(options);
        let id = docker(&[&arguments[..], &[TOOLS, "sh", "-c", script]].concat());
        Self { web: Guard(ContainerId::new(id)), name, _folder: folder }
    }

    fn supervisor(&self, read_only: bool) -> Supervisor {
        let engine = Arc::new(DockerEngine::new(&EndpointChoice::default()).unwrap());
        let nothing = crate::engine_fake::ports(String::from("unix:///nowhere"), Clock::Wall);
        let prober = Arc::new(HttpProber::default());
        let ports = Ports { engine, prober, stack_files: Arc::new(FolderStackFiles), ..nothing };
        let mut supervisor = Supervisor::start(ports, read_only);
        supervisor.limit_to(&self.name);
        supervisor
    }

    fn shell(&self, script: &str) {
        docker(&["exec", self.web.0.as_str(), "sh", "-c", script]);
    }

    fn probe<'a>(&self, state: &'a State, name: &str) -> Option<&'a Probe> {
        let id = ProbeId { stack: (*self.name).into(), service: "web".into(), name: name.into() };
        state.probes.get(&id)
    }
}

async fn until(supervisor: &mut Supervisor, what: &str, wanted: impl Fn(&State) -> bool) {
    let end = tokio::time::Instant::now() + PATIENCE;
    while !wanted(supervisor.state()) {
        let next = tokio::time::timeout_at(end, supervisor.next()).await;
        let state = supervisor.state();
        assert!(next.is_ok(), "never {what}: {:#?}\n{:#?}", state.probes, state.timeline.entries());
    }
}

fn told(state: &State, kind: EntryKind) -> Vec<&str> {
    let entries = state.timeline.entries().iter();
    entries.filter(|entry| entry.kind == kind).map(|entry| &*entry.text).collect()
}

const PROBES: &str = r#"
[[probe]]
service = "web"
name = "alive"
http = "http://web:8080/alive.json"
every = "1s"

[[probe]]
service = "web"
name = "ready"
http = "http://web:8080/ready.json"
every = "1s"

[[probe]]
service = "web"
name = "elsewhere"
http = "http://web:8081/"
every = "1s"

[budget]
image = "1kB"
health = "1ms"
memory = "1GB"
"#;

#[tokio::test]
async fn a_service_is_probed_inside_its_network_and_docker_is_contradicted() {
    let script = r#"mkdir /www; cd /www
        echo '{"status":"alive","version":"7.1","uptime":5}' > alive.json
        echo '{"status":"ready"}' > ready.json
        exec httpd -f -p 8080 -h /www"#;
    let check = ["--health-cmd", "true", "--health-interval", "1s"];
    let stack = Stack::new("network", PROBES, &check, script);
    let mut one = stack.supervisor(false);
    let stands = |name: &'static str, wanted| {
        let stack = &stack;
        move |state: &State| stack.probe(state, name).is_some_and(|probe| probe.state == wanted)
    };
    until(&mut one, "alive", stands("alive", ProbeState::Pass)).await;
    let alive = stack.probe(one.state(), "alive").unwrap().last.clone().unwrap();
    assert_eq!(
        (alive.told.version.as_deref(), alive.told.uptime, alive.code),
        (Some("7.1"), Some(5.0), Some(200))
    );
    until(&mut one, "ready", stands("ready", ProbeState::Pass)).await;
    until(&mut one, "refused", stands("elsewhere", ProbeState::Fail)).await;
    let refused = stack.probe(one.state(), "elsewhere").unwrap();
    assert!(refused.why.as_ref().unwrap().contains(":8081/"), "{refused:?}");

    // It says itself that it is not ready, while its health check passes.
    stack.shell(r#"echo '{"status":"not_ready","detail":"Database unavailable"}' > /www/ready.json"#);
    let words = "healthy by Docker, not ready by /ready.json: Database unavailable";
    until(&mut one, "contradicted", |state| {
        told(state, EntryKind::Probe).iter().any(|text| text.ends_with(words))
    })
    .await;
    let describes = |state: &State| {
        let mut problems = state.attention.problems().iter();
        problems.any(|one| one.describe(state.now).contains(words))
    };
    until(&mut one, "said", describes).await;
    stack.shell(r#"echo '{"status":"ready"}' > /www/ready.json"#);
    until(&mut one, "ready again", |state| {
        told(state, EntryKind::Probe).contains(&"probe ready passes again")
    })
    .await;

    // What nobody runs, nobody asks.
    docker(&["stop", "-t", "0", stack.web.0.as_str()]);
    until(&mut one, "unknown", stands("alive", ProbeState::Unknown)).await;
    docker(&["start", stack.web.0.as_str()]);
    until(&mut one, "alive again", stands("alive", ProbeState::Pass)).await;

    // Its image and its check are over their budgets.
    until(&mut one, "over budget", |state| state.budgets.of(&stack.name).len() == 2).await;
    let rules: Vec<_> = one.state().budgets.of(&stack.name).iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["budget-image", "budget-health"]);
}

const HEAL: &str = "[heal]\nweb = { after = \"2s\", max = 2, per = \"1h\" }\n";

#[tokio::test]
async fn what_stays_unhealthy_is_restarted_twice_and_then_given_up() {
    let check = ["--health-cmd", "false", "--health-interval", "1s", "--health-retries", "1"];
    let stack = Stack::new("heal", HEAL, &check, "while :; do sleep 0.1; done");
    let started = || docker(&["inspect", "-f", "{{.State.StartedAt}}", stack.web.0.as_str()]);
    let first = started();

    // A screen that may change nothing only looks on.
    let mut looker = stack.supervisor(true);
    until(&mut looker, "unhealthy", |state| state.containers.unhealthy().next().is_some()).await;
    let end = tokio::time::Instant::now() + Duration::from_secs(4);
    while tokio::time::timeout_at(end, looker.next()).await.is_ok() {}
    assert_eq!(started(), first);
    drop(looker);

    let mut guardian = stack.supervisor(false);
    until(&mut guardian, "given up", |state| state.heal.gave_up(&stack.name, "web").is_some()).await;
    assert_ne!(started(), first);
    let state = guardian.state();
    let lines = told(state, EntryKind::Heal);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[0].starts_with("heal.web: unhealthy for ") && lines[0].ends_with("restart 1 of 2 in 1h"),
        "{lines:?}"
    );
    assert!(
        lines[1].ends_with("restart 2 of 2 in 1h")
            && lines[2].starts_with("heal.web gave up: 2 restarts in 1h"),
        "{lines:?}"
    );
    let restarted =
        told(state, EntryKind::Container).iter().filter(|text| text.contains("restarted on request")).count();
    assert_eq!(restarted, 2, "{:?}", told(state, EntryKind::Container));
    let problem = &state.attention.problems()[0];
    assert!(problem.describe(state.now).starts_with("heal gave up after 2 restarts in 1h"), "{problem:?}");
}
