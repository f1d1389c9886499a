use insta::{assert_debug_snapshot, assert_snapshot};
use ratatui::layout::Rect;

use crate::event::Event;
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
    for tab in DetailTab::ALL {
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
                container: agent.clone(),
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
