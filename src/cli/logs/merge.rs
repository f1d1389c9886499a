//! Merges the logs of several containers by time while they are read: no more than one batch of each
//! is held.
//!
//! A container's own order is kept: the engine stamps stdout and stderr apart, so its lines may stand
//! a little out of order, and sorting would tear them apart.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::StreamExt;
use jiff::Timestamp;

use crate::model::logs::LogLine;
use crate::ports::{BoxStream, EngineError};

pub type Batches = BoxStream<'static, Result<Vec<LogLine>, EngineError>>;

struct Source {
    name: Arc<str>,
    batches: Option<Batches>,
    pending: VecDeque<LogLine>,
    /// Latest time of what was given: an earlier line that comes later counts as this.
    latest: Timestamp,
}

impl Source {
    fn next_at(&self) -> Option<Timestamp> {
        self.pending.front().map(|line| line.at.max(self.latest))
    }
}

pub struct Merge {
    sources: Vec<Source>,
    errors: Vec<(Arc<str>, EngineError)>,
}

impl Merge {
    pub fn new(streams: Vec<(Arc<str>, Batches)>) -> Self {
        let sources = streams
            .into_iter()
            .map(|(name, batches)| Source {
                name,
                batches: Some(batches),
                pending: VecDeque::new(),
                latest: Timestamp::MIN,
            })
            .collect();
        Self { sources, errors: Vec::new() }
    }

    /// Returns the next line of all; `None` when every log has ended.
    pub async fn next(&mut self) -> Option<LogLine> {
        for source in &mut self.sources {
            while source.pending.is_empty()
                && let Some(batches) = &mut source.batches
            {
                match batches.next().await {
                    Some(Ok(lines)) => source.pending.extend(lines),
                    Some(Err(error)) => {
                        self.errors.push((source.name.clone(), error));
                        source.batches = None;
                    }
                    None => source.batches = None,
                }
            }
        }
        let earliest = self
            .sources
            .iter_mut()
            .filter_map(|source| Some((source.next_at()?, source)))
            .min_by_key(|(at, _)| *at);
        let (at, source) = earliest?;
        source.latest = at;
        source.pending.pop_front()
    }

    /// Returns whose log could not be read to its end, and why.
    pub fn errors(&self) -> &[(Arc<str>, EngineError)] {
        &self.errors
    }
}

/// Puts lines that arrived together into order of time; each container keeps its own order.
pub fn sorted(lines: Vec<LogLine>) -> Vec<LogLine> {
    let mut latest = std::collections::HashMap::new();
    let mut keyed: Vec<(Timestamp, LogLine)> = lines
        .into_iter()
        .map(|line| {
            let at = latest.entry(line.source.clone()).or_insert(line.at);
            *at = line.at.max(*at);
            (*at, line)
        })
        .collect();
    keyed.sort_by_key(|(at, _)| *at);
    keyed.into_iter().map(|(_, line)| line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::containers::ContainerId;
    use crate::model::logs::LogStream;
    use crate::model::text::StyledText;

    fn line(container: &str, millisecond: i64, text: &str) -> LogLine {
        LogLine {
            at: Timestamp::from_millisecond(millisecond).unwrap(),
            source: ContainerId::new(container).into(),
            stream: LogStream::Stdout,
            level: None,
            text: StyledText::plain(text),
        }
    }

    fn stream(batches: Vec<Result<Vec<LogLine>, EngineError>>) -> Batches {
        Box::pin(futures_util::stream::iter(batches))
    }

    #[tokio::test]
    async fn logs_merge_by_time_and_each_keeps_its_own_order() {
        let a = stream(vec![
            Ok(vec![line("a", 10, "a1"), line("a", 30, "a2")]),
            Ok(vec![line("a", 20, "a3 late")]),
        ]);
        let b =
            stream(vec![Ok(vec![]), Ok(vec![line("b", 15, "b1"), line("b", 25, "b2"), line("b", 40, "b3")])]);
        let mut merge = Merge::new(vec![("a".into(), a), ("b".into(), b)]);
        let mut seen = Vec::new();
        while let Some(line) = merge.next().await {
            seen.push(line.text.text().to_owned());
        }
        assert_eq!(seen, ["a1", "b1", "b2", "a2", "a3 late", "b3"]);
        assert!(merge.errors().is_empty());
    }

    #[tokio::test]
    async fn a_log_that_breaks_does_not_stop_the_others() {
        let gone = EngineError::NotFound(String::from("no such container"));
        let a = stream(vec![Ok(vec![line("a", 10, "a1")]), Err(gone.clone())]);
        let b = stream(vec![Ok(vec![line("b", 20, "b1")])]);
        let mut merge = Merge::new(vec![("a".into(), a), ("b".into(), b)]);
        assert_eq!(merge.next().await.unwrap().text.text(), "a1");
        assert_eq!(merge.next().await.unwrap().text.text(), "b1");
        assert!(merge.next().await.is_none());
        assert_eq!(merge.errors(), [(Arc::from("a"), gone)]);
    }

    #[test]
    fn lines_that_arrive_together_are_put_in_order() {
        let lines =
            vec![line("a", 30, "a1"), line("a", 10, "a2 late"), line("b", 20, "b1"), line("b", 40, "b2")];
        let texts: Vec<String> = sorted(lines).iter().map(|line| line.text.text().to_owned()).collect();
        assert_eq!(texts, ["b1", "a1", "a2 late", "b2"]);
    }
}
