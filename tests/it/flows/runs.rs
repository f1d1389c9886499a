//! Programs that are run: typed ones, custom actions with their questions, their output and their ends.

use stackdash::adapters::scenario::DEMO;
use stackdash::command::Command;
use stackdash::model::runs::{ExecOrder, RunOrder, RunTitle, RunWay};
use stackdash::model::stacks::Target;
use stackdash::tui::action::Action;
use stackdash::tui::ui::Request;

use crate::support::{Stage, TestApp, service, stack};

async fn at(target: Target, columns: u16, rows: u16) -> Stage {
    let mut stage = Stage::scenario(DEMO, columns, rows).await;
    stage.ui.stacks.select(&target, stage.app.state());
    stage.sync().await;
    stage
}

async fn press_action(stage: &mut Stage, action: Action) {
    let now = stage.app.now();
    for request in stage.ui.act(action, stage.app.state(), now) {
        if let Request::Run(command) = request {
            stage.app.submit(command);
        }
    }
    stage.sync().await;
}

/// Types text as keys.
async fn type_in(stage: &mut Stage, text: &str) {
    for character in text.chars() {
        let key = if character == ' ' { String::from("Space") } else { character.to_string() };
        stage.keys(&key).await;
    }
}

fn exec(app: &TestApp, arguments: &[&str], is_action: bool) -> RunOrder {
    RunOrder {
        title: RunTitle { name: arguments[0].into(), is_action },
        target: service("energy-dashboard", "mongodb"),
        way: RunWay::Exec(ExecOrder {
            container: app.container("energy-dashboard", "mongodb"),
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
            user: None,
            folder: None,
        }),
        timeout: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_typed_command_prints_into_the_details_and_is_kept_in_the_timeline() {
    let mut stage = at(service("energy-dashboard", "mongodb"), 120, 40).await;
    let begin = stage.app.now();
    press_action(&mut stage, Action::RunCommand).await;
    type_in(&mut stage, "echo 'two words' $HOME").await;
    stage.assert_shows("2 arguments · two words · $HOME");
    insta::assert_snapshot!("command", stage.screen());
    stage.keys("Enter").await;
    stage.seconds(1).await;
    stage.assert_shows("two words $HOME");
    stage.assert_shows("ended with exit code 0");
    let told = stage.app.timeline_since(begin).join("\n");
    assert!(told.contains("echo ended with exit code 0"), "{told}");
    assert!(told.contains("· docker exec energy-dashboard-mongodb-1 echo 'two words' '$HOME'"), "{told}");
    // The line of before comes back.
    press_action(&mut stage, Action::RunCommand).await;
    stage.keys("Up").await;
    stage.assert_shows("$ echo 'two words' $HOME");
    stage.keys("Esc").await;
    press_action(&mut stage, Action::RunCommand).await;
    type_in(&mut stage, "false").await;
    stage.keys("Enter").await;
    stage.seconds(1).await;
    assert!(stage.app.notices().last().unwrap().contains("false ended with exit code 1"));
    press_action(&mut stage, Action::RunCommand).await;
    type_in(&mut stage, "missing").await;
    stage.keys("Enter").await;
    stage.seconds(1).await;
    let words = stage.app.notices().last().unwrap().to_string();
    assert!(words.contains("exit code 127") && words.contains("name its whole path"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn an_action_asks_shows_its_exact_arguments_and_runs() {
    let mut stage = at(stack("energy-dashboard"), 120, 40).await;
    stage.keys("c").await;
    stage.assert_shows("Actions of energy-dashboard");
    insta::assert_snapshot!("actions", stage.screen());
    stage.keys("Down Enter").await;
    stage.assert_shows("Reading the choices");
    stage.seconds(1).await;
    stage.assert_shows("energy-2026-11-19.gz");
    insta::assert_snapshot!("asking", stage.screen());
    stage.keys("1 9 Enter").await;
    stage.assert_shows("mongorestore --archive=/data/backups/energy-2026-11-19.gz --gzip --drop");
    stage.assert_shows("[ No ]");
    insta::assert_snapshot!("confirm_action", stage.screen());
    stage.keys("Enter").await;
    assert!(stage.app.jobs().is_empty(), "the default is no");
    stage.keys("c Down Enter").await;
    stage.seconds(1).await;
    stage.keys("Enter y").await;
    stage.seconds(3).await;
    assert_eq!(stage.app.jobs().len(), 1);
    insta::assert_snapshot!("running_action", stage.screen());
    stage.seconds(9).await;
    stage.assert_shows("finished restoring");
    stage.assert_shows("ended with exit code 0 after 8s");
    insta::assert_snapshot!("ended_action", stage.screen());
    let notice = stage.app.notices().last().unwrap().to_string();
    assert_eq!(notice, "energy-dashboard/mongodb: restore ended with exit code 0 after 8s");
}

#[tokio::test(start_paused = true)]
async fn the_popups_fit_on_small_screens() {
    let mut stage = at(stack("energy-dashboard"), 60, 20).await;
    stage.keys("c Down Enter").await;
    stage.seconds(1).await;
    insta::assert_snapshot!("asking_small", stage.screen());
    stage.keys("Enter").await;
    insta::assert_snapshot!("confirm_action_small", stage.screen());
    stage.keys("y").await;
    stage.seconds(9).await;
    insta::assert_snapshot!("ended_action_small", stage.screen());
}

#[tokio::test(start_paused = true)]
async fn the_palette_knows_custom_actions_and_their_program_may_fail() {
    let mut stage = at(stack("energy-dashboard"), 80, 24).await;
    stage.keys(":").await;
    type_in(&mut stage, "backup-check").await;
    stage.keys("Enter").await;
    stage.assert_shows("run --rm mongo-backup backup01-now");
    stage.keys("y").await;
    stage.seconds(3).await;
    let notice = stage.app.notices().last().unwrap().to_string();
    assert_eq!(notice, "energy-dashboard: backup-check ended with exit code 8 after 2s");
    stage.assert_shows("No space left on /backup");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_cancelled_or_ended_by_the_clock() {
    let mut stage = at(service("energy-dashboard", "mongodb"), 120, 40).await;
    press_action(&mut stage, Action::RunCommand).await;
    type_in(&mut stage, "sleep 500").await;
    stage.keys("Enter").await;
    stage.seconds(2).await;
    stage.assert_shows("running sleep 2s");
    stage.keys("X X").await;
    stage.seconds(1).await;
    assert!(stage.app.jobs().is_empty());
    assert!(stage.app.notices().last().unwrap().ends_with("sleep cancelled after 2s"));
    stage.assert_shows("cancelled after 2s");
    let mut order = exec(&stage.app, &["sleep", "500"], false);
    order.timeout = Some(std::time::Duration::from_secs(5));
    stage.app.submit(Command::Run(order));
    stage.seconds(6).await;
    assert!(stage.app.notices().last().unwrap().ends_with("sleep did not end within 5s; it was ended"));
}

#[tokio::test(start_paused = true)]
async fn only_the_same_action_on_the_same_stack_conflicts() {
    let mut app = TestApp::scenario(DEMO).await;
    for (name, is_action) in [("sleep", true), ("sleep", true), ("sleep", false), ("sleep", false)] {
        let order = exec(&app, &[name, "9"], is_action);
        app.submit(Command::Run(order));
        app.settle().await;
    }
    assert_eq!(app.jobs().len(), 3, "{:?}", app.jobs());
    assert!(app.notices()[0].contains("sleep is running on energy-dashboard/mongodb already"));
    // What is run stands in nobody's way, but what may recreate containers does.
    app.act(stackdash::model::jobs::Verb::Restart, service("energy-dashboard", "app")).await;
    assert_eq!(app.jobs().len(), 4);
    let way = RunWay::Compose { stack: "energy-dashboard".into(), arguments: vec![String::from("up")] };
    let order = RunOrder { way, target: stack("energy-dashboard"), ..exec(&app, &["up"], true) };
    app.submit(Command::Run(order));
    app.settle().await;
    assert!(app.notices().last().unwrap().contains("restarting already"), "{:?}", app.notices());
}

#[tokio::test(start_paused = true)]
async fn a_container_that_is_down_runs_nothing_and_says_so() {
    let mut stage = at(service("energy-dashboard", "mongo-backup"), 120, 40).await;
    press_action(&mut stage, Action::RunCommand).await;
    assert!(stage.ui.popups.is_empty());
    stage.assert_shows("a program needs a running container");
    stage.ui.stacks.select(&service("simple-sync", "simple-sync"), stage.app.state());
    stage.sync().await;
    stage.keys("c").await;
    stage.assert_shows("has no custom actions; [[action]] in /srv/simple-sync/stackdash.toml");
}
