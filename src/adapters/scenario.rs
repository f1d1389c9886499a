//! An embedded engine that plays scenario files and answers to commands: the demo, and the stage of
//! the flow tests.
//!
//! Theory of operation: nothing runs in the background. The `world::World` keeps an agenda of what
//! is due, and everyone who asks it something first carries out what was due until now. A stream of
//! events sleeps until the next item of the agenda, a stream of logs until the next line; figures are
//! worked out when somebody reads them. All of it follows from the clock and a seed: under tokio's
//! paused time a scenario plays the same way every time.
//!
//! Knows nothing of Docker; secrets in a scenario are masked as those of a real engine are.

mod answers;
mod beginning;
mod compose;
mod crowd;
mod definitions;
mod engine;
mod lint;
mod logs;
mod member;
mod meters;
mod probes;
mod random;
mod runs;
mod script;
mod shell;
mod stack_files;
mod streams;
mod tokens;
mod trees;
mod units;
mod usage;
mod world;

use std::sync::Arc;
use std::time::Duration;

use crate::ports::{Clock, Ports};

pub use crowd::crowd;
pub use script::What;

use engine::{Player, Stage};
use script::Script;

/// Five stacks with a life of their own.
pub const DEMO: &str = include_str!("../../fixtures/scenarios/demo.toml");
/// Two small stacks, nothing wrong.
pub const CALM: &str = include_str!("../../fixtures/scenarios/calm.toml");
/// One service in each state.
pub const TROUBLE: &str = include_str!("../../fixtures/scenarios/trouble.toml");
/// The connection breaks and comes back.
pub const LOST: &str = include_str!("../../fixtures/scenarios/lost.toml");
/// An engine that lets nobody in.
pub const REFUSED: &str = include_str!("../../fixtures/scenarios/refused.toml");

/// Reads a scenario and returns everything of its outside; errors name the line.
pub fn ports(text: &str, clock: Clock) -> anyhow::Result<Ports> {
    Ok(open(text, clock)?.0)
}

/// Like [`ports`], with a hand on the scenario.
pub fn open(text: &str, clock: Clock) -> anyhow::Result<(Ports, ScenarioHandle)> {
    let script = Script::parse(text)?;
    let player = Player::new(beginning::world(script, clock.now()), clock);
    let stage = Arc::new(Stage { player: player.clone() });
    let ports = Ports {
        engine: stage.clone(),
        usage: stage.clone(),
        host: stage.clone(),
        compose: stage.clone(),
        linter: Some(stage.clone()),
        stack_files: stage.clone(),
        tokens: stage.clone(),
        prober: stage.clone(),
        files: None,
        trees: Some(stage),
        history: None,
        turns: None,
        webhook: None,
        clock,
    };
    Ok((ports, ScenarioHandle { player }))
}

/// Steps into a running scenario.
#[derive(Clone)]
pub struct ScenarioHandle {
    player: Arc<Player>,
}

impl ScenarioHandle {
    /// Breaks the connection: streams end and calls fail until [`ScenarioHandle::restore`].
    pub fn cut(&self) {
        self.player.with(|world, _| world.disconnect());
    }

    pub fn restore(&self) {
        self.player.with(|world, _| world.reconnect());
    }

    /// Lets something happen now to `stack/service`, or to a container by its name; returns to how many.
    pub fn happen(&self, who: &str, what: &What) -> usize {
        self.player.with(|world, now| {
            let members = world.named(who);
            for member in &members {
                world.happen(now, *member, what);
            }
            members.len()
        })
    }

    /// Fails the health check from now on.
    pub fn fail_health(&self, who: &str, output: &str) -> usize {
        self.happen(who, &What::Fail { output: output.to_owned(), exit_code: 1 })
    }

    pub fn recover(&self, who: &str) -> usize {
        self.happen(who, &What::Recover)
    }

    pub fn crash(&self, who: &str, exit_code: i64) -> usize {
        self.happen(who, &What::Crash { exit_code, times: 1, after: Duration::ZERO })
    }
}

#[cfg(test)]
mod tests;
