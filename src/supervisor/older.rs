//! Reading a log backwards.
//!
//! The engine reads backwards only by counting lines from the end of the log, so what is held already is
//! asked for too and left out by time. How many lines were written since the first one held is not known
//! for certain: lines may have been missed, others come meanwhile. So the count grows until there is
//! enough, or until a larger one brings no more.

use std::sync::Arc;

use futures_util::StreamExt;

use crate::model::logs::OlderLines;
use crate::ports::{Engine, EngineError, LogRequest};
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
    let mut tail = request.held.saturating_add(STEP as u32);
    let mut found = None;
    loop {
        let wanted = LogRequest { tail, since: None, until: Some(request.before), follow: false, tty };
        let mut batches = engine.logs(&request.container, wanted);
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
