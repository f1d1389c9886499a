//! Updates, scaling, builds without cache and profiles on a real engine. Behind the feature `live`.

use std::process::Command;

use stackdash::command::Command as Wish;
use stackdash::model::jobs::{ComposeOrder, ComposeVerb, Phase};
use stackdash::model::stacks::{ServiceState, Target};
use stackdash::state::State;
use stackdash::supervisor::Supervisor;

use crate::engine_live::{docker, image};
use crate::hands_live::{Project, last_notice, supervisor, until};

/// A stack with one service that is built here, and one whose image is only here.
struct Built {
    project: Project,
    image: String,
}

impl Built {
    fn new(name: &str) -> Self {
        let built = format!("stackdash-test/verbs-{name}-{}", std::process::id());
        let project = Project::new(
            name,
            &format!(
                "services:\n  app:\n    <<: *l\n    image: {built}\n    build: {{context: .}}\n    command: [\"sleep\", \"9999\"]\n    healthcheck: {{test: [\"CMD\", \"test\", \"-e\", \"/ok\"], interval: 1s, timeout: 2s, retries: 2}}\n  db:\n    <<: *l\n    command: [\"sleep\", \"9999\"]\n",
            ),
        );
        let built = Self { project, image: built };
        built.write("RUN [\"touch\", \"/ok\", \"/v1\"]");
        built.project.compose(&["up", "-d", "--build"]);
        built
    }

    fn write(&self, steps: &str) {
        let text = format!("FROM {}\n{steps}\n", image());
        std::fs::write(self.project.folder.path().join("Dockerfile"), text).unwrap();
    }

    /// The id of the image that `app` runs.
    fn runs(&self, state: &State) -> Option<String> {
        let stack = state.containers.stack(&self.project.name)?;
        let id = stack.service("app")?.containers.first()?.clone();
        Some(state.containers.get(&id)?.container.image_id.clone())
    }

    fn kept(&self) -> String {
        docker(&["image", "ls", "-q", &format!("stackdash-rollback/{}/app", self.project.name)])
    }

    async fn watch(&self) -> Supervisor {
        let mut supervisor = supervisor();
        let name = &self.project.name;
        until(&mut supervisor, "its definition", |state| {
            state.containers.definition(name).is_some()
                && state.containers.stack(name).is_some_and(|stack| {
                    stack.state == ServiceState::Running || stack.state == ServiceState::Healthy
                })
        })
        .await;
        supervisor
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        let _ = Command::new("docker")
            .args(["compose", "-p", &self.project.name, "down", "-v", "-t", "0", "--remove-orphans"])
            .output();
        let kept =
            ["app", "db"].map(|name| format!("stackdash-rollback/{}/{name}:previous", self.project.name));
        let _ = Command::new("docker").args(["rmi", "-f", &self.image, &kept[0], &kept[1]]).output();
    }
}

fn idle(state: &State) -> bool {
    state.jobs.running().next().is_none()
}

fn state_of(state: &State, stack: &str, service: &str) -> Option<ServiceState> {
    Some(state.containers.stack(stack)?.service(service)?.verdict.state)
}

#[tokio::test]
async fn an_update_ends_when_everything_is_healthy_and_two_who_watch_see_the_same() {
    let built = Built::new("update");
    let name = built.project.name.clone();
    let (mut supervisor, mut other) = (built.watch().await, built.watch().await);
    let before = built.runs(supervisor.state()).unwrap();
    built.write("RUN [\"touch\", \"/ok\", \"/v2\"]");
    supervisor.submit(built.project.order(ComposeVerb::Update, &[]));
    until(&mut supervisor, "the wait", |state| {
        state.jobs.running().any(|job| job.phase.as_ref().is_some_and(|now| now.phase == Phase::Waiting))
    })
    .await;
    until(&mut supervisor, "its end", idle).await;
    let state = supervisor.state();
    assert!(last_notice(state).contains("updated in"), "{}", last_notice(state));
    let after = built.runs(state).unwrap();
    assert_ne!(after, before);
    assert_eq!(state_of(state, &name, "app"), Some(ServiceState::Healthy));
    assert_eq!(built.kept(), "", "what was kept is let go of");
    assert!(
        state
            .jobs
            .notices()
            .iter()
            .any(|notice| notice.text.contains("db: not pulled, its present image stays")),
        "{:?}",
        state.jobs.notices()
    );
    let told: Vec<&str> = state.timeline.entries().iter().map(|entry| &*entry.text).collect();
    for (words, command) in [
        ("pulled in", "pull --ignore-pull-failures db"),
        ("built in", "build app"),
        ("started in", "up --detach"),
    ] {
        assert!(told.iter().any(|text| text.contains(words) && text.ends_with(command)), "{told:?}");
    }
    until(&mut other, "the same picture", |state| {
        built.runs(state).as_ref() == Some(&after)
            && state_of(state, &name, "app") == Some(ServiceState::Healthy)
    })
    .await;
}

