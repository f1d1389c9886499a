use jiff::SignedDuration;

use super::{Bench, STACK, built, container, rule, ruled};
use crate::command::Command;
use crate::event::Event;
use crate::model::compose::ServiceDefinition;
use crate::model::jobs::{JobOutcome, Phase};
use crate::model::watch::run::{RunPhase, Trigger};
use crate::model::watch::{WatchAction, WatchRule};

fn app() -> ServiceDefinition {
    ruled(vec![
        rule("app/src", WatchAction::Sync, "/app/src"),
        rule("app/conf", WatchAction::SyncRestart, "/etc/app"),
        rule("app/restart.txt", WatchAction::Restart, ""),
        WatchRule {
            exec: vec![String::from("reload")],
            exec_user: String::from("app"),
            ..rule("app/nginx", WatchAction::SyncExec, "/etc/nginx")
        },
        rule("app", WatchAction::Rebuild, "").only("package.json"),
    ])
}

impl WatchRule {
    fn only(mut self, name: &str) -> Self {
        self.include = vec![name.to_owned()];
        self
    }
}

#[test]
fn each_action_follows_from_its_files() {
    let mut bench = Bench::new([("app", app())]).on();
    for (path, order) in [
        ("app/src/a.js", "sync app /app/src/a.js"),
        ("app/conf/x", "sync+restart app /etc/app/x"),
        ("app/restart.txt", "restart app"),
        ("app/nginx/n.conf", "sync+exec app /etc/nginx/n.conf"),
        ("app/package.json", "rebuild app"),
    ] {
        bench.save(path, 1);
        bench.breath();
        assert_eq!(bench.ordered().last().map(String::as_str), Some(order), "{path}");
        let job = bench.last_job;
        bench.succeed(job);
    }
    assert_eq!(bench.orders.len(), 5);
    let hook = &bench.orders[3].hooks[0];
    assert_eq!((&*hook.arguments.join(" "), hook.user.as_deref()), ("reload", Some("app")));
    assert!(
        bench
            .wishes
            .iter()
            .any(|wish| matches!(wish, Command::KeepTree { changes, .. } if !changes.is_empty()))
    );
}

#[test]
fn a_rebuild_takes_the_place_of_everything_else() {
    let mut bench = Bench::new([("app", app())]).on();
    bench.apply(Event::WatchPaused(true));
    bench.save("app/src/a.js", 1);
    bench.save("app/package.json", 1);
    bench.save("app/conf/x", 1);
    assert!(bench.orders.is_empty(), "it is paused");
    bench.apply(Event::WatchPaused(false));
    assert!(bench.orders.is_empty(), "others may still hear of it");
    bench.breath();
    assert_eq!(bench.ordered(), ["rebuild app"]);
    assert_eq!(bench.last().file_count, 3);
    assert_eq!(bench.last().rule, "rebuild ./app");
}

#[test]
fn what_comes_during_a_build_makes_one_run_after_it() {
    let mut bench = Bench::new([("app", built("app"))]).on();
    bench.save("app/a", 1);
    bench.breath();
    bench.phase(1, Phase::Building);
    for content in 2..50 {
        bench.save("app/a", content);
        bench.save("app/b", content);
    }
    assert_eq!(bench.phases(), [RunPhase::Noticed, RunPhase::Queued]);
    assert!(bench.last().detail.starts_with("waits for the rebuild"), "{}", bench.last().detail);
    assert!(bench.last().coalesced > 0);
    bench.phase(1, Phase::Starting);
    bench.succeed(1);
    bench.breath();
    assert_eq!(bench.orders.len(), 2);
    bench.succeed(2);
    bench.breath();
    assert_eq!(bench.orders.len(), 2);
    let first: Vec<RunPhase> = bench.runs()[0].phases.iter().map(|(phase, _)| *phase).collect();
    assert_eq!(first, [RunPhase::Noticed, RunPhase::Building, RunPhase::Built, RunPhase::Ready]);
}

