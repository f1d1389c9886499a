//! One turn of one program, and what no program could do better.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cost::{self, Meter};
use crate::engine::{ask, docker};
use crate::peers::Peer;
use crate::terminal::Terminal;

/// Keys that are timed in a row, and rows of them.
const KEYS: [&str; 3] = ["qzxjvkwp", "wjzqxkvy", "xqkzjwvu"];
const CHANGES: usize = 2;
/// Letters of `idle-000`.
const NAME: usize = 8;
/// How long anything may take before it is left out.
const PATIENCE: Duration = Duration::from_secs(3);
const SETTLING: Duration = Duration::from_secs(2);

/// What every turn has in common.
pub struct Stage {
    pub columns: u16,
    pub rows: u16,
    pub window: Duration,
    pub show: bool,
}

/// All that was measured of one program; times in ms.
#[derive(Default)]
pub struct Figures {
    /// Milliseconds of CPU a second: the program's, and the engine's above its baseline.
    pub own: Vec<f64>,
    pub engine: Vec<f64>,
    pub memory: Vec<f64>,
    /// How often a second a thread of the program went on after a wait.
    pub wakes: Vec<f64>,
    pub first: Vec<f64>,
    pub keys: Vec<f64>,
    pub change: Vec<f64>,
    /// Bytes to the terminal in a minute of rest, at the size of the run and at 80x24.
    pub bytes: Vec<f64>,
    pub bytes_small: Vec<f64>,
    /// The same while every age moves each second.
    pub bytes_young: Vec<f64>,
    pub flood_own: Vec<f64>,
    pub flood_engine: Vec<f64>,
    pub flood_memory: Vec<f64>,
    pub flood_keys: Vec<f64>,
    pub flood_bytes: Vec<f64>,
    pub behind: Vec<f64>,
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

impl Stage {
    fn show(&self, what: &str, terminal: &Terminal) {
        if self.show {
            eprintln!("--- {what}\n{}", terminal.screen());
        }
    }

    /// Returns what the engine spends without anybody who looks, in ms a second. It has no rest of its own:
    /// each turn is held against what was spent just before it and just after.
    pub fn baseline(&self) -> f64 {
        let (processes, mut meter) = (cost::engine(), Meter::default());
        meter.read(&processes);
        let begin = Instant::now();
        std::thread::sleep(self.window);
        meter.read(&processes);
        ms(meter.spent()) / begin.elapsed().as_secs_f64()
    }

    /// Watches a window; returns ms a second of the program and of the engine, and bytes a minute.
    fn rest(&self, terminal: &mut Terminal, mut look: impl FnMut(&Terminal)) -> (f64, f64, f64) {
        let engine = cost::engine();
        let (mut theirs, mut ours) = (Meter::default(), Meter::default());
        let process = terminal.process();
        theirs.read(&engine);
        ours.read(&cost::family(process));
        let (begin, bytes) = (Instant::now(), terminal.bytes);
        while begin.elapsed() < self.window {
            terminal.watch(
                Duration::from_millis(500).min(self.window.saturating_sub(begin.elapsed())),
                &mut look,
            );
            ours.read(&cost::family(process));
        }
        theirs.read(&engine);
        let seconds = begin.elapsed().as_secs_f64();
        let written = (terminal.bytes - bytes) as f64 / seconds * 60.0;
        (ms(ours.spent()) / seconds, ms(theirs.spent()) / seconds, written)
    }

