//! Probes as JSON.

use serde::Serialize;

use crate::cli::json::time;
use crate::model::probes::Told;
use crate::model::redact;
use crate::state::State;
use crate::state::probes::Probe;

#[derive(Serialize)]
pub struct ProbeDocument<'a> {
    name: &'a str,
    url: String,
    state: &'static str,
    since: String,
    code: Option<u16>,
    latency_ms: Option<f64>,
    at: Option<String>,
    status: Option<&'a str>,
    version: Option<&'a str>,
    uptime_s: Option<f64>,
    /// When the answer says it was made.
    timestamp: Option<String>,
    /// The moment at the rule's field of staleness.
    stale_at: Option<String>,
    detail: Option<&'a str>,
}

/// Returns the probes of a service, in the order of its stack's file.
pub fn of_service<'a>(state: &'a State, stack: &str, service: &'a str) -> Vec<ProbeDocument<'a>> {
    state.probes.of_service(stack, service).map(document).collect()
}

fn document(probe: &Probe) -> ProbeDocument<'_> {
    const NOTHING: &Told =
        &Told { status: None, version: None, uptime: None, at: None, message: None, last: None };
    let answer = probe.last.as_ref();
    let told = answer.map_or(NOTHING, |answer| &answer.told);
    ProbeDocument {
        name: &probe.id.name,
        url: redact::text(&probe.rule.url),
        state: probe.state.word(),
        since: time(probe.since),
        code: probe.code(),
        latency_ms: probe.latency_ms(),
        at: probe.at.map(time),
        status: told.status.as_deref(),
        version: told.version.as_deref(),
        uptime_s: told.uptime,
        timestamp: told.at.map(time),
        stale_at: told.last.map(time),
        detail: probe.why.as_deref().or_else(|| answer?.remark.as_deref()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::json;

    use crate::cli::check::{Level, problems};
    use crate::cli::json::in_order;
    use crate::cli::json::status::status;
    use crate::cli::sample::{extras, now, state};
    use crate::event::Event;
    use crate::model::probes::{FaultKind, ProbeAnswer, ProbeFault, ProbeId, ProbeRule, Told};
    use crate::model::stack_file::{Budget, StackFile};
    use crate::model::usage::UsageSample;
    use crate::state::State;

    /// One that passes, one that fails although Docker is content, and a budget that is passed.
    fn probed() -> State {
        let mut state = state();
        let rule = |name: &str| ProbeRule {
            name: name.to_owned(),
            service: "db".into(),
            url: format!("http://me:hunter2pass@db:80/{name}"),
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            expect: Vec::new(),
            stale: None,
        };
        let budget = Budget { memory: Some(100_000_000), ..Budget::default() };
        let probes = vec![rule("alive"), rule("ready")];
        let file =
            StackFile { probes, budget, path: "/srv/shop/stackdash.toml".into(), ..StackFile::default() };
        state.apply(
            now(),
            Event::StackFileRead { stack: "shop".into(), folder: "/srv/shop".into(), result: Ok(file) },
        );
        let samples: Vec<UsageSample> = extras().figures.into_values().collect();
        state.apply(now(), Event::UsageSampled(samples));
        let told = Told {
            status: Some(String::from("alive")),
            version: Some(String::from("1.4.2")),
            uptime: Some(42.0),
            at: Some(now()),
            ..Told::default()
        };
        let latency = Some(Duration::from_micros(3240));
        let well = ProbeAnswer { code: Some(200), latency, told, ..ProbeAnswer::default() };
        let fault =
            ProbeFault { kind: FaultKind::Refused, words: String::from("nothing answers at db:80/ready") };
        let ill = ProbeAnswer { fault: Some(fault), ..ProbeAnswer::default() };
        for (name, answer) in [("alive", &well), ("ready", &ill), ("ready", &ill)] {
            let probe = ProbeId { stack: "shop".into(), service: "db".into(), name: Arc::from(name) };
            state.apply(now(), Event::Probed { probe, answer: Box::new(answer.clone()) });
        }
        state
    }

    #[test]
    fn probes_have_every_key_of_the_contract() {
        let state = probed();
        let stacks = in_order(state.containers.stacks());
        let document = serde_json::to_value(status(&state, &stacks, &extras(), now())).unwrap();
        let shop = &document["stacks"][1];
        let db = shop["services"].as_array().unwrap().iter().find(|service| service["name"] == "db").unwrap();
        assert_eq!(
            db["probes"][0],
            json!({
                "name": "alive", "url": "http://me:••••••@db:80/alive", "state": "pass",
                "since": "2026-11-20T12:00:00.000Z", "code": 200, "latency_ms": 3.2,
                "at": "2026-11-20T12:00:00.000Z", "status": "alive", "version": "1.4.2", "uptime_s": 42.0,
                "timestamp": "2026-11-20T12:00:00.000Z", "stale_at": null, "detail": null
            })
        );
        let ready = &db["probes"][1];
        assert_eq!((&ready["state"], &ready["code"]), (&json!("fail"), &json!(null)));
        assert_eq!(ready["detail"], "nothing answers at db:80/ready");
        let rules: Vec<_> =
            shop["findings"].as_array().unwrap().iter().map(|one| one["rule"].clone()).collect();
        assert_eq!(rules, [json!("budget-memory")]);
        assert!(!document.to_string().contains("hunter2pass"));
    }

    #[test]
    fn a_failing_probe_is_critical_and_a_passed_budget_a_warning() {
        let state = probed();
        let found = problems(&state, &in_order(state.containers.stacks()), now());
        let of_db = found.iter().filter(|one| one.service.as_deref() == Some("db"));
        let lines: Vec<(Level, &str)> = of_db.map(|one| (one.level, &*one.what)).collect();
        assert_eq!(
            lines,
            [
                (
                    Level::Critical,
                    "probe ready fails: healthy by Docker, not ready by /ready: nothing answers at db:80/ready"
                ),
                (Level::Warning, "budget-memory: Uses 123 MB of memory, its budget is 100 MB"),
            ]
        );
    }
}
