//! `--read-only`: one gate, every verb.

use stackdash::adapters::scenario::DEMO;
use stackdash::command::{Command, Interest};
use stackdash::model::jobs::{JobId, Verb};
use stackdash::model::stacks::Target;

use crate::support::{TestApp, service, stack};

#[tokio::test(start_paused = true)]
async fn every_verb_on_every_target_is_refused() {
    let mut app = TestApp::read_only(DEMO).await;
    let begin = app.now();
    let container = app.container("simple-sync", "simple-sync");
    let targets =
        [stack("uteclocal"), service("simple-sync", "simple-sync"), Target::Container(container.clone())];
    let mut refused = 0;
    for verb in [Verb::Start, Verb::Stop, Verb::Restart] {
        for target in &targets {
            let command = Command::Act { verb, target: target.clone() };
            assert!(command.changes_something());
            app.submit(command);
            refused += 1;
            assert_eq!(app.notices().len(), refused);
            assert!(app.notices()[refused - 1].starts_with("read-only"));
            assert!(app.jobs().is_empty());
        }
    }
    app.seconds(9).await;
    assert_eq!(app.timeline_since(begin + jiff::SignedDuration::from_millis(1)), Vec::<String>::new());

    // Looking is free.
    for command in [
        Command::Cancel(JobId(1)),
        Command::LookAt(Interest::default()),
        Command::Inspect(container.clone()),
        Command::ReadInspect(container.clone()),
        Command::ReadProcesses(container.clone()),
        Command::ReadDiskUsage,
        Command::Reconnect,
    ] {
        assert!(!command.changes_something());
        app.submit(command);
    }
    app.settle().await;
    assert_eq!(app.notices().len(), refused);
    assert!(app.state().details.inspect(&container).unwrap().is_ok());
    assert!(app.state().details.processes(&container).is_some());
    assert!(app.state().host.disk_usage.as_ref().unwrap().is_ok());
}
