//! The demo over hours: it stays alive, mostly well, and within bounds.

use stackdash::adapters::scenario::{DEMO, open};
use stackdash::model::stacks::ServiceState;
use stackdash::ports::Clock;

use crate::support::{BEGINNING, TestApp};

#[tokio::test(start_paused = true)]
async fn an_hour_of_the_demo_is_mostly_well_and_never_dull() {
    let mut app = TestApp::scenario(DEMO).await;
    let begin = app.now();
    let mut worst = 0;
    for _ in 0..60 {
        app.seconds(60).await;
        worst = worst.max(app.state().attention.problems().len());
        assert!(app.state().connection.is_up());
    }
    assert!(worst <= 5, "{worst} problems at once");
    let told = app.timeline_since(begin);
    assert!((40..400).contains(&told.len()), "{}", told.len());
}

#[tokio::test(start_paused = true)]
async fn two_runs_are_the_same() {
    let mut told = Vec::new();
    for _ in 0..2 {
        let mut app = TestApp::scenario(DEMO).await;
        let gateway = app.container("uteclocal", "gateway");
        app.look_at_logs([gateway.clone()]).await;
        app.seconds(120).await;
        let usage = app.state().usage.get(&gateway).unwrap().usage;
        let texts: Vec<String> = app.log_texts().into_iter().map(str::to_owned).collect();
        told.push((app.timeline_since(BEGINNING.parse().unwrap()), texts, usage.cpu_percent));
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test(start_paused = true)]
async fn no_secret_of_the_demo_is_shown() {
    assert!(DEMO.contains("demo-only"), "every secret of the demo says so");
    let (ports, _) = open(DEMO, Clock::simulated(BEGINNING.parse().unwrap())).unwrap();
    for container in ports.engine.list().await.unwrap() {
        let shown = format!("{container:?}");
        assert!(!shown.contains("demo-only"), "{shown}");
        for line in ports.engine.inspect_text(&container.id).await.unwrap() {
            assert!(!line.contains("demo-only"), "{line}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn services_behind_profiles_are_known_and_absent() {
    let app = TestApp::scenario(DEMO).await;
    assert_eq!(app.service_state("energy-dashboard", "nginx"), ServiceState::Absent);
    let definition = app.state().containers.definition("energy-dashboard").unwrap();
    assert_eq!(definition.profiles(), ["auto-update", "backup", "nginx", "tools"]);
    assert_eq!(definition.networks, ["energy-network"]);
    assert!(definition.volumes.contains(&String::from("mongodb_data")));
    assert!(app.service("energy-dashboard", "app").depends_on.iter().all(|dep| dep.met));
}
