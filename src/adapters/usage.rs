//! Usage from control group files where they can be read, else from the engine.
//!
//! Each container is measured by the cheapest way that works for it: `cgroup` reads the kernel's
//! files (nothing for the engine to do), `stats` asks the engine. Both end in `counters`, where
//! counters become rates. Knows nothing of histories, rows and beliefs.

mod cgroup;
mod counters;
mod stats;

use std::sync::{Arc, Mutex, PoisonError};

use crate::model::usage::UsageSample;
use crate::ports::{BoxFuture, UsageMeter, UsageRequest};

use cgroup::Cgroups;
use stats::{BollardStats, StatsMeter};

/// Returns the present connection to the engine, if there is one.
pub type EngineHandle = Arc<dyn Fn() -> Option<bollard::Docker> + Send + Sync>;

/// Measures containers, each by the cheapest way that works.
pub struct UsageMeters {
    cgroups: Option<Arc<Mutex<Cgroups>>>,
    stats: StatsMeter,
}

impl UsageMeters {
    /// Makes a meter. `local`: the engine answers on a socket of this machine, so that its containers'
    /// control groups may be in reach; whether they really are is found out for each container.
    pub fn new(engine: EngineHandle, local: bool) -> Self {
        let cgroups = local.then(|| Arc::new(Mutex::new(Cgroups::default())));
        Self { cgroups, stats: StatsMeter::new(Arc::new(BollardStats(engine))) }
    }
}

impl UsageMeter for UsageMeters {
    fn sample(&self, wanted: Vec<UsageRequest>) -> BoxFuture<'_, Vec<UsageSample>> {
        Box::pin(async move {
            let (mut samples, rest) = match self.cgroups.clone() {
                Some(cgroups) => read_cgroups(cgroups, wanted).await,
                None => (Vec::new(), wanted),
            };
            samples.extend(self.stats.sample(&rest));
            samples
        })
    }
}

/// Reads what can be read off the async threads; returns the rest for the engine.
async fn read_cgroups(
    cgroups: Arc<Mutex<Cgroups>>,
    wanted: Vec<UsageRequest>,
) -> (Vec<UsageSample>, Vec<UsageRequest>) {
    let reading = tokio::task::spawn_blocking(move || {
        cgroups.lock().unwrap_or_else(PoisonError::into_inner).sample(wanted)
    });
    // It fails only while the runtime shuts down.
    reading.await.unwrap_or_default()
}
