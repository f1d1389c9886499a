//! Pause, signals, removing, renaming, and what Compose is asked for.

use stackdash::adapters::scenario::{CALM, DEMO};
use stackdash::command::Command;
use stackdash::event::{EngineInfo, Event, OwnPlace};
use stackdash::model::jobs::{ComposeOrder, ComposeVerb, Signal, Verb};
use stackdash::model::stacks::{ServiceState, Target};
use stackdash::state::State;
use stackdash::state::jobs::cutoff;
use stackdash::tui::action::Action;

use crate::support::{Stage, TestApp, service, stack};

fn order(verb: ComposeVerb, services: &[&str]) -> Command {
    let services = services.iter().map(|name| (*name).into()).collect();
    Command::Compose(ComposeOrder { verb, stack: "blog".into(), services, profiles: Vec::new() })
}

#[tokio::test(start_paused = true)]
async fn a_stack_is_paused_and_goes_on() {
    let mut app = TestApp::scenario(CALM).await;
    app.act(Verb::Pause, stack("blog")).await;
    app.seconds(1).await;
    assert_eq!(app.stack("blog").state, ServiceState::Paused);
    app.act(Verb::Pause, stack("blog")).await;
    assert_eq!(app.notices().last(), Some(&"blog is not running"));
    app.act(Verb::Unpause, stack("blog")).await;
    app.seconds(1).await;
    assert_ne!(app.stack("blog").state, ServiceState::Paused);
    assert!(app.notices().contains(&"blog: unpaused 2 containers in 0s"), "{:?}", app.notices());
}

#[tokio::test(start_paused = true)]
async fn a_signal_is_told_with_its_name() {
    let mut app = TestApp::scenario(CALM).await;
    app.act(Verb::Kill(Signal::Hup), service("blog", "web")).await;
    app.seconds(1).await;
    assert_eq!(app.notices(), ["blog/web: sent SIGHUP in 0s"]);
    assert!(app.service_state("blog", "web").is_up(), "a hang-up ends nothing");
    app.act(Verb::Kill(Signal::Kill), service("blog", "web")).await;
    app.seconds(1).await;
    assert!(!app.service_state("blog", "web").is_up());
    assert!(app.told("blog", "web").contains("SIGKILL"), "{}", app.told("blog", "web"));
}

