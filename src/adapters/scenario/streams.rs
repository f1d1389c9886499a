//! The two streams of a scenario: events, and the log of one container.
//!
//! Both sleep until there is something to tell and remember only how far they have come.

use std::sync::Arc;

use futures_util::stream;
use jiff::{SignedDuration, Timestamp};

use crate::adapters::scenario::engine::{Player, Wait, broken, check_link};
use crate::adapters::scenario::logs;
use crate::adapters::scenario::world::World;
use crate::event::EngineEvent;
use crate::model::containers::ContainerId;
use crate::model::logs::LogLine;
use crate::ports::{BoxStream, EngineError, LogRequest};

/// Streams events since a moment, then as they come.
pub fn events(
    player: Arc<Player>,
    since: Option<Timestamp>,
) -> BoxStream<'static, Result<EngineEvent, EngineError>> {
    let opened = player.with(|world, _| check_link(world).map(|()| (world.replay_from(since), world.link())));
    let (next, link) = match opened {
        Ok(opened) => opened,
        Err(error) => return failed(error),
    };
    Box::pin(stream::unfold(Some(next), move |next| {
        let player = player.clone();
        async move {
            let next = next?;
            let told = player
                .until(|world, _| {
                    if world.link() != link {
                        return Wait::Done(Err(broken()));
                    }
                    match world.event(next) {
                        Some(event) => Wait::Done(Ok(event.clone())),
                        // It fell out before it was read, as with a real engine.
                        None if next < world.next_event() => Wait::Done(Err(broken())),
                        None => Wait::Change,
                    }
                })
                .await;
            let after = told.is_ok().then_some(next + 1);
            Some((told, after))
        }
    }))
}

fn failed<T: Send + 'static>(error: EngineError) -> BoxStream<'static, Result<T, EngineError>> {
    Box::pin(stream::iter([Err(error)]))
}

/// How far a log has been told.
struct Reader {
    member: usize,
    /// Number of the life that was followed; the stream ends with it.
    turn: u64,
    link: u64,
    told_until: Timestamp,
    first: Option<Vec<LogLine>>,
    ended: bool,
}

/// Streams a log: the tail, then new lines until the container ends.
pub fn logs(
    player: Arc<Player>,
    id: ContainerId,
    request: LogRequest,
) -> BoxStream<'static, Result<Vec<LogLine>, EngineError>> {
    let opened = player.with(|world, now| {
        check_link(world)?;
        let words = || EngineError::NotFound(format!("No such container: {}", id.short()));
        let member = world.find(&id).ok_or_else(words)?;
        Ok(Reader {
            member,
            turn: world.members[member].turn,
            link: world.link(),
            told_until: now,
            first: Some(first_lines(world, member, &request, now)),
            ended: !(request.follow && world.members[member].is_up()),
        })
    });
    let reader = match opened {
        Ok(reader) => reader,
        Err(error) => return failed(error),
    };
    Box::pin(stream::unfold(Some(reader), move |reader| {
        let player = player.clone();
        async move {
            let mut reader = reader?;
            if let Some(lines) = reader.first.take().filter(|lines| !lines.is_empty()) {
                return Some((Ok(lines), Some(reader)));
            }
            let told = player.until(|world, now| reader.look(world, now)).await;
            match told {
                None => None,
                Some(Ok(lines)) => Some((Ok(lines), Some(reader))),
                Some(Err(error)) => Some((Err(error), None)),
            }
        }
    }))
}

fn first_lines(world: &World, member: usize, request: &LogRequest, now: Timestamp) -> Vec<LogLine> {
    let Some(style) = world.style(member) else { return Vec::new() };
    let member = &world.members[member];
    let mut lines = match request.since {
        None => logs::tail(member, style, request.tail, now),
        Some(since) => {
            let mut lines = logs::between(member, style, since, now);
            lines.drain(..lines.len().saturating_sub(request.tail as usize));
            lines
        }
    };
    lines.retain(|line| request.until.is_none_or(|until| line.at <= until));
    lines
}

impl Reader {
    fn look(&mut self, world: &World, now: Timestamp) -> Wait<Option<Result<Vec<LogLine>, EngineError>>> {
        if self.ended {
            return Wait::Done(None);
        }
        if world.link() != self.link {
            return Wait::Done(Some(Err(broken())));
        }
        let member = &world.members[self.member];
        // Its life may be over, and another one may have begun already.
        let over = member.turn != self.turn;
        let until =
            if over { member.lives.iter().rev().find_map(|life| life.to).unwrap_or(now) } else { now };
        let Some(style) = world.style(self.member) else {
            return if over { Wait::Done(None) } else { Wait::Change };
        };
        let from = self.told_until + SignedDuration::from_nanos(1);
        let lines = logs::between(member, style, from, until);
        self.told_until = self.told_until.max(until);
        self.ended = over;
        if !lines.is_empty() {
            Wait::Done(Some(Ok(lines)))
        } else if over {
            Wait::Done(None)
        } else {
            Wait::Until(logs::next_line(member, style, now))
        }
    }
}