#[tokio::test]
async fn an_update_to_a_sick_image_is_undone_with_the_image_from_before() {
    let built = Built::new("undo");
    let name = built.project.name.clone();
    let mut supervisor = built.watch().await;
    let before = built.runs(supervisor.state()).unwrap();
    built.write("RUN [\"touch\", \"/nothing\"]");
    supervisor.submit(built.project.order(ComposeVerb::Update, &["app"]));
    until(&mut supervisor, "its end", idle).await;
    let state = supervisor.state();
    assert!(last_notice(state).contains("app is unhealthy"), "{}", last_notice(state));
    assert_ne!(built.runs(state).unwrap(), before);
    assert_ne!(built.kept(), "", "the image from before is kept");
    let kept = state.jobs.kept(&name).unwrap().clone();
    assert_eq!((&*kept.images[0].service, &kept.images[0].id), ("app", &before));
    supervisor.submit(built.project.order(ComposeVerb::GoBack, &["app"]));
    until(&mut supervisor, "its end", idle).await;
    let state = supervisor.state();
    assert!(last_notice(state).contains("gone back in"), "{}", last_notice(state));
    assert_eq!(built.runs(state).unwrap(), before);
    assert_eq!(state_of(state, &name, "app"), Some(ServiceState::Healthy));
    assert_eq!(docker(&["image", "inspect", "-f", "{{.Id}}", &built.image]).trim(), before);
    assert_eq!(built.kept(), "");
    assert!(state.jobs.kept(&name).is_none());
}

#[tokio::test]
async fn the_command_goes_back_by_itself_or_says_how() {
    let built = Built::new("command");
    let before = docker(&["image", "inspect", "-f", "{{.Id}}", &built.image]).trim().to_owned();
    built.write("CMD [\"false\"]\nRUN [\"touch\", \"/nothing\"]");
    let run = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_stackdash"))
            .args(["-p", &built.project.name, "--no-history", "update", "app"])
            .args(more)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, words) = run(&[]);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("waiting for health") && words.contains("app is unhealthy"), "{words}");
    assert!(words.contains(&format!(
        "docker tag stackdash-rollback/{}/app:previous {}",
        built.project.name, built.image
    )));
    docker(&["tag", &before, &built.image]);
    built.project.compose(&["up", "-d", "--no-build", "--force-recreate", "app"]);
    let (code, words) = run(&["--rollback"]);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("gone back in"), "{words}");
    assert_eq!(docker(&["image", "inspect", "-f", "{{.Id}}", &built.image]).trim(), before);
}

#[tokio::test]
async fn a_build_that_is_cancelled_ends_with_its_process_group_and_leaves_what_runs() {
    let built = Built::new("stop");
    let name = built.project.name.clone();
    let mut supervisor = built.watch().await;
    let before = built.runs(supervisor.state()).unwrap();
    built.write("RUN [\"sleep\", \"543\"]");
    supervisor.submit(built.project.order(ComposeVerb::Update, &["app"]));
    until(&mut supervisor, "the build", |state| {
        state.jobs.running().any(|job| job.gist.contains("RUN [\"sleep\""))
    })
    .await;
    let job = supervisor.state().jobs.running().next().unwrap().id;
    supervisor.submit(Wish::Cancel(job));
    until(&mut supervisor, "the end", idle).await;
    let words = last_notice(supervisor.state());
    assert!(words.contains("update cancelled while building"), "{words}");
    assert!(words.contains("nothing new was started"), "{words}");
    let at_work = || {
        let list = Command::new("ps").args(["-eo", "args"]).output().unwrap();
        let list = String::from_utf8_lossy(&list.stdout).into_owned();
        list.lines()
            .filter(|line| line.contains("sleep 543") || (line.contains(&*name) && line.contains("compose")))
            .count()
    };
    crate::engine_live::bounded("no process left", async {
        while at_work() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    })
    .await;
    assert_eq!(built.runs(supervisor.state()).unwrap(), before);
}

