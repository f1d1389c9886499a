//! The world of a scenario: all containers, what is due next, and the events that came of it.
//!
//! Moves only when it is told the time: [`World::advance`] carries out, in order, everything that was
//! due until then, each at its own moment. Knows no tasks, timers or ports.

mod hands;
mod images;
mod lifecycle;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::adapters::scenario::member::{Member, Occasion};
use crate::adapters::scenario::random::unit;
use crate::adapters::scenario::script::{Condition, LogStyle, Script, What};
use crate::event::{EngineEvent, EngineEventKind};
use crate::model::containers::{ContainerId, RunState};
use crate::model::health::Health;

/// Events that can still be read; an engine replays the last [`REPLAYED`] of them.
const KEPT_EVENTS: usize = 8192;
/// Events that an engine remembers for those who come later.
const REPLAYED: usize = 256;
/// From the last words of a crash to the end.
const LAST_WORDS: SignedDuration = SignedDuration::from_millis(40);

/// Why a container is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Asked,
    Restart,
    Policy,
}

/// Something that will happen, if its container's turn is still the same.
#[derive(Clone, Copy, Debug)]
enum Due {
    Happening { index: usize, round: u64 },
    Reconnect { link: u64 },
    Start { member: usize, turn: u64, why: Why },
    Crash { member: usize, turn: u64 },
    Die { member: usize, turn: u64, exit_code: i64, out_of_memory: bool },
    Flip { member: usize, health: Health, turn: u64 },
}

/// What somebody waits for: a container's turn.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    pub member: usize,
    pub turn: u64,
}

#[derive(Debug)]
pub struct World {
    pub script: Script,
    pub members: Vec<Member>,
    by_id: HashMap<ContainerId, usize>,
    started_at: Timestamp,
    agenda: BTreeMap<(Timestamp, u64), Due>,
    planned: u64,
    events: VecDeque<EngineEvent>,
    /// Number of the first event in `events`.
    first_event: u64,
    /// Names that stand for another image than at the beginning.
    images: BTreeMap<String, String>,
    /// The connection is gone.
    cut: bool,
    /// Counts broken connections: a stream of an earlier one has ended.
    link: u64,
    /// Counts changes worth waking up for.
    revision: u64,
}

impl World {
    /// Returns when it began.
    pub(super) fn began(&self) -> Timestamp {
        self.started_at
    }

    pub(super) fn new(
        script: Script,
        members: Vec<Member>,
        history: Vec<EngineEvent>,
        now: Timestamp,
    ) -> Self {
        let by_id = members.iter().enumerate().map(|(index, m)| (m.container.id.clone(), index)).collect();
        let mut world = Self {
            script,
            members,
            by_id,
            started_at: now,
            agenda: BTreeMap::new(),
            planned: 0,
            events: history.into(),
            first_event: 0,
            images: BTreeMap::new(),
            cut: false,
            link: 0,
            revision: 0,
        };
        for index in 0..world.script.happenings.len() {
            world.plan_happening(index, 0);
        }
        for index in 0..world.members.len() {
            world.plan_flip(index, now);
            let member = &world.members[index];
            let turn = member.turn;
            if member.container.run == RunState::Restarting {
                let delay = SignedDuration::from_millis(1500 + (member.seed % 4000) as i64);
                world.plan(now + delay, Due::Start { member: index, turn, why: Why::Policy });
            } else if member.is_up() {
                world.plan_end(index, now);
            }
        }
        world.wake_dependents(now);
        world
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn is_cut(&self) -> bool {
        self.cut
    }

    pub fn link(&self) -> u64 {
        self.link
    }

    pub fn find(&self, id: &ContainerId) -> Option<usize> {
        self.by_id.get(id).copied().filter(|index| !self.members[*index].gone)
    }

    /// Finds the replicas of `stack/service`, or a container by its name.
    pub fn named(&self, who: &str) -> Vec<usize> {
        let matches = |member: &Member| match who.split_once('/') {
            Some((stack, service)) => member
                .container
                .compose
                .as_ref()
                .is_some_and(|labels| *labels.project == *stack && *labels.service == *service),
            None => *member.container.name == *who,
        };
        (0..self.members.len()).filter(|index| matches(&self.members[*index])).collect()
    }

    pub fn style(&self, index: usize) -> Option<&LogStyle> {
        let style = self.members[index].script.log.as_ref()?;
        self.script.logs.get(style.get_ref())
    }

    /// Returns when something is due next.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.agenda.keys().next().map(|(at, _)| *at)
    }

