//! Two stackdashes at one stack: the second is told of the first.

use std::path::Path;
use std::sync::Arc;

use stackdash::adapters::scenario::CALM;
use stackdash::adapters::turns::FileTurns;
use stackdash::command::Command;
use stackdash::model::jobs::{ComposeOrder, ComposeVerb, Verb};
use stackdash::ports::Ports;

use crate::support::{TestApp, service};

fn order(verb: ComposeVerb) -> Command {
    Command::Compose(ComposeOrder { verb, stack: "blog".into(), services: Vec::new(), profiles: Vec::new() })
}

async fn app(folder: &Path) -> TestApp {
    let turns = FileTurns::new(folder, "one engine");
    TestApp::plugged(CALM, false, |ports| Ports { turns: Some(Arc::new(turns)), ..ports }).await
}

/// The engines are two here, but are taken for one.
#[tokio::test(start_paused = true)]
async fn the_turn_is_held_as_long_as_the_job_and_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let (mut one, mut other) = (app(folder.path()).await, app(folder.path()).await);
    one.submit(order(ComposeVerb::Recreate));
    one.settle().await;
    for refused in
        [order(ComposeVerb::Update), Command::Act { verb: Verb::Stop, target: service("blog", "web") }]
    {
        other.submit(refused);
        other.settle().await;
        let told =
            format!("blog: another stackdash (process {}) is at work on it: recreating;", std::process::id());
        assert!(other.notices().last().unwrap().starts_with(&told), "{:?}", other.notices());
        assert_eq!(other.state().jobs.running().count(), 0);
    }
    one.seconds(60).await;
    assert!(one.notices().last().unwrap().contains("recreated in"), "{:?}", one.notices());

    // One that is cancelled lets go, too. What touches single containers goes on side by side.
    other.submit(order(ComposeVerb::Recreate));
    other.settle().await;
    let job = other.state().jobs.running().next().expect("it is its turn now").id;
    other.submit(Command::Cancel(job));
    other.seconds(60).await;
    assert_eq!(other.state().jobs.running().count(), 0);
    for app in [&mut one, &mut other] {
        app.submit(Command::Act { verb: Verb::Restart, target: service("blog", "web") });
        app.settle().await;
    }
    for app in [&mut one, &mut other] {
        app.seconds(60).await;
        assert!(app.notices().last().unwrap().contains("restarted"), "{:?}", app.notices());
    }
}
