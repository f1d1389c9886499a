//! The hot-reload loop under the operator's hands: on and off, paused, by hand, asked for.

use stackdash::adapters::scenario::DEMO;
use stackdash::model::watch::run::{RunAction, RunPhase, Trigger, WatchRun};

use crate::support::{Stage, TestApp};

/// The demo on the Watch screen, its first service selected: somebody works on it.
async fn at_the_watch_screen() -> Stage {
    let mut stage = Stage::scenario(DEMO, 120, 40).await;
    stage.keys("4").await;
    stage.assert_shows("┬─ energy-dashboard/app");
    stage
}

fn runs(stage: &Stage) -> Vec<&WatchRun> {
    stage.app.state().watch.runs().collect()
}

#[tokio::test(start_paused = true)]
async fn w_begins_the_loop_and_ends_it() {
    let mut stage = at_the_watch_screen().await;
    stage.seconds(30).await;
    assert!(runs(&stage).is_empty(), "nobody has asked for it");
    stage.keys("w").await;
    stage.assert_shows("◎ on");
    stage.seconds(240).await;
    let all = runs(&stage);
    assert!(all.iter().all(|run| run.phase() == RunPhase::Ready), "{all:#?}");
    assert!(all.iter().any(|run| run.action == RunAction::Sync));
    let rebuild = all.iter().find(|run| run.action == RunAction::Rebuild).expect("the api was saved");
    let phases: Vec<RunPhase> = rebuild.phases.iter().map(|(phase, _)| *phase).collect();
    assert_eq!(
        phases,
        [RunPhase::Noticed, RunPhase::Building, RunPhase::Built, RunPhase::Recreated, RunPhase::Ready]
    );
    stage.assert_shows("rebuild web/api/routes/energy.js");
    stage.keys("w").await;
    let count = runs(&stage).len();
    stage.seconds(120).await;
    assert_eq!(runs(&stage).len(), count, "it is watched no more");
    stage.assert_shows("○ off");
}

#[tokio::test(start_paused = true)]
async fn a_build_under_way_is_told_in_steps_where_one_looks() {
    let mut stage = at_the_watch_screen().await;
    stage.keys("w").await;
    stage.seconds(23).await;
    stage.assert_shows("building: web/api/routes/energy.js");
    stage.assert_shows("CACHED [app 1/4] FROM base");
    stage.keys("1").await;
    stage.assert_shows("building");
    stage.seconds(20).await;
    stage.assert_shows("◎ watch");
    stage.keys("5").await;
    stage.assert_shows("rebuild web/api/routes/energy.js (rebuild ./web/api): ready");
}

#[tokio::test(start_paused = true)]
async fn what_is_saved_in_a_pause_waits_for_its_end() {
    let mut stage = at_the_watch_screen().await;
    stage.keys("w p").await;
    stage.seconds(60).await;
    stage.assert_shows("paused, p goes on");
    stage.assert_shows("3 wait");
    assert!(runs(&stage).is_empty());
    stage.keys("p").await;
    stage.seconds(30).await;
    assert!(!runs(&stage).is_empty());
    stage.assert_shows("◎ on");
}

#[tokio::test(start_paused = true)]
async fn in_manual_mode_t_takes_up_what_waits() {
    let mut stage = at_the_watch_screen().await;
    stage.keys("w M").await;
    stage.seconds(8).await;
    stage.assert_shows("1 waits");
    stage.assert_shows("manual, t begins what waits");
    stage.keys("t").await;
    stage.seconds(2).await;
    let all = runs(&stage);
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(all[0].phase(), RunPhase::Ready);
}

#[tokio::test(start_paused = true)]
async fn t_asks_where_nothing_waits_and_rebuilds() {
    let mut stage = at_the_watch_screen().await;
    stage.keys("w t").await;
    stage.assert_shows("Rebuild energy-dashboard/app now?");
    stage.keys("n").await;
    stage.seconds(2).await;
    assert!(runs(&stage).is_empty());
    stage.keys("t y").await;
    stage.seconds(1).await;
    let all = runs(&stage);
    assert_eq!((all.len(), all[0].action, all[0].trigger), (1, RunAction::Rebuild, Trigger::Operator));
}

#[tokio::test(start_paused = true)]
async fn read_only_watches_nothing() {
    let app = TestApp::plugged(DEMO, true, |ports| ports).await;
    let mut stage = Stage::over(app, 120, 40).await;
    stage.keys("4 w t").await;
    stage.assert_shows("Read-only");
    stage.seconds(60).await;
    assert!(runs(&stage).is_empty());
}
