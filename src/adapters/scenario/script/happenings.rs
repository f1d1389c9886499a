//! What happened before, and what happens while a scenario plays.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::adapters::scenario::units::Span;

/// One engine event of the time before.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Past {
    pub ago: Span,
    pub who: Spanned<String>,
    pub what: PastEvent,
    #[serde(default)]
    pub exit_code: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PastEvent {
    Created,
    Started,
    Died,
    Stopped,
    Killed,
    Restarted,
    OutOfMemory,
    Healthy,
    Unhealthy,
}

/// Something that happens at a set time, once or again and again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Happening {
    pub at: Span,
    /// Again after so long.
    pub every: Option<Span>,
    /// Each time up to so much later, by chance.
    #[serde(default)]
    pub jitter: Span,
    /// `stack/service`, or the name of a container without a stack; empty for the connection.
    pub who: Option<Spanned<String>>,
    pub what: HappeningKind,
    /// What a failing check prints.
    #[serde(default)]
    pub output: String,
    /// Of the check, or of the crash.
    #[serde(default = "one_code")]
    pub exit_code: i64,
    /// Crashes in a row.
    #[serde(default = "one")]
    pub times: u32,
    /// How long it runs between two crashes.
    #[serde(default)]
    pub after: Span,
    /// Length of a burst.
    #[serde(default)]
    pub lines: u32,
    /// How long the connection is gone.
    #[serde(default)]
    pub lasts: Span,
}

fn one_code() -> i64 {
    1
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HappeningKind {
    Fail,
    Recover,
    Crash,
    OutOfMemory,
    Pause,
    Unpause,
    Stop,
    Start,
    Restart,
    Burst,
    Disconnect,
}

/// What happens, with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Its health check fails from now on.
    Fail {
        output: String,
        exit_code: i64,
    },
    /// Its health check passes again.
    Recover,
    /// It ends by itself; `times`: after each restart again.
    Crash {
        exit_code: i64,
        times: u32,
        after: Duration,
    },
    /// The kernel kills it for memory.
    OutOfMemory,
    Pause,
    Unpause,
    /// Somebody stops, starts or restarts it behind our back.
    Stop,
    Start,
    Restart,
    /// So many lines of its log at once.
    Burst {
        lines: u32,
    },
    /// The connection to the engine breaks.
    Disconnect {
        lasts: Duration,
    },
}

impl Happening {
    pub fn what(&self) -> What {
        match self.what {
            HappeningKind::Fail => What::Fail { output: self.output.clone(), exit_code: self.exit_code },
            HappeningKind::Recover => What::Recover,
            HappeningKind::Crash => {
                What::Crash { exit_code: self.exit_code, times: self.times, after: self.after.0 }
            }
            HappeningKind::OutOfMemory => What::OutOfMemory,
            HappeningKind::Pause => What::Pause,
            HappeningKind::Unpause => What::Unpause,
            HappeningKind::Stop => What::Stop,
            HappeningKind::Start => What::Start,
            HappeningKind::Restart => What::Restart,
            HappeningKind::Burst => What::Burst { lines: self.lines },
            HappeningKind::Disconnect => What::Disconnect { lasts: self.lasts.0 },
        }
    }
}

fn one() -> u32 {
    1
}
