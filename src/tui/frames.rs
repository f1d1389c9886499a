//! When the next frame may be drawn: a throttle, not a debounce.
//!
//! Asking is cheap and may happen a thousand times a second; a frame comes at most every thirtieth of
//! one, the first at once. Knows nothing of what is drawn.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two frames.
const INTERVAL: Duration = Duration::from_millis(1000 / 30);

#[derive(Debug, Default)]
pub struct Frames {
    wanted: bool,
    last: Option<Instant>,
}

impl Frames {
    /// Asks for a frame.
    pub fn request(&mut self) {
        self.wanted = true;
    }

    /// Whether a frame was asked for and may be drawn now.
    pub fn is_due(&self) -> bool {
        self.wanted && self.last.is_none_or(|last| last.elapsed() >= INTERVAL)
    }

    pub fn mark_drawn(&mut self) {
        self.wanted = false;
        self.last = Some(Instant::now());
    }

    /// Waits until the frame that was asked for may be drawn; for ever when none was.
    pub async fn wait(&self) {
        match (self.wanted, self.last) {
            (false, _) => std::future::pending().await,
            (true, None) => {}
            (true, Some(last)) => tokio::time::sleep_until(last + INTERVAL).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_requests_draws_thirty_frames_a_second() {
        let mut frames = Frames::default();
        let mut drawn = 0;
        for _ in 0..10_000 {
            frames.request();
            if frames.is_due() {
                drawn += 1;
                frames.mark_drawn();
            }
            tokio::time::advance(Duration::from_micros(100)).await;
        }
        assert!((28..=31).contains(&drawn), "{drawn}");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_asked_nothing_drawn() {
        let frames = Frames::default();
        assert!(!frames.is_due());
        assert!(tokio::time::timeout(Duration::from_hours(1), frames.wait()).await.is_err());
    }
}
