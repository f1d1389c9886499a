//! The timeline outlives a run: written as it happens, also read-only, and told once when it is read.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use stackdash::adapters::scenario::{self, CALM};
use stackdash::model::health::Health;
use stackdash::model::timeline::TimelineEntry;
use stackdash::ports::{BoxFuture, Clock, History};
use stackdash::supervisor::Supervisor;

use crate::support::BEGINNING;

/// Keeps in memory; a full disk where there is none.
struct Memory {
    kept: Mutex<Vec<TimelineEntry>>,
    is_full: bool,
}

impl History for Memory {
    fn read(&self, _: Option<Timestamp>) -> BoxFuture<'_, Result<Vec<TimelineEntry>, String>> {
        Box::pin(async { Ok(self.kept.lock().unwrap().clone()) })
    }

    fn append(&self, entries: Vec<TimelineEntry>) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            if self.is_full {
                return Err(String::from("the timeline is not kept: no space"));
            }
            self.kept.lock().unwrap().extend(entries);
            Ok(())
        })
    }
}

/// Runs for a minute, in which a check fails twice; returns the flips and the notices of the run.
async fn run(history: &Arc<Memory>) -> (Vec<Health>, Vec<String>) {
    let beginning: Timestamp = BEGINNING.parse().unwrap();
    let (mut ports, scenario) = scenario::open(CALM, Clock::simulated(beginning)).unwrap();
    ports.history = Some(history.clone());
    let mut supervisor = Supervisor::start(ports, true);
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(90);
    scenario.fail_health("blog/web", "no answer");
    while tokio::time::timeout_at(end, supervisor.next()).await.is_ok() {
        if supervisor.now() > beginning + SignedDuration::from_secs(45) {
            scenario.recover("blog/web");
        }
    }
    supervisor.close().await;
    let state = supervisor.state();
    let id = &state.containers.stack("blog").unwrap().service("web").unwrap().containers[0];
    let flips = state.containers.get(id).unwrap().facts.flips.iter().map(|(_, health)| *health).collect();
    (flips, state.jobs.notices().iter().map(|notice| notice.text.clone()).collect())
}

#[tokio::test(start_paused = true)]
async fn the_next_run_knows_what_happened_and_keeps_nothing_twice() {
    let history = Arc::new(Memory { kept: Mutex::default(), is_full: false });
    let (first, _) = run(&history).await;
    assert!(first.contains(&Health::Unhealthy), "{first:?}");
    let kept = history.kept.lock().unwrap().clone();
    assert!(kept.iter().any(|entry| entry.health == Some(Health::Unhealthy)), "{kept:#?}");
    // The same scenario tells the same things at the same times: all of it is known.
    let (second, _) = run(&history).await;
    assert_eq!(second, first);
    assert_eq!(*history.kept.lock().unwrap(), kept);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_costs_one_warning() {
    let history = Arc::new(Memory { kept: Mutex::default(), is_full: true });
    let (_, notices) = run(&history).await;
    assert_eq!(notices, ["the timeline is not kept: no space"]);
}