#[test]
fn an_undone_change_builds_nothing() {
    let mut bench = Bench::new([("app", built("app"))]).on();
    bench.save("app/a", 1);
    bench.breath();
    bench.save("app/a", 2);
    bench.save("app/a", 1);
    bench.succeed(1);
    bench.breath();
    assert_eq!(bench.orders.len(), 1);
    assert_eq!(bench.runs().len(), 1, "the run that waited is gone");
    // Neither does one that is undone after a build of it has failed: what runs is what was there before.
    bench.save("app/a", 3);
    bench.breath();
    bench.fail(2);
    assert_eq!(bench.last().detail, "no such file: x");
    assert!(bench.state.watch.service(STACK, "app").unwrap().failed);
    bench.save("app/a", 1);
    bench.breath();
    assert_eq!(bench.orders.len(), 2);
    assert!(!bench.state.watch.service(STACK, "app").unwrap().failed);
}

#[test]
fn after_a_failure_the_next_save_takes_everything_along() {
    let mut bench = Bench::new([("app", app())]).on();
    bench.save("app/src/a.js", 1);
    bench.fail(1);
    bench.breath();
    assert_eq!(bench.orders.len(), 1, "nothing is tried again unasked");
    bench.save("app/src/b.js", 1);
    assert_eq!(bench.ordered()[1], "sync app /app/src/a.js,/app/src/b.js");
    bench.end(2, JobOutcome::Cancelled);
    bench.save("app/src/b.js", 2);
    assert_eq!(bench.ordered()[2], "sync app /app/src/a.js,/app/src/b.js");
}

#[test]
fn services_of_one_image_are_built_once_and_all_created_anew() {
    let image =
        |service: ServiceDefinition| ServiceDefinition { image: String::from("shop/app:dev"), ..service };
    let services = [
        ("app", image(built("app"))),
        ("worker", image(built("app"))),
        ("cron", image(ServiceDefinition::default())),
        ("other", built("other")),
    ];
    let mut bench = Bench::new(services).on();
    bench.save("app/a", 1);
    bench.breath();
    assert_eq!(bench.ordered(), ["rebuild app,cron,worker"]);
    assert_eq!(bench.orders[0].builds, ["app".into()]);
    bench.save("app/a", 2);
    bench.breath();
    assert_eq!(bench.orders.len(), 1, "one build of an image at a time");
    bench.succeed(1);
    bench.breath();
    assert_eq!(bench.orders.len(), 2);
    bench.save("other/a", 1);
    bench.breath();
    assert_eq!(bench.ordered()[2], "rebuild other", "another image has a build of its own");
}

#[test]
fn the_same_build_under_two_names_is_one_run() {
    let mut bench = Bench::new([("one", built("app")), ("two", built("app"))]).on();
    bench.save("app/a", 1);
    bench.breath();
    assert_eq!(bench.ordered(), ["rebuild one,two"]);
    assert_eq!(bench.orders[0].builds, ["one".into(), "two".into()]);
}

#[test]
fn dependants_follow_only_where_they_ask_for_it() {
    let follows =
        |on: &str| ServiceDefinition { restarts_with: vec![on.into()], ..ServiceDefinition::default() };
    let mut bench =
        Bench::new([("app", built("app")), ("proxy", follows("app")), ("db", follows("proxy"))]).on();
    bench.save("app/a", 1);
    bench.breath();
    assert_eq!(bench.orders[0].followers, ["proxy".into()]);
}

#[test]
fn a_run_waits_for_what_is_in_its_way() {
    let mut bench = Bench::new([("app", app())]).on();
    let mut job = bench_job(&bench);
    job.id = crate::model::jobs::JobId(77);
    bench.apply(Event::JobStarted(Box::new(job)));
    bench.save("app/src/a.js", 1);
    assert!(bench.orders.is_empty());
    assert_eq!(bench.last().detail, "waits: shop/app is restarting");
    bench.apply(Event::JobFinished { job: crate::model::jobs::JobId(77), outcome: JobOutcome::Succeeded });
    assert_eq!(bench.ordered(), ["sync app /app/src/a.js"]);
    // A restart never races a rebuild.
    bench.succeed(1);
    bench.save("app/package.json", 1);
    bench.breath();
    bench.save("app/restart.txt", 1);
    bench.breath();
    assert_eq!(bench.ordered()[1..], ["rebuild app"]);
    bench.succeed(2);
    assert_eq!(bench.ordered()[2..], ["restart app"]);
}