    /// Measures one start and what it takes while nothing happens; `before`: ms a second of the engine. Returns
    /// the same of afterwards.
    pub fn at_rest(&self, peer: &Peer, before: f64, figures: &mut Figures) -> f64 {
        let mut terminal = Terminal::start(peer, self.columns, self.rows);
        // Full is what it shows in the end: the first moment with as many containers as then.
        let mut rows = Vec::new();
        terminal.watch(SETTLING, |terminal| rows.push((terminal.at, names_on(&terminal.screen()))));
        let most = rows.last().map_or(0, |(_, count)| *count);
        if let Some((at, _)) = rows.iter().find(|(_, count)| *count >= most && most > 0) {
            figures.first.push(ms(*at - terminal.started));
        }
        self.show("first screen", &terminal);
        let process = terminal.process();
        let (begin, wakes) = (Instant::now(), cost::wakes(&cost::family(process)));
        let (own, engine, bytes) = self.rest(&mut terminal, |_| {});
        let wakes = cost::wakes(&cost::family(process)).saturating_sub(wakes);
        figures.wakes.push(wakes as f64 / begin.elapsed().as_secs_f64());
        figures.own.push(own);
        figures.bytes.push(bytes);
        figures.memory.push(cost::memory(terminal.process()) as f64 / 1e6);
        figures.keys.extend(type_keys(&mut terminal, peer.prompt, peer.close));
        self.show("after typing", &terminal);
        // By now the short histories beside the figures are full, and move only with these.
        terminal.resize(80, 24);
        terminal.watch(Duration::from_secs(1), |_| {});
        self.show("80x24", &terminal);
        let (_, _, bytes) = self.rest(&mut terminal, |_| {});
        figures.bytes_small.push(bytes);
        terminal.resize(self.columns, self.rows);
        terminal.watch(Duration::from_millis(500), |_| {});
        terminal.press("\x1b[H");
        terminal.watch(Duration::from_millis(300), |_| {});
        figures.change.extend((0..CHANGES).filter_map(|_| change(&mut terminal)));
        terminal.end(peer.quit);
        let after = self.baseline();
        figures.engine.push(engine - f64::midpoint(before, after));
        after
    }

    /// Measures what goes to the terminal while containers are younger than a minute.
    pub fn with_young_ones(&self, peer: &Peer, figures: &mut Figures) {
        let mut terminal = Terminal::start(peer, 80, 24);
        terminal.watch(SETTLING, |_| {});
        let (_, _, bytes) = self.rest(&mut terminal, |_| {});
        figures.bytes_young.push(bytes);
        terminal.end(peer.quit);
    }

