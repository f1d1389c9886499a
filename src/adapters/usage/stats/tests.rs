use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream;

use super::*;

/// An engine whose every answer is the next of its counter.
#[derive(Default)]
struct Fake {
    followed: AtomicUsize,
    /// Streams that exist now.
    alive: Arc<AtomicUsize>,
    asked: AtomicUsize,
    /// Questions under way now, and the most there ever were.
    under_way: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    memory: Option<u64>,
    /// Streams end after so many frames.
    frames: Option<usize>,
}

/// Counts itself while it lives.
struct Guard(Arc<AtomicUsize>);

impl Guard {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn frame(second: u64) -> Frame {
    let counters = Counters {
        cpu_ns: Some(second * 500_000_000),
        system_ns: Some(second * 2_000_000_000),
        cpus: 2,
        memory_limit: Some(1000),
        ..Counters::default()
    };
    Frame { counters, cpu_percent: Some(7.0) }
}

impl StatsSource for Fake {
    fn follow(&self, _container: &ContainerId) -> BoxStream<'static, Frame> {
        self.followed.fetch_add(1, Ordering::SeqCst);
        let guard = Guard::new(&self.alive);
        let left = self.frames.unwrap_or(usize::MAX);
        Box::pin(stream::unfold((1, left, guard), |(second, left, guard)| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            (left > 0).then(|| (frame(second), (second + 1, left - 1, guard)))
        }))
    }

    fn once(&self, _container: &ContainerId) -> BoxFuture<'static, Option<Frame>> {
        let second = 1 + self.asked.fetch_add(1, Ordering::SeqCst) as u64;
        let (under_way, most) = (self.under_way.clone(), self.most.clone());
        Box::pin(async move {
            let _guard = Guard::new(&under_way);
            most.fetch_max(under_way.load(Ordering::SeqCst), Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some(frame(second))
        })
    }

    fn machine_memory(&self) -> BoxFuture<'static, Option<u64>> {
        Box::pin(std::future::ready(self.memory))
    }
}

fn request(name: &str, visible: bool) -> UsageRequest {
    UsageRequest {
        container: ContainerId::new(name),
        pid: None,
        network_mode: String::new(),
        visible,
        due: true,
    }
}

fn meter(fake: Fake) -> (StatsMeter, Arc<Fake>) {
    let fake = Arc::new(fake);
    (StatsMeter::new(fake.clone()), fake)
}

/// Lets half a second more than `seconds` pass, so that nothing falls on a beat.
async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_millis(seconds * 1000 + 500)).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_on_the_screen_is_followed() {
    let (meter, fake) = meter(Fake::default());
    let wanted = [request("a", true)];
    assert!(meter.sample(&wanted).is_empty(), "nothing can have come yet");
    pass(1).await;
    let first = meter.sample(&wanted);
    assert_eq!(first[0].usage.cpu_percent, Some(7.0), "the frame's own figure, until there are two");
    assert_eq!(first[0].source, UsageSource::Engine);
    pass(2).await;
    // Half a second of CPU in a second on two cores.
    assert_eq!(meter.sample(&wanted)[0].usage.cpu_percent, Some(50.0));
    assert!(meter.sample(&wanted).is_empty(), "told already");
    assert_eq!(fake.followed.load(Ordering::SeqCst), 1);
    assert_eq!(fake.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_dropped_when_nobody_looks() {
    let (meter, fake) = meter(Fake::default());
    meter.sample(&[request("a", true), request("b", true)]);
    pass(1).await;
    assert_eq!(fake.alive.load(Ordering::SeqCst), 2);
    meter.sample(&[request("a", false), request("b", true)]);
    pass(0).await;
    assert_eq!(fake.alive.load(Ordering::SeqCst), 1);
    meter.sample(&[]);
    pass(0).await;
    assert_eq!(fake.alive.load(Ordering::SeqCst), 0);
    drop(meter);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ended_is_opened_again() {
    let (meter, fake) = meter(Fake { frames: Some(1), ..Fake::default() });
    meter.sample(&[request("a", true)]);
    pass(4).await;
    assert_eq!(fake.followed.load(Ordering::SeqCst), 1);
    meter.sample(&[request("a", true)]);
    assert_eq!(fake.followed.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn the_rest_is_asked_every_ten_seconds_a_bounded_number_at_a_time() {
    let (meter, fake) = meter(Fake::default());
    let wanted: Vec<UsageRequest> = (0..40).map(|number| request(&format!("c{number}"), false)).collect();
    let mut told = 0;
    for _ in 0..4 {
        told += meter.sample(&wanted).len();
        pass(1).await;
    }
    assert_eq!(fake.asked.load(Ordering::SeqCst), 40);
    assert_eq!(fake.most.load(Ordering::SeqCst), AT_ONCE);
    told += meter.sample(&wanted).len();
    assert_eq!(told, 40);
    pass(5).await;
    meter.sample(&wanted);
    pass(0).await;
    assert!(fake.asked.load(Ordering::SeqCst) > 40);
    assert_eq!(fake.followed.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn the_machines_memory_is_no_limit() {
    for (memory, limit) in [(Some(1000), None), (Some(5000), Some(1000)), (None, None)] {
        let (meter, _) = meter(Fake { memory, ..Fake::default() });
        meter.sample(&[request("a", true)]);
        pass(1).await;
        assert_eq!(meter.sample(&[request("a", true)])[0].usage.memory_limit, limit);
    }
}
