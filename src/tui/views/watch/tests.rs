use std::sync::Arc;

use insta::assert_snapshot;

use crate::command::Command;
use crate::event::Event;
use crate::model::compose::Definition;
use crate::model::jobs::JobId;
use crate::model::watch::ServiceKey;
use crate::tui::fixture::watch::{Scene, add, key};
use crate::tui::fixture::{Stage, now, trouble, well};
use crate::tui::theme::{self, ColorDepth};
use crate::tui::ui::Request;
use crate::tui::view::Screen;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

fn stage(width: u16, height: u16, scene: Scene) -> Stage {
    let mut stage = Stage::new(width, height).connected(well()).sampled();
    add(&mut stage.state, scene);
    stage
}

fn run(command: Command) -> Request {
    Request::Run(command)
}

fn set(service: &str, on: bool) -> Request {
    let (stack, service) = key("hackathon-todo", service);
    run(Command::SetWatch { stack, service: Some(service), on })
}

fn trigger((stack, service): ServiceKey) -> Request {
    run(Command::TriggerWatch { stack, service })
}

/// Selects the backend by its name.
const BACKEND: &str = "/ b a c k e n d Enter";

#[test]
fn every_scene_at_every_size() {
    let scenes = [
        ("off", Scene::Off),
        ("idle", Scene::Idle),
        ("running", Scene::Running),
        ("failed", Scene::Failed),
        ("suspended", Scene::Suspended),
        ("offered", Scene::Offered),
        ("paused", Scene::Paused),
        ("polled", Scene::Polled),
    ];
    for (name, scene) in scenes {
        for (width, height) in SIZES {
            assert_snapshot!(
                format!("{name}_{width}x{height}"),
                stage(width, height, scene).keys("4").screen()
            );
        }
    }
}

#[test]
fn the_smallest_screen_has_room_for_both_lists() {
    assert_snapshot!(stage(60, 20, Scene::Running).keys("4").screen());
}

#[test]
fn a_run_tells_its_files_its_phases_and_what_it_printed() {
    for (width, height) in SIZES {
        let stage = stage(width, height, Scene::Failed).keys("4 Tab Enter");
        assert_snapshot!(format!("run_{width}x{height}"), stage.screen());
    }
    let slow = stage(120, 40, Scene::Idle).keys("4 Tab j j j j").screen();
    assert!(slow.contains("3.4s over the budget of 5.0s"), "{slow}");
    assert!(slow.contains("2 later changes were taken along"), "{slow}");
    assert!(slow.contains("and 11 more"), "{slow}");
}

#[test]
fn what_is_drawn_in_ascii_is_ascii() {
    for scene in [Scene::Running, Scene::Failed, Scene::Suspended, Scene::Offered, Scene::Polled] {
        let mut stage = stage(120, 40, scene).keys("4");
        stage.ui.theme.ascii = true;
        let screen = stage.text();
        assert!(screen.is_ascii(), "{screen}");
        if scene == Scene::Running {
            assert_snapshot!(screen);
        }
    }
}

#[test]
fn states_keep_their_colors_apart_in_three_themes() {
    for name in ["dark", "light", "high-contrast"] {
        let color = |scene: Scene, word: &str| {
            let mut stage = stage(120, 40, scene).keys("4");
            stage.ui.theme = theme::load(name, false, ColorDepth::TrueColor).unwrap();
            let buffer = stage.buffer();
            let row = (3..40).find(|y| {
                let text: String = (0..20).map(|x| buffer[(x, *y)].symbol()).collect();
                text.contains(word)
            });
            buffer[(1, row.unwrap())].fg
        };
        let (on, off) = (color(Scene::Idle, "◎ on"), color(Scene::Off, "○ off"));
        let (failed, offered) = (color(Scene::Failed, "✗ failed"), color(Scene::Offered, "≠ 3 changed"));
        let all = [on, off, failed, offered];
        for (n, one) in all.iter().enumerate() {
            assert!(!all[..n].contains(one), "{name}: {all:?}");
        }
    }
}

