use insta::assert_snapshot;

use super::*;
use crate::event::Event;
use crate::model::containers::{Container, RunState};
use crate::model::health::Health;
use crate::model::jobs::{ComposeVerb, Job, JobId, Verb};
use crate::model::stacks::Target;
use crate::tui::fixture::{Stage, ago, exited, healthy, needs, running, trouble};
use crate::tui::view::DetailTab;

const SIZES: [(u16, u16); 4] = [(60, 20), (80, 24), (120, 40), (200, 50)];

fn waiting(stack: &str, service: &str, since: i64) -> Container {
    let container = running(stack, service, since);
    Container { run: RunState::Created, started_at: None, created_at: Some(ago(since)), ..container }
}

/// Healthy since so many seconds after its start.
fn ready(container: Container, after: i64) -> Container {
    let mut container = healthy(container);
    let at = container.started_at.map(|start| start + jiff::SignedDuration::from_secs(after));
    container.health_log.truncate(1);
    container.health_log[0].at = at;
    container
}

fn shown(stack: &str, tab: DetailTab, mut stage: Stage) -> Stage {
    let target = Target::Stack(stack.into());
    stage.sync();
    stage.ui.stacks.show(&target, Some(tab), &stage.state);
    stage.keys("Enter")
}

/// A stack that is coming up: its database is not ready yet.
fn coming_up() -> Vec<Container> {
    use DependsCondition::{CompletedSuccessfully, Healthy, Started};
    let mut db = healthy(running("shop", "db", 9));
    db.health = Health::Starting;
    db.created_at = Some(ago(10));
    db.failing_streak = 1;
    db.health_log.truncate(1);
    db.health_log[0].at = Some(ago(6));
    vec![
        db,
        ready(running("shop", "cache", 9), 3),
        needs(waiting("shop", "migrations", 10), "db", Healthy),
        needs(needs(waiting("shop", "api", 10), "migrations", CompletedSuccessfully), "cache", Started),
        needs(waiting("shop", "web", 10), "api", Healthy),
        running("shop", "mailer", 9),
    ]
}

fn up(stage: &mut Stage) {
    let job = Job {
        id: JobId(1),
        verb: Verb::Compose(ComposeVerb::Up),
        target: Target::Stack("shop".into()),
        started_at: ago(11),
        stop_timeout: None,
        done: 0,
        total: 0,
        command: String::from("docker compose -p shop up -d"),
        gist: String::from("Waiting shop-db-1"),
        order: None,
        phase: None,
        run: None,
        watch: None,
    };
    stage.apply(Event::JobStarted(Box::new(job)));
}

/// Thirty services as a shop of many parts has them.
fn thirty() -> Vec<Container> {
    use DependsCondition::{CompletedSuccessfully, Healthy, Started};
    let mut all = Vec::new();
    for name in ["postgres", "redis", "rabbitmq", "minio", "consul"] {
        all.push(ready(running("mall", name, 600), 6));
    }
    let mut schema = needs(exited(running("mall", "schema", 590), 0, 588), "postgres", Healthy);
    schema.restart_policy = String::from("no");
    all.push(schema);
    for (index, name) in
        ["accounts", "basket", "catalog", "checkout", "currency", "email", "pricing", "search"]
            .into_iter()
            .chain(["shipping", "stock", "reviews", "returns", "loyalty", "ads"])
            .enumerate()
    {
        let service = ready(running("mall", name, 580), 10 + index as i64);
        let service = needs(needs(service, "schema", CompletedSuccessfully), "consul", Started);
        all.push(if index % 2 == 0 { needs(service, "redis", Healthy) } else { service });
    }
    for name in ["email-worker", "image-worker", "search-worker"] {
        let worker = needs(running("mall", name, 570), "rabbitmq", Healthy);
        all.push(needs(
            worker,
            name.split('-').next().map_or("email", |n| if n == "image" { "catalog" } else { n }),
            Healthy,
        ));
    }
    for name in ["gateway", "admin"] {
        let front = needs(needs(running("mall", name, 560), "accounts", Healthy), "catalog", Healthy);
        all.push(needs(front, "checkout", Healthy));
    }
    all.push(needs(running("mall", "proxy", 550), "gateway", Started));
    for name in ["prometheus", "grafana", "loki", "jaeger"] {
        all.push(running("mall", name, 600));
    }
    all
}

