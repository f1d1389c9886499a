use insta::assert_snapshot;

use crate::event::Event;
use crate::model::compose::{ComposeProject, Definition, ServiceDefinition};
use crate::model::containers::{Dependency, DependsCondition};
use crate::model::jobs::{ComposeOrder, ComposeVerb, Job, JobId, JobOutcome, KeptImage, Phase, Verb};
use crate::model::stacks::Target;
use crate::tui::fixture::{Stage, ago, well};

const STACK: &str = "energy-dashboard";

fn target(service: &str) -> Target {
    Target::Service { stack: STACK.into(), service: service.into() }
}

/// A stack whose files are known: two profiles beside what is up.
fn stage(width: u16, height: u16) -> Stage {
    let mut stage = Stage::new(width, height).connected(well()).sampled();
    let dep = |service: &str| Dependency {
        service: service.into(),
        condition: DependsCondition::Started,
        required: true,
    };
    let service = |profile: &str, needs: &[&str]| ServiceDefinition {
        builds: profile.is_empty(),
        replicas: 1,
        profiles: (!profile.is_empty()).then(|| profile.to_owned()).into_iter().collect(),
        depends_on: needs.iter().map(|name| dep(name)).collect(),
        ..ServiceDefinition::default()
    };
    let definition = Definition {
        name: STACK.into(),
        services: [
            ("app".into(), service("", &["mongodb"])),
            ("mongodb".into(), service("", &[])),
            ("mongo-express".into(), service("tools", &["mongodb"])),
            ("nginx".into(), service("edge", &["app", "certs"])),
            ("certs".into(), service("edge", &[])),
            ("reporter".into(), service("edge", &["app"])),
        ]
        .into(),
        ..Definition::default()
    };
    let project = ComposeProject {
        name: Some(STACK.to_owned()),
        files: vec!["/srv/stacks/energy-dashboard/docker-compose.yml".into()],
        folder: "/srv/stacks/energy-dashboard".into(),
        ..ComposeProject::default()
    };
    stage.apply(Event::DefinitionRead { project, result: Ok(definition) });
    stage.ui.stacks.select(&target("app"), &stage.state);
    stage
}

fn begin(stage: &mut Stage, verb: ComposeVerb) {
    let order =
        ComposeOrder { verb, stack: STACK.into(), services: vec!["app".into()], profiles: Vec::new() };
    stage.apply(Event::JobStarted(Box::new(Job {
        id: JobId(7),
        verb: Verb::Compose(verb),
        target: target("app"),
        started_at: ago(21),
        stop_timeout: None,
        done: 0,
        total: 0,
        command: String::from(
            "docker compose -p energy-dashboard -f /srv/energy/docker-compose.yml build app",
        ),
        gist: String::new(),
        order: Some(order),
        phase: None,
        run: None,
        watch: None,
    })));
}

fn print(stage: &mut Stage, text: &str) {
    let lines = text.lines().map(str::to_owned).collect();
    stage.apply(Event::JobOutput { job: JobId(7), lines, is_error: false });
}

const BUILD: &str = "#0 building with \"default\" instance using docker driver
#1 [app internal] load build definition from Dockerfile
#1 DONE 0.0s
#4 [app 1/4] FROM docker.io/library/node:22-alpine
#4 CACHED
#5 [app 2/4] COPY package.json package-lock.json ./
#5 CACHED
#6 [app 3/4] RUN npm ci
#6 4.1 added 214 packages in 4s
#6 DONE 4.6s
#7 [app 4/4] RUN npm run build
#7 0.8 > energy@1.4.0 build
#7 2.3 src/solar.ts(41,7): error TS2322: Type 'string' is not assignable to type 'number'.";

fn building(stage: &mut Stage) {
    begin(stage, ComposeVerb::Update);
    let command =
        String::from("docker compose -p energy-dashboard -f /srv/energy/docker-compose.yml build app");
    stage.apply(Event::JobPhased { job: JobId(7), phase: Phase::Building, command });
    print(stage, BUILD);
}

#[test]
fn profiles_show_what_each_adds_and_what_comes_along() {
    for (width, height) in [(60, 20), (80, 24), (120, 40), (200, 50)] {
        let stage = stage(width, height).keys("p");
        assert_snapshot!(format!("profiles_{width}x{height}"), stage.screen());
    }
    assert_snapshot!("profiles_marked", stage(80, 24).keys("p Space Space").screen());
}

#[test]
fn a_build_under_way_is_told_in_steps() {
    for (width, height) in [(80, 24), (120, 40), (200, 50)] {
        let mut stage = stage(width, height);
        building(&mut stage);
        assert_snapshot!(format!("building_{width}x{height}"), stage.keys("O").screen());
    }
}

