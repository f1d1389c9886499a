//! The pane as people see it, and the promises of its positions.

mod reading;

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::tz::TimeZone;
use ratatui::layout::Rect;

use super::*;
use crate::event::Event;
use crate::model::containers::{ContainerId, RunState};
use crate::model::logs::LogLevel::{Debug, Error, Info, Warn};
use crate::model::logs::{LogLine, LogStatus, LogStream};
use crate::model::text::{Run, StyledText, TextColor, TextStyle};
use crate::tui::theme::Theme;
use crate::tui::views::clock::Clock;
use crate::tui::views::fixture::{self, Fixture, SIZES, container, id, line, screen, service};

const SIZE: (u16, u16) = (80, 12);

fn stack(name: &str) -> Target {
    Target::Stack(Arc::from(name))
}

fn opened(targets: Vec<Target>) -> LogsView {
    let mut view = LogsView::default();
    view.pane.set_clock(Clock::in_zone(TimeZone::UTC));
    view.open(targets);
    view
}

/// Looks at what the view shows, as the program does after each change.
fn look(view: &mut LogsView, fixture: &mut Fixture, size: (u16, u16)) {
    let mut interest = Interest::default();
    view.interest(&fixture.state, &mut interest);
    fixture.apply(Event::LookedAt(interest));
    view.sync(&fixture.state, Rect::new(0, 0, size.0, size.1));
}

fn drawn_with(view: &LogsView, fixture: &Fixture, size: (u16, u16), theme: &Theme) -> String {
    screen(&fixture::draw(size, &fixture.state, theme, |area, buf, cx| view.draw(area, buf, cx)))
}

fn drawn(view: &mut LogsView, fixture: &mut Fixture, size: (u16, u16)) -> String {
    view.sync(&fixture.state, Rect::new(0, 0, size.0, size.1));
    drawn_with(view, fixture, size, &Theme::default())
}

fn foot(view: &mut LogsView, fixture: &mut Fixture) -> String {
    drawn(view, fixture, SIZE).lines().last().unwrap().to_owned()
}

fn first_line(view: &mut LogsView, fixture: &mut Fixture) -> String {
    drawn(view, fixture, SIZE).lines().nth(1).unwrap().to_owned()
}

/// A stack at work: two replicas, a database, an agent in trouble, one restart, colors and long lines.
fn busy() -> (LogsView, Fixture) {
    let mut fixture = Fixture::new();
    let mut view = opened(vec![stack("assistant")]);
    look(&mut view, &mut fixture, SIZE);
    let (api1, api2) = (id("assistant", "api", 1), id("assistant", "api", 2));
    let (db, agent) = (id("assistant", "db", 1), id("assistant", "agent", 1));
    for one in [&api1, &api2, &db, &agent] {
        fixture.log_status(one.clone(), LogStatus::Following);
    }
    let mut lines = vec![line(&db, 90_000_000, Some(Info), "database system is ready to accept connections")];
    for n in 0..40 {
        let api = if n % 3 == 0 { &api2 } else { &api1 };
        let text = format!("GET /health?probe={n} 200 {}ms", 2 + n % 7);
        lines.push(line(api, 60_000 - n * 1000, Some(Info), &text));
    }
    lines.push(line(&db, 19_500, Some(Warn), "checkpoints are occurring too frequently (9 seconds apart)"));
    lines.push(line(&agent, 19_000, Some(Error), "could not reach http://api:8000: connection refused (attempt 3 of 5), giving up in 30 s unless it comes back"));
    lines.push(line(&agent, 18_990, None, "  at connect (/app/agent.js:12:7)"));
    lines.push(line(
        &agent,
        18_990,
        None,
        "  at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
    ));
    lines.push(LogLine { stream: LogStream::Remark, ..line(&agent, 4_000, None, "started again") });
    lines.push(line(&agent, 3_900, Some(Debug), "reading 日本語 settings"));
    let green = TextStyle { foreground: Some(TextColor::Indexed(2)), ..TextStyle::default() };
    lines.push(LogLine {
        text: StyledText::new(
            String::from("ready in 120 ms"),
            vec![Run { start: 0, style: green }, Run { start: 5, style: TextStyle::default() }],
        ),
        ..line(&agent, 3_000, Some(Info), "")
    });
    fixture.log(lines);
    (view, fixture)
}

