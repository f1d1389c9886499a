//! Updates that go well, that fail and are undone, that are cancelled; scaling; several profiles.

use stackdash::adapters::scenario::{CALM, DEMO};
use stackdash::command::Command;
use stackdash::model::jobs::{ComposeOrder, ComposeVerb, Phase};
use stackdash::model::stacks::ServiceState;

use crate::support::{Stage, TestApp, service};

fn order(verb: ComposeVerb, services: &[&str]) -> Command {
    let services = services.iter().map(|name| (*name).into()).collect();
    Command::Compose(ComposeOrder { verb, stack: "blog".into(), services, profiles: Vec::new() })
}

/// The calm scenario, where the image of `web` is built anew to something.
fn with(web: &str) -> String {
    CALM.replace("image = \"blog:latest\"", &format!("image = \"blog:latest\"\n{web}"))
}

fn phase(app: &TestApp) -> Option<Phase> {
    Some(app.jobs().first()?.phase.as_ref()?.phase)
}

fn image(app: &TestApp) -> String {
    let id = app.container("blog", "web");
    app.state().containers.get(&id).unwrap().container.image_id.clone()
}

#[tokio::test(start_paused = true)]
async fn an_update_goes_through_its_phases_until_all_is_healthy() {
    let mut app = TestApp::scenario(&with("update = true")).await;
    let (begin, before) = (app.now(), image(&app));
    app.submit(order(ComposeVerb::Update, &[]));
    app.settle().await;
    assert_eq!(phase(&app), Some(Phase::Pulling), "what is not built is pulled");
    app.seconds(1).await;
    assert_eq!(phase(&app), Some(Phase::Building));
    app.seconds(5).await;
    assert_eq!(phase(&app), Some(Phase::Waiting), "{:?}", app.jobs());
    assert_eq!(app.service_state("blog", "web"), ServiceState::Starting);
    app.seconds(15).await;
    assert!(app.jobs().is_empty(), "{:?}", app.jobs());
    assert_ne!(image(&app), before);
    assert!(app.notices().last().unwrap().starts_with("blog: updated in "), "{:?}", app.notices());
    assert!(app.state().jobs.kept("blog").is_none());
    let told = app.timeline_since(begin);
    for (words, command) in [
        ("update: pulled in 0s", " pull --ignore-pull-failures db"),
        ("update: built in ", " build web"),
        ("update: started in ", " up --detach"),
        ("updated in ", ""),
    ] {
        let line = told.iter().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{told:?}"));
        assert!(line.ends_with(command), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_does_not_get_healthy_is_undone_when_one_says_so() {
    let text = with("update_sick = \"connection refused\"");
    let mut stage = Stage::scenario(&text, 120, 40).await;
    let before = image(&stage.app);
    let begin = stage.app.now();
    stage.keys("/ w e b Enter g j R").await;
    stage.assert_shows("Update");
    stage.keys("Enter").await;
    stage.assert_shows("waits until all of it is ready");
    stage.keys("y").await;
    stage.seconds(8).await;
    stage.assert_shows("waiting for health");
    stage.seconds(60).await;
    assert!(stage.app.jobs().is_empty(), "{:?}", stage.app.jobs());
    assert_ne!(image(&stage.app), before);
    stage.assert_shows("The update of blog failed");
    stage.assert_shows("unhealthy");
    // Enter on what is chosen by itself leaves everything.
    stage.keys("Enter").await;
    assert!(stage.app.jobs().is_empty());
    stage.keys("R").await;
    stage.assert_shows("Go back: web to the image from before");
    stage.keys("Enter y").await;
    stage.seconds(40).await;
    assert_eq!(image(&stage.app), before);
    assert_eq!(stage.app.service_state("blog", "web"), ServiceState::Healthy, "{:?}", stage.app.notices());
    assert!(stage.app.state().jobs.kept("blog").is_none());
    let told = stage.app.timeline_since(begin);
    assert!(told.iter().any(|line| line.contains("update failed: web is unhealthy")), "{told:?}");
    assert!(told.iter().any(|line| line.contains("gone back in ")), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_build_that_fails_changes_nothing_and_says_its_first_error_in_the_row() {
    let text = with("build_error = \"main.c:3: error: expected ';'\"");
    let mut stage = Stage::scenario(&text, 160, 40).await;
    let before = image(&stage.app);
    stage.app.submit(order(ComposeVerb::Update, &["web"]));
    stage.seconds(6).await;
    assert!(stage.app.jobs().is_empty());
    assert_eq!(image(&stage.app), before);
    assert!(stage.app.state().jobs.kept("blog").is_none(), "nothing was started, nothing is to be undone");
    stage.keys("/ w e b Enter g j").await;
    stage.assert_shows("update failed: main.c:3: error: expected ';'");
    stage.keys("O").await;
    stage.assert_shows("compiling 38 files");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_update_says_where_it_was_and_keeps_the_way_back() {
    let mut app = TestApp::scenario(&with("update = true")).await;
    app.submit(order(ComposeVerb::Update, &["web"]));
    app.seconds(6).await;
    assert_eq!(phase(&app), Some(Phase::Waiting));
    let job = app.jobs()[0].id;
    app.submit(Command::Cancel(job));
    app.settle().await;
    let words = app.notices().last().unwrap().to_string();
    assert!(words.contains("update cancelled while waiting for health, after 6s"), "{words}");
    assert!(words.contains("perhaps new; the old images are kept"), "{words}");
    assert!(app.state().jobs.kept("blog").is_some_and(|kept| !kept.asks));
}

#[tokio::test(start_paused = true)]
async fn nothing_else_goes_beside_an_update() {
    let mut app = TestApp::scenario(&with("update = true")).await;
    app.submit(order(ComposeVerb::Update, &["web"]));
    app.seconds(6).await;
    app.submit(order(ComposeVerb::Recreate, &["db"]));
    app.act(stackdash::model::jobs::Verb::Restart, service("blog", "db")).await;
    let words = "blog/db: blog/web is updating already; wait for it or cancel it";
    assert_eq!(app.notices(), [words, words]);
}

#[tokio::test(start_paused = true)]
async fn a_service_is_scaled_up_and_down_or_says_why_not() {
    let mut app = TestApp::scenario(CALM).await;
    app.submit(order(ComposeVerb::Scale(3), &["web"]));
    app.settle().await;
    assert!(app.notices()[0].contains("host port 8080 can be published once"), "{:?}", app.notices());
    app.submit(order(ComposeVerb::Scale(3), &["db"]));
    app.seconds(5).await;
    assert_eq!(app.service("blog", "db").containers.len(), 3, "{:?}", app.notices());
    app.submit(order(ComposeVerb::Scale(1), &["db"]));
    app.seconds(5).await;
    assert_eq!(app.service("blog", "db").containers.len(), 1, "{:?}", app.notices());
    assert!(app.notices().contains(&"blog/db: scaled in 0s"), "{:?}", app.notices());
}

#[tokio::test(start_paused = true)]
async fn several_profiles_are_marked_and_brought_up_together() {
    let mut stage = Stage::scenario(DEMO, 120, 40).await;
    stage.keys("/ e n e r g y - d a s h Enter g p").await;
    stage.assert_shows("Profiles of energy-dashboard");
    stage.assert_shows("mongo-backup");
    stage.keys("j").await;
    stage.assert_shows("is up, mongo-backup needs it");
    stage.keys("Space Space").await;
    stage.assert_shows("Bringing up backup, nginx");
    stage.keys("u").await;
    stage.assert_shows("With the profiles backup, nginx");
    stage.keys("n").await;
    assert!(stage.app.jobs().is_empty());
}
