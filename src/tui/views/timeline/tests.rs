use jiff::tz::TimeZone;

use super::*;
use crate::event::{EngineEvent, EngineEventKind, Event};
use crate::model::health::Health;
use crate::tui::theme::Theme;
use crate::tui::views::fixture::{self, Fixture, SIZES, ago, id, screen, service};

fn happened(fixture: &mut Fixture, seconds_ago: i64, stack: &str, service: &str, kind: EngineEventKind) {
    let container = id(stack, service, 1);
    let event = EngineEvent {
        at: ago(seconds_ago),
        container,
        kind,
        name: format!("{stack}-{service}-1").into(),
        stack: Some(stack.into()),
        service: Some(service.into()),
    };
    fixture.apply(Event::EngineSaid { event, replayed: true });
}

/// A day with trouble in it.
fn busy() -> Fixture {
    let mut fixture = Fixture::new();
    happened(&mut fixture, 90_000, "energy", "app", EngineEventKind::Created);
    happened(&mut fixture, 89_990, "energy", "app", EngineEventKind::Started);
    for n in (0..40).rev() {
        let kind = if n % 2 == 1 { EngineEventKind::Died { exit_code: 1 } } else { EngineEventKind::Started };
        happened(&mut fixture, 700 + n * 30, "energy", "personal-dashboard-frontend", kind);
    }
    happened(&mut fixture, 130, "assistant", "agent", EngineEventKind::Health(Health::Unhealthy));
    happened(&mut fixture, 90, "assistant", "agent", EngineEventKind::Killed { signal: 15 });
    happened(&mut fixture, 80, "assistant", "agent", EngineEventKind::Died { exit_code: 137 });
    happened(&mut fixture, 79, "assistant", "agent", EngineEventKind::OutOfMemory);
    happened(&mut fixture, 70, "assistant", "agent", EngineEventKind::Started);
    happened(&mut fixture, 20, "assistant", "agent", EngineEventKind::Health(Health::Healthy));
    fixture
}

fn view() -> TimelineView {
    let mut view = TimelineView::default();
    view.set_clock(Clock::in_zone(TimeZone::UTC));
    view
}

fn drawn(view: &mut TimelineView, fixture: &Fixture, size: (u16, u16)) -> String {
    view.sync(&fixture.state, Rect::new(0, 0, size.0, size.1));
    screen(&fixture::draw(size, &fixture.state, &Theme::default(), |area, buf, cx| view.draw(area, buf, cx)))
}

#[test]
fn a_day_with_trouble() {
    for size in SIZES {
        insta::assert_snapshot!(format!("busy_{}x{}", size.0, size.1 + 2), drawn(&mut view(), &busy(), size));
    }
}

#[test]
fn filtered() {
    for size in SIZES {
        let (mut view, fixture) = (view(), busy());
        view.sync(&fixture.state, Rect::new(0, 0, size.0, size.1));
        view.handle(Action::Level, &fixture.state);
        view.set_filter("agent.*(exit|un)");
        view.sync(&fixture.state, Rect::new(0, 0, size.0, size.1));
        view.handle(Action::First, &fixture.state);
        insta::assert_snapshot!(
            format!("filtered_{}x{}", size.0, size.1 + 2),
            drawn(&mut view, &fixture, size)
        );
    }
}

#[test]
fn an_empty_list_says_why() {
    let empty = Fixture { state: State::new(fixture::now(), String::new(), false) };
    insta::assert_snapshot!("empty", drawn(&mut view(), &empty, (60, 10)));
    let (mut view, fixture) = (view(), busy());
    view.handle(Action::Level, &fixture.state);
    for _ in 0..4 {
        view.handle(Action::Kind, &fixture.state);
    }
    view.set_filter("nobody");
    insta::assert_snapshot!("nothing_passes", drawn(&mut view, &fixture, (60, 10)));
}

#[test]
fn in_color() {
    let mut view = view();
    let fixture = busy();
    view.sync(&fixture.state, Rect::new(0, 0, 60, 10));
    let buf =
        fixture::draw((60, 10), &fixture.state, &Theme::default(), |area, buf, cx| view.draw(area, buf, cx));
    insta::assert_debug_snapshot!(buf);
}

#[test]
fn an_entry_stays_selected_while_others_come() {
    let (mut view, mut fixture) = (view(), busy());
    let size = (80, 12);
    drawn(&mut view, &fixture, size);
    for _ in 0..3 {
        view.handle(Action::MoveUp, &fixture.state);
    }
    let before = view.selected(&fixture.state).cloned().unwrap();
    let offset = view.window.offset();
    happened(&mut fixture, 1, "energy", "app", EngineEventKind::Paused);
    // A replayed event slips in far above.
    happened(&mut fixture, 80_000, "energy", "app", EngineEventKind::Unpaused);
    let text = drawn(&mut view, &fixture, size);
    assert_eq!(view.selected(&fixture.state), Some(&before));
    assert_eq!(view.window.offset(), offset + 1);
    assert!(text.contains("paused, "), "{text}");
    view.handle(Action::Last, &fixture.state);
    assert!(drawn(&mut view, &fixture, size).contains("following"));
}

#[test]
fn an_entry_leads_to_its_logs_and_details() {
    let (mut view, fixture) = (view(), busy());
    drawn(&mut view, &fixture, (80, 12));
    let target = service("assistant", "agent");
    assert_eq!(view.handle(Action::OpenLogs, &fixture.state), [Effect::OpenLogs(vec![target.clone()])]);
    assert_eq!(
        view.handle(Action::Open, &fixture.state),
        [Effect::OpenDetails { target, tab: Some(DetailTab::Health) }]
    );
}

#[test]
fn what_is_gone_and_the_engine_lead_nowhere() {
    let (mut view, mut fixture) = (view(), busy());
    fixture.apply(Event::ContainersListed(Vec::new()));
    drawn(&mut view, &fixture, (80, 12));
    assert_eq!(
        view.handle(Action::OpenDetails, &fixture.state),
        [Effect::Toast(String::from("assistant/agent has no container any more"))]
    );
    view.handle(Action::Kind, &fixture.state);
    for _ in 0..3 {
        view.handle(Action::Kind, &fixture.state);
    }
    assert_eq!(
        view.handle(Action::OpenLogs, &fixture.state),
        [Effect::Toast(String::from("This is about the engine itself"))]
    );
}