    /// Returns the number that the next event will have.
    pub fn next_event(&self) -> u64 {
        self.first_event + self.events.len() as u64
    }

    pub fn event(&self, number: u64) -> Option<&EngineEvent> {
        self.events.get(usize::try_from(number.checked_sub(self.first_event)?).ok()?)
    }

    /// Returns the number of the first event that is replayed to somebody who asks since `since`.
    pub fn replay_from(&self, since: Option<Timestamp>) -> u64 {
        let Some(since) = since else { return self.next_event() };
        let oldest = self.events.len().saturating_sub(REPLAYED);
        let skip = self.events.iter().skip(oldest).take_while(|event| event.at < since).count();
        self.first_event + (oldest + skip) as u64
    }

    /// Carries out everything that is due until `now`.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some(entry) = self.agenda.first_entry() {
            let at = entry.key().0;
            if at > now {
                break;
            }
            let due = entry.remove();
            self.carry_out(at, due);
        }
    }

    fn plan(&mut self, at: Timestamp, due: Due) {
        self.planned += 1;
        self.agenda.insert((at, self.planned), due);
        self.revision += 1;
    }

    fn plan_happening(&mut self, index: usize, round: u64) {
        let happening = &self.script.happenings[index];
        let every = match (round, happening.every) {
            (0, _) => Duration::ZERO,
            (_, None) => return,
            (_, Some(every)) => every.0,
        };
        let late = unit(&[self.script.engine.seed, index as u64, round]);
        let late = if round == 0 { Duration::ZERO } else { happening.jitter.0.mul_f64(late) };
        let at = self.started_at + happening.at.0 + every * round as u32 + late;
        self.plan(at, Due::Happening { index, round });
    }

    /// Plans the next change of a health verdict.
    fn plan_flip(&mut self, index: usize, now: Timestamp) {
        let turn = self.members[index].turn;
        if let Some((at, health)) = self.members[index].next_flip(now) {
            self.plan(at, Due::Flip { member: index, health, turn });
        }
    }

    /// Plans an end that lies in the nature of a container: a one-shot's, a crash.
    fn plan_end(&mut self, index: usize, at: Timestamp) {
        let member = &self.members[index];
        let turn = member.turn;
        if member.crash.left > 0 {
            let after = member.crash.after;
            self.plan(at + after, Due::Crash { member: index, turn });
        } else if let Some(runs_for) = member.script.runs_for {
            let (exit_code, started) = (member.script.ends_with, member.container.started_at.unwrap_or(at));
            let due = Due::Die { member: index, turn, exit_code, out_of_memory: false };
            self.plan((started + runs_for.0).max(at), due);
        }
    }

    fn carry_out(&mut self, at: Timestamp, due: Due) {
        let in_turn = |world: &Self, member: usize, turn: u64| world.members[member].turn == turn;
        match due {
            Due::Happening { index, round } => {
                let happening = &self.script.happenings[index];
                let what = happening.what();
                let who = happening.who.as_ref().map(|who| who.get_ref().clone());
                self.plan_happening(index, round + 1);
                match who {
                    Some(who) => {
                        for member in self.named(&who) {
                            self.happen(at, member, &what);
                        }
                    }
                    None => {
                        if let What::Disconnect { lasts } = what {
                            self.disconnect();
                            let link = self.link;
                            self.plan(at + lasts, Due::Reconnect { link });
                        }
                    }
                }
            }
            Due::Reconnect { link } => {
                if self.link == link {
                    self.reconnect();
                }
            }
            Due::Start { member, turn, why } if in_turn(self, member, turn) => self.start(at, member, why),
            Due::Crash { member, turn } if in_turn(self, member, turn) => {
                let exit_code = self.members[member].crash.exit_code;
                self.members[member].crash.left = self.members[member].crash.left.saturating_sub(1);
                self.members[member].note(at, Occasion::Crash);
                self.plan(at + LAST_WORDS, Due::Die { member, turn, exit_code, out_of_memory: false });
            }
            Due::Die { member, turn, exit_code, out_of_memory } if in_turn(self, member, turn) => {
                self.die(at, member, exit_code, out_of_memory);
            }
            Due::Flip { member, health, turn } if in_turn(self, member, turn) => {
                // An illness may have begun or ended since this was planned.
                let just_before = at - SignedDuration::from_nanos(1);
                if self.members[member].next_flip(just_before) == Some((at, health)) {
                    self.members[member].container.health = health;
                    self.emit(at, member, EngineEventKind::Health(health));
                    self.wake_dependents(at);
                }
                self.plan_flip(member, at);
            }
            Due::Start { .. } | Due::Crash { .. } | Due::Die { .. } | Due::Flip { .. } => {}
        }
    }

    /// Starts what Compose holds back, where its conditions are met now.
    fn wake_dependents(&mut self, at: Timestamp) {
        for index in 0..self.members.len() {
            let member = &self.members[index];
            if !member.waits {
                continue;
            }
            let stack = member.container.stack_name();
            let script = member.script.clone();
            if script.depends_on.iter().all(|(dep, condition)| self.is_met(&stack, dep.get_ref(), *condition))
            {
                self.ask_to_start(at, index, false);
            }
        }
    }

    /// Whether something that a container needs is on its way: Compose waits for that before it starts it.
    pub fn waits_for_more(&self, index: usize) -> bool {
        let member = &self.members[index];
        let stack = member.container.stack_name();
        let on_its_way = |service: &str| {
            let runs = |other: &&Member| {
                let container = &other.container;
                let same = *container.stack_name() == *stack && *container.service_name() == *service;
                same && !other.gone && container.run == RunState::Running
            };
            let sick = |other: &Member| other.container.health == Health::Unhealthy;
            self.members.iter().find(runs).is_some_and(|other| !sick(other))
        };
        member.script.depends_on.iter().any(|(dep, condition)| {
            !self.is_met(&stack, dep.get_ref(), *condition) && on_its_way(dep.get_ref())
        })
    }

    fn is_met(&self, stack: &str, service: &str, condition: Condition) -> bool {
        let there = self.members.iter().filter(|member| !member.gone);
        let mut replicas = there
            .map(|member| &member.container)
            .filter(|container| *container.stack_name() == *stack && *container.service_name() == *service);
        replicas.all(|container| match condition {
            Condition::Started => container.run.is_up() || container.run == RunState::Restarting,
            Condition::Healthy => container.run == RunState::Running && container.health == Health::Healthy,
            Condition::Completed => container.run == RunState::Exited && container.exit_code == Some(0),
        })
    }

    fn emit(&mut self, at: Timestamp, index: usize, kind: EngineEventKind) {
        // No two events share a moment: somebody who resumes after the last one would miss the other.
        let last = self.events.back().map(|event| event.at + SignedDuration::from_micros(1));
        let at = last.map_or(at, |last| at.max(last));
        self.events.push_back(event_of(&self.members[index], at, kind));
        if self.events.len() > KEPT_EVENTS {
            self.events.pop_front();
            self.first_event += 1;
        }
        self.revision += 1;
    }
}

/// Makes an event of a container.
pub(super) fn event_of(member: &Member, at: Timestamp, kind: EngineEventKind) -> EngineEvent {
    let container = &member.container;
    let labels = container.compose.as_ref();
    EngineEvent {
        at,
        container: container.id.clone(),
        kind,
        name: Arc::clone(&container.name),
        stack: labels.map(|labels| labels.project.clone()),
        service: labels.map(|labels| labels.service.clone()),
    }
}
