//! The engine's side of a scenario: answers what a real one would answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::adapters::scenario::answers::{disk_usage, inspect_text, processes};
use crate::adapters::scenario::tokens::Refreshes;
use crate::adapters::scenario::usage::Counters;
use crate::adapters::scenario::world::{Goal, World};
use crate::adapters::scenario::{runs, shell, streams};
use crate::event::{EngineEvent, EngineInfo, OwnPlace, ProcessTable};
use crate::model::containers::{Container, ContainerId};
use crate::model::host::EngineDiskUsage;
use crate::model::jobs::Signal;
use crate::model::logs::LogLine;
use crate::model::runs::ExecOrder;
use crate::model::shells::ShellWish;
use crate::model::watch::run::SyncItem;
use crate::ports::{BoxFuture, BoxStream, Clock, Engine, EngineError, ExecSession, LogRequest, Opening};

/// Plays a world along a clock.
pub struct Player {
    pub(super) clock: Clock,
    world: Mutex<World>,
    /// Bears the world's revision to those who sleep.
    changed: watch::Sender<u64>,
    pub(super) counters: Mutex<Counters>,
    pub(super) refreshes: Mutex<Refreshes>,
}

impl Player {
    pub(super) fn new(world: World, clock: Clock) -> Arc<Self> {
        let changed = watch::Sender::new(world.revision());
        Arc::new(Self {
            clock,
            world: Mutex::new(world),
            changed,
            counters: Mutex::default(),
            refreshes: Mutex::default(),
        })
    }

    /// Brings the world up to date, looks at it or changes it, and wakes who sleeps.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let now = self.clock.now();
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance(now);
        let result = look(&mut world, now);
        world.advance(now);
        let revision = world.revision();
        drop(world);
        self.changed.send_if_modified(|known| std::mem::replace(known, revision) != revision);
        result
    }

    /// Sleeps until the world has an answer.
    pub(super) async fn until<T>(&self, mut look: impl FnMut(&mut World, Timestamp) -> Wait<T>) -> T {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            let (wait, due) = self.with(|world, now| {
                let wait = look(world, now);
                (wait, world.next_due())
            });
            let at = match wait {
                Wait::Done(result) => return result,
                Wait::Change => due,
                Wait::Until(at) => Some(due.map_or(at, |due| due.min(at))),
            };
            let sleep = async {
                match at {
                    // Timers count whole milliseconds and round up; sooner would spin.
                    Some(at) => tokio::time::sleep(self.clock.until(at)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = changed.changed() => {}
                () = sleep => {}
            }
        }
    }

    pub(super) fn reach<T>(
        &self,
        look: impl FnOnce(&mut World, Timestamp) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        self.with(|world, now| {
            check_link(world)?;
            look(world, now)
        })
    }

    /// Asks for a change that is done, or refused, at once.
    pub(super) async fn at_once(
        &self,
        id: &ContainerId,
        ask: impl FnOnce(&mut World, Timestamp, usize) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let answer = self.reach(|world, now| {
            let member = find(world, id)?;
            ask(world, now, member)
        });
        tokio::time::sleep(ANSWER).await;
        answer
    }

    /// Asks for a change and waits until it is done.
    pub(super) async fn carry_out(
        &self,
        id: &ContainerId,
        ask: impl FnOnce(&mut World, Timestamp, usize) -> Goal,
    ) -> Result<(), EngineError> {
        let goal = self.reach(|world, now| {
            let member = find(world, id)?;
            Ok(ask(world, now, member))
        })?;
        let link = self.with(|world, _| world.link());
        let answer = self.until(|world, _| {
            let member = &world.members[goal.member];
            if world.link() != link {
                Wait::Done(Err(broken()))
            } else if member.turn < goal.turn {
                Wait::Change
            } else if member.container.error.is_empty() {
                Wait::Done(Ok(()))
            } else {
                Wait::Done(Err(EngineError::Other(member.container.error.clone())))
            }
        });
        let answer = answer.await;
        // The events of a change are told before its answer.
        tokio::time::sleep(ANSWER).await;
        answer
    }
}

/// The player as the ports see it.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) player: Arc<Player>,
}

/// What to do about a look at the world.
pub(super) enum Wait<T> {
    Done(T),
    /// Look again when something has changed.
    Change,
    /// Or at this time, should nothing change before.
    Until(Timestamp),
}

/// From the end of a change to the answer.
const ANSWER: Duration = Duration::from_millis(2);

/// How long a copy of files takes.
const COPYING: Duration = Duration::from_millis(38);
/// The endpoint's name.
pub(super) const HOST: &str = "demo";

pub(super) fn broken() -> EngineError {
    EngineError::Unreachable(format!("{HOST}: connection reset by peer"))
}

pub(super) fn check_link(world: &World) -> Result<(), EngineError> {
    if let Some(words) = &world.script.engine.refuses {
        return Err(EngineError::PermissionDenied(words.clone()));
    }
    if world.is_cut() {
        return Err(EngineError::Unreachable(format!("{HOST}: connection refused")));
    }
    Ok(())
}

fn find(world: &World, id: &ContainerId) -> Result<usize, EngineError> {
    world.find(id).ok_or_else(|| EngineError::NotFound(format!("No such container: {}", id.short())))
}

