use insta::{assert_debug_snapshot, assert_snapshot};
use ratatui::layout::Rect;

use crate::command::Command;
use crate::event::Event;
use crate::model::health::Health;
use crate::model::logs::{LogLevel, LogLine, LogStream};
use crate::model::text::StyledText;
use crate::ports::EngineError;
use crate::tui::fixture::{Stage, ago, id_of, now, trouble, well};
use crate::tui::ui::{Request, Ui};
use crate::tui::view::{DetailTab, Screen};

fn refused(error: EngineError) -> Stage {
    let mut stage = Stage::new(80, 24);
    stage.apply(Event::EngineLost { error, retry_at: ago(-4) });
    stage
}

#[test]
fn connecting_says_to_what() {
    assert_snapshot!(Stage::new(80, 24).screen());
}

/// What the list of an engine tells of containers that are up, and what inspections told of the others.
fn sketch() -> Event {
    let mut list = trouble();
    for container in &mut list {
        if container.run.is_up() && container.health != Health::Unhealthy {
            container.started_at = None;
            container.health_log.clear();
            container.health_settings = None;
            container.memory_limit = None;
            container.restart_policy.clear();
        }
    }
    Event::ContainersSketched(list)
}

#[test]
fn the_first_list_is_shown_before_all_is_known() {
    let mut stage = Stage::new(120, 40);
    stage.apply(sketch());
    let early = stage.text();
    assert_snapshot!(early);
    // Nothing is said to be well, and nothing to be wrong.
    assert!(!early.contains("well") && !early.contains("nothing is wrong") && !early.contains("l logs"));
    let mut stage = stage.connected(trouble());
    let fresh = Stage::new(120, 40).connected(trouble()).screen();
    assert_eq!(stage.text(), fresh, "nothing of the sketch is left");
}

#[test]
fn what_is_asked_of_a_sketch_waits_for_the_list() {
    let mut stage = Stage::new(120, 40);
    stage.apply(sketch());
    let mut stage = stage.keys("j j r s x b l e Space d u");
    assert!(stage.asked.is_empty() && stage.ui.popups.is_empty() && stage.ui.stacks.marks.is_empty());
    // After a while nobody remembers.
    stage.ui.sync(&stage.state, ago(-2));
    assert!(stage.text().contains("still being read"));
    let mut stage = stage.connected(trouble());
    stage.sync();
    assert!(stage.asked.iter().all(|request| matches!(request, Request::Run(Command::LookAt(_)))));

    let mut stage = Stage::new(120, 40);
    stage.apply(sketch());
    let stage = stage.keys("j j").keys("e x q");
    assert!(stage.asked.is_empty() && stage.ui.popups.is_empty());
    let selected = stage.ui.stacks.selected().cloned();
    let mut stage = stage.connected(trouble());
    stage.sync();
    assert_eq!(stage.ui.stacks.selected().cloned(), selected);
    assert!(matches!(stage.asked.last(), Some(Request::Shell(_))), "{:?}", stage.asked);
    assert!(stage.ui.popups.is_empty(), "what is typed behind is not for this screen");

    // The line is kept: the second key is for what the first one opened.
    let mut stage = Stage::new(120, 40);
    stage.apply(sketch());
    let mut stage = stage.keys("j j").keys("x Esc Space").connected(trouble());
    stage.sync();
    assert!(stage.ui.popups.is_empty());
    assert_eq!(stage.ui.stacks.marks.len(), 1);

    // Who leaves does not wait.
    let mut stage = Stage::new(120, 40);
    stage.apply(sketch());
    let stage = stage.keys("e Ctrl-c");
    assert!(matches!(stage.asked[..], [Request::Quit]));
}

#[test]
fn a_refused_socket_says_why_and_what_to_do() {
    let error = EngineError::PermissionDenied(String::from("/var/run/docker.sock: permission denied"));
    assert_snapshot!(refused(error).screen());
}

#[test]
fn nobody_there_says_what_to_do_even_on_the_smallest_screen() {
    let error = EngineError::Unreachable(String::from("/var/run/docker.sock: no such file or directory"));
    let mut stage = refused(error);
    stage.ui.area = Rect::new(0, 0, 60, 20);
    assert_snapshot!(stage.screen());
}

#[test]
fn a_lost_connection_keeps_the_picture_and_counts() {
    let mut stage = Stage::new(120, 40).connected(well()).sampled();
    let bright = |stage: &mut Stage| match stage.buffer()[(1, 6)].fg {
        ratatui::style::Color::Rgb(r, g, b) => u32::from(r) + u32::from(g) + u32::from(b),
        other => panic!("{other:?}"),
    };
    let before = bright(&mut stage);
    let error = EngineError::Unreachable(String::from("connection reset"));
    stage.state.apply(ago(12), Event::EngineLost { error, retry_at: ago(-3) });
    let screen = stage.text();
    assert!(screen.contains("disconnected for 12s, retrying in 3s"), "{screen}");
    assert!(screen.contains("mongodb"), "the last picture stays");
    assert!(bright(&mut stage) < before, "stale is dimmed");
}

