//! Reading a log backwards.
//!
//! The engine reads backwards only by counting lines from the end of the log, so what is held already is
//! asked for too and left out by time. How many lines were written since the first one held is not known
//! for certain: lines may have been missed, others come meanwhile. So the count grows until there is
//! enough, or until a larger one brings no more.

use std::sync::Arc;

use futures_util::StreamExt;
use jiff::SignedDuration;

use crate::model::logs::file::FileNews;
use crate::model::logs::{LogLine, LogStream, OlderLines};
use crate::ports::{Engine, EngineError, FileRequest, LogRequest};
use crate::state::logs::OlderRequest;

/// Lines that one turn of reading back brings.
const STEP: usize = 1_000;
/// Lines from the end that are asked for at most.
const MOST: u32 = 4_000_000;

/// Reads lines from before the first one held.
pub async fn read(
    engine: Arc<dyn Engine>,
    request: &OlderRequest,
    tty: bool,
) -> Result<OlderLines, EngineError> {
    if request.source.file.is_some() {
        return read_file(&*engine, request).await;
    }
    let mut tail = request.held.saturating_add(STEP as u32);
    let mut found = None;
    loop {
        let wanted = LogRequest { tail, since: None, until: Some(request.before), follow: false, tty };
        let mut batches = engine.logs(&request.source.container, wanted);
        let mut lines = Vec::new();
        while let Some(batch) = batches.next().await {
            lines.extend(batch?);
            // The newest ones are wanted; the rest comes with the next turn.
            if lines.len() > 8 * STEP {
                lines.drain(..lines.len() - 2 * STEP);
            }
        }
        let is_enough = lines.iter().filter(|line| line.at < request.before).count() >= STEP;
        if is_enough {
            lines.drain(..lines.len().saturating_sub(2 * STEP));
            return Ok(OlderLines { lines, is_beginning: false });
        }
        if found == Some(lines.len()) || tail >= MOST {
            return Ok(OlderLines { lines, is_beginning: true });
        }
        found = Some(lines.len());
        tail = tail.saturating_mul(4).min(MOST);
    }
}

/// Reads what stands before the first line held of a file. Its lines may have no time of their own, so they
/// are counted: at least as many as are held follow the first one.
async fn read_file(engine: &dyn Engine, request: &OlderRequest) -> Result<OlderLines, EngineError> {
    let tail = request.held.saturating_add(2 * STEP as u32);
    let mut news = engine.log_file(&request.source, FileRequest { tail, resume: None, follow: false });
    let mut lines: Vec<LogLine> = Vec::new();
    while let Some(news) = news.next().await {
        if let FileNews::Lines(more, _) = news? {
            lines.extend(more);
        }
    }
    lines.retain(|line| line.stream != LogStream::Remark);
    let is_all = lines.len() < tail as usize;
    let most = lines.len().saturating_sub(request.held as usize);
    let first = lines[..lines.len().min(most + 1)].iter().rposition(|line| line.text.text() == request.first);
    // A file that was rotated meanwhile does not have it.
    let Some(first) = first else { return Ok(OlderLines { lines: Vec::new(), is_beginning: true }) };
    lines.truncate(first);
    lines.drain(..first.saturating_sub(STEP));
    let is_beginning = is_all && first <= STEP;
    // In the order of the file, whatever times stand in it.
    let before = request.before.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(request.before);
    for line in &mut lines {
        line.at = line.at.min(before);
    }
    Ok(OlderLines { lines, is_beginning })
}
