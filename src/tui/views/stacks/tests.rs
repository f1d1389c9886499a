use std::time::Duration;

use insta::assert_snapshot;
use ratatui::layout::Rect;

use crate::command::Command;
use crate::event::{EngineEventKind, Event};
use crate::model::compose::{ComposeProject, Definition, ServiceDefinition};
use crate::model::health::Health;
use crate::model::jobs::{ComposeOrder, ComposeVerb, Job, JobId, Verb};
use crate::model::probes::{FaultKind, ProbeAnswer, ProbeFault, ProbeId, ProbeRule, Told};
use crate::model::stack_file::StackFile;
use crate::model::stacks::Target;
use crate::ports::ComposeError;
use crate::tui::fixture::{Stage, ago, exited, id_of, now, running, trouble, well};
use crate::tui::ui::Request;
use crate::tui::view::Screen;

const SIZES: [(u16, u16); 4] = [(60, 20), (80, 24), (120, 40), (200, 50)];

fn service(stack: &str, service: &str) -> Target {
    Target::Service { stack: stack.into(), service: service.into() }
}

fn stage(width: u16, height: u16) -> Stage {
    let mut stage = Stage::new(width, height).connected(trouble()).sampled();
    stage.said("personal-assistant", "agent", 44, EngineEventKind::Health(Health::Unhealthy));
    stage
}

#[test]
fn all_is_well_at_every_size() {
    for (width, height) in SIZES {
        let stage = Stage::new(width, height).connected(well()).sampled();
        assert_snapshot!(format!("well_{width}x{height}"), stage.screen());
    }
}

#[test]
fn trouble_at_every_size() {
    for (width, height) in SIZES {
        assert_snapshot!(format!("trouble_{width}x{height}"), stage(width, height).screen());
    }
}

#[test]
fn a_size_that_changes_over_the_details_costs_the_tree_no_column() {
    let mut inside = stage(80, 24).keys("j Enter");
    inside.ui.area = Rect::new(0, 0, 60, 20);
    // The frame in between is drawn with the details alone.
    assert!(inside.text().contains("Overview"));
    assert_eq!(inside.keys("Esc").text(), stage(60, 20).keys("j").text());
}

#[test]
fn a_filter_that_is_given_up_leads_back_to_where_one_was() {
    let before = stage(120, 40).keys("j j j").ui.stacks.selected().cloned();
    assert!(before.is_some());
    for keys in ["j j j / h a c k Esc", "j j j / a g z z Esc", "j j j / a g z z Enter Esc"] {
        assert_eq!(stage(120, 40).keys(keys).ui.stacks.selected().cloned(), before, "{keys}");
    }
    // What was found and kept stays selected without the filter.
    let found = stage(120, 40).keys("/ f r o n t e n d Enter j Esc").ui.stacks.selected().cloned();
    assert_eq!(found, Some(service("hackathon-todo", "frontend")));
}

#[test]
fn replicas_with_long_names_are_told_apart_in_a_narrow_tree() {
    let number = |n: u32| {
        let name = format!("a-project-with-a-long-name-worker-{n}");
        let mut one = running("a-project-with-a-long-name", "worker", 60);
        one.id = id_of(&format!("worker-{n}"));
        one.name = name.into();
        if let Some(compose) = &mut one.compose {
            compose.number = n;
        }
        one
    };
    let mut stage = Stage::new(60, 20).connected(vec![number(1), number(2)]).keys("g j Right");
    let text = stage.text();
    assert!(text.contains("worker-1") && text.contains("worker-2"), "{text}");
}

#[test]
fn an_empty_engine_says_what_to_do() {
    assert_snapshot!(Stage::new(80, 24).connected(Vec::new()).screen());
}

fn defined(name: Option<&str>, result: Result<(), &str>) -> Event {
    let service = |profiles: &[&str]| ServiceDefinition {
        profiles: profiles.iter().map(ToString::to_string).collect(),
        ..ServiceDefinition::default()
    };
    let definition = Definition {
        name: "energy".into(),
        services: [
            ("app".into(), service(&[])),
            ("db".into(), service(&[])),
            ("proxy".into(), service(&[])),
            ("debug".into(), service(&["tools"])),
        ]
        .into(),
        ..Definition::default()
    };
    let name = name.map(str::to_owned);
    let project = ComposeProject { name, folder: "/srv/energy".into(), ..ComposeProject::default() };
    let result = result.map(|()| definition).map_err(|words| ComposeError::Refused(words.to_owned()));
    Event::DefinitionRead { project, result }
}

