//! Containers that do nothing, and one that writes 20,000 lines a second.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::engine::docker;

const STACK: &str = "stackdash-bench";
const IMAGE: &str = "stackdash-test/alpine:3";
/// Containers that are made at once.
const HANDS: usize = 4;
/// Ages below a minute move every second.
const OLD: Duration = Duration::from_secs(65);

/// Each line tells its number and the machine's uptime in hundredths of a second when it was written. The
/// schedule is absolute, so that what falls behind is caught up on and the rate is true.
const FLOOD: &str = r#"
now() { read up rest </proc/uptime; echo "${up%.*}${up#*.}"; }
begin=$(now); i=0
while :; do
  read up rest </proc/uptime; at="${up%.*}${up#*.}"; n=$(( (at - begin) * 200 - i ))
  [ $n -gt 0 ] && awk -v i=$i -v n=$n -v t=$at 'BEGIN { for (k = 1; k <= n; k++) print "flood " i + k " at " t " end" }' && i=$((i + n))
  usleep 15000
done
"#;

/// The containers; they go when it is dropped.
#[derive(Default)]
pub struct Crowd {
    count: usize,
    grown: Option<Instant>,
}

fn run(name: &str, more: &[&str], program: &[&str]) {
    let stack = format!("com.docker.compose.project={STACK}");
    let service = format!("com.docker.compose.service={name}");
    let full = format!("{STACK}-{name}");
    let mut all = vec!["run", "-d", "--name", name, "--label", "stackdash.test=1", "--network", "none"];
    let container = format!("com.docker.compose.container={full}");
    all.extend(["--label", &stack, "--label", &service, "--label", &container]);
    all.extend(more);
    all.push(IMAGE);
    all.extend(program);
    assert!(!docker(&all).is_empty(), "{name} was not started; tests/images.sh makes the image {IMAGE}");
}

impl Crowd {
    /// Starts containers until there are so many.
    pub fn grow(&mut self, count: usize) {
        let next = AtomicUsize::new(self.count);
        std::thread::scope(|scope| {
            for _ in 0..HANDS {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::SeqCst);
                        if number >= count {
                            break;
                        }
                        run(&format!("idle-{number:03}"), &[], &["sleep", "86400"]);
                    }
                });
            }
        });
        self.count = self.count.max(count);
        self.grown = Some(Instant::now());
    }

    /// Waits until every age is told in minutes.
    pub fn wait_until_old(&self) {
        let left = self.grown.and_then(|grown| OLD.checked_sub(grown.elapsed()));
        std::thread::sleep(left.unwrap_or_default());
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        sweep();
    }
}

/// The container that floods, while it lives.
pub struct Flood;

impl Flood {
    pub fn start() -> Self {
        let bounds = ["--log-opt", "max-size=20m", "--log-opt", "max-file=2"];
        run("flood", &bounds, &["sh", "-c", FLOOD]);
        Self
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        docker(&["rm", "-f", "flood"]);
    }
}

/// Removes what this or an earlier run has made.
pub fn sweep() {
    let label = format!("label=com.docker.compose.project={STACK}");
    let all = docker(&["ps", "-aq", "--filter", &label]);
    for some in all.lines().collect::<Vec<_>>().chunks(20) {
        docker(&[&["rm", "-f"], some].concat());
    }
}
