//! Programs in a scenario's containers: those that it has written down, a few that everybody tries, and for
//! all others what was to be run, repeated.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};

use crate::adapters::scenario::engine::Player;
use crate::adapters::scenario::script::{ProgramScript, ServiceScript};
use crate::model::runs::{ExecEnd, ExecOrder, OutputLine, words};
use crate::model::{redact, text};
use crate::ports::{EngineError, ExecSession, Killed};

/// Lines that may wait.
const LINES: usize = 64;

/// What a program does.
struct Plan {
    lines: Vec<String>,
    takes: Duration,
    end: ExecEnd,
}

/// Starts one.
pub fn start(player: &Player, order: &ExecOrder) -> Result<ExecSession, EngineError> {
    let plan = player.reach(|world, _| {
        let unknown = || EngineError::NotFound(format!("No such container: {}", order.container.short()));
        let member = &world.members[world.find(&order.container).ok_or_else(unknown)?];
        if !member.is_up() {
            let id = order.container.short();
            return Err(EngineError::Conflict(format!("Container {id} is not running")));
        }
        Ok(plan(&member.script, &order.arguments))
    })?;
    let (lines_in, lines) = mpsc::channel(LINES);
    let (end_in, end) = oneshot::channel();
    let stop = Arc::new(Notify::new());
    let stopped = stop.clone();
    tokio::spawn(async move {
        let pause = plan.takes / u32::try_from(plan.lines.len().max(1)).unwrap_or(1);
        let play = async {
            for line in plan.lines {
                tokio::time::sleep(pause).await;
                let shown = redact::text(&text::clean(&line));
                let line = OutputLine { is_whole: shown == line, text: shown, is_error: false };
                let _ = lines_in.send(line).await;
            }
            if pause == plan.takes {
                tokio::time::sleep(pause).await;
            }
        };
        tokio::select! {
            () = play => {}
            () = stopped.notified() => return,
        }
        let _ = end_in.send(plan.end);
    });
    Ok(ExecSession {
        lines,
        end: Box::pin(async move { end.await.unwrap_or_default() }),
        kill: Box::pin(async move {
            stop.notify_one();
            Killed::Gone
        }),
    })
}

/// Returns what a program of a service prints, with the time it takes.
pub fn lines_of(script: &ServiceScript, arguments: &[String]) -> (Vec<String>, Duration, i64) {
    let plan = plan(script, arguments);
    (plan.lines, plan.takes, plan.end.exit_code.unwrap_or_default())
}

fn plan(script: &ServiceScript, arguments: &[String]) -> Plan {
    let written = script.programs.iter().find(|program| arguments.starts_with(&program.run));
    let ended = |exit_code| ExecEnd { exit_code: Some(exit_code), refusal: String::new() };
    if let Some(ProgramScript { lines, takes, exit_code, .. }) = written {
        let takes = takes.as_ref().map_or(Duration::ZERO, |span| span.0);
        return Plan { lines: lines.clone(), takes, end: ended(*exit_code) };
    }
    let quick = |lines: Vec<String>, code| Plan { lines, takes: Duration::ZERO, end: ended(code) };
    match arguments.first().map_or("", |program| program.rsplit('/').next().unwrap_or_default()) {
        "true" => quick(Vec::new(), 0),
        "false" => quick(Vec::new(), 1),
        "echo" => quick(vec![arguments[1..].join(" ")], 0),
        "sleep" => {
            let seconds = arguments.get(1).and_then(|text| text.parse().ok()).unwrap_or(1);
            Plan { lines: Vec::new(), takes: Duration::from_secs(seconds), end: ended(0) }
        }
        "missing" => Plan {
            lines: Vec::new(),
            takes: Duration::ZERO,
            end: ExecEnd {
                exit_code: Some(127),
                refusal: String::from(
                    "OCI runtime exec failed: exec: \"missing\": executable file not found in $PATH. \
                     The image has no missing: name its whole path, or another program",
                ),
            },
        },
        _ => quick(vec![format!("This is the demo: {} is not really run", words(arguments))], 0),
    }
}
