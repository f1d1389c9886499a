//! What the kernel told and nobody has looked at yet.
//!
//! The system's watcher calls from a thread of its own: what does not matter is dropped there, the rest is kept once
//! a path, and whoever looks is woken only when that has to happen earlier than planned.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind};
use tokio::sync::Notify;

use super::scope::Scope;
use super::settle::Settle;

/// Beyond so many paths, everything is looked at instead.
const PATHS: usize = 50_000;

/// What happened to a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touch {
    /// It came, went or was renamed: below it, everything may be another thing.
    pub moved: bool,
    /// It was written to and not closed yet.
    pub open: bool,
}

impl Touch {
    pub const WRITTEN: Self = Self { moved: false, open: false };
    pub const MOVED: Self = Self { moved: true, open: false };
}

/// Everything to look at, and since when.
#[derive(Debug)]
pub struct Batch {
    pub noticed_at: Timestamp,
    /// Free of links.
    pub paths: BTreeMap<PathBuf, Touch>,
    /// Something was missed: everything is to be looked at.
    pub rescan: bool,
}

/// Which paths matter.
#[derive(Debug, Default)]
pub struct Interest {
    pub scopes: Vec<Arc<Scope>>,
    /// Paths that decide where a root leads to, and what is left out.
    pub points: BTreeSet<PathBuf>,
}

impl Interest {
    fn covers(&self, path: &Path) -> bool {
        self.points.contains(path) || self.scopes.iter().any(|scope| scope.matters(path))
    }
}

pub struct Inbox {
    pending: Mutex<Pending>,
    /// Rings when it is to be looked at earlier than was said.
    pub bell: Notify,
    /// Nobody listens any more: whoever looks may stop.
    over: AtomicBool,
}

struct Pending {
    interest: Interest,
    settle: Settle,
    noticed_at: Option<Timestamp>,
    paths: BTreeMap<PathBuf, Touch>,
    open: usize,
    rescan: bool,
    overflows: u64,
    /// When somebody will look.
    planned: Option<Instant>,
}

impl Inbox {
    pub fn new(longest: Duration) -> Self {
        let pending = Pending {
            interest: Interest::default(),
            settle: Settle::new(longest),
            noticed_at: None,
            paths: BTreeMap::new(),
            open: 0,
            rescan: false,
            overflows: 0,
            planned: None,
        };
        Self { pending: Mutex::new(pending), bell: Notify::new(), over: AtomicBool::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that nobody listens any more.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub fn set_interest(&self, interest: Interest) {
        self.lock().interest = interest;
    }

    /// How often the kernel's queue overflowed.
    pub fn overflows(&self) -> u64 {
        self.lock().overflows
    }

    /// Takes in what the system's watcher says.
    pub fn hear(&self, event: notify::Result<Event>) {
        let mut pending = self.lock();
        let pending = &mut *pending;
        match event {
            Ok(event) if event.need_rescan() => pending.overflow(),
            Ok(event) => {
                let Some(touch) = touch(event.kind) else { return };
                let mut is_heard = false;
                for path in event.paths {
                    is_heard |= pending.touch(path, touch);
                }
                if !is_heard {
                    return;
                }
                if pending.paths.len() > PATHS {
                    pending.paths.clear();
                    pending.open = 0;
                    pending.rescan = true;
                }
            }
            Err(error) => {
                log::warn!("watching sources: {error}");
                pending.overflow();
            }
        }
        pending.note(Instant::now(), Timestamp::now());
        if pending.is_early() {
            self.bell.notify_one();
        }
    }

    /// Takes in paths that somebody found to be different.
    pub fn found(&self, paths: impl IntoIterator<Item = PathBuf>) {
        let mut pending = self.lock();
        for path in paths {
            // Finding it again, before anybody looked, is no news: else polling often would put the look off for ever.
            if pending.paths.insert(path, Touch::MOVED).is_none() {
                pending.note(Instant::now(), Timestamp::now());
            }
        }
        pending.open = pending.paths.values().filter(|touch| touch.open).count();
        if pending.is_early() {
            self.bell.notify_one();
        }
    }

    /// Returns when to look, and takes that as planned.
    pub fn plan(&self) -> Option<Instant> {
        let mut pending = self.lock();
        pending.planned = pending.due();
        pending.planned
    }

    /// Returns what is to be looked at if its time has come.
    pub fn take(&self, now: Instant) -> Option<Batch> {
        let mut pending = self.lock();
        if pending.due()? > now {
            return None;
        }
        pending.settle.clear();
        let batch = Batch {
            noticed_at: pending.noticed_at.take()?,
            paths: std::mem::take(&mut pending.paths),
            rescan: std::mem::take(&mut pending.rescan),
        };
        pending.open = 0;
        Some(batch)
    }
}

impl Pending {
    /// Notes a path; `false`: nobody wants to know.
    fn touch(&mut self, path: PathBuf, touch: Touch) -> bool {
        if let Some(known) = self.paths.get_mut(&path) {
            known.moved |= touch.moved;
            self.open = self.open + usize::from(touch.open) - usize::from(known.open);
            known.open = touch.open;
            return true;
        }
        if !self.interest.covers(&path) {
            return false;
        }
        self.open += usize::from(touch.open);
        self.paths.insert(path, touch);
        true
    }

    fn overflow(&mut self) {
        self.overflows += 1;
        self.rescan = true;
    }

    fn note(&mut self, now: Instant, at: Timestamp) {
        self.settle.note(now);
        self.noticed_at.get_or_insert(at);
    }

    fn due(&self) -> Option<Instant> {
        self.settle.due(self.paths.len(), self.open)
    }

    fn is_early(&self) -> bool {
        self.due().is_some_and(|due| self.planned.is_none_or(|planned| due < planned))
    }
}

/// Says what an event means for its paths; `None`: nothing.
fn touch(kind: EventKind) -> Option<Touch> {
    match kind {
        // Reading is an event too: heeding it, whoever reads would wake himself.
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Touch::WRITTEN),
        EventKind::Access(_) => None,
        // Only Linux tells when a file is closed.
        EventKind::Modify(ModifyKind::Data(_)) => {
            Some(Touch { moved: false, open: cfg!(target_os = "linux") })
        }
        EventKind::Modify(ModifyKind::Metadata(_)) => Some(Touch::WRITTEN),
        _ => Some(Touch::MOVED),
    }
}
