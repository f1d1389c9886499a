//! Probes of the embedded engine: answered as the scenario says, by the health of its services.

use std::time::Duration;

use jiff::Timestamp;

use crate::adapters::scenario::engine::Stage;
use crate::adapters::scenario::random::{seed_of, unit};
use crate::adapters::scenario::script::ProbeScript;
use crate::model::containers::RunState;
use crate::model::health::Health;
use crate::model::probes::{FaultKind, ProbeAnswer, ProbeFault, ProbeRequest, Told};
use crate::ports::{BoxFuture, Engine as _, Prober};

impl Prober for Stage {
    fn probe<'a>(&'a self, request: &'a ProbeRequest) -> BoxFuture<'a, ProbeAnswer> {
        Box::pin(async move {
            let listed = self.list().await.unwrap_or_default();
            let script = self.player.with(|world, now| {
                let mut stacks = world.script.stacks.iter();
                let stack = stacks.find(|stack| stack.name == *request.id.stack);
                let mut probes = stack.into_iter().flat_map(|stack| &stack.probes);
                let found = probes
                    .find(|probe| probe.rule == *request.id.name && probe.service == *request.id.service);
                (found.cloned(), now)
            });
            let (Some(script), now) = script else { return refused("nothing answers there") };
            let on = script.depends.as_deref().unwrap_or(&script.service);
            let is_well = |service: &str| {
                listed.iter().any(|container| {
                    *container.stack_name() == *request.id.stack
                        && *container.service_name() == *service
                        && container.run == RunState::Running
                        && matches!(container.health, Health::Healthy | Health::None)
                })
            };
            let own = listed.iter().find(|container| {
                *container.stack_name() == *request.id.stack
                    && *container.service_name() == *script.service
                    && container.run == RunState::Running
            });
            match own.and_then(|container| container.started_at) {
                Some(started) => answer(&script, is_well(on), (started, now), request),
                None => refused("nothing answers there"),
            }
        })
    }
}

fn answer(
    script: &ProbeScript,
    well: bool,
    (started, now): (Timestamp, Timestamp),
    request: &ProbeRequest,
) -> ProbeAnswer {
    let draw = unit(&[seed_of(&request.id.service), seed_of(&request.id.name), now.as_second() as u64]);
    let latency = script.latency as f64 * (0.7 + 0.6 * draw);
    let mut answer = ProbeAnswer {
        code: Some(200),
        latency: Some(Duration::from_micros((latency * 1000.0) as u64)),
        ..ProbeAnswer::default()
    };
    if well {
        let age = script.last.map(|last| jiff::SignedDuration::from_secs(last.0.as_secs() as i64));
        answer.told = Told {
            status: script.status.clone(),
            version: script.version.clone(),
            uptime: script.version.as_ref().map(|_| now.duration_since(started).as_secs_f64().floor()),
            at: Some(now),
            message: None,
            last: age.map(|age| now - age),
        };
    } else if let Some(words) = &script.sick {
        answer.code = Some(503);
        answer.told = Told { message: Some(words.clone()), ..Told::default() };
        answer.fault = Some(ProbeFault { kind: FaultKind::Code, words: format!("HTTP 503: {words}") });
    }
    answer
}

fn refused(words: &str) -> ProbeAnswer {
    let fault = ProbeFault { kind: FaultKind::Refused, words: words.to_owned() };
    ProbeAnswer { fault: Some(fault), ..ProbeAnswer::default() }
}