/// A restart that the operator has asked for.
fn bench_job(bench: &Bench) -> crate::model::jobs::Job {
    crate::model::jobs::Job {
        id: crate::model::jobs::JobId(0),
        verb: crate::model::jobs::Verb::Restart,
        target: crate::state::watch::decide::target(&STACK.into(), &["app".into()]),
        started_at: bench.now,
        stop_timeout: None,
        done: 0,
        total: 1,
        command: String::new(),
        gist: String::new(),
        order: None,
        phase: None,
        run: None,
        watch: None,
    }
}

#[test]
fn what_was_changed_while_nobody_watched_is_offered() {
    let mut bench = Bench::new([("app", built("app"))]).on();
    bench.scanned("app/a");
    bench.breath();
    assert!(bench.orders.is_empty());
    let watch = bench.state.watch.service(STACK, "app").unwrap();
    assert!(watch.offered && watch.pending.len() == 1);
    bench.ask("app");
    assert_eq!(bench.ordered(), ["rebuild app"]);
    assert_eq!((bench.last().trigger, bench.last().file_count), (Trigger::Operator, 1));
    bench.succeed(1);
    assert!(
        bench
            .wishes
            .iter()
            .any(|wish| matches!(wish, Command::KeepTree { changes, .. } if changes.len() == 1))
    );
    // A save is a word to go on, too.
    let mut bench = Bench::new([("app", built("app"))]).on();
    bench.scanned("app/a");
    bench.save("app/b", 1);
    bench.breath();
    assert_eq!(bench.last().file_count, 2);
}

#[test]
fn nothing_is_begun_unasked_while_it_is_manual_off_or_at_rest() {
    let mut bench = Bench::new([("app", app())]).on();
    bench.apply(Event::WatchManual(true));
    bench.save("app/src/a.js", 1);
    bench.breath();
    assert!(bench.orders.is_empty());
    bench.ask("app");
    assert_eq!(bench.ordered(), ["sync app /app/src/a.js"]);
    bench.succeed(1);
    bench.ask("app");
    assert_eq!(bench.ordered()[1], "rebuild app", "nothing is pending: then all of it");
    bench.succeed(2);
    bench.apply(Event::WatchManual(false));
    bench.apply(Event::WatchSet { stack: STACK.into(), service: Some("app".into()), on: false });
    bench.save("app/src/a.js", 2);
    bench.breath();
    assert_eq!(bench.orders.len(), 2);
    assert!(bench.state.watch.wanted_trees().is_empty());
    // Somebody has stopped it: a saved file does not start it.
    let mut bench = Bench::new([("app", app())]).on();
    let mut stopped = container("app", 1, 1);
    stopped.run = crate::model::containers::RunState::Exited;
    stopped.exit_code = Some(0);
    stopped.finished_at = Some(bench.now);
    bench.apply(Event::ContainersListed(vec![stopped]));
    bench.save("app/package.json", 1);
    bench.breath();
    assert!(bench.orders.is_empty());
    bench.ask("app");
    assert_eq!(bench.ordered(), ["rebuild app"]);
}

#[test]
fn a_new_container_gets_everything_that_rules_copy() {
    let mut bench = Bench::new([("app", app())]).on();
    bench.apply(Event::ContainersListed(vec![container("app", 1, 2)]));
    assert_eq!(bench.ordered(), ["sync+restart app /app/src,/etc/app,/etc/nginx"]);
    assert_eq!(bench.last().trigger, Trigger::Recreated);
    bench.succeed(1);
    // After a rebuild of our own, what was built into the image is there.
    bench.save("app/package.json", 1);
    bench.breath();
    bench.apply(Event::ContainersListed(vec![container("app", 1, 3)]));
    bench.succeed(2);
    bench.breath();
    assert_eq!(bench.orders.len(), 2);
}