    /// Measures the same with the log of a container open that floods.
    pub fn in_a_flood(&self, peer: &Peer, before: f64, figures: &mut Figures) -> f64 {
        let mut terminal = Terminal::start(peer, self.columns, self.rows);
        terminal.watch(SETTLING, |_| {});
        for keys in peer.to_log {
            terminal.press(keys);
            terminal.watch(Duration::from_millis(300), |_| {});
        }
        terminal.watch(SETTLING / 2, |_| {});
        self.show("flood", &terminal);
        let mut behind = Vec::new();
        let (own, engine, bytes) = self.rest(&mut terminal, |terminal| {
            let now = cost::uptime();
            behind.extend(newest(&terminal.screen()).map(|at| now.saturating_sub(at) as f64 * 10.0));
        });
        figures.flood_own.push(own);
        figures.flood_bytes.push(bytes);
        figures.behind.extend(behind);
        figures.flood_memory.push(cost::memory(terminal.process()) as f64 / 1e6);
        if let Some(prompt) = peer.prompt_in_log {
            figures.flood_keys.extend(type_keys(&mut terminal, prompt, peer.close));
        }
        self.show("flood, after typing", &terminal);
        terminal.end(peer.quit);
        let after = self.baseline();
        figures.flood_engine.push(engine - f64::midpoint(before, after));
        after
    }
}

/// Types into the program's own line; returns how long each letter took to show there.
fn type_keys(terminal: &mut Terminal, prompt: &str, close: &str) -> Vec<f64> {
    let mut took = Vec::new();
    for word in KEYS {
        terminal.press(prompt);
        terminal.watch(Duration::from_millis(100), |_| {});
        for end in 1..=word.len() {
            let pressed = terminal.press(&word[end - 1..end]);
            match terminal.wait(PATIENCE, |screen| screen.contains(&word[..end])) {
                Some(at) => took.push(ms(at.saturating_duration_since(pressed))),
                None => break,
            }
            // People do not type on the beat of a screen.
            terminal.watch(Duration::from_millis(23 + 13 * (end as u64 % 5)), |_| {});
        }
        terminal.press(close);
        terminal.watch(Duration::from_millis(150), |_| {});
    }
    took
}

/// Pauses a container that is on the screen; returns how long after the engine was told the screen says so: by a
/// word, by a sign, or by leaving it out.
fn change(terminal: &mut Terminal) -> Option<f64> {
    let says = |screen: &str| screen.to_lowercase().matches("paused").count() + screen.matches('⏸').count();
    let screen = terminal.screen();
    let before = says(&screen);
    let (at, _) = screen.match_indices("idle-").find(|(at, _)| number_at(&screen, *at).is_some())?;
    let name = screen[at..at + NAME].to_owned();
    let told = Instant::now();
    let path = format!("/containers/{name}/pause");
    let asking = std::thread::spawn(move || ask("POST", &path));
    let seen = terminal.wait(PATIENCE, |screen| says(screen) > before || !screen.contains(&name));
    asking.join().unwrap();
    ask("POST", &format!("/containers/{name}/unpause"));
    terminal.watch(Duration::from_millis(700), |_| {});
    Some(ms(seen?.saturating_duration_since(told)))
}

/// Counts the containers that are named anywhere; events name them again, later.
fn names_on(screen: &str) -> usize {
    let numbers = screen.match_indices("idle-").filter_map(|(at, _)| number_at(screen, at));
    numbers.collect::<BTreeSet<u32>>().len()
}

/// Reads the number of a whole name that begins there.
fn number_at(screen: &str, at: usize) -> Option<u32> {
    screen.get(at + "idle-".len()..at + NAME)?.parse().ok()
}

/// Returns when the newest line of the flood on the screen was written.
fn newest(screen: &str) -> Option<u64> {
    let stamp = |rest: &str| {
        let (_, rest) = rest.split_once(" at ")?;
        rest.split_once(" end")?.0.parse().ok()
    };
    screen.match_indices("flood ").filter_map(|(at, _)| stamp(screen[at..].lines().next()?)).max()
}

/// What nothing can beat: one call of the engine's list, one reading of all figures, one pause.
pub struct Physical {
    pub list: Vec<f64>,
    pub read: Vec<f64>,
    pub pause: Vec<f64>,
}

impl Physical {
    pub fn measure() -> Self {
        let list = (0..7).map(|_| ms(ask("GET", "/containers/json?all=1").1)).collect();
        let files = figures_of_all();
        let mut buffer = vec![0; 16 * 1024];
        let read = (0..7)
            .map(|_| {
                let begin = Instant::now();
                for file in &files {
                    let _ = file.read_at(&mut buffer, 0);
                }
                ms(begin.elapsed())
            })
            .collect();
        let pause = (0..3)
            .map(|_| {
                let took = ms(ask("POST", "/containers/idle-000/pause").1);
                ask("POST", "/containers/idle-000/unpause");
                took
            })
            .collect();
        Self { list, read, pause }
    }
}

/// Opens the kernel's files of every running container: CPU, memory, processes, disk, network.
fn figures_of_all() -> Vec<File> {
    let ids = docker(&["ps", "-q"]);
    let ids: Vec<&str> = ids.lines().collect();
    let processes = docker(&[&["inspect", "--format", "{{.State.Pid}}"], &ids[..]].concat());
    let root = PathBuf::from("/sys/fs/cgroup");
    let mut files = Vec::new();
    for process in processes.lines() {
        let groups = std::fs::read_to_string(format!("/proc/{process}/cgroup")).unwrap_or_default();
        for group in groups.lines() {
            let mut parts = group.splitn(3, ':').skip(1);
            let (Some(controller), Some(path)) = (parts.next(), parts.next()) else { continue };
            let folder = root.join(controller).join(path.trim_start_matches('/'));
            let names: &[&str] = match controller {
                "" => &["cpu.stat", "memory.current", "memory.stat", "pids.current", "io.stat"],
                "memory" => &["memory.usage_in_bytes", "memory.stat"],
                "pids" => &["pids.current"],
                "blkio" => &["blkio.throttle.io_service_bytes_recursive"],
                name if name.split(',').any(|one| one == "cpuacct") => &["cpuacct.usage"],
                _ => &[],
            };
            files.extend(names.iter().filter_map(|name| File::open(folder.join(name)).ok()));
        }
        files.extend(File::open(format!("/proc/{process}/net/dev")).ok());
    }
    files
}
