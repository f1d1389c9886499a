//! A thousand containers.

use stackdash::adapters::scenario::crowd;
use stackdash::model::jobs::Verb;
use stackdash::model::stacks::ServiceState;

use crate::support::{TestApp, stack};

#[tokio::test(start_paused = true)]
async fn a_thousand_containers_are_listed_measured_and_moved() {
    let mut app = TestApp::scenario(&crowd(50, 20)).await;
    assert_eq!(app.state().containers.len(), 1000);
    assert_eq!(app.state().containers.stacks().count(), 50);
    let up = app.state().containers.iter().filter(|entry| entry.container.run.is_up()).count();
    let measured = app
        .state()
        .containers
        .iter()
        .filter(|entry| app.state().usage.get(&entry.container.id).is_some())
        .count();
    assert_eq!(up, 980);
    assert_eq!(measured, up);
    app.act(Verb::Stop, stack("crowd-001")).await;
    app.seconds(30).await;
    assert_eq!(app.stack("crowd-001").state, ServiceState::Stopped);
    assert!(app.jobs().is_empty());
    assert_eq!(app.state().containers.len(), 1000);
}
