//! The outside: each adapter knows the model, the events, its port, and nothing of the others.

pub mod compose;
pub mod docker;
mod documents;
pub mod history;
pub mod host;
mod http;
pub mod lint;
mod own_files;
pub mod probes;
pub mod scenario;
pub mod stack_files;
pub mod tokens;
pub mod turns;
pub mod usage;
pub mod watch;
pub mod webhook;

use std::sync::Arc;

use crate::adapters::compose::ComposeCli;
use crate::adapters::docker::DockerEngine;
use crate::adapters::history::FileHistory;
use crate::adapters::host::SystemMeter;
use crate::adapters::lint::StackLinter;
use crate::adapters::probes::HttpProber;
use crate::adapters::stack_files::FolderStackFiles;
use crate::adapters::tokens::TokenReader;
use crate::adapters::turns::FileTurns;
use crate::adapters::usage::UsageMeters;
use crate::adapters::watch::{FileWatcher, TreeWatcher};
use crate::adapters::webhook::HttpWebhook;
use crate::config::Config;
use crate::model::host::HostSample;
use crate::ports::{BoxFuture, Clock, Engine as _, EngineError, History, HostMeter, Ports, Turns, Webhook};

/// Plugs in the outside: the one list of what is plugged in. Fails only for an endpoint that makes no
/// sense; whether anybody answers there is found by connecting.
pub fn live(config: &Config) -> Result<Ports, EngineError> {
    let engine = Arc::new(DockerEngine::new(&config.endpoint)?.with_logs(config.logs));
    let local = engine.is_local();
    let stats = engine.clone();
    let endpoint = config.endpoint.clone();
    let compose = Arc::new(ComposeCli::new(endpoint.host, endpoint.context));
    let history = if config.history { FileHistory::usual(&engine.host()) } else { None };
    let webhook = config.notify.webhook.clone().map(|address| address.0);
    Ok(Ports {
        webhook: webhook.map(|address| Arc::new(HttpWebhook::new(address)) as Arc<dyn Webhook>),
        history: history.map(|history| Arc::new(history) as Arc<dyn History>),
        usage: Arc::new(UsageMeters::new(Arc::new(move || stats.client()), local)),
        host: Arc::new(SystemMeter::new()),
        linter: Some(Arc::new(StackLinter::new(compose.clone(), engine.clone(), local))),
        compose,
        stack_files: Arc::new(FolderStackFiles),
        tokens: Arc::new(TokenReader::new(engine.clone())),
        prober: Arc::new(HttpProber::default()),
        files: Some(Arc::new(FileWatcher)),
        turns: FileTurns::usual(&engine.host()).map(|turns| Arc::new(turns) as Arc<dyn Turns>),
        trees: Some(Arc::new(TreeWatcher::usual())),
        clock: Clock::Wall,
        engine,
    })
}

/// Plugs in the embedded engine. Its machine is made up, but what stackdash itself costs is measured.
pub fn demo(clock: Clock) -> anyhow::Result<Ports> {
    let ports = scenario::ports(scenario::DEMO, clock)?;
    let host = Arc::new(OwnCostMeasured { machine: ports.host.clone(), own: SystemMeter::new() });
    Ok(Ports { host, ..ports })
}

struct OwnCostMeasured {
    machine: Arc<dyn HostMeter>,
    own: SystemMeter,
}

impl HostMeter for OwnCostMeasured {
    fn sample(&self) -> BoxFuture<'_, HostSample> {
        Box::pin(async {
            let own = self.own.sample().await.own;
            HostSample { own, ..self.machine.sample().await }
        })
    }
}