#[test]
fn a_path_that_compose_refuses_says_why_and_what_to_do() {
    let mut stage = Stage::new(80, 24).connected(Vec::new());
    let words = "service \"app\" depends on undefined service \"cache\": invalid compose project";
    stage.apply(defined(None, Err(words)));
    assert_snapshot!(stage.text());
    // Corrected, it is listed.
    stage.apply(defined(None, Ok(())));
    assert!(!stage.text().contains("undefined"));
    let mut stage = Stage::new(80, 24).connected(Vec::new());
    stage.apply(defined(None, Err(words)));
    let mut stage = stage.keys("U");
    let text = stage.text();
    let toast: Vec<&str> = text.lines().skip(20).take(2).collect();
    assert!(toast[0].contains("service \"app\" depends on undefined"), "{text}");
    assert!(toast[1].contains("\"cache\": invalid compose project"), "to its end: {text}");
}

#[test]
fn a_stack_that_was_never_created_says_what_bringing_it_up_creates() {
    let mut stage = Stage::new(120, 24).connected(Vec::new());
    stage.apply(defined(None, Ok(())));
    let screen = stage.text();
    assert!(screen.contains("0/3"), "the profile of one is not on: {screen}");
    let footer = screen.lines().last().unwrap();
    assert!(footer.contains("U up stack") && !footer.contains("S start"), "{footer}");
}

#[test]
fn files_that_are_being_read_are_not_called_unknown() {
    let stage = Stage::new(120, 24).connected(well());
    let mut stage = stage.keys("p");
    assert!(stage.text().contains("its compose files are being read"), "{}", stage.text());
}

#[test]
fn work_under_way_stands_in_its_row() {
    let mut stage = stage(120, 40);
    for (number, target, verb, since) in [
        (1, service("energy-dashboard", "app"), Verb::Stop, 3),
        (2, service("uteclocal", "gateway"), Verb::Restart, 1),
        (3, Target::Stack("hackathon-todo".into()), Verb::Restart, 12),
    ] {
        stage.apply(Event::JobStarted(Box::new(Job {
            id: JobId(number),
            verb,
            target,
            started_at: ago(since),
            stop_timeout: Some(std::time::Duration::from_secs(10)),
            done: 1,
            total: if number == 3 { 3 } else { 1 },
            command: String::new(),
            gist: String::new(),
            order: None,
            phase: None,
            run: None,
            watch: None,
        })));
    }
    let mut stage = stage;
    let order = ComposeOrder {
        verb: ComposeVerb::Up,
        stack: "uteclocal".into(),
        services: vec!["utec-cloud".into()],
        profiles: Vec::new(),
    };
    let job = Job {
        id: JobId(4),
        verb: Verb::Compose(ComposeVerb::Up),
        target: Target::Stack("uteclocal".into()),
        order: Some(order),
        ..stage.state.jobs.running().last().unwrap().clone()
    };
    stage.apply(Event::JobStarted(Box::new(job)));
    let jobs = &stage.state.jobs;
    let on = |service: &str| jobs.on_service("uteclocal", service, &stage.state.containers).map(|job| job.id);
    // A service that the job names shows it; its neighbor has a state of its own.
    assert_eq!((on("utec-cloud"), on("gateway")), (Some(JobId(4)), Some(JobId(2))));
    let on = |service: &str| jobs.on_service("hackathon-todo", service, &stage.state.containers);
    assert!(on("db").is_none());
    assert_snapshot!(stage.screen());
}

#[test]
fn the_selection_stays_with_its_item_when_rows_move() {
    let mut stage = Stage::new(120, 40).connected(well()).sampled();
    stage = stage.keys("j j");
    let chosen = stage.ui.stacks.selected().cloned();
    stage.apply(Event::ContainersListed(trouble()));
    stage.sync();
    assert_eq!(stage.ui.stacks.selected().cloned(), chosen);
}

