//! Structured lines, the live filter, traces, blocks, the past.

use super::*;
use crate::event::Event;
use crate::model::logs::{LogSource, OlderLines, Reach};
use crate::model::stack_file::{LogFile, StackFile};

const JSON: &str = r#"{"level":50,"time":"2026-11-20T19:03:21Z","pid":7,"msg":"could not connect","err":{"code":"ECONNREFUSED"},"stack":"Error: no\n    at connect (a.js:1)"}"#;

fn shown(view: &LogsView) -> Vec<u64> {
    (0..view.pane.index.len()).filter_map(|at| view.pane.index.number(at)).collect()
}

#[test]
fn structured_lines_are_message_and_fields_and_open_to_one_field_a_row() {
    let (mut view, mut fixture, app) = counting(3);
    fixture.log(vec![
        line(
            &app,
            900,
            Some(Info),
            r#"time="2026-11-20T19:03:21Z" level=info msg="ready now" port=8000 took="3 ms""#,
        ),
        line(&app, 800, Some(Error), JSON),
    ]);
    let text = drawn(&mut view, &mut fixture, SIZE);
    assert!(text.contains("I ready now  port=8000  took=\"3 ms\""), "{text}");
    assert!(text.contains("E could not connect  pid=7  err={"), "{text}");
    view.handle(Action::Open, &fixture.state);
    insta::assert_snapshot!("opened", drawn(&mut view, &mut fixture, SIZE));
    view.handle(Action::Open, &fixture.state);
    view.handle(Action::Fields, &fixture.state);
    let text = drawn(&mut view, &mut fixture, SIZE);
    assert!(text.contains(r#"E {"level":50,"#), "{text}");
    // What is copied is what was written.
    let effects = view.handle(Action::CopyLine, &fixture.state);
    assert!(matches!(effects.as_slice(), [Effect::Copy { text, .. }] if text == JSON), "{effects:?}");
}

#[test]
fn an_open_line_stays_open_while_others_slip_in_and_fall_out() {
    let (mut view, mut fixture) = busy();
    view.sync(&fixture.state, Rect::new(0, 0, 80, 22));
    view.handle(Action::Open, &fixture.state);
    let wanted = "stdout assistant-ag";
    let text = drawn(&mut view, &mut fixture, (80, 22));
    assert!(text.contains(wanted), "{text}");
    fixture.log((0..5).map(|n| line(&id("assistant", "db", 1), 19_400 - n, Some(Info), "merged")).collect());
    view.handle(Action::Last, &fixture.state);
    let text = drawn(&mut view, &mut fixture, (80, 22));
    assert!(text.contains(wanted) && text.contains("merged"), "{text}");
    assert!(view.pane.faces.has_open());
}

#[test]
fn only_matching_lines_are_shown_and_go_on_being_chosen() {
    let (mut view, mut fixture, app) = counting(50);
    view.pane().set_sieve("line 1.$");
    let text = drawn(&mut view, &mut fixture, SIZE);
    assert!(text.contains("line 10") && text.contains("line 19") && !text.contains("line 9 "), "{text}");
    assert!(text.contains("10 of 50 lines") && text.contains("only line 1.$"), "{text}");
    fixture.log(vec![line(&app, 0, Some(Info), "line 1x"), line(&app, 0, Some(Info), "other")]);
    let text = drawn(&mut view, &mut fixture, SIZE);
    assert!(text.contains("line 1x") && !text.contains("other"), "{text}");
    assert!(view.pane.is_following());
    // Search within what is left.
    view.set_filter("9");
    assert!(foot(&mut view, &mut fixture).contains("/9 1/1"));
    view.set_filter("");
    view.pane().set_sieve("!line");
    let text = drawn(&mut view, &mut fixture, SIZE);
    assert!(text.contains("other") && !text.contains("line 19") && text.contains("hiding line"), "{text}");
    view.pane().set_sieve("nowhere");
    assert!(drawn(&mut view, &mut fixture, SIZE).contains("None of 52 lines match nowhere"));
    view.handle(Action::Back, &fixture.state);
    assert!(drawn(&mut view, &mut fixture, SIZE).contains("52 lines"));
}

#[test]
fn a_trace_is_chosen_as_a_whole_also_when_its_end_comes_later() {
    let (mut view, mut fixture) = busy();
    view.sync(&fixture.state, Rect::new(0, 0, 80, 12));
    let (api, db) = (id("assistant", "api", 1), id("assistant", "db", 1));
    view.pane().set_sieve("ValueError");
    fixture.log(vec![
        line(&api, 2_000, Some(Error), "request failed"),
        line(&api, 2_000, None, "Traceback (most recent call last):"),
        line(&api, 1_999, None, "  File \"app.py\", line 3"),
    ]);
    assert!(!drawn(&mut view, &mut fixture, SIZE).contains("request failed"));
    fixture.log(vec![line(&db, 1_999, Some(Info), "in between")]);
    fixture.log(vec![line(&api, 1_998, None, "ValueError: bad"), line(&api, 1_997, Some(Info), "after")]);
    let text = drawn(&mut view, &mut fixture, SIZE);
    assert!(
        text.contains("request failed") && text.contains("app.py") && text.contains("ValueError"),
        "{text}"
    );
    assert!(!text.contains("in between") && !text.contains("after"), "{text}");
    view.pane().set_sieve("!app.py");
    let text = drawn(&mut view, &mut fixture, SIZE);
    assert!(!text.contains("request failed") && text.contains("in between"), "{text}");
}

#[test]
fn the_filter_agrees_with_a_full_scan_whatever_arrives() {
    let mut fixture = Fixture::new();
    let mut view = opened(vec![stack("assistant")]);
    look(&mut view, &mut fixture, SIZE);
    view.pane().set_sieve("7");
    let ids = [id("assistant", "api", 1), id("assistant", "db", 1)];
    let mut seed = 11_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for round in 0..300_i64 {
        let one = &ids[random(2) as usize];
        let jitter = random(30) as i64;
        let indent = ["", "", "  at "][random(3) as usize];
        let batch = (0..=random(4) as i64)
            .map(|n| line(one, 100_000 - round * 20 - jitter - n, None, &format!("{indent}{round} {n}")));
        fixture.log(batch.collect());
        view.sync(&fixture.state, Rect::new(0, 0, SIZE.0, SIZE.1));
        let store = &fixture.state.logs;
        let wanted: Vec<u64> = (0..store.lines().len())
            .filter(|at| store.group_of(*at).any(|line| line.text.text().contains('7')))
            .map(|at| store.dropped() + at as u64)
            .collect();
        assert_eq!(shown(&view), wanted, "round {round}");
    }
}

#[test]
fn a_block_is_marked_copied_and_saved() {
    let (mut view, mut fixture, _) = counting(100);
    view.handle(Action::MarkBlock, &fixture.state);
    view.handle(Action::MoveUp, &fixture.state);
    view.handle(Action::MoveUp, &fixture.state);
    assert!(foot(&mut view, &mut fixture).contains("3 marked"));
    let saved = view.handle(Action::Save, &fixture.state);
    assert!(
        matches!(saved.as_slice(), [Effect::Save { text, .. }] if text.lines().count() == 3),
        "{saved:?}"
    );
    let effects = view.handle(Action::CopyLine, &fixture.state);
    let what = String::from("block of 3 lines");
    assert_eq!(effects, [Effect::Copy { what, text: String::from("line 97\nline 98\nline 99\n") }]);
    assert!(!foot(&mut view, &mut fixture).contains("marked"));
    view.handle(Action::Back, &fixture.state);
    assert_eq!(view.handle(Action::Back, &fixture.state), [Effect::GoTo(crate::tui::view::Screen::Stacks)]);
}

/// Answers the wish for older lines with these.
fn answer(view: &mut LogsView, fixture: &mut Fixture, lines: Vec<LogLine>, is_beginning: bool) {
    view.sync(&fixture.state, Rect::new(0, 0, SIZE.0, SIZE.1));
    let wishes = view.wishes(&fixture.state);
    let [Command::LoadOlderLogs(ids)] = wishes.as_slice() else { panic!("{wishes:?}") };
    fixture.apply(Event::OlderLogsAsked(ids.clone()));
    assert!(view.wishes(&fixture.state).is_empty(), "one at a time");
    let container = ids[0].clone();
    fixture.apply(Event::OlderLogsRead { source: container, result: Ok(OlderLines { lines, is_beginning }) });
    view.sync(&fixture.state, Rect::new(0, 0, SIZE.0, SIZE.1));
}

#[test]
fn going_beyond_the_first_line_reads_older_ones_and_says_where_the_log_begins() {
    let (mut view, mut fixture, app) = counting(100);
    assert!(view.wishes(&fixture.state).is_empty());
    view.handle(Action::First, &fixture.state);
    let before = first_line(&mut view, &mut fixture);
    let older = (0..20).map(|n| line(&app, 200_000 - n, Some(Info), &format!("older {n}"))).collect();
    answer(&mut view, &mut fixture, older, false);
    let now = first_line(&mut view, &mut fixture);
    assert_eq!(
        now.trim_end_matches(['│', '┃']),
        before.trim_end_matches(['│', '┃']),
        "it stays under the eyes"
    );
    view.handle(Action::MoveUp, &fixture.state);
    assert!(first_line(&mut view, &mut fixture).contains("older 19"));
    assert!(view.wishes(&fixture.state).is_empty());
    view.handle(Action::First, &fixture.state);
    answer(&mut view, &mut fixture, Vec::new(), true);
    assert!(foot(&mut view, &mut fixture).contains("the log begins here"));
    assert_eq!(fixture.state.logs.reach(&(&app).into()), Some(&Reach::Beginning));
    view.handle(Action::MoveUp, &fixture.state);
    assert!(view.wishes(&fixture.state).is_empty());
}

#[test]
fn a_jump_goes_to_the_line_of_that_time_and_reads_back_for_it() {
    let (mut view, mut fixture, app) = counting(100);
    assert!(view.pane().jump("2026-11-20 19:01:42.5", &fixture.state, fixture::now()).is_empty());
    assert!(first_line(&mut view, &mut fixture).contains("line 50"));
    assert!(!view.pane.is_following());
    let why = view.pane().jump("soon", &fixture.state, fixture::now());
    assert!(matches!(why.as_slice(), [Effect::Toast(words)] if words.contains("14:05")), "{why:?}");
    view.pane().jump("5m", &fixture.state, fixture::now());
    let older = (0..20).map(|n| line(&app, 310_000 - n * 1000, Some(Info), &format!("older {n}"))).collect();
    answer(&mut view, &mut fixture, older, false);
    assert!(view.wishes(&fixture.state).is_empty(), "far enough");
    assert!(first_line(&mut view, &mut fixture).contains("older 10"));
}

#[test]
fn a_file_in_a_container_is_one_more_source() {
    let mut fixture = Fixture::new();
    let mut view = opened(vec![service("assistant", "db")]);
    let logs = vec![LogFile { service: "db".into(), file: String::from("/data/slow.log") }];
    fixture.apply(Event::StackFileRead {
        stack: "assistant".into(),
        folder: "/srv/assistant".into(),
        result: Ok(StackFile { logs, ..StackFile::default() }),
    });
    look(&mut view, &mut fixture, SIZE);
    let db = id("assistant", "db", 1);
    let file = LogSource::file(db.clone(), "/data/slow.log".into());
    assert!(fixture.state.logs.shown().contains(&file));
    let of_file =
        |ago, text| LogLine { source: file.clone(), stream: LogStream::File, ..line(&db, ago, None, text) };
    fixture.log(vec![line(&db, 3_000, Some(Info), "printed"), line(&db, 1_000, Some(Info), "printed again")]);
    fixture.log(vec![of_file(2_000, "written between")]);
    let text = drawn(&mut view, &mut fixture, SIZE);
    let order: Vec<_> = ["printed", "written between", "printed again"].map(|words| text.find(words)).into();
    assert!(order.is_sorted() && order.iter().all(Option::is_some), "{text}");
    assert!(text.contains("db·slow.log") && text.contains("2 sources"), "{text}");
    // Why there is nothing of it is told beside the others.
    fixture.apply(Event::LogStatusChanged {
        source: file,
        status: LogStatus::Unreadable(String::from("cannot read /data/slow.log: it is a folder")),
    });
    let text = drawn(&mut view, &mut fixture, SIZE);
    assert!(
        text.contains("db·slow.log cannot be read: cannot read /data/slow.log: it is a folder"),
        "{text}"
    );
}