#[test]
fn a_stack_at_work() {
    for size in SIZES {
        let (mut view, mut fixture) = busy();
        insta::assert_snapshot!(
            format!("busy_{}x{}", size.0, size.1 + 2),
            drawn(&mut view, &mut fixture, size)
        );
    }
}

#[test]
fn a_stack_at_work_in_color() {
    let (mut view, fixture) = busy();
    view.sync(&fixture.state, Rect::new(0, 0, 80, 12));
    let buf =
        fixture::draw((80, 12), &fixture.state, &Theme::default(), |area, buf, cx| view.draw(area, buf, cx));
    insta::assert_debug_snapshot!(buf);
}

#[test]
fn filtered_searched_wrapped_and_paused() {
    for size in SIZES {
        let (mut view, mut fixture) = busy();
        view.sync(&fixture.state, Rect::new(0, 0, size.0, size.1));
        view.set_filter("connect|check");
        for action in [Action::Level, Action::Level, Action::Wrap] {
            view.handle(action, &fixture.state);
        }
        view.handle(Action::Follow, &fixture.state);
        fixture.log(vec![line(&id("assistant", "db", 1), 10, Some(Warn), "disk is slow")]);
        insta::assert_snapshot!(
            format!("filtered_{}x{}", size.0, size.1 + 2),
            drawn(&mut view, &mut fixture, size)
        );
    }
}

