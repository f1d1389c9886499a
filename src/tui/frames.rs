//! When the next frame may be drawn: a throttle, not a debounce.
//!
//! Asking is cheap and may happen a thousand times a second. A few frames may follow each other at once,
//! so that a key never waits behind the frame of a figure that has just moved; a flood gets its steady
//! 25 a second. No second has more than 30. Knows nothing of what is drawn.

use std::time::Duration;

use tokio::time::Instant;

/// Frames that may be drawn at once after a rest.
const BURST: u32 = 5;
/// Time in which one more is earned.
const INTERVAL: Duration = Duration::from_millis(1000 / 25);
/// The same over a slow link: three a second.
const SLOW_INTERVAL: Duration = Duration::from_millis(1000 / 3);

#[derive(Debug)]
pub struct Frames {
    wanted: bool,
    /// A key is to be answered: the frame kept for it may be drawn.
    urgent: bool,
    /// Frames that may be drawn now, as of `since`.
    left: u32,
    since: Instant,
    interval: Duration,
}

impl Default for Frames {
    fn default() -> Self {
        Self { wanted: false, urgent: false, left: BURST, since: Instant::now(), interval: INTERVAL }
    }
}

impl Frames {
    /// Earns frames at the pace of a slow link from here on.
    pub fn slow_down(&mut self) {
        self.interval = SLOW_INTERVAL;
    }

    /// Asks for a frame.
    pub fn request(&mut self) {
        self.wanted = true;
    }

    /// Asks for the frame that answers a key: it never waits behind those of a flood.
    pub fn urge(&mut self) {
        self.wanted = true;
        self.urgent = true;
    }

    /// Whether a frame was asked for and may be drawn now.
    pub fn is_due(&self) -> bool {
        self.wanted && self.earned() >= self.needed()
    }

    /// One frame is always kept for the next key.
    fn needed(&self) -> u32 {
        if self.urgent { 1 } else { 2 }
    }

    pub fn mark_drawn(&mut self) {
        let earned = self.earned();
        self.wanted = false;
        self.urgent = false;
        if earned >= BURST {
            self.since = Instant::now();
        } else {
            // What has been earned of the next one is kept.
            self.since += self.interval * (earned - self.left);
        }
        self.left = earned.saturating_sub(1);
    }

    /// Waits until the frame that was asked for may be drawn; for ever when none was.
    pub async fn wait(&self) {
        if !self.wanted {
            std::future::pending::<()>().await;
        }
        if self.earned() < self.needed() {
            tokio::time::sleep_until(self.since + self.interval * self.needed().saturating_sub(self.left))
                .await;
        }
    }

    fn earned(&self) -> u32 {
        let since = self.since.elapsed().as_nanos() / self.interval.as_nanos();
        BURST.min(self.left.saturating_add(u32::try_from(since).unwrap_or(u32::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks all the time for a second; returns when frames were drawn, in ms.
    async fn flood(frames: &mut Frames) -> u32 {
        let mut drawn = 0;
        for _ in 0..10_000 {
            frames.request();
            if frames.is_due() {
                drawn += 1;
                frames.mark_drawn();
            }
            tokio::time::advance(Duration::from_micros(100)).await;
        }
        drawn
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_requests_draws_at_most_thirty_frames_a_second() {
        let mut frames = Frames::default();
        let first = flood(&mut frames).await;
        assert!((28..=30).contains(&first), "{first}: the first second has the burst");
        for _ in 0..3 {
            let drawn = flood(&mut frames).await;
            assert!((24..=26).contains(&drawn), "{drawn}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_link_gets_three_frames_a_second() {
        let mut frames = Frames::default();
        frames.slow_down();
        flood(&mut frames).await;
        for _ in 0..3 {
            let drawn = flood(&mut frames).await;
            assert!((2..=4).contains(&drawn), "{drawn}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_does_not_wait_behind_the_frame_before_it() {
        let mut frames = Frames::default();
        for _ in 0..100 {
            tokio::time::advance(Duration::from_millis(100)).await;
            for _ in 0..2 {
                frames.request();
                assert!(frames.is_due());
                frames.mark_drawn();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_answered_at_once_in_a_flood() {
        let mut frames = Frames::default();
        flood(&mut frames).await;
        for _ in 0..20 {
            frames.urge();
            assert!(frames.is_due());
            frames.mark_drawn();
            tokio::time::advance(INTERVAL * 2).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_is_not_due_is_waited_for() {
        let mut frames = Frames::default();
        flood(&mut frames).await;
        frames.request();
        frames.wait().await;
        assert!(frames.is_due());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_asked_nothing_drawn() {
        let frames = Frames::default();
        assert!(!frames.is_due());
        assert!(tokio::time::timeout(Duration::from_hours(1), frames.wait()).await.is_err());
    }
}