#[test]
fn an_empty_screen_says_how_to_begin() {
    let mut stage = Stage::new(80, 24).connected(trouble()).keys("4");
    assert!(stage.text().contains("Reading the compose files"), "{}", stage.text());
    let names: Vec<_> = stage.state.containers.stacks().map(|stack| stack.name.clone()).collect();
    for project in
        names.iter().filter_map(|name| stage.state.containers.project_of(name).cloned()).collect::<Vec<_>>()
    {
        let name = Arc::from(project.name.clone().unwrap_or_default());
        let definition = Definition { name, ..Definition::default() };
        stage.apply(Event::DefinitionRead { project, result: Ok(definition) });
    }
    let screen = stage.screen();
    assert!(screen.contains("No service has anything to watch"), "{screen}");
    assert!(screen.contains("w on a service"), "{screen}");
}

#[test]
fn w_switches_the_watching_of_a_service_or_a_stack() {
    let stage = stage(120, 40, Scene::Idle).keys("4").keys(BACKEND).keys("w");
    assert_eq!(stage.asked, [set("backend", false)]);
    let off = self::stage(120, 40, Scene::Off);
    let mut off = off.keys("1").keys(BACKEND).keys("j w");
    assert_eq!(off.asked, [set("backend", true)]);
    assert!(off.text().contains("backend is watched"), "{}", off.text());
    let whole = self::stage(120, 40, Scene::Off).keys("1").keys(BACKEND).keys("g w");
    let (stack, _) = key("hackathon-todo", "");
    assert_eq!(whole.asked, [run(Command::SetWatch { stack, service: None, on: true })]);
}

#[test]
fn what_has_nothing_to_watch_says_why() {
    let mut mounted = stage(120, 40, Scene::Idle).keys("4 / e n e r g y Enter w");
    assert_eq!(mounted.asked, []);
    assert!(mounted.text().contains("bind mount, the service reloads itself"), "{}", mounted.text());
    let mut gateway = stage(120, 40, Scene::Idle).keys("1 / g a t e w a y Enter j w t");
    assert_eq!(gateway.asked, []);
    assert!(gateway.text().contains("neither watch rules nor a build"), "{}", gateway.text());
}

#[test]
fn t_does_what_waits_at_once_and_asks_where_nothing_does() {
    let waits = stage(120, 40, Scene::Offered).keys("4").keys(BACKEND).keys("t");
    assert_eq!(waits.asked, [trigger(key("hackathon-todo", "backend"))]);
    let mut quiet = stage(120, 40, Scene::Idle).keys("4").keys(BACKEND).keys("t");
    assert_eq!(quiet.asked, []);
    assert!(quiet.text().contains("Rebuild hackathon-todo/backend now?"), "{}", quiet.text());
    assert_eq!(quiet.keys("y").asked, [trigger(key("hackathon-todo", "backend"))]);
    let mut suspended = stage(120, 40, Scene::Suspended).keys("4").keys(BACKEND).keys("t");
    assert_eq!(suspended.asked, []);
    assert!(suspended.text().contains("This lets it go on"), "{}", suspended.text());
    assert_eq!(suspended.keys("n").asked, []);
}

#[test]
fn pause_and_manual_are_switched_both_ways() {
    assert_eq!(stage(80, 24, Scene::Idle).keys("4 p").asked, [run(Command::PauseWatch(true))]);
    assert_eq!(stage(80, 24, Scene::Paused).keys("4 p").asked, [run(Command::PauseWatch(false))]);
    assert_eq!(stage(80, 24, Scene::Idle).keys("4 M").asked, [run(Command::SetWatchManual(true))]);
    assert_eq!(stage(80, 24, Scene::Manual).keys("4 M").asked, [run(Command::SetWatchManual(false))]);
}

#[test]
fn read_only_refuses_what_would_change_something() {
    let mut stage = stage(120, 40, Scene::Offered);
    stage.state.read_only = true;
    let mut stage = stage.keys("4").keys(BACKEND).keys("w t");
    assert_eq!(stage.asked, []);
    assert!(stage.text().contains("Read-only"), "{}", stage.text());
}