#[tokio::test]
async fn without_cache_every_step_is_done_anew() {
    let built = Built::new("clean");
    let mut supervisor = built.watch().await;
    let before = built.runs(supervisor.state()).unwrap();
    supervisor.submit(built.project.order(ComposeVerb::Rebuild, &["app"]));
    until(&mut supervisor, "its end", idle).await;
    assert_eq!(built.runs(supervisor.state()).unwrap(), before, "the cache has it");
    supervisor.submit(built.project.order(ComposeVerb::RebuildClean, &["app"]));
    until(&mut supervisor, "its end", |state| {
        idle(state) && built.runs(state).is_some_and(|now| now != before)
    })
    .await;
    assert!(last_notice(supervisor.state()).contains("rebuilt without cache in"));
}

#[tokio::test]
async fn a_service_is_scaled_to_three_and_back() {
    let project = Project::new(
        "scale",
        "services:\n  web:\n    <<: *l\n    command: [\"sleep\", \"9999\"]\n  one:\n    <<: *l\n    container_name: stackdash-verbs-one\n    command: [\"sleep\", \"9999\"]\n    profiles: [never]\n",
    );
    project.compose(&["up", "-d", "web"]);
    let mut supervisor = supervisor();
    let name = project.name.clone();
    until(&mut supervisor, "its definition", |state| state.containers.definition(&name).is_some()).await;
    for count in [3, 1] {
        supervisor.submit(project.order(ComposeVerb::Scale(count), &["web"]));
        let target = Target::Service { stack: (*name).into(), service: "web".into() };
        until(&mut supervisor, "the number", |state| {
            idle(state) && state.containers.of_target(&target).len() == count as usize
        })
        .await;
    }
    supervisor.submit(project.order(ComposeVerb::Scale(2), &["one"]));
    assert!(last_notice(supervisor.state()).contains("container_name \"stackdash-verbs-one\" is there once"));
}

#[tokio::test]
async fn profiles_are_brought_up_together_remembered_and_taken_from_the_env_file() {
    let sleep = "    <<: *l\n    command: [\"sleep\", \"9999\"]\n";
    let project = Project::new(
        "profiles",
        &format!(
            "services:\n  web:\n{sleep}  a:\n{sleep}    profiles: [one]\n  b:\n{sleep}    profiles: [two]\n    depends_on: [web]\n  c:\n{sleep}    profiles: [three]\n  d:\n{sleep}    profiles: [four]\n"
        ),
    );
    std::fs::write(project.folder.path().join(".env"), "COMPOSE_PROFILES=three\n").unwrap();
    let file = project.folder.path().join("compose.yml");
    docker(&["compose", "-f", file.to_str().unwrap(), "up", "-d", "web"]);
    let mut supervisor = supervisor();
    let name = project.name.clone();
    until(&mut supervisor, "its definition", |state| state.containers.definition(&name).is_some()).await;
    let definition = supervisor.state().containers.definition(&name).unwrap();
    assert_eq!(definition.default_profiles, ["three"]);
    let order = |verb, services: &[&str], profiles: &[&str]| {
        Wish::Compose(ComposeOrder {
            verb,
            stack: (*name).into(),
            services: services.iter().map(|service| (*service).into()).collect(),
            profiles: profiles.iter().map(|profile| (*profile).to_owned()).collect(),
        })
    };
    let up = |state: &State, wanted: &[&str]| {
        let Some(stack) = state.containers.stack(&name) else { return wanted.is_empty() };
        let up = stack.services.iter().filter(|service| !service.containers.is_empty());
        up.map(|service| &*service.name).eq(wanted.iter().copied())
    };
    supervisor.submit(order(ComposeVerb::Up, &["a", "b"], &["one", "two"]));
    until(&mut supervisor, "both", |state| idle(state) && up(state, &["a", "b", "web"])).await;
    supervisor.submit(order(ComposeVerb::Up, &[], &[]));
    until(&mut supervisor, "and what is on by itself", |state| {
        idle(state) && up(state, &["a", "b", "c", "web"])
    })
    .await;
    supervisor.submit(order(ComposeVerb::Down { volumes: false }, &["a"], &[]));
    until(&mut supervisor, "a gone", |state| idle(state) && up(state, &["b", "c", "web"])).await;
    supervisor.submit(order(ComposeVerb::Down { volumes: false }, &[], &[]));
    until(&mut supervisor, "nothing", |state| idle(state) && up(state, &[])).await;
    supervisor.submit(order(ComposeVerb::Up, &[], &[]));
    until(&mut supervisor, "what was on", |state| idle(state) && up(state, &["b", "c", "web"])).await;
}
