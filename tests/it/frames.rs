//! What a frame costs: nothing when nothing changed, and no more for a thousand containers than for a hundred.

#![expect(unsafe_code, reason = "an allocator that counts is one")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use stackdash::adapters::scenario::crowd;
use stackdash::model::containers::ContainerId;
use stackdash::model::usage::BEAT_SECONDS;
use stackdash::state::usage::requests;
use stackdash::tui::draw::draw;
use stackdash::tui::frames::Frames;

use crate::support::Stage;

/// Counts what the present thread asks for; other tests run beside this one.
struct Counting;

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is the system allocator's work; the counter allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ASKED.try_with(|asked| asked.set(asked.get() + 1));
        // SAFETY: the caller keeps the promises of this function, which are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = ASKED.get();
    work();
    ASKED.get() - before
}

/// Allocations of one frame, and of finding out that there is nothing to draw.
async fn of_a_frame(stacks: u32, services: u32, keys: &str) -> (u64, u64) {
    let mut stage = Stage::scenario(&crowd(stacks, services), 120, 40).await;
    // Rates and histories are there after some beats.
    stage.seconds(12).await;
    stage.keys(keys).await;
    stage.seconds(4).await;
    let mut buffer = Buffer::empty(stage.ui.area);
    let now = stage.app.now();
    // What a first frame makes once, it keeps.
    draw(stage.ui.area, &mut buffer, &stage.ui, stage.app.state(), now);
    buffer.reset();
    let drawn = allocations(|| draw(stage.ui.area, &mut buffer, &stage.ui, stage.app.state(), now));
    stage.ui.mark_drawn(stage.app.state(), now);
    let looked = allocations(|| assert!(!stage.ui.is_stale(stage.app.state(), now)));
    (drawn, looked)
}

#[tokio::test(start_paused = true)]
async fn a_thousand_containers_cost_a_frame_no_more_than_a_hundred() {
    for keys in ["", "G", "5", "7"] {
        let (few, few_looked) = of_a_frame(5, 20, keys).await;
        let (many, many_looked) = of_a_frame(50, 20, keys).await;
        assert!(many <= few + few / 10 + 50, "keys {keys:?}: {few} allocations with 100, {many} with 1,000");
        assert!(many_looked <= few_looked, "looking whether something changed: {few_looked}, {many_looked}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_changes_draws_nothing() {
    let mut stage = Stage::scenario(&crowd(5, 20), 80, 24).await;
    stage.seconds(12).await;
    stage.keys("7").await;
    stage.ui.mark_drawn(stage.app.state(), stage.app.now());
    let mut drawn = 0;
    for _ in 0..110 {
        stage.app.advance(Duration::from_millis(500)).await;
        let now = stage.app.now();
        for wish in stage.ui.sync(stage.app.state(), now) {
            stage.app.submit(wish);
        }
        if stage.ui.is_stale(stage.app.state(), now) {
            drawn += 1;
            stage.ui.mark_drawn(stage.app.state(), now);
        }
    }
    // The clock of the header moves once in this minute; figures that are not shown move all the time.
    assert!(drawn <= 1, "{drawn} frames in 55 seconds of rest");
}

#[tokio::test(start_paused = true)]
async fn figures_alone_draw_once_a_beat() {
    let mut stage = Stage::scenario(&crowd(5, 20), 80, 24).await;
    // What started just now counts its age by the second.
    stage.seconds(180).await;
    let (mut frames, mut drawn) = (Frames::default(), 0);
    for _ in 0..300 {
        stage.app.advance(Duration::from_millis(100)).await;
        let now = stage.app.now();
        for wish in stage.ui.sync(stage.app.state(), now) {
            stage.app.submit(wish);
        }
        if stage.ui.is_stale(stage.app.state(), now) {
            frames.request();
        }
        if frames.is_due() {
            drawn += 1;
            stage.ui.mark_drawn(stage.app.state(), now);
            frames.mark_drawn();
        }
    }
    assert!((14..=17).contains(&drawn), "{drawn} frames in 30 seconds of figures");
}

#[tokio::test(start_paused = true)]
async fn a_slow_link_gets_fewer_frames_and_nothing_that_moves_for_its_own_sake() {
    let mut stage = Stage::scenario(&crowd(5, 20), 120, 40).await;
    stage.seconds(20).await;
    let lines = |screen: &str| screen.chars().filter(|c| ('▁'..='█').contains(c)).count();
    assert!(lines(&stage.screen()) > 20, "{}", stage.screen());
    stage.ui.slow_link = true;
    stage.assert_shows("slow link");
    assert_eq!(lines(&stage.screen()), 0, "{}", stage.screen());
    // Ages move together, every ten seconds, whatever else asks for a frame.
    stage.ui.mark_drawn(stage.app.state(), stage.app.now());
    let wake = stage.ui.next_wake(stage.app.state(), stage.app.now());
    assert_eq!(wake.as_second() % 10, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_off_the_screen_is_read_once_in_five_beats() {
    let mut app = crate::support::TestApp::scenario(&crowd(5, 20)).await;
    // All have rates after some beats.
    app.seconds(12).await;
    let (state, now) = (app.state(), app.now());
    let due = |visible: &BTreeSet<ContainerId>, beat: i64| -> Vec<ContainerId> {
        let at = now + SignedDuration::from_secs(beat * BEAT_SECONDS);
        let all = requests(&state.containers, visible, &state.usage, at);
        all.into_iter().filter(|request| request.due).map(|request| request.container).collect()
    };
    let running = requests(&state.containers, &BTreeSet::new(), &state.usage, now).len();
    let mut turns: Vec<ContainerId> = (0..5).flat_map(|beat| due(&BTreeSet::new(), beat)).collect();
    assert_eq!(turns.len(), running, "each has one turn in five");
    turns.sort();
    turns.dedup();
    assert_eq!(turns.len(), running);
    let shown: BTreeSet<ContainerId> = turns.iter().take(7).cloned().collect();
    for beat in 0..5 {
        let due: BTreeSet<ContainerId> = due(&shown, beat).into_iter().collect();
        assert!(due.is_superset(&shown), "what is shown is due with every beat");
    }
}