#[test]
fn a_build_under_way_is_cancelled_by_its_job() {
    let stage = stage(120, 40, Scene::Running).keys("4").keys(BACKEND).keys("Tab X");
    assert_eq!(stage.asked, [run(Command::Cancel(JobId(77)))]);
}

#[test]
fn enter_drills_in_and_esc_comes_back() {
    let mut stage = stage(80, 24, Scene::Idle).keys("4 Enter");
    assert!(stage.text().contains("Loop times"), "{}", stage.text());
    let mut stage = stage.keys("Esc");
    assert!(stage.text().contains("LAST LOOP"));
    let stage = stage.keys("Enter q");
    assert_eq!(stage.ui.screen, Screen::Watch);
    assert_eq!(stage.keys("q").ui.screen, Screen::Stacks);
}

#[test]
fn moving_goes_from_the_services_into_the_runs_and_back() {
    let mut stage = stage(80, 24, Scene::Idle).keys("4 j j j j Enter");
    assert!(stage.text().contains("Phases"), "{}", stage.text());
    stage = stage.keys("Esc k Enter");
    assert!(!stage.text().contains("Phases"), "{}", stage.text());
}

#[test]
fn whoever_stands_on_an_older_run_stays_there() {
    let mut stage = stage(120, 40, Scene::Idle).keys("4 Tab j j");
    stage.sync();
    let before = stage.ui.watch.selected_run(&stage.state).map(|run| run.id);
    add(&mut stage.state, Scene::Failed);
    stage.sync();
    assert_eq!(stage.ui.watch.selected_run(&stage.state).map(|run| run.id), before);
    let mut first = self::stage(120, 40, Scene::Idle).keys("4 Tab");
    first.sync();
    add(&mut first.state, Scene::Failed);
    first.sync();
    let newest = first.state.watch.runs().last().map(|run| run.id);
    assert_eq!(first.ui.watch.selected_run(&first.state).map(|run| run.id), newest);
}

#[test]
fn nothing_is_drawn_again_while_nothing_happens() {
    let mut stage = stage(120, 40, Scene::Idle).keys("4");
    stage.sync();
    stage.ui.mark_drawn(&stage.state, now());
    assert!(!stage.ui.is_stale(&stage.state, now()));
    let later = now() + jiff::SignedDuration::from_mins(10);
    assert!(!stage.ui.watch.counts_seconds(&stage.state, later));
    stage.state.watch.revision.bump();
    assert!(stage.ui.is_stale(&stage.state, now()));
    let busy = self::stage(120, 40, Scene::Running);
    assert!(busy.ui.watch.counts_seconds(&busy.state, now()));
}

#[test]
fn rows_of_the_tree_and_the_list_of_what_is_wrong_speak_of_it() {
    for (width, height) in [(80, 24), (120, 40)] {
        for (name, scene) in
            [("failed", Scene::Failed), ("offered", Scene::Offered), ("running", Scene::Running)]
        {
            let screen = stage(width, height, scene).keys("1").screen();
            assert_snapshot!(format!("tree_{name}_{width}x{height}"), screen);
        }
    }
    let failed = stage(120, 40, Scene::Failed).keys("1").screen();
    assert!(failed.contains("build failed: app/main.py:12: SyntaxError"), "{failed}");
    let suspended = stage(120, 40, Scene::Suspended).keys("1").screen();
    assert!(suspended.contains("t go on"), "{suspended}");
    let calm = stage(120, 40, Scene::Idle).keys("1").screen();
    assert!(calm.contains("◎ watch") && calm.contains("nothing is wrong"), "{calm}");
}

#[test]
fn coming_from_a_service_its_watch_is_selected() {
    let stage = stage(120, 40, Scene::Idle).keys("1").keys(BACKEND).keys("j 4").screen();
    assert!(stage.contains("┬─ hackathon-todo/backend"), "{stage}");
    assert!(stage.contains("187 files in 21 folders"), "{stage}");
}