/// Boxes an answer that is there at once.
fn ready<'a, T: Send + 'a>(answer: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(answer))
}

impl Engine for Stage {
    fn host(&self) -> String {
        String::from(HOST)
    }

    fn connect(&self) -> BoxFuture<'_, Result<EngineInfo, EngineError>> {
        ready(self.player.reach(|world, now| {
            let engine = &world.script.engine;
            Ok(EngineInfo {
                host: String::from(HOST),
                name: String::from("demo"),
                version: engine.version.clone(),
                api: engine.api.clone(),
                flavor: String::from("demo"),
                cpus: engine.cpus,
                memory_bytes: engine.memory.0,
                time: Some(now),
                clock_ahead: None,
                local: true,
                own: OwnPlace::default(),
            })
        }))
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        ready(self.player.reach(|_, _| Ok(())))
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Container>, EngineError>> {
        ready(self.player.reach(|world, now| {
            Ok(world.members.iter().filter(|m| !m.gone).map(|m| m.inspected(now)).collect())
        }))
    }

    fn inspect<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<Container, EngineError>> {
        ready(self.player.reach(|world, now| Ok(world.members[find(world, id)?].inspected(now))))
    }

    fn events(&self, since: Option<Timestamp>) -> BoxStream<'static, Result<EngineEvent, EngineError>> {
        streams::events(self.player.clone(), since)
    }

    fn logs(
        &self,
        id: &ContainerId,
        request: LogRequest,
    ) -> BoxStream<'static, Result<Vec<LogLine>, EngineError>> {
        streams::logs(self.player.clone(), id.clone(), request)
    }

    fn start<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.player.carry_out(id, |world, now, member| world.ask_to_start(now, member, false)))
    }

    fn stop<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.player.carry_out(id, |world, now, member| world.ask_to_stop(now, member, false)))
    }

    fn restart<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.player.carry_out(id, World::ask_to_restart))
    }

    fn pause<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.player.at_once(id, World::ask_to_pause))
    }

    fn unpause<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.player.at_once(id, World::ask_to_unpause))
    }

    fn kill<'a>(&'a self, id: &'a ContainerId, signal: Signal) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.player.at_once(id, move |world, now, member| world.ask_to_kill(now, member, signal)))
    }

    fn remove<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.player.at_once(id, World::ask_to_remove))
    }

    fn rename<'a>(&'a self, id: &'a ContainerId, name: &'a str) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.player.at_once(id, |world, now, member| world.ask_to_rename(now, member, name)))
    }

    fn sync<'a>(
        &'a self,
        id: &'a ContainerId,
        _items: &'a [SyncItem],
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async move {
            tokio::time::sleep(COPYING).await;
            self.player.reach(|world, _| find(world, id).map(drop))
        })
    }

    fn inspect_text<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<Vec<String>, EngineError>> {
        ready(
            self.player.reach(|world, now| Ok(inspect_text(&world.members[find(world, id)?].inspected(now)))),
        )
    }

    fn processes<'a>(&'a self, id: &'a ContainerId) -> BoxFuture<'a, Result<ProcessTable, EngineError>> {
        ready(self.player.reach(|world, _| {
            let member = &world.members[find(world, id)?];
            let Some(pid) = member.container.pid else {
                let words = format!("container {} is not running", member.container.id.short());
                return Err(EngineError::Conflict(words));
            };
            Ok(processes(member, pid))
        }))
    }

    fn shell<'a>(
        &'a self,
        wish: &'a ShellWish,
        _size: (u16, u16),
    ) -> BoxFuture<'a, Result<Opening, EngineError>> {
        ready(self.player.reach(|world, _| {
            let member = &world.members[find(world, &wish.container)?];
            Ok(Opening::Opened(shell::open(wish, &member.container.name)))
        }))
    }

    fn exec<'a>(&'a self, order: &'a ExecOrder) -> BoxFuture<'a, Result<ExecSession, EngineError>> {
        ready(runs::start(&self.player, order))
    }

    fn disk_usage(&self) -> BoxFuture<'_, Result<EngineDiskUsage, EngineError>> {
        ready(self.player.reach(|world, _| Ok(disk_usage(world))))
    }

    fn image_id<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<String, EngineError>> {
        ready(self.player.reach(|world, _| {
            world.image_id(name).ok_or_else(|| EngineError::NotFound(format!("No such image: {name}")))
        }))
    }

    fn tag<'a>(&'a self, image_id: &'a str, name: &'a str) -> BoxFuture<'a, Result<(), EngineError>> {
        ready(self.player.reach(|world, _| {
            world.tag(image_id, name);
            Ok(())
        }))
    }

    fn untag<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), EngineError>> {
        ready(self.player.reach(|world, _| {
            let known = world.untag(name);
            known.then_some(()).ok_or_else(|| EngineError::NotFound(format!("No such image: {name}")))
        }))
    }

    fn image_bytes<'a>(&'a self, image_id: &'a str) -> BoxFuture<'a, Result<u64, EngineError>> {
        ready(self.player.reach(|world, _| {
            world
                .members
                .iter()
                .find(|member| member.container.image_id == image_id)
                .map(|member| member.script.image_size.0)
                .ok_or_else(|| EngineError::NotFound(format!("No such image: {image_id}")))
        }))
    }
}