#[test]
fn too_small_says_so_in_one_line() {
    let screen = Stage::new(50, 10).connected(well()).screen();
    assert_eq!(screen.trim(), "stackdash needs 60x20, this is 50x10");
}

#[test]
fn read_only_stands_in_the_header() {
    let mut stage = Stage::new(80, 24).connected(well());
    stage.state.read_only = true;
    assert!(stage.text().lines().next().unwrap().contains("read-only"));
}

#[test]
fn every_tab_of_the_details() {
    // Output is there only while there is any.
    for tab in DetailTab::OF_SERVICE.into_iter().filter(|tab| *tab != DetailTab::Output) {
        let mut stage = Stage::new(120, 40).connected(trouble()).sampled();
        stage.sync();
        let target = crate::model::stacks::Target::Service {
            stack: "personal-assistant".into(),
            service: "agent".into(),
        };
        let target = if matches!(tab, DetailTab::Mounts | DetailTab::Usage) {
            crate::model::stacks::Target::Service {
                stack: "hackathon-todo".into(),
                service: "backend".into(),
            }
        } else {
            target
        };
        stage.ui.stacks.show(&target, Some(tab), &stage.state);
        stage.sync();
        let agent = id_of("personal-assistant-agent-1");
        let lines = (0..40)
            .map(|n| LogLine {
                at: ago(40 - n),
                source: (&agent).into(),
                stream: LogStream::Stdout,
                level: (n % 7 == 0).then_some(LogLevel::Warn),
                text: StyledText::plain(format!("request {n} took {} ms", n * 3)),
            })
            .collect();
        stage.apply(Event::LogsAppended(lines));
        let table = crate::event::ProcessTable {
            titles: ["PID", "USER", "TIME", "COMMAND"].map(String::from).to_vec(),
            rows: vec![["4242", "app", "00:01:13", "pa agent start --foreground"].map(String::from).to_vec()],
        };
        stage.apply(Event::ProcessesRead { container: agent.clone(), table: Ok(table) });
        let text =
            ["{", "  \"Id\": \"706572736f6e\",", "  \"State\": {", "    \"Status\": \"running\"", "  }", "}"];
        let lines = Ok(text.map(String::from).to_vec());
        stage.apply(Event::InspectRead { container: agent, lines });
        assert_snapshot!(format!("tab_{}", tab.title().to_lowercase()), stage.text());
    }
}

#[test]
fn a_stack_shows_its_services() {
    let mut stage = Stage::new(120, 40).connected(trouble()).sampled();
    stage.sync();
    let target = crate::model::stacks::Target::Stack("personal-assistant".into());
    stage.ui.stacks.show(&target, None, &stage.state);
    assert_snapshot!(stage.text());
}

#[test]
fn the_inspection_is_asked_for_once() {
    let mut stage = Stage::new(120, 40).connected(well()).keys("j Enter [");
    stage.sync();
    stage.sync();
    let asked = |request: &&Request| matches!(request, Request::Run(crate::command::Command::ReadInspect(_)));
    assert_eq!(stage.asked.iter().filter(asked).count(), 1);
}

#[test]
fn every_popup() {
    for (name, keys) in [
        ("help", "?"),
        ("palette", ": r e s"),
        ("menu", "n x"),
        ("sort", "o"),
        ("themes", "F2"),
        ("confirm", "n n s"),
        ("filter", "/ d b"),
    ] {
        let mut stage = Stage::new(80, 24).connected(trouble()).sampled().keys(keys);
        assert_snapshot!(format!("popup_{name}"), stage.text());
    }
}

#[test]
fn the_palette_does_what_it_finds() {
    let stage = Stage::new(80, 24).connected(well()).keys(": h o s t Enter");
    assert_eq!(stage.ui.screen, Screen::Host);
    assert!(stage.ui.popups.is_empty());
}

#[test]
fn results_are_said_and_go_by_themselves() {
    let mut stage = Stage::new(80, 24).connected(well());
    stage.apply(Event::CommandRefused(String::from("energy-dashboard/app is up already")));
    assert!(stage.text().contains("energy-dashboard/app is up already"));
    let later = now() + jiff::SignedDuration::from_secs(6);
    assert!(stage.ui.is_stale(&stage.state, later));
    stage.ui.sync(&stage.state, later);
    assert!(stage.ui.toasts.is_empty());
}

