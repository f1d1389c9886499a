//! What a month brings, in seconds: clocks that are set, an engine that is slow or silent, checks that flip a
//! thousand times, stacks that come and go, restarts, no descriptors left. Nothing may stick and nothing grow.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use stackdash::adapters::scenario::crowd;
use stackdash::ports::{Clock, Ports};
use stackdash::state::connection::Link;
use stackdash::supervisor::Supervisor;

use crate::engine_fake::{ENGINE_TIME, FakeEngine, Fault, event, ports, recorded};
use crate::support::{BEGINNING, Stage, TestApp};

/// Longest that anything here may take, on the paused clock.
const PATIENCE: Duration = Duration::from_mins(10);

async fn until(supervisor: &mut Supervisor, what: &str, wanted: impl Fn(&Supervisor) -> bool) {
    let run = async {
        while !wanted(supervisor) {
            supervisor.next().await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, run).await.is_ok();
    assert!(came, "never: {what}; link: {:?}", supervisor.state().connection.link);
}

/// A face on a crowd whose clock somebody sets.
async fn clockwork() -> (Stage, &'static AtomicI64) {
    let seconds: &'static AtomicI64 = Box::leak(Box::default());
    let epoch = BEGINNING.parse().unwrap();
    let clock = Clock::Adjusted { epoch, start: tokio::time::Instant::now(), seconds };
    let app = TestApp::plugged(&crowd(3, 4), false, |ports| Ports { clock, ..ports }).await;
    (Stage::over(app, 120, 40).await, seconds)
}

fn newest_figure(stage: &Stage) -> jiff::Timestamp {
    let state = stage.app.state();
    let figures = state.containers.iter().filter_map(|entry| state.usage.get(&entry.container.id));
    figures.map(|entry| entry.at).max().unwrap()
}

#[tokio::test(start_paused = true)]
async fn figures_go_on_whichever_way_the_clock_is_set() {
    let (mut stage, seconds) = clockwork().await;
    stage.seconds(10).await;
    // An hour back (a wrong clock that NTP corrects), a day on (a laptop that slept), a week back.
    for jump in [-3600, 86_400, -604_800, 7200, 1] {
        seconds.fetch_add(jump, Ordering::SeqCst);
        // What was due before it was set may come first.
        stage.seconds(4).await;
        for _ in 0..3 {
            stage.seconds(3).await;
            let late = stage.app.now().duration_since(newest_figure(&stage)).as_secs();
            assert!((0..=3).contains(&late), "after a jump of {jump} s the figures are {late} s old");
        }
        stage.assert_shows("crowd-000");
    }
}

#[tokio::test(start_paused = true)]
async fn a_word_at_the_foot_goes_also_when_the_clock_went_back() {
    let (mut stage, seconds) = clockwork().await;
    let now = stage.app.now();
    stage.ui.toast(stackdash::model::timeline::Severity::Good, "Copied the line", now);
    stage.sync().await;
    stage.assert_shows("Copied the line");
    seconds.fetch_sub(3600, Ordering::SeqCst);
    stage.seconds(8).await;
    assert!(!stage.screen().contains("Copied the line"), "{}", stage.screen());
}

fn supervise(fake: &FakeEngine) -> Supervisor {
    Supervisor::start(ports(fake.url(), Clock::simulated(ENGINE_TIME.parse().unwrap())), false)
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_answers_late_or_never_is_told_and_taken_when_it_answers() {
    for slow in [Duration::from_secs(31), Duration::from_hours(10_000)] {
        for path in ["/info", "/containers/json", "/"] {
            let fake = FakeEngine::start(vec![recorded("running"), recorded("healthy")]);
            fake.break_path(path, Fault::Slow(slow));
            let mut supervisor = supervise(&fake);
            until(&mut supervisor, "it is told", |supervisor| {
                matches!(&supervisor.state().connection.link, Link::Refused { error, .. }
                    if error.to_string().contains("no answer within"))
            })
            .await;
            fake.heal();
            until(&mut supervisor, "it is there", |supervisor| {
                supervisor.state().connection.is_up() && supervisor.state().containers.len() == 2
            })
            .await;
        }
    }
}

/// A copy of a recorded inspection with an id and a name of its own, in a stack of its own.
fn member(number: usize) -> Value {
    let mut one = recorded("running");
    one["Id"] = json!(format!("{number:064x}"));
    one["Name"] = json!(format!("/guest-{number}"));
    one["Config"]["Labels"]["com.docker.compose.project"] = json!("guests");
    one["Config"]["Labels"]["com.docker.compose.service"] = json!("guest");
    one
}

#[tokio::test(start_paused = true)]
async fn a_thousand_flips_leave_the_engines_last_word_and_a_bounded_memory() {
    let fake = FakeEngine::start(vec![recorded("healthy"), recorded("running")]);
    let mut supervisor = supervise(&fake);
    until(&mut supervisor, "the list", |supervisor| supervisor.state().containers.len() == 2).await;
    while fake.asked("/events") == 0 {
        let _ = tokio::time::timeout(Duration::from_millis(20), supervisor.next()).await;
    }
    let _ = tokio::time::timeout(Duration::from_millis(200), supervisor.next()).await;
    let mut inspection = recorded("healthy");
    for flip in 0..1000_i64 {
        let word = if flip % 2 == 0 { "unhealthy" } else { "healthy" };
        inspection["State"]["Health"]["Status"] = json!(word);
        if flip % 50 == 0 || flip == 999 {
            fake.set_containers(vec![inspection.clone(), recorded("running")]);
        }
        fake.say(&event(&inspection, &format!("health_status: {word}"), 5 + flip, json!({})));
        // The fake's own queue holds sixty.
        if flip % 20 == 19 {
            for _ in 0..10 {
                let _ = tokio::time::timeout(Duration::from_millis(10), supervisor.next()).await;
            }
        }
    }
    let id = inspection["Id"].as_str().unwrap().to_owned();
    until(&mut supervisor, "the last word is known", |supervisor| {
        let entry = supervisor.state().containers.iter().find(|entry| entry.container.id.as_str() == id);
        let newest = supervisor.state().timeline.entries().iter().map(|entry| entry.at).max();
        let last = ENGINE_TIME.parse::<jiff::Timestamp>().unwrap() + Duration::from_secs(5 + 999);
        entry.is_some_and(|entry| entry.container.health == stackdash::model::health::Health::Healthy)
            && newest.is_some_and(|at| at >= last)
    })
    .await;
    assert!(supervisor.state().containers.len() == 2 && supervisor.state().connection.is_up());
    assert!(supervisor.state().timeline.entries().len() <= 10_000, "the timeline is bounded");
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_comes_and_goes_leaves_nothing_behind() {
    let lasting = recorded("running");
    let fake = FakeEngine::start(vec![lasting.clone()]);
    let mut supervisor = supervise(&fake);
    until(&mut supervisor, "the list", |supervisor| supervisor.state().containers.len() == 1).await;
    while fake.asked("/events") == 0 {
        let _ = tokio::time::timeout(Duration::from_millis(20), supervisor.next()).await;
    }
    let _ = tokio::time::timeout(Duration::from_millis(200), supervisor.next()).await;
    for round in 0..60_usize {
        let guests: Vec<Value> = (0..5).map(|n| member(round * 5 + n + 1)).collect();
        fake.set_containers(guests.iter().cloned().chain([lasting.clone()]).collect());
        for guest in &guests {
            fake.say(&event(guest, "start", 5 + round as i64, json!({})));
        }
        until(&mut supervisor, "they came", |supervisor| supervisor.state().containers.len() == 6).await;
        assert_eq!(supervisor.state().containers.stack("guests").unwrap().services.len(), 1);
        fake.set_containers(vec![lasting.clone()]);
        for guest in &guests {
            fake.say(&event(guest, "destroy", 5 + round as i64, json!({})));
        }
        until(&mut supervisor, "they went", |supervisor| supervisor.state().containers.len() == 1).await;
        assert!(supervisor.state().containers.stack("guests").is_none(), "round {round}");
    }
    assert_eq!(fake.asked("/containers/json"), 1, "events alone told it");
}

#[cfg(target_os = "linux")]
mod held {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};

    use super::*;
    use crate::proxy::Proxy;
    use crate::terminal::Terminal;

    fn entries(process: u32, folder: &str) -> usize {
        std::fs::read_dir(format!("/proc/{process}/{folder}")).unwrap().count()
    }

    /// An engine of its own beside the test, and a way between that can be cut.
    fn engine() -> (tokio::runtime::Runtime, FakeEngine, Proxy) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let inside = runtime.enter();
        let fake = FakeEngine::start(vec![recorded("running"), recorded("healthy")]);
        let proxy = Proxy::open(fake.path());
        drop(inside);
        (runtime, fake, proxy)
    }

    fn limit(process: u32, descriptors: u64) {
        let process = Pid::from_raw(process as i32);
        let limit = Rlimit { current: Some(descriptors), maximum: Some(4096) };
        prlimit(process, Resource::Nofile, limit).unwrap();
    }

    #[test]
    fn twenty_restarts_of_the_engine_hold_on_to_nothing() {
        let (runtime, _fake, proxy) = engine();
        let inside = runtime.enter();
        let mut terminal = Terminal::start(100, 30, &["--host", &proxy.url()]);
        terminal.wait_for("demo-running");
        // Before the whole picture is there, no connection can be lost.
        terminal.wait_for("are well");
        let process = terminal.process_id();
        let mut most = (0, 0);
        for round in 0..20 {
            proxy.cut();
            terminal.wait_for("disconnected");
            proxy.restore();
            // F5: at once, not when its time has come.
            terminal.press("\x1b[15~");
            terminal.wait_gone("disconnected");
            if round == 4 {
                most = (entries(process, "fd"), entries(process, "task"));
            }
        }
        terminal.wait_for("demo-running");
        let held = (entries(process, "fd"), entries(process, "task"));
        assert!(held.0 <= most.0 + 6 && held.1 <= most.1 + 4, "after five {most:?}, after twenty {held:?}");
        terminal.press("\x03");
        assert_eq!(terminal.exit_code(), 0);
        terminal.assert_given_back();
        drop(inside);
    }

    #[test]
    fn keys_pressed_while_the_list_is_being_read_are_not_lost() {
        let (runtime, fake, proxy) = engine();
        let inside = runtime.enter();
        let path = format!("/containers/{}/json", recorded("running")["Id"].as_str().unwrap());
        fake.break_path(&path, Fault::Slow(Duration::from_millis(500)));
        let mut terminal = Terminal::start(100, 30, &["--host", &proxy.url()]);
        terminal.wait_for("demo-running");
        assert!(!terminal.screen().contains("are well"), "{}", terminal.screen());
        // The menu of what is selected.
        terminal.press("Gx");
        terminal.wait_for("Restart");
        assert!(terminal.screen().contains("are well"), "{}", terminal.screen());
        terminal.press("\x03");
        assert_eq!(terminal.exit_code(), 0);
        drop(inside);
    }

    #[test]
    fn without_descriptors_it_waits_and_with_them_it_goes_on() {
        let (runtime, _fake, proxy) = engine();
        let inside = runtime.enter();
        let mut terminal = Terminal::start(100, 30, &["--host", &proxy.url()]);
        terminal.wait_for("demo-running");
        // Before the whole picture is there, no connection can be lost.
        terminal.wait_for("are well");
        let process = terminal.process_id();
        // Not one more than standard input, output and error: whatever is opened from here on fails.
        limit(process, 3);
        proxy.cut();
        proxy.restore();
        terminal.wait_for("disconnected");
        // Keys and screens go on meanwhile.
        for (key, title) in
            [("5", "Events"), ("6", "stackdash itself"), ("0", "Diagnostics"), ("1", "demo-running")]
        {
            terminal.press(key);
            terminal.wait_for(title);
        }
        terminal.press("\x1b[15~");
        limit(process, 4096);
        terminal.wait_gone("disconnected");
        terminal.press("\x03");
        assert_eq!(terminal.exit_code(), 0);
        terminal.assert_given_back();
        drop(inside);
    }
}
