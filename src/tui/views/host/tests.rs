use super::*;
use crate::event::Event;
use crate::model::host::{Disk, DiskUsageRow, EngineDiskUsage, HostSample, OwnCost};
use crate::ports::EngineError;
use crate::tui::theme::Theme;
use crate::tui::views::fixture::{self, Fixture, SIZES, ago, now, screen};

fn disk(mount: &str, used: u64, total: u64) -> Disk {
    Disk {
        mount: mount.into(),
        device: "/dev/vda1".into(),
        file_system: "ext4".into(),
        used: used << 30,
        total: total << 30,
    }
}

fn sample(cpu: f32) -> HostSample {
    HostSample {
        name: "lab01".into(),
        cpu_percent: cpu,
        cores: vec![12.0, 3.0, 97.0, 0.0, 45.0, 71.0, 8.0, 22.0],
        memory_used: 10 << 30,
        memory_total: 16 << 30,
        swap_used: 300 << 20,
        swap_total: 2 << 30,
        load: [1.12, 0.98, 0.75],
        uptime_s: 273_000,
        disks: vec![
            disk("/", 61, 100),
            disk("/var/lib/docker", 460, 500),
            disk("/home", 3, 200),
            disk("/boot", 0, 1),
        ],
        temperatures: vec![("Package id 0".into(), 84.0), ("nvme Composite".into(), 43.0)],
        own: OwnCost {
            cpu_percent: 0.4,
            memory_bytes: 24 << 20,
            open_files: 31,
            threads: 9,
            engine_calls: Some(4_711),
        },
    }
}

fn busy() -> Fixture {
    let mut fixture = Fixture::new();
    for n in (0..260_i64).rev() {
        let wave = 35.0 + 30.0 * ((n as f32) / 20.0).sin() + if (60..70).contains(&n) { 34.0 } else { 0.0 };
        let mut sample = sample(wave);
        sample.own.engine_calls = Some((260 - n as u64) * 4);
        sample.memory_used = (8 << 30) + ((260 - n as u64) << 23);
        fixture.apply_at(ago(n * 2), Event::HostSampled(Box::new(sample)));
    }
    let row = |count, active, gib: u64, free: u64| DiskUsageRow {
        count,
        active,
        bytes: (gib << 30) + (gib << 26),
        reclaimable_bytes: free << 30,
    };
    fixture.apply_at(
        ago(125),
        Event::DiskUsageRead(Ok(EngineDiskUsage {
            images: row(42, 12, 18, 11),
            containers: row(14, 12, 1, 0),
            volumes: row(9, 6, 7, 1),
            build_cache: row(211, 0, 3, 3),
        })),
    );
    fixture.state.now = now();
    fixture
}

fn drawn(view: &HostView, fixture: &Fixture, size: (u16, u16)) -> String {
    screen(&fixture::draw(size, &fixture.state, &Theme::default(), |area, buf, cx| view.draw(area, buf, cx)))
}

#[test]
fn a_machine_at_work() {
    for size in SIZES {
        let mut view = HostView::default();
        view.drawn(ago(60), 1000, 1_000_000);
        view.drawn(now(), 1031, 1_014_200);
        let text = drawn(&view, &busy(), size);
        assert!(text.contains("120 engine calls"), "{text}");
        insta::assert_snapshot!(format!("busy_{}x{}", size.0, size.1 + 2), text);
    }
}

#[test]
fn before_the_first_sample() {
    for size in [SIZES[0], SIZES[2]] {
        let mut view = HostView::default();
        let fixture = Fixture::new();
        assert_eq!(view.wishes(&fixture.state), [Command::ReadDiskUsage]);
        assert!(view.wishes(&fixture.state).is_empty());
        insta::assert_snapshot!(format!("empty_{}x{}", size.0, size.1 + 2), drawn(&view, &fixture, size));
    }
}

#[test]
fn in_color() {
    let (view, fixture) = (HostView::default(), busy());
    let buf =
        fixture::draw((60, 18), &fixture.state, &Theme::default(), |area, buf, cx| view.draw(area, buf, cx));
    insta::assert_debug_snapshot!(buf);
}

#[test]
fn ascii_on_a_machine_of_one_core_without_swap() {
    let mut fixture = Fixture::new();
    let bare = HostSample {
        cores: vec![5.0],
        swap_total: 0,
        disks: Vec::new(),
        temperatures: Vec::new(),
        ..sample(5.0)
    };
    fixture.apply(Event::HostSampled(Box::new(bare)));
    fixture.apply(Event::DiskUsageRead(Err(EngineError::TimedOut("no answer within 30 s".into()))));
    let theme = Theme { ascii: true, ..Theme::default() };
    for size in [SIZES[1], SIZES[2]] {
        let view = HostView::default();
        let text =
            screen(&fixture::draw(size, &fixture.state, &theme, |area, buf, cx| view.draw(area, buf, cx)));
        assert!(text.is_ascii(), "{text}");
        insta::assert_snapshot!(format!("bare_{}x{}", size.0, size.1 + 2), text);
    }
}

#[test]
fn a_machine_of_many_cores_counts_what_does_not_fit() {
    let mut fixture = Fixture::new();
    let big = HostSample { cores: (0..128).map(|n| n as f32 * 0.7).collect(), ..sample(40.0) };
    fixture.apply(Event::HostSampled(Box::new(big)));
    let text = drawn(&HostView::default(), &fixture, (120, 38));
    assert!(text.contains("and 102 more"), "{text}");
}

#[test]
fn the_key_reads_again_only_where_somebody_answers() {
    let mut view = HostView::default();
    let mut fixture = busy();
    assert_eq!(view.handle(Action::ReadAgain, &fixture.state), [Effect::Run(Command::ReadDiskUsage)]);
    assert!(drawn(&view, &fixture, (80, 22)).contains("reading …"));
    fixture.apply(Event::DiskUsageRead(Ok(EngineDiskUsage::default())));
    assert!(!drawn(&view, &fixture, (80, 22)).contains("reading …"));
    let gone = EngineError::Unreachable("connection refused".into());
    fixture.apply(Event::EngineLost { error: gone, retry_at: now() });
    assert!(matches!(view.handle(Action::ReadAgain, &fixture.state)[..], [Effect::Toast(_)]));
}
