//! The rows of the tree: which targets, in which order, how deep. Derived when a revision moved.
//!
//! Holds identities only; what a row shows is looked up when it is drawn.

use std::cmp::Ordering;
use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use crate::model::containers::{ContainerId, NO_STACK};
use crate::model::stacks::{Service, ServiceState, Stack, Target};
use crate::state::State;
use crate::state::usage::UsageSum;

/// A container outside every stack that ended longer ago than this is left out.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(1);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    Name,
    #[default]
    State,
    Cpu,
    Memory,
}

impl SortBy {
    pub const ALL: [Self; 4] = [Self::State, Self::Name, Self::Cpu, Self::Memory];

    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "by name",
            Self::State => "worst first",
            Self::Cpu => "most CPU first",
            Self::Memory => "most memory first",
        }
    }

    fn needs_usage(self) -> bool {
        matches!(self, Self::Cpu | Self::Memory)
    }
}

/// One line of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub target: Target,
    /// 0: stack, 1: service, 2: container.
    pub depth: u16,
    /// Whether it is folded; `None`: it has nothing below.
    pub folded: Option<bool>,
}

/// What decides about the rows beside the state.
#[derive(Debug, Default)]
pub struct Choice {
    pub sort: SortBy,
    pub show_all: bool,
    pub filter: Filter,
    /// What was folded or unfolded by hand.
    pub folds: HashMap<Target, bool>,
}

impl Choice {
    /// Whether moving figures move rows.
    pub fn needs_usage(&self) -> bool {
        self.sort.needs_usage()
    }
}

/// A pattern that names, states and images are held against; smart case.
#[derive(Debug, Default)]
pub struct Filter {
    pub text: String,
    pattern: Option<Regex>,
}

impl Filter {
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), pattern: smart_case(text) }
    }

    pub fn is_empty(&self) -> bool {
        self.pattern.is_none()
    }

    fn matches(&self, words: &str) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(words))
    }
}

/// Makes a pattern that minds case only if it has a capital; half a regex is taken by the letter.
pub fn smart_case(text: &str) -> Option<Regex> {
    if text.is_empty() {
        return None;
    }
    let prefix = if text.chars().any(char::is_uppercase) { "" } else { "(?i)" };
    Regex::new(&format!("{prefix}{text}"))
        .or_else(|_| Regex::new(&format!("{prefix}{}", regex::escape(text))))
        .ok()
}

/// Builds the rows; returns them with the number of services that are hidden.
pub fn build(state: &State, choice: &Choice) -> (Vec<Row>, usize) {
    let mut rows = Vec::new();
    let mut hidden = 0;
    let mut stacks: Vec<(&Stack, Key)> = state
        .containers
        .stacks()
        .map(|stack| (stack, Key::of(choice.sort, stack.state, || state.usage.sum_of_stack(stack))))
        .collect();
    stacks.sort_by(|(a, a_key), (b, b_key)| {
        let loose = |stack: &Stack| &*stack.name == NO_STACK;
        a_key.cmp(b_key).then_with(|| loose(a).cmp(&loose(b))).then_with(|| a.name.cmp(&b.name))
    });
    for (stack, _) in stacks {
        let whole = choice.filter.matches(&stack.name);
        let mut services: Vec<(&Service, Key)> = Vec::new();
        for service in &stack.services {
            if !choice.filter.is_empty() && !whole && !service_matches(service, &choice.filter) {
                continue;
            }
            if !choice.show_all && is_hidden(stack, service, state) {
                hidden += 1;
                continue;
            }
            let sum = || state.usage.sum(&service.containers);
            services.push((service, Key::of(choice.sort, service.verdict.state, sum)));
        }
        if services.is_empty() && (!choice.filter.is_empty() && !whole || &*stack.name == NO_STACK) {
            continue;
        }
        services.sort_by(|(a, a_key), (b, b_key)| a_key.cmp(b_key).then_with(|| a.name.cmp(&b.name)));
        let target = Target::Stack(stack.name.clone());
        // A stack at rest shows what it is; its services are one key away.
        let rests =
            matches!(stack.state, ServiceState::Stopped | ServiceState::Completed | ServiceState::Absent);
        let folded = choice.filter.is_empty() && choice.folds.get(&target).copied().unwrap_or(rests);
        rows.push(Row { target, depth: 0, folded: (!services.is_empty()).then_some(folded) });
        if folded {
            continue;
        }
        for (service, _) in services {
            push_service(&mut rows, stack, service, choice);
        }
    }
    (rows, hidden)
}

fn push_service(rows: &mut Vec<Row>, stack: &Stack, service: &Service, choice: &Choice) {
    let target = Target::Service { stack: stack.name.clone(), service: service.name.clone() };
    let several = service.containers.len() > 1;
    let folded = several.then(|| choice.folds.get(&target).copied().unwrap_or(true));
    rows.push(Row { target, depth: 1, folded });
    if folded == Some(false) {
        rows.extend(service.containers.iter().map(|id| Row {
            target: Target::Container(id.clone()),
            depth: 2,
            folded: None,
        }));
    }
}

fn service_matches(service: &Service, filter: &Filter) -> bool {
    filter.matches(&service.name)
        || filter.matches(service.verdict.state.word())
        || filter.matches(&service.image)
}

/// Whether a service is left out until asked for: what was never created, and what ended well long
/// ago outside every stack.
fn is_hidden(stack: &Stack, service: &Service, state: &State) -> bool {
    match service.verdict.state {
        ServiceState::Absent => true,
        ServiceState::Stopped | ServiceState::Completed => {
            &*stack.name == NO_STACK && ended_long_ago(&service.containers, state)
        }
        _ => false,
    }
}

fn ended_long_ago(containers: &[ContainerId], state: &State) -> bool {
    let since = |id: &ContainerId| -> Option<Timestamp> { state.containers.get(id)?.verdict.since };
    containers.iter().all(|id| since(id).is_some_and(|at| state.now.duration_since(at) > FORGOTTEN_AFTER))
}

/// What a row is sorted by; most first, the unknown last.
#[derive(Debug)]
enum Key {
    None,
    Rank(u8),
    Figure(f64),
}

impl Key {
    fn of(sort: SortBy, verdict: ServiceState, sum: impl FnOnce() -> UsageSum) -> Self {
        match sort {
            SortBy::Name => Self::None,
            SortBy::State => Self::Rank(rank(verdict)),
            SortBy::Cpu => Self::Figure(sum().cpu_percent.map_or(-1.0, f64::from)),
            SortBy::Memory => Self::Figure(sum().memory_bytes.map_or(-1.0, |bytes| bytes as f64)),
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Rank(a), Self::Rank(b)) => a.cmp(b),
            (Self::Figure(a), Self::Figure(b)) => b.total_cmp(a),
            _ => Ordering::Equal,
        }
    }
}

/// What is wrong comes first, what rests comes last; with or without a health check makes no difference.
fn rank(state: ServiceState) -> u8 {
    match state {
        ServiceState::Failed => 0,
        ServiceState::Unhealthy => 1,
        ServiceState::Restarting => 2,
        ServiceState::Blocked => 3,
        ServiceState::Starting => 4,
        ServiceState::Paused => 5,
        ServiceState::Running | ServiceState::Healthy => 6,
        ServiceState::Stopped => 7,
        ServiceState::Completed => 8,
        ServiceState::Absent => 9,
    }
}