#[test]
fn an_initial_sync_copies_at_the_beginning_and_after_each_rebuild() {
    let initial = WatchRule { initial_sync: true, ..rule("app/src", WatchAction::Sync, "/app/src") };
    let rules =
        vec![initial, rule("app/x", WatchAction::Sync, "/x"), rule("app/p", WatchAction::Rebuild, "")];
    let mut bench = Bench::new([("app", ruled(rules))]).on();
    assert_eq!(bench.ordered(), ["sync app /app/src"]);
    assert_eq!(bench.last().trigger, Trigger::InitialSync);
    bench.succeed(1);
    bench.save("app/p", 1);
    bench.breath();
    bench.succeed(2);
    assert_eq!(bench.ordered()[1..], ["rebuild app", "sync app /app/src,/x"]);
}

#[test]
fn builds_that_change_their_own_inputs_are_suspended() {
    let mut bench = Bench::new([("app", built("app"))]).on();
    bench.save("app/a", 1);
    bench.breath();
    for round in 1..10 {
        bench.save("app/generated.txt", round);
        let job = bench.last_job;
        bench.succeed(job);
        bench.wait(SignedDuration::from_secs(1));
    }
    assert_eq!(bench.orders.len(), 4, "{:?}", bench.ordered());
    let watch = bench.state.watch.service(STACK, "app").unwrap();
    assert_eq!(watch.suspended, "its builds change their own inputs: app/generated.txt");
    assert!(
        bench.runs().iter().any(|run| run.phase() == RunPhase::Suspended && run.detail == watch.suspended)
    );
    bench.ask("app");
    assert_eq!(bench.orders.len(), 5);
    // Saves of somebody who takes his time are none of it, and neither are those of somebody in a hurry.
    for pauses in [[2_000, 2_000, 2_000], [100, 2_700, 1_400]] {
        let mut bench = Bench::new([("app", built("app"))]).on();
        for round in 0..12 {
            bench.save("app/a", round + 1);
            bench.breath();
            let job = bench.last_job;
            let pause = pauses[usize::from(round) % 3];
            bench.wait(SignedDuration::from_millis(if pause < 2_000 { 0 } else { 100 }));
            bench.succeed(job);
            bench.wait(SignedDuration::from_millis(pause));
        }
        assert_eq!(bench.orders.len(), 12, "{pauses:?}");
    }
}

#[test]
fn what_has_nothing_to_watch_says_so() {
    let mut bench = Bench::new([("db", ServiceDefinition::default()), ("app", built("app"))]);
    bench.apply(Event::WatchSet { stack: STACK.into(), service: Some("db".into()), on: true });
    let notice = bench.state.jobs.notices().back().unwrap().text.clone();
    assert_eq!(notice, "shop/db: nothing to watch: it has neither a build nor watch rules");
    bench.apply(Event::WatchSet { stack: STACK.into(), service: Some("app".into()), on: true });
    assert!(bench.wishes.iter().any(|wish| matches!(wish, Command::KeepWatched(keys) if keys.len() == 1)));
}

#[test]
fn what_was_watched_before_is_watched_again_as_soon_as_it_is_known() {
    let mut bench = Bench::new([("app", built("app"))]);
    bench.apply(Event::WatchedBefore(vec![(STACK.into(), "app".into()), ("gone".into(), "x".into())]));
    assert!(bench.state.watch.service(STACK, "app").unwrap().on);
    assert_eq!(bench.state.watch.wanted_trees().len(), 2);
}

#[test]
fn a_refused_run_says_why() {
    let mut bench = Bench::new([("app", app())]).on();
    bench.save("app/src/a.js", 1);
    let run = bench.orders[0].run;
    bench.jobs.clear();
    bench.apply(Event::WatchRefused { run, why: String::from("the engine is out of reach") });
    assert_eq!(bench.phases().last(), Some(&RunPhase::Failed));
    assert_eq!(bench.last().detail, "the engine is out of reach");
    let told: Vec<&str> = bench.state.timeline.entries().iter().map(|entry| &*entry.text).collect();
    assert!(
        told.iter().any(|text| text.contains("sync app/src/a.js") && text.contains("out of reach")),
        "{told:?}"
    );
}