#[test]
fn ascii_and_no_color() {
    let (mut view, fixture) = busy();
    view.sync(&fixture.state, Rect::new(0, 0, 60, 18));
    let theme = crate::tui::theme::load("dark", true, crate::tui::theme::ColorDepth::None).unwrap();
    let text = drawn_with(&view, &fixture, (60, 18), &theme);
    assert!(text.replace("日本語", "").is_ascii(), "{text}");
    assert!(text.contains("-- started again --"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn an_empty_pane_says_why() {
    let mut text = String::new();
    let mut show = |name: &str, view: &mut LogsView, fixture: &mut Fixture| {
        let _ = write!(text, "== {name}\n{}", drawn(view, fixture, (76, 10)));
    };
    let api = service("energy", "app");
    let app = id("energy", "app", 1);
    show("nothing chosen", &mut LogsView::default(), &mut Fixture::new());
    let mut gone = opened(vec![service("energy", "nowhere")]);
    show("no container", &mut gone, &mut Fixture::new());
    for (name, status) in [
        ("opening", LogStatus::Opening),
        ("silent", LogStatus::Following),
        ("ended", LogStatus::Ended),
        ("driver", LogStatus::Unreadable(String::from("configured logging driver does not support reading"))),
        ("unreadable", LogStatus::Unreadable(String::from("no answer within 10 s"))),
    ] {
        let mut fixture = Fixture::new();
        let mut view = opened(vec![api.clone()]);
        look(&mut view, &mut fixture, (76, 10));
        fixture.log_status(app.clone(), status);
        show(name, &mut view, &mut fixture);
    }
    let mut fixture = Fixture::new();
    let mut created = fixture.state.containers.get(&app).unwrap().container.clone();
    created.run = RunState::Created;
    created.started_at = None;
    fixture.apply(Event::ContainerInspected(Box::new(created)));
    let mut view = opened(vec![api.clone()]);
    look(&mut view, &mut fixture, (76, 10));
    fixture.log_status(app.clone(), LogStatus::Ended);
    show("never started", &mut view, &mut fixture);
    let mut fixture = Fixture::new();
    let mut view = opened(vec![api]);
    look(&mut view, &mut fixture, (76, 10));
    fixture.log(vec![line(&app, 0, Some(Info), "all is well")]);
    view.handle(Action::Level, &fixture.state);
    view.handle(Action::Level, &fixture.state);
    show("filtered away", &mut view, &mut fixture);
    insta::assert_snapshot!("empty", text);
}

#[test]
fn some_logs_cannot_be_read() {
    let (mut view, mut fixture) = busy();
    let why = String::from("configured logging driver does not support reading");
    fixture.log_status(id("assistant", "db", 1), LogStatus::Unreadable(why));
    insta::assert_snapshot!(drawn(&mut view, &mut fixture, (80, 8)));
}

/// A service that counts.
fn counting(lines: i64) -> (LogsView, Fixture, ContainerId) {
    let mut fixture = Fixture::new();
    let mut view = opened(vec![service("energy", "app")]);
    look(&mut view, &mut fixture, SIZE);
    let app = id("energy", "app", 1);
    fixture.log_status(app.clone(), LogStatus::Following);
    fixture.log((0..lines).map(|n| line(&app, 100_000 - n * 10, Some(Info), &format!("line {n}"))).collect());
    view.sync(&fixture.state, Rect::new(0, 0, SIZE.0, SIZE.1));
    (view, fixture, app)
}

#[test]
fn scrolling_up_stops_following_and_the_end_resumes_it() {
    let (mut view, mut fixture, app) = counting(100);
    assert!(first_line(&mut view, &mut fixture).contains("line 90"));
    view.handle(Action::MoveUp, &fixture.state);
    fixture.log((100..130).map(|n| line(&app, 90_000 - n * 10, Some(Info), &format!("line {n}"))).collect());
    assert!(first_line(&mut view, &mut fixture).contains("line 89"));
    assert!(foot(&mut view, &mut fixture).ends_with("paused, 30 new"));
    view.handle(Action::Last, &fixture.state);
    assert!(first_line(&mut view, &mut fixture).contains("line 120"));
    assert!(foot(&mut view, &mut fixture).ends_with("following"));
    view.handle(Action::PageUp, &fixture.state);
    view.handle(Action::PageDown, &fixture.state);
    assert!(foot(&mut view, &mut fixture).ends_with("following"));
    view.handle(Action::Follow, &fixture.state);
    assert!(foot(&mut view, &mut fixture).ends_with("paused"));
}

#[test]
fn a_line_stays_under_the_eyes_while_others_fall_out() {
    let (mut view, mut fixture, app) = counting(1000);
    view.handle(Action::PageUp, &fixture.state);
    let before = first_line(&mut view, &mut fixture);
    // Fill the buffer, then push the first lines out one by one.
    let (filler, small) = ("x".repeat(8000), "y".repeat(200));
    while fixture.state.logs.dropped() < 200 {
        let (held, limit) = fixture.state.logs.bytes();
        let text = if held + 9000 < limit { &filler } else { &small };
        fixture.log(vec![line(&app, 50_000, None, text)]);
    }
    view.sync(&fixture.state, Rect::new(0, 0, SIZE.0, SIZE.1));
    let dropped = fixture.state.logs.dropped();
    assert!(dropped < 900);
    assert_eq!(first_line(&mut view, &mut fixture), before);
    let foot = foot(&mut view, &mut fixture);
    assert!(foot.contains(&format!("{dropped} dropped")), "{foot}");
}

#[test]
fn a_line_stays_under_the_eyes_while_older_ones_slip_in() {
    let (mut view, mut fixture) = busy();
    view.sync(&fixture.state, Rect::new(0, 0, SIZE.0, SIZE.1));
    view.handle(Action::MoveUp, &fixture.state);
    let before = first_line(&mut view, &mut fixture);
    let db = id("assistant", "db", 1);
    // The database was read late: its lines belong between the others, some of them above the eyes.
    let api1 = id("assistant", "api", 1);
    fixture.log(vec![line(&api1, 2_000, Some(Info), "late")]);
    fixture.log((0..5).map(|n| line(&db, 19_400 - n, Some(Info), "merged")).collect());
    assert_eq!(first_line(&mut view, &mut fixture), before);
}

#[test]
fn the_index_agrees_with_a_full_scan_whatever_arrives() {
    let mut fixture = Fixture::new();
    let mut view = opened(vec![stack("assistant")]);
    look(&mut view, &mut fixture, SIZE);
    view.handle(Action::Level, &fixture.state);
    view.handle(Action::Level, &fixture.state);
    view.set_filter("7");
    let ids = [id("assistant", "api", 1), id("assistant", "db", 1), id("assistant", "agent", 1)];
    let mut seed = 7_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for round in 0..200_i64 {
        let one = &ids[random(3) as usize];
        let level = [Info, Warn, Error][random(3) as usize];
        let jitter = random(400) as i64;
        let batch = (0..=random(9) as i64)
            .map(|n| line(one, 100_000 - round * 100 - jitter - n, Some(level), &format!("{round} {n}")));
        fixture.log(batch.collect());
        view.sync(&fixture.state, Rect::new(0, 0, SIZE.0, SIZE.1));
        let store = &fixture.state.logs;
        let wanted: Vec<u64> = (0..store.lines().len())
            .filter(|at| store.lines()[*at].level.is_some_and(|level| level >= Warn))
            .map(|at| store.dropped() + at as u64)
            .collect();
        let index = &view.pane.index;
        let shown: Vec<u64> = (0..index.len()).filter_map(|at| index.number(at)).collect();
        assert_eq!(shown, wanted, "round {round}");
        let hits: Vec<u64> = (0..index.hits().len()).filter_map(|at| index.hits().get(at)).collect();
        let wanted: Vec<u64> = wanted
            .into_iter()
            .filter(|n| store.lines()[(n - store.dropped()) as usize].text.text().contains('7'))
            .collect();
        assert_eq!(hits, wanted, "round {round}");
    }
    assert!(fixture.state.logs.merges() > 20);
}

#[test]
fn a_search_goes_to_the_newest_match_and_around() {
    let (mut view, mut fixture, _) = counting(200);
    view.set_filter("line 1?5$");
    let text = drawn(&mut view, &mut fixture, SIZE);
    assert!(text.contains("I line 15 ") && text.contains("2/2"), "{text}");
    assert!(!view.pane.is_following());
    view.handle(Action::NextMatch, &fixture.state);
    let text = drawn(&mut view, &mut fixture, SIZE);
    assert!(text.contains("I line 5 ") && text.contains("1/2"), "{text}");
    view.handle(Action::PreviousMatch, &fixture.state);
    assert!(foot(&mut view, &mut fixture).contains("2/2"));
    assert_eq!(
        view.handle(Action::CopyLine, &fixture.state),
        [Effect::Copy { what: String::from("line"), text: String::from("line 15") }]
    );
    view.set_filter("nowhere");
    assert!(foot(&mut view, &mut fixture).contains("/nowhere no match"));
    assert_eq!(view.handle(Action::NextMatch, &fixture.state), [Effect::Toast(String::from("No match"))]);
    view.set_filter("line(");
    assert!(foot(&mut view, &mut fixture).contains("taken literally"));
}

#[test]
fn a_service_made_again_is_followed_and_its_last_words_stay() {
    let (mut view, mut fixture, old) = counting(3);
    let new = container("energy", "app", 2);
    let mut renamed = new.clone();
    renamed.id = ContainerId::new("energy-app-new");
    renamed.compose.as_mut().unwrap().number = 1;
    fixture.apply(Event::ContainersListed(vec![renamed.clone()]));
    look(&mut view, &mut fixture, SIZE);
    assert!(fixture.state.logs.shown().contains(&(&renamed.id).into()));
    assert!(fixture.state.logs.shown().contains(&(&old).into()));
    fixture.log(vec![line(&renamed.id, 0, Some(Info), "born again")]);
    let text = drawn(&mut view, &mut fixture, SIZE);
    assert!(text.contains("line 2") && text.contains("born again"), "{text}");
}

#[test]
fn a_clicked_line_is_what_is_copied() {
    let (mut view, mut fixture, _) = counting(100);
    view.click(20, 3, &fixture.state);
    let third = drawn(&mut view, &mut fixture, SIZE).lines().nth(3).unwrap().to_owned();
    let effects = view.handle(Action::CopyLine, &fixture.state);
    let [Effect::Copy { text, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(third.contains(&format!("I {text} ")), "{third} / {text}");
    assert!(!view.pane.is_following());
}

#[test]
fn a_file_holds_every_line_with_its_time_and_source() {
    let (mut view, fixture) = busy();
    view.sync(&fixture.state, Rect::new(0, 0, 80, 12));
    let effects = view.handle(Action::Save, &fixture.state);
    let [Effect::Save { name, text }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(name, "assistant.log");
    assert_eq!(text.lines().count(), fixture.state.logs.lines().len());
    assert!(text.contains("2026-11-20T19:03:02.500Z db checkpoints are"), "{text}");
    assert!(text.contains(" agent -- started again --"), "{text}");
}

#[test]
fn plain_lines_count_as_information() {
    let (mut view, mut fixture, app) = counting(2);
    fixture.log(vec![line(&app, 50_000, None, "no level here"), line(&app, 40_000, Some(Debug), "chatter")]);
    view.handle(Action::Level, &fixture.state);
    let text = drawn(&mut view, &mut fixture, SIZE);
    assert!(text.contains("no level here") && !text.contains("chatter"), "{text}");
    view.handle(Action::Level, &fixture.state);
    assert!(drawn(&mut view, &mut fixture, SIZE).contains("None of 4 lines is at level warn or above"));
}

#[test]
fn a_stack_trace_belongs_to_its_error() {
    let (mut view, mut fixture) = busy();
    view.sync(&fixture.state, Rect::new(0, 0, 80, 12));
    for _ in 0..3 {
        view.handle(Action::Level, &fixture.state);
    }
    let text = drawn(&mut view, &mut fixture, SIZE);
    assert!(text.contains("at connect (/app/agent.js:12:7)"), "{text}");
    assert!(!text.contains("GET /health"), "{text}");
    assert!(text.contains("error and above"), "{text}");
}

/// By hand: `cargo test --lib a_frame_over -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a test"]
fn a_frame_over_a_full_store() {
    let mut fixture = Fixture::new();
    let mut view = opened(vec![stack("assistant")]);
    look(&mut view, &mut fixture, (120, 38));
    let ids = [id("assistant", "api", 1), id("assistant", "db", 1)];
    for batch in 0..1000_i64 {
        let one = &ids[batch as usize % 2];
        fixture.log(
            (0..100).map(|n| line(one, 200_000 - batch * 100 - n, Some(Info), "GET /x 200 4ms")).collect(),
        );
    }
    let mut report = format!("{} lines\n", fixture.state.logs.lines().len());
    let mut timed = |what: &str, work: &mut dyn FnMut()| {
        let start = std::time::Instant::now();
        for _ in 0..20 {
            work();
        }
        let _ = writeln!(report, "{what}: {:?}", start.elapsed() / 20);
    };
    let area = Rect::new(0, 0, 120, 38);
    let theme = Theme::default();
    let start = std::time::Instant::now();
    view.sync(&fixture.state, area);
    let first = start.elapsed();
    timed("sync and draw", &mut || {
        view.sync(&fixture.state, area);
        drawn_with(&view, &fixture, (120, 38), &theme);
    });
    view.handle(Action::Wrap, &fixture.state);
    view.handle(Action::Level, &fixture.state);
    timed("level filter, wrapped", &mut || {
        view.sync(&fixture.state, area);
        drawn_with(&view, &fixture, (120, 38), &theme);
    });
    timed("a new query over all lines", &mut || {
        view.set_filter("20[01]");
        view.sync(&fixture.state, area);
    });
    timed("667 new lines (a frame at 20,000 a second), sync", &mut || {
        fixture.log((0..667).map(|n| line(&ids[0], 90_000 - n, Some(Info), "GET /y 200 4ms")).collect());
        view.sync(&fixture.state, area);
    });
    let _ = writeln!(report, "first sync: {first:?}");
    panic!("{report}");
}