#[test]
fn what_was_asked_of_the_stack_is_shown_from_its_services_too() {
    let mut stage = stage(120, 40);
    let order =
        ComposeOrder { verb: ComposeVerb::Up, stack: STACK.into(), services: vec![], profiles: Vec::new() };
    stage.apply(Event::JobStarted(Box::new(Job {
        id: JobId(9),
        verb: Verb::Compose(ComposeVerb::Up),
        target: Target::Stack("energy-dashboard".into()),
        started_at: ago(21),
        stop_timeout: None,
        done: 0,
        total: 0,
        command: String::from("docker compose -p energy-dashboard up --detach"),
        gist: String::new(),
        order: Some(order),
        phase: None,
        run: None,
        watch: None,
    })));
    let lines = [" Container energy-dashboard-db-1  Recreate", " Container energy-dashboard-db-1  Recreated"];
    let lines = lines.map(String::from).to_vec();
    stage.apply(Event::JobOutput { job: JobId(9), lines, is_error: false });
    let words = String::from("service \"migrate\" didn't complete successfully: exit 1");
    stage.apply(Event::JobFinished { job: JobId(9), outcome: JobOutcome::Failed(vec![words]) });
    let mut stage = stage.keys("O");
    let text = stage.text();
    assert!(text.contains("What failed last") && text.contains("didn't complete"), "{text}");
    assert!(text.contains("✓ Recreated Container energy-dashboard-db-1"), "{text}");
    assert!(!text.contains("Lines"), "its lines are its steps: {text}");
    assert_eq!(stage.ui.stacks.selected(), Some(&Target::Stack("energy-dashboard".into())));
}

#[test]
fn a_build_that_failed_says_its_first_error_in_the_row() {
    for (width, height) in [(80, 24), (120, 40), (200, 50)] {
        let mut stage = stage(width, height);
        building(&mut stage);
        print(
            &mut stage,
            "#7 ERROR: executor failed running [/bin/sh -c npm run build]: exit code: 2\nfailed to solve: executor failed running [/bin/sh -c npm run build]: exit code: 2",
        );
        let words = String::from("failed to solve: executor failed running: exit code: 2");
        let outcome = JobOutcome::Failed(vec![words]);
        stage.apply(Event::JobFinished { job: JobId(7), outcome });
        assert_snapshot!(format!("build_failed_{width}x{height}"), stage.screen());
    }
}

#[test]
fn an_update_that_failed_asks_whether_to_go_back_and_one_key_alone_does_nothing() {
    let mut stage = stage(80, 24);
    begin(&mut stage, ComposeVerb::Update);
    let image = KeptImage {
        service: "app".into(),
        name: String::from("energy-dashboard-app"),
        id: String::from("sha256:1"),
        kept_as: String::from("stackdash-rollback/energy-dashboard/app:previous"),
    };
    stage.apply(Event::UpdateFailed { job: JobId(7), images: vec![image] });
    let why = String::from("app is unhealthy: health check failed 3 times: connection refused");
    stage.apply(Event::JobFinished { job: JobId(7), outcome: JobOutcome::Failed(vec![why]) });
    assert_snapshot!("update_failed", stage.text());
    let mut stage = stage.keys("Enter R");
    assert_snapshot!("go_back_stays_in_the_menu", stage.text());
    let mut stage = stage.keys("Enter");
    assert_snapshot!("go_back_question", stage.text());
    assert!(stage.asked.iter().all(|request| !format!("{request:?}").contains("GoBack")));
    let stage = stage.keys("y");
    assert!(stage.asked.iter().any(|request| format!("{request:?}").contains("GoBack")));
}

#[test]
fn scaling_asks_for_a_number() {
    let mut stage = stage(80, 24).keys("R G Enter");
    assert_snapshot!("scale", stage.text());
    let stage = stage.keys("Backspace 3 Enter");
    assert!(
        stage.asked.iter().any(|request| format!("{request:?}").contains("Scale(3)")),
        "{:?}",
        stage.asked
    );
}

#[test]
fn a_switch_to_other_files_says_that_it_builds() {
    let told = |stage: Stage| stage.keys("U").text().contains("Images are built first");
    assert!(!told(stage(120, 40)));
    let mut switched = stage(120, 40);
    let mut project = switched.state.containers.project_of(STACK).unwrap().clone();
    let definition = switched.state.containers.definition(STACK).unwrap().clone();
    project.name = None;
    project.files = vec!["/srv/stacks/energy-dashboard/docker-compose.prod.yml".into()];
    switched.apply(Event::DefinitionRead { project, result: Ok(definition) });
    assert!(told(switched));
}

#[test]
fn orphans_are_removed_from_the_menu_of_the_stack_and_of_the_orphan() {
    for target in [Target::Stack(STACK.into()), target("questdb")] {
        let mut stage = stage(120, 40);
        stage.ui.stacks.select(&target, &stage.state);
        let mut stage = stage.keys("R");
        assert!(stage.text().contains("Remove orphans"), "{}", stage.text());
        let mut stage = stage.keys("G Enter");
        if matches!(target, Target::Stack(_)) {
            assert_snapshot!("orphans", stage.text());
        }
        assert!(stage.asked.iter().all(|request| !format!("{request:?}").contains("Sweep")));
        let stage = stage.keys("y");
        assert!(stage.asked.iter().any(|request| format!("{request:?}").contains("Sweep")));
    }
    assert!(!stage(120, 40).keys("R").text().contains("Remove orphans"), "not for a service that is known");
}