#[tokio::test(start_paused = true)]
async fn only_what_is_stopped_is_removed() {
    let mut app = TestApp::scenario(CALM).await;
    app.act(Verb::Remove, service("blog", "web")).await;
    assert!(app.notices()[0].contains("stop it first"), "{:?}", app.notices());
    app.act(Verb::Stop, service("blog", "web")).await;
    app.seconds(2).await;
    app.act(Verb::Remove, stack("blog")).await;
    app.seconds(1).await;
    let web = app.stack("blog").service("web").map(|service| service.containers.len());
    assert_eq!(web.unwrap_or_default(), 0, "the stopped one went");
    assert!(app.service_state("blog", "db").is_up(), "the running one stayed");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_told_in_the_engines_words() {
    let mut app = TestApp::scenario(CALM).await;
    let (web, db) = (app.container("blog", "web"), app.container("blog", "db"));
    let taken = app.state().containers.name_of(&Target::Container(db));
    app.submit(Command::Rename { container: web.clone(), name: taken });
    app.seconds(1).await;
    let words = app.notices()[0];
    assert!(words.contains("already in use") && words.contains("Choose another name"), "{words}");
    app.submit(Command::Rename { container: web.clone(), name: String::from("no/name") });
    app.settle().await;
    assert!(app.notices()[1].contains("is no name for a container"));
    app.submit(Command::Rename { container: web.clone(), name: String::from("blog-front") });
    app.seconds(1).await;
    assert_eq!(app.state().containers.name_of(&Target::Container(web)), "blog-front");
}

#[tokio::test(start_paused = true)]
async fn a_stack_goes_down_and_can_be_brought_up_again() {
    let mut app = TestApp::scenario(CALM).await;
    let begin = app.now();
    app.submit(order(ComposeVerb::Down { volumes: false }, &[]));
    app.seconds(1).await;
    app.seconds(10).await;
    assert!(app.jobs().is_empty(), "{:?}", app.jobs());
    let left: usize = app.stack("blog").services.iter().map(|service| service.containers.len()).sum();
    assert_eq!(left, 0, "the stack stays in sight with nothing in it");
    app.submit(order(ComposeVerb::Up, &[]));
    app.seconds(20).await;
    assert!(app.stack("blog").state.is_up(), "{:?}", app.notices());
    let told = app.timeline_since(begin);
    let lines: Vec<&String> = told.iter().filter(|line| line.contains(" · docker compose ")).collect();
    assert_eq!(lines.len(), 2, "{told:?}");
    assert!(lines[0].starts_with("blog: taken down in ") && lines[0].ends_with("--progress plain down"));
    assert!(lines[1].ends_with("--progress plain up --detach"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn two_operations_on_one_stack_never_meet() {
    let mut app = TestApp::scenario(CALM).await;
    app.submit(order(ComposeVerb::Rebuild, &["web"]));
    app.settle().await;
    assert_eq!(app.jobs().len(), 1);
    app.submit(order(ComposeVerb::Up, &["db"]));
    app.act(Verb::Restart, service("blog", "db")).await;
    app.settle().await;
    assert_eq!(app.jobs().len(), 1);
    assert_eq!(
        app.notices(),
        [
            "blog/db: blog/web is rebuilding already; wait for it or cancel it",
            "blog/db: blog/web is rebuilding already; wait for it or cancel it",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_output_of_a_job_is_there_while_it_runs_and_a_cancel_says_how_things_stand() {
    let mut app = TestApp::scenario(CALM).await;
    app.submit(order(ComposeVerb::Rebuild, &["web"]));
    app.seconds(1).await;
    let target = service("blog", "web");
    let jobs = &app.state().jobs;
    let output = jobs.output(&target, &app.state().containers).unwrap();
    assert!(output.command.ends_with("up --detach --build --no-deps web"), "{}", output.command);
    assert_eq!(output.lines[1], "#1 [web internal] load build definition");
    assert_eq!(output.progress.steps()[0].name, "[web internal] load build definition");
    let job = app.jobs()[0].clone();
    assert!(job.gist.starts_with("[web "), "{}", job.gist);
    app.submit(Command::Cancel(job.id));
    app.settle().await;
    let words = app.notices().last().copied().unwrap().to_owned();
    assert!(words.starts_with("blog/web: rebuild cancelled after 1s; now "), "{words}");
    assert!(words.ends_with(" of 1 services are up"), "{words}");
    assert!(app.state().jobs.output(&target, &app.state().containers).is_none());
}

#[tokio::test(start_paused = true)]
async fn taking_down_asks_and_volumes_ask_for_the_word() {
    let mut stage = Stage::scenario(DEMO, 120, 40).await;
    stage.keys("/ e n e r g y - d a s h Enter g").await;
    stage.keys("D").await;
    stage.assert_shows("Volumes too: the data is lost");
    stage.keys("Enter").await;
    stage.assert_shows("Volumes stay");
    stage.keys("Enter").await;
    assert!(stage.app.jobs().is_empty(), "Enter alone means no");
    stage.keys("D j Enter").await;
    stage.assert_shows("Type yes to do it");
    stage.keys("Enter").await;
    stage.assert_shows("Only the whole word yes does it");
    assert!(stage.app.jobs().is_empty());
    stage.keys("y e s Enter").await;
    assert_eq!(stage.app.jobs().len(), 1);
    assert!(stage.app.jobs()[0].command.ends_with(" down --volumes"), "{}", stage.app.jobs()[0].command);
}

#[tokio::test(start_paused = true)]
async fn menus_offer_what_can_apply_and_nothing_else() {
    let mut stage = Stage::scenario(CALM, 120, 40).await;
    stage.keys("/ w e b Enter g j").await;
    let offers = |stage: &Stage, action| stage.ui.stacks.offers(action, stage.app.state());
    assert!(offers(&stage, Action::Pause) && offers(&stage, Action::Kill) && offers(&stage, Action::Stop));
    assert!(
        !offers(&stage, Action::Unpause) && !offers(&stage, Action::Remove) && !offers(&stage, Action::Start)
    );
    stage.keys("s y").await;
    stage.seconds(3).await;
    assert!(!offers(&stage, Action::Pause) && !offers(&stage, Action::Kill) && !offers(&stage, Action::Stop));
    assert!(offers(&stage, Action::Remove) && offers(&stage, Action::Start));
}

/// Plays somebody who knows this of its own place.
async fn placed(app: &TestApp, own: OwnPlace) -> State {
    let mut state = State::new(app.now(), String::new(), false);
    state.apply(app.now(), Event::EngineConnected(EngineInfo { own, ..EngineInfo::default() }));
    state.apply(app.now(), Event::ContainersListed(app.ports.engine.list().await.unwrap()));
    state
}

#[tokio::test(start_paused = true)]
async fn cutting_itself_off_is_warned_of() {
    let app = TestApp::scenario(DEMO).await;
    let carrier = app.container("uteclocal", "gateway");
    let ports = &app.state().containers.get(&carrier).unwrap().container.ports;
    let port = ports.iter().find_map(|port| port.host_port).unwrap();
    let own = app.container("simple-sync", "simple-sync");
    let place =
        OwnPlace { container: Some(own.short().to_owned()), engine_port: Some(port), engine_name: None };
    let state = placed(&app, place).await;
    let words = |verb, id| cutoff::warnings(&state, verb, [id]).join("; ");
    assert!(words(Verb::Stop, &own).contains("stackdash itself runs in"));
    assert!(words(Verb::Compose(ComposeVerb::Recreate), &own).contains("stackdash itself runs in"));
    assert_eq!(words(Verb::Start, &own), "");
    assert!(words(Verb::Restart, &carrier).contains("stackdash reaches its engine through"));
    assert_eq!(words(Verb::Stop, &app.container("personal-assistant", "db")), "");
    let nowhere = placed(&app, OwnPlace::default()).await;
    assert!(cutoff::warnings(&nowhere, Verb::Stop, [&own, &carrier]).is_empty());
}