#[test]
fn the_worst_is_selected_until_the_operator_moves() {
    let mut stage = Stage::new(120, 40).connected(trouble());
    stage.sync();
    let worst = stage.state.attention.problems()[0].target.clone();
    assert_eq!(stage.ui.stacks.selected(), Some(&worst));
    let stage = stage.keys("n n");
    let third = &stage.state.attention.problems()[2].target;
    assert_eq!(stage.ui.stacks.selected(), Some(third));
}

#[test]
fn a_stop_is_asked_for_and_no_is_the_default() {
    let mut stage = stage(120, 40);
    stage.ui.stacks.select(&service("energy-dashboard", "app"), &stage.state);
    let stage = stage.keys("s Enter");
    assert!(!stage.asked.iter().any(|request| matches!(request, Request::Run(Command::Act { .. }))));
    let stage = stage.keys("s y");
    let wanted = Command::Act { verb: Verb::Stop, target: service("energy-dashboard", "app") };
    assert!(stage.asked.contains(&Request::Run(wanted)));
}

#[test]
fn what_is_stopped_starts_at_once() {
    let mut stage = stage(120, 40);
    stage.ui.stacks.select(&service("simple-sync", "sync"), &stage.state);
    let stage = stage.keys("S");
    let wanted = Command::Act { verb: Verb::Start, target: service("simple-sync", "sync") };
    assert!(stage.asked.contains(&Request::Run(wanted)));
}

#[test]
fn marks_act_together() {
    let stage = Stage::new(120, 40).connected(well()).keys("j Space Space b Enter");
    let mut stage = stage;
    assert_snapshot!("bulk_question", stage.text());
    let stage = stage.keys("y");
    let acts =
        stage.asked.iter().filter(|request| matches!(request, Request::Run(Command::Act { .. }))).count();
    assert_eq!(acts, 2);
}

#[test]
fn a_filter_narrows_the_tree_and_esc_clears_it() {
    let mut stage = stage(80, 24).keys("/ d b Enter");
    let filtered = stage.text();
    assert!(filtered.contains("/db") && !filtered.contains("questdb  ") || filtered.contains("questdb"));
    assert_snapshot!("filtered", filtered);
    let mut stage = stage.keys("Esc");
    assert!(stage.ui.stacks.filter().is_empty());
    assert!(stage.text().contains("gateway"));
}

#[test]
fn the_narrow_screen_drills_in_and_comes_back() {
    let mut stage = stage(80, 24).keys("n Enter");
    assert_snapshot!("narrow_details", stage.text());
    let stage = stage.keys("Esc");
    assert_eq!(stage.ui.stacks.contexts()[0], crate::tui::action::KeyContext::Tree);
}

#[test]
fn folding_hides_services_and_left_climbs() {
    let mut stage = Stage::new(80, 24).connected(well()).keys("j j Left Left");
    assert!(!stage.text().contains("mongodb"));
    assert_eq!(stage.ui.stacks.selected(), Some(&Target::Stack("energy-dashboard".into())));
    let mut stage = stage.keys("Right");
    assert!(stage.text().contains("mongodb"));
}

#[test]
fn what_ended_long_ago_without_a_stack_is_hidden_and_said_so() {
    let mut all = well();
    let mut old = exited(running("", "old-experiment", 90_000), 0, 80_000);
    old.compose = None;
    old.name = "old-experiment".into();
    old.id = id_of("old-experiment");
    all.push(old);
    let mut stage = Stage::new(80, 24).connected(all);
    let hidden = stage.text();
    assert!(!hidden.contains("old-experiment") && hidden.contains("1 hidden, a shows"), "{hidden}");
    let mut stage = stage.keys("a");
    assert!(stage.text().contains("old-experiment"));
}

