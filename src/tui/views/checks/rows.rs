//! What the Checks screen lists: findings of the configuration, probes, budgets that are passed. Where there is
//! more than the first, each part has its title.

use std::sync::Arc;

use crate::model::findings::{Finding, FindingSeverity};
use crate::model::probes::{ProbeId, ProbeState};
use crate::state::State;
use crate::state::probes::Probe;
use crate::tui::views::checks::{Order, is_present};
use crate::tui::views::probes::{figures, says};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Findings,
    Probes,
    Budgets,
}

impl Part {
    pub fn title(self) -> &'static str {
        match self {
            Self::Findings => "Configuration",
            Self::Probes => "Probes",
            Self::Budgets => "Budgets",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    Title(Part),
    /// One finding by its stack and its number there.
    Finding(Arc<str>, usize),
    Probe(ProbeId),
    /// As a finding, among the budgets.
    Budget(Arc<str>, usize),
}

/// What a row stands for.
#[derive(Clone, Copy)]
pub enum Thing<'a> {
    Finding(&'a Arc<str>, &'a Finding),
    Probe(&'a Probe),
}

/// The selected one, to find it again when the list has become another.
#[derive(Clone, Debug, PartialEq)]
pub enum Selected {
    Finding(Arc<str>, Finding),
    Probe(ProbeId),
}

impl Row {
    pub fn thing<'a>(&'a self, state: &'a State) -> Option<Thing<'a>> {
        match self {
            Self::Title(_) => None,
            Self::Finding(stack, at) => Some(Thing::Finding(stack, state.findings.of(stack)?.get(*at)?)),
            Self::Budget(stack, at) => Some(Thing::Finding(stack, state.budgets.of(stack).get(*at)?)),
            Self::Probe(id) => state.probes.get(id).map(Thing::Probe),
        }
    }
}

impl Thing<'_> {
    pub fn is(&self, selected: &Selected) -> bool {
        match (self, selected) {
            (Self::Finding(stack, finding), Selected::Finding(of, wanted)) => {
                // A budget's figure goes on changing.
                *stack == of
                    && finding.rule == wanted.rule
                    && finding.service == wanted.service
                    && (finding.message == wanted.message || finding.rule.starts_with("budget-"))
            }
            (Self::Probe(probe), Selected::Probe(id)) => probe.id == *id,
            _ => false,
        }
    }

    pub fn selected(&self) -> Selected {
        match self {
            Self::Finding(stack, finding) => Selected::Finding((*stack).clone(), (*finding).clone()),
            Self::Probe(probe) => Selected::Probe(probe.id.clone()),
        }
    }

    pub fn severity(&self) -> FindingSeverity {
        match self {
            Self::Finding(_, finding) => finding.severity,
            Self::Probe(probe) if probe.state == ProbeState::Fail => FindingSeverity::Error,
            Self::Probe(_) => FindingSeverity::Info,
        }
    }

    fn rule(&self) -> &str {
        match self {
            Self::Finding(_, finding) => finding.rule,
            Self::Probe(probe) => &probe.id.name,
        }
    }

    /// Writes everything in one line, to be searched and copied.
    pub fn line(&self) -> String {
        match self {
            Self::Finding(stack, finding) => {
                let name = match &finding.service {
                    Some(service) => format!("{stack}/{service}"),
                    None => stack.to_string(),
                };
                let word = finding.severity.word();
                let (rule, message, place) = (finding.rule, &finding.message, finding.place());
                format!("{word} {name} {rule}: {message} {place}").trim_end().to_owned()
            }
            Self::Probe(probe) => {
                let (id, word) = (&probe.id, probe.state.word());
                let words = message(probe);
                format!("{word} {}/{} {words} {}", id.stack, id.service, probe.rule.url)
            }
        }
    }
}

/// Says of a probe what fits into one line: its name, then why it fails or what it told.
pub fn message(probe: &Probe) -> String {
    let mut words = vec![probe.id.name.to_string()];
    if probe.state == ProbeState::Pass {
        words.extend(figures(probe));
        words.extend(says(probe));
    } else {
        words.extend(probe.why.clone());
        words.extend(figures(probe).into_iter().skip(1));
    }
    words.join("  ")
}

/// Returns the rows that pass, in order.
pub fn rows(state: &State, order: Order, shows: impl Fn(&Thing<'_>) -> bool) -> Vec<Row> {
    let mut findings = Vec::new();
    for (stack, found) in state.findings.stacks().filter(|(stack, _)| is_present(state, stack)) {
        findings.extend((0..found.len()).map(|at| Row::Finding(stack.clone(), at)));
    }
    let probes: Vec<Row> = state.probes.iter().map(|probe| Row::Probe(probe.id.clone())).collect();
    let mut budgets = Vec::new();
    for (stack, found) in state.budgets.stacks() {
        budgets.extend((0..found.len()).map(|at| Row::Budget(stack.clone(), at)));
    }
    let mut all = Vec::new();
    for (part, mut rows) in [(Part::Findings, findings), (Part::Probes, probes), (Part::Budgets, budgets)] {
        rows.retain(|row| row.thing(state).is_some_and(|thing| shows(&thing)));
        // Stable: probes of one service stay in the order of their file, from alive to ready.
        rows.sort_by_cached_key(|row| {
            let thing = row.thing(state);
            let severity = thing.as_ref().map(Thing::severity);
            let place = match row {
                Row::Finding(stack, at) | Row::Budget(stack, at) => (stack.clone(), *at),
                Row::Probe(id) => (id.stack.clone(), 0),
                Row::Title(_) => (Arc::from(""), 0),
            };
            match order {
                Order::Severity => (severity, None, None, place),
                Order::Stack => (None, None, None, place),
                Order::Rule => (None, thing.map(|thing| thing.rule().to_owned()), severity, place),
            }
        });
        if !rows.is_empty() {
            all.push(Row::Title(part));
            all.append(&mut rows);
        }
    }
    // The configuration alone needs no title.
    if all.iter().filter(|row| matches!(row, Row::Title(_))).eq([&Row::Title(Part::Findings)]) {
        all.remove(0);
    }
    all
}