#[test]
fn a_failed_migration_marks_what_it_blocks() {
    for (width, height) in SIZES {
        let stage = Stage::new(width, height).connected(trouble());
        assert_snapshot!(
            format!("failed_{width}x{height}"),
            shown("personal-assistant", DetailTab::Graph, stage).screen()
        );
    }
}

#[test]
fn a_start_shows_who_waits_for_whom() {
    for (width, height) in SIZES {
        let mut stage = Stage::new(width, height).connected(coming_up());
        up(&mut stage);
        assert_snapshot!(
            format!("starting_{width}x{height}"),
            shown("shop", DetailTab::Graph, stage).screen()
        );
    }
}

#[test]
fn thirty_services_become_a_tree() {
    for (width, height) in SIZES {
        let stage = Stage::new(width, height).connected(thirty());
        assert_snapshot!(format!("thirty_{width}x{height}"), shown("mall", DetailTab::Graph, stage).screen());
    }
}

#[test]
fn every_service_is_in_the_picture_whatever_its_form() {
    let stage = Stage::new(120, 40).connected(thirty());
    let stack = stage.state.containers.stack("mall").unwrap();
    for room in [40, 58, 120, 300, 2000] {
        let cx = Context {
            state: &stage.state,
            theme: &Theme::default(),
            keymap: &crate::tui::keymap::Keymap::default(),
            now: crate::tui::fixture::now(),
            focused: true,
            coarse: false,
            stale: false,
        };
        let lines = lines(stack, room, &cx);
        let text = lines.iter().map(Line::to_string).collect::<Vec<_>>().join("\n");
        for service in &stack.services {
            assert!(text.contains(&*service.name), "{} at {room}:\n{text}", service.name);
        }
    }
}

#[test]
fn a_circle_is_said_and_hangs_nothing() {
    let one = needs(waiting("odd", "one", 9), "two", DependsCondition::Started);
    let two = needs(waiting("odd", "two", 9), "one", DependsCondition::Healthy);
    let three = needs(waiting("odd", "three", 9), "gone", DependsCondition::Healthy);
    let stage = Stage::new(120, 40).connected(vec![one, two, three]);
    let screen = shown("odd", DetailTab::Graph, stage).screen();
    assert!(screen.contains("A circle: "), "{screen}");
    assert!(screen.contains("not defined"), "{screen}");
}

#[test]
fn ascii_has_a_graph_too() {
    let mut stage = Stage::new(120, 40).connected(coming_up());
    stage.ui.theme.ascii = true;
    up(&mut stage);
    let screen = shown("shop", DetailTab::Graph, stage).screen();
    let odd: String = screen.chars().filter(|c| !c.is_ascii()).collect();
    assert!(odd.is_empty(), "{odd}");
    assert_snapshot!("ascii_120x40", screen);
}

#[test]
fn profiles_and_the_resolved_files_have_a_tab_each() {
    use crate::model::compose::{Definition, ServiceDefinition, document};
    use crate::model::containers::Dependency;
    let behind = |profile: &str, needed: &str| ServiceDefinition {
        profiles: vec![profile.into()],
        depends_on: vec![Dependency {
            service: needed.into(),
            condition: DependsCondition::Started,
            required: true,
        }],
        ..ServiceDefinition::default()
    };
    let document = serde_json::json!({ "name": "energy-dashboard", "services": { "app": {
        "image": "energy-dashboard:latest", "environment": { "HA_TOKEN": "ey-not-to-be-seen", "TZ": "UTC" },
        "depends_on": { "mongodb": { "condition": "service_healthy", "required": true } },
    } } });
    let definition = Definition {
        name: "energy-dashboard".into(),
        services: [
            ("app".into(), ServiceDefinition::default()),
            ("mongodb".into(), ServiceDefinition::default()),
            ("questdb".into(), behind("metrics", "mongodb")),
            ("mongo-express".into(), behind("tools", "mongodb")),
            ("nginx".into(), behind("web", "app")),
        ]
        .into(),
        text: document::lines(document).into(),
        ..Definition::default()
    };
    let mut stage = Stage::new(80, 24).connected(trouble());
    let project = stage.state.containers.project_of("energy-dashboard").cloned().unwrap();
    stage.apply(Event::DefinitionRead { project, result: Ok(definition) });
    let mut stage = shown("energy-dashboard", DetailTab::Profiles, stage);
    assert_snapshot!("profiles_80x24", stage.text());
    let screen = shown("energy-dashboard", DetailTab::Config, stage).screen();
    assert!(!screen.contains("not-to-be-seen"));
    assert_snapshot!("config_80x24", screen);
}