#[test]
fn a_click_selects_and_the_wheel_moves() {
    let mut stage = Stage::new(120, 40).connected(well());
    stage.sync();
    let stage = stage.click(5, 6);
    let selected = stage.ui.stacks.selected().cloned();
    assert!(matches!(selected, Some(Target::Service { .. })), "{selected:?}");
    let mut stage = stage.click(75, 20);
    stage.sync();
    assert_eq!(stage.ui.stacks.contexts()[0], crate::tui::action::KeyContext::Text);
    let text = stage.text();
    let line = text.lines().last().unwrap();
    let column = line.chars().position(|c| c == '5').unwrap() as u16;
    let stage = stage.click(column + 2, 39);
    assert_eq!(stage.ui.screen, Screen::Events);
}

#[test]
fn nothing_new_draws_nothing() {
    let mut stage = Stage::new(120, 40).connected(well()).sampled();
    stage.sync();
    stage.ui.mark_drawn(&stage.state, now());
    assert!(!stage.ui.is_stale(&stage.state, now()));
    stage.apply(Event::JobStarted(Box::new(Job {
        id: JobId(1),
        verb: Verb::Stop,
        target: service("energy-dashboard", "app"),
        started_at: now(),
        stop_timeout: None,
        done: 0,
        total: 1,
        command: String::new(),
        gist: String::new(),
        order: None,
        phase: None,
        run: None,
        watch: None,
    })));
    assert!(stage.ui.is_stale(&stage.state, now()));
}

#[test]
fn a_thousand_containers_draw_only_what_is_seen() {
    let all =
        (0..1000).map(|n| running(&format!("stack-{}", n / 10), &format!("service-{n:04}"), 7200)).collect();
    let mut stage = Stage::new(120, 40).connected(all).keys("G");
    let text = stage.text();
    assert!(text.contains("service-0999") && !text.contains("service-0500"), "{text}");
    assert!(stage.state.interest.usage.len() < 60);
}

#[test]
fn tokens_in_trouble_stand_in_the_list_the_header_and_the_tree() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut stage = Stage::new(width, height).connected(well()).sampled();
        crate::tui::fixture::tokens::add(&mut stage.state);
        assert_snapshot!(format!("tokens_{width}x{height}"), stage.screen());
    }
}

#[test]
fn one_goes_through_a_service_and_its_tokens_once() {
    let mut stage = Stage::new(120, 40).connected(trouble()).sampled();
    crate::tui::fixture::tokens::add(&mut stage.state);
    let all = stage.state.attention.problems().len();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..all {
        seen.extend(stage.ui.stacks.selected().cloned());
        stage = stage.keys("n");
    }
    let wanted = stage.state.attention.problems().iter().map(|problem| problem.target.clone());
    assert_eq!(seen, wanted.collect());
}

/// A probe that fails while the health check passes: in the list of what is wrong, beside the name, in the details.
#[test]
fn what_docker_calls_healthy_and_a_probe_does_not() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut stage = Stage::new(width, height).connected(well()).sampled();
        let rule = |name: &str, path: &str| ProbeRule {
            name: name.to_owned(),
            service: "api".into(),
            url: format!("http://localhost:8000{path}"),
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            expect: Vec::new(),
            stale: None,
        };
        let probes = vec![rule("alive", "/health"), rule("ready", "/health/ready")];
        let file = StackFile { probes, ..StackFile::default() };
        let (stack, folder) = ("personal-assistant".into(), "/srv".into());
        stage.apply(Event::StackFileRead { stack, folder, result: Ok(file) });
        let words = String::from("Database unavailable");
        let ill = ProbeAnswer {
            code: Some(503),
            fault: Some(ProbeFault { kind: FaultKind::Code, words: format!("HTTP 503: {words}") }),
            told: Told { message: Some(words), ..Told::default() },
            ..ProbeAnswer::default()
        };
        let well = ProbeAnswer { code: Some(200), ..ProbeAnswer::default() };
        for (name, answer) in [("alive", &well), ("ready", &ill), ("ready", &ill)] {
            let probe =
                ProbeId { stack: "personal-assistant".into(), service: "api".into(), name: name.into() };
            stage.apply(Event::Probed { probe, answer: Box::new(answer.clone()) });
        }
        assert_snapshot!(format!("probe_{width}x{height}"), stage.keys("d").screen());
    }
}