#[test]
fn a_toast_leaves_the_foot_and_no_scraps() {
    let mut stage = Stage::new(80, 24).connected(trouble()).keys("2");
    stage.apply(Event::CommandRefused("the stack energy-dashboard is up already ".repeat(2)));
    let screen = stage.text();
    let lines: Vec<&str> = screen.lines().collect();
    assert!(lines[22].contains("following"), "{screen}");
    assert!(lines[20].trim_start().starts_with("▌ the stack"), "{screen}");
    assert_eq!(lines[21].trim(), "▌ already", "what is too long takes another line: {screen}");
    let free = lines[20].find('▌').unwrap();
    assert!(lines[20][..free].trim().is_empty(), "no scraps beside it: {screen}");
}

#[test]
fn a_long_word_stays_longer_and_the_same_one_stands_there_once() {
    let mut stage = Stage::new(80, 24).connected(well());
    stage.apply(Event::CommandRefused(String::from("app is up already")));
    stage.apply(Event::CommandRefused(String::from("app is up already")));
    stage.sync();
    assert_eq!(stage.ui.toasts.len(), 1);
    stage.apply(Event::CommandRefused("why it cannot be, at length ".repeat(20)));
    stage.sync();
    let shown = |stage: &mut Stage, after: i64| {
        stage.ui.sync(&stage.state, now() + jiff::SignedDuration::from_secs(after));
        stage.ui.toasts.len()
    };
    assert_eq!([shown(&mut stage, 6), shown(&mut stage, 13)], [1, 0]);
}

#[test]
fn the_foot_names_six_keys_and_the_screens_on_a_usual_terminal() {
    let foot = |width: u16| {
        let text = Stage::new(width, 40).connected(well()).keys("j").text();
        text.lines().last().unwrap_or_default().to_owned()
    };
    for word in ["help", "open", "logs", "restart", "stop", "x menu", "7 Checks"] {
        assert!(foot(120).contains(word), "{word}: {}", foot(120));
    }
    assert!(foot(200).contains("filter") && foot(200).contains("Diagnostics"), "{}", foot(200));
}

#[test]
fn the_palette_begins_with_what_acts_on_the_selection() {
    let text = Stage::new(120, 40).connected(well()).keys("j :").text();
    let first =
        text.lines().skip_while(|line| !line.contains(": ")).find(|line| line.contains("open-")).unwrap();
    assert!(first.contains("open-logs"), "{text}");
    assert!(
        text.contains("restart ") && !text.contains("next-pane") && !text.contains("move-down"),
        "{text}"
    );
}

#[test]
fn a_click_on_a_menu_that_does_not_fit_means_what_stands_there() {
    let mut stage = Stage::new(60, 20).connected(well()).keys("j x G");
    let text = stage.text();
    let row = text.lines().position(|line| line.contains("Mark the selection")).unwrap();
    stage.ui.handle(crate::tui::ui::Input::Click { column: 30, row: row as u16 }, &stage.state, now());
    assert!(stage.ui.popups.is_empty());
    assert_eq!(stage.ui.stacks.marks.len(), 1);
}

#[test]
fn help_leaves_out_what_read_only_refuses() {
    let help = |read_only| {
        let mut stage = Stage::new(120, 80).connected(trouble());
        stage.state.read_only = read_only;
        stage.keys("?").text()
    };
    assert!(help(false).contains("Restart the selection"));
    let text = help(true);
    assert!(text.contains("read-only") && !text.contains("Restart the selection"), "{text}");
    assert!(text.contains("Open the logs of the selection"));
}

#[test]
fn q_goes_back_before_it_quits() {
    let stage = Stage::new(120, 40).connected(well()).keys("2 q j Enter q");
    assert!(stage.asked.iter().all(|request| *request != Request::Quit));
    let stage = stage.keys("q");
    assert_eq!(stage.asked.last(), Some(&Request::Quit));
}

#[test]
fn ascii_means_ascii() {
    let mut stage = Stage::new(120, 40).connected(trouble()).sampled();
    stage.ui.theme.ascii = true;
    let text = stage.keys("?").text();
    let odd: String = text.chars().filter(|c| !c.is_ascii()).collect();
    assert!(odd.is_empty(), "{odd}");
}

#[test]
fn no_view_draws_outside_or_panics_at_odd_sizes() {
    for width in [1, 59, 60, 61, 99, 100, 101, 119, 300] {
        for height in [1, 19, 20, 21, 33, 80] {
            for keys in ["", "Enter ]", "n Enter ] ]", "?", ":", "x", "2", "5", "6", "0"] {
                let _ = Stage::new(width, height).connected(trouble()).sampled().keys(keys).text();
            }
        }
    }
}

#[test]
fn the_default_theme_records_its_styles() {
    let mut stage = Stage::new(80, 20).connected(trouble());
    assert_debug_snapshot!(stage.buffer());
}

/// Keeps the type in sight: a face needs nothing but keys, a theme and a size.
#[test]
fn a_new_face_opens_on_the_stacks() {
    let stage = Stage::new(80, 24);
    let ui: &Ui = &stage.ui;
    assert_eq!(ui.screen, Screen::Stacks);
}
