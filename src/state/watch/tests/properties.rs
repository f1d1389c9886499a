use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::{Bench, FOLDER, STACK, built, rule, ruled};
use crate::model::compose::ServiceDefinition;
use crate::model::jobs::Phase;
use crate::model::watch::WatchAction;
use crate::model::watch::run::RunAction;

#[derive(Clone, Debug)]
enum Step {
    Save(usize, u8),
    Wait(i64),
    Phase(u64),
    Succeed(u64),
    Fail(u64),
    Pause(bool),
    Ask(usize),
}

const FILES: [&str; 6] = ["app/src/a", "app/src/b", "app/package.json", "app/conf/x", "lib/one", "lib/two"];
const SERVICES: [&str; 3] = ["app", "one", "two"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..FILES.len(), 0_u8..4).prop_map(|(file, content)| Step::Save(file, content)),
        3 => (0_i64..3_000).prop_map(Step::Wait),
        2 => (0_u64..3).prop_map(Step::Phase),
        4 => (0_u64..3).prop_map(Step::Succeed),
        1 => (0_u64..3).prop_map(Step::Fail),
        1 => any::<bool>().prop_map(Step::Pause),
        1 => (0..SERVICES.len()).prop_map(Step::Ask),
    ]
}

fn bench() -> Bench {
    let app = ruled(vec![
        rule("app/src", WatchAction::Sync, "/app/src"),
        rule("app/conf", WatchAction::SyncRestart, "/etc/app"),
        rule("app/package.json", WatchAction::Rebuild, ""),
    ]);
    let shared = ServiceDefinition { image: String::from("lib:dev"), ..built("lib") };
    Bench::new([("app", app), ("one", shared.clone()), ("two", shared)]).on()
}

/// Follows what containers hold: what was copied or built into them.
#[derive(Default)]
struct World {
    /// What lay in the files when each job that is under way began.
    begun: BTreeMap<u64, Vec<(String, String, u8)>>,
    /// By service and file.
    holds: BTreeMap<(String, String), u8>,
}

impl World {
    fn look(&mut self, bench: &Bench, known: &mut usize) {
        for (at, order) in bench.orders.iter().enumerate().skip(*known) {
            let mut taken = Vec::new();
            for service in &order.services {
                for file in FILES.iter().filter(|file| matters(service, file)) {
                    let path = format!("{FOLDER}/{file}");
                    let content = bench.files.get(std::path::Path::new(&path)).copied().unwrap_or(0);
                    let copied =
                        order.copies.iter().any(|item| std::path::Path::new(&path).starts_with(&item.source));
                    if order.action == RunAction::Rebuild || copied {
                        taken.push((service.to_string(), (*file).to_owned(), content));
                    }
                }
            }
            self.begun.insert(at as u64 + 1, taken);
        }
        *known = bench.orders.len();
    }

    fn succeeded(&mut self, job: u64) {
        for (service, file, content) in self.begun.remove(&job).unwrap_or_default() {
            self.holds.insert((service, file), content);
        }
    }
}

fn matters(service: &str, file: &str) -> bool {
    file.starts_with(if service == "app" { "app/" } else { "lib/" })
}

/// Returns a job that runs.
fn running(bench: &Bench, nth: u64) -> Option<u64> {
    let all: Vec<u64> = bench.jobs.keys().copied().collect();
    (!all.is_empty()).then(|| all[nth as usize % all.len()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_is_lost_and_nobody_is_done_two_things_to_at_once(steps in prop::collection::vec(step(), 1..60)) {
        let mut bench = bench();
        let (mut world, mut known) = (World::default(), 0);
        for step in steps {
            match step {
                Step::Save(file, content) => bench.save(FILES[file], content),
                Step::Wait(time) => bench.wait(SignedDuration::from_millis(time)),
                Step::Phase(nth) => {
                    if let Some(job) = running(&bench, nth) {
                        bench.phase(job, Phase::Building);
                    }
                }
                Step::Succeed(nth) => {
                    if let Some(job) = running(&bench, nth) {
                        world.succeeded(job);
                        bench.succeed(job);
                    }
                }
                Step::Fail(nth) => {
                    if let Some(job) = running(&bench, nth) {
                        world.begun.remove(&job);
                        bench.fail(job);
                    }
                }
                Step::Pause(paused) => bench.apply(crate::event::Event::WatchPaused(paused)),
                Step::Ask(service) => bench.ask(SERVICES[service]),
            }
            world.look(&bench, &mut known);
            let mut busy: Vec<&str> = bench
                .jobs
                .keys()
                .flat_map(|job| bench.orders[*job as usize - 1].services.iter().map(|service| &**service))
                .collect();
            let count = busy.len();
            busy.sort_unstable();
            busy.dedup();
            prop_assert_eq!(busy.len(), count, "two runs on one service");
        }
        // Once everybody is let and nothing fails, every container has what lies in the files.
        bench.apply(crate::event::Event::WatchPaused(false));
        for round in 0..40 {
            if round == 0 {
                for service in SERVICES {
                    bench.ask(service);
                }
            }
            bench.wait(SignedDuration::from_secs(5));
            world.look(&bench, &mut known);
            let Some(job) = running(&bench, 0) else { break };
            world.succeeded(job);
            bench.succeed(job);
            world.look(&bench, &mut known);
        }
        prop_assert!(bench.jobs.is_empty());
        for service in SERVICES {
            let watch = bench.state.watch.service(STACK, service).unwrap();
            prop_assert!(watch.pending.is_empty(), "{} has {:?}", service, watch.pending);
            for file in FILES.iter().filter(|file| matters(service, file)) {
                let lies = bench.files.get(std::path::Path::new(&format!("{FOLDER}/{file}"))).copied().unwrap_or(0);
                let holds = world.holds.get(&(service.to_owned(), (*file).to_owned())).copied();
                prop_assert!(holds.unwrap_or(0) == lies, "{} of {}: {:?}, not {}", file, service, holds, lies);
            }
        }
        prop_assert!(bench.state.watch.under_way().next().is_none());
    }

    #[test]
    fn a_burst_costs_two_builds_at_most(gaps in prop::collection::vec(0_i64..20, 1..200), takes in 0_i64..5_000) {
        let mut bench = bench();
        let mut ends = None;
        for (at, gap) in gaps.iter().enumerate() {
            bench.save("lib/one", (at % 200) as u8 + 1);
            bench.wait(SignedDuration::from_millis(*gap));
            if ends.is_none() && !bench.jobs.is_empty() {
                ends = Some(bench.now + SignedDuration::from_millis(takes.max(2_000)));
            }
        }
        bench.wait(SignedDuration::from_secs(5));
        while let Some(job) = running(&bench, 0) {
            bench.succeed(job);
            bench.wait(SignedDuration::from_secs(5));
        }
        prop_assert!(bench.orders.len() <= 2, "{:?}", bench.ordered());
    }
}
