use std::sync::Arc;

use super::*;
use crate::event::Event;
use crate::model::compose::{ComposeProject, Definition};
use crate::model::findings::Finding;
use crate::tui::theme::Theme;
use crate::tui::views::fixture::{self, Fixture, SIZES, screen};

fn found(
    severity: FindingSeverity,
    rule: &'static str,
    service: Option<&str>,
    message: &str,
    line: Option<u32>,
) -> Finding {
    Finding {
        severity,
        rule,
        service: service.map(Arc::from),
        message: message.into(),
        why: String::from(
            "The engine makes an empty folder of that name, owned by root, and mounts that instead",
        ),
        fix: String::from("Create it before the first start, with the owner that the service runs as"),
        file: Some(String::from("/srv/stacks/energy/docker-compose.prod.yml")),
        line,
    }
}

/// Two stacks with something to say.
fn busy() -> Fixture {
    use FindingSeverity::{Error, Info, Warning};
    let mut fixture = Fixture::new();
    fixture.state.findings.on = true;
    fixture.apply(Event::Linted {
        stack: "energy".into(),
        result: Ok(vec![
            found(
                Error,
                "bind-missing",
                Some("app"),
                "/srv/stacks/energy/nginx.conf does not exist on the host",
                Some(12),
            ),
            found(
                Error,
                "port-taken",
                Some("personal-dashboard-frontend"),
                "Port 8080 of this machine is taken by container blog-web-1 of blog",
                Some(104),
            ),
            found(
                Warning,
                "image-latest",
                Some("app"),
                "Image mongo-express has no tag, which means latest",
                Some(7),
            ),
            found(Info, "compose-warning", None, "version: means nothing any more", Some(1)),
        ]),
    });
    fixture.apply(Event::Linted {
        stack: "assistant".into(),
        result: Ok(vec![
            found(Warning, "env-unset", Some("agent"), "LLM_API_KEY is not set", Some(31)),
            Finding {
                file: None,
                ..found(
                    Warning,
                    "profile-unknown",
                    None,
                    "COMPOSE_PROFILES switches on tool, which no service has",
                    None,
                )
            },
        ]),
    });
    fixture
}

fn drawn(view: &mut ChecksView, fixture: &Fixture, size: (u16, u16)) -> String {
    view.sync(&fixture.state, Rect::new(0, 0, size.0, size.1));
    screen(&fixture::draw(size, &fixture.state, &Theme::default(), |area, buf, cx| view.draw(area, buf, cx)))
}

#[test]
fn findings_of_two_stacks() {
    for size in SIZES {
        let mut view = ChecksView::default();
        insta::assert_snapshot!(format!("busy_{}x{}", size.0, size.1 + 2), drawn(&mut view, &busy(), size));
    }
}

#[test]
fn one_opened() {
    for size in [SIZES[0], SIZES[1]] {
        let (mut view, fixture) = (ChecksView::default(), busy());
        drawn(&mut view, &fixture, size);
        view.handle(Action::MoveDown, &fixture.state);
        view.handle(Action::Open, &fixture.state);
        insta::assert_snapshot!(
            format!("opened_{}x{}", size.0, size.1 + 2),
            drawn(&mut view, &fixture, size)
        );
    }
}

#[test]
fn in_ascii() {
    let (mut view, fixture) = (ChecksView::default(), busy());
    view.sync(&fixture.state, Rect::new(0, 0, 80, 22));
    let theme = Theme { ascii: true, ..Theme::plain() };
    let buffer = fixture::draw((80, 22), &fixture.state, &theme, |area, buf, cx| view.draw(area, buf, cx));
    assert!(screen(&buffer).is_ascii(), "{}", screen(&buffer));
}

#[test]
fn nothing_to_say() {
    let mut fixture = Fixture::new();
    let size = SIZES[1];
    assert!(drawn(&mut ChecksView::default(), &fixture, size).contains("No stack's compose files are known"));
    fixture.state.findings.on = true;
    let project = ComposeProject { name: Some("energy".into()), ..ComposeProject::default() };
    let read = Event::DefinitionRead { project, result: Ok(Definition::default()) };
    let wishes = fixture.state.apply(fixture::now(), read);
    assert!(wishes.iter().any(|wish| matches!(wish, Command::Lint { stack, .. } if &**stack == "energy")));
    assert!(drawn(&mut ChecksView::default(), &fixture, size).contains("Checking the stacks' configuration"));
    fixture.apply(Event::Linted { stack: "energy".into(), result: Ok(Vec::new()) });
    insta::assert_snapshot!("calm_80x24", drawn(&mut ChecksView::default(), &fixture, size));
}

#[test]
fn keys_filter_order_and_copy() {
    let (mut view, fixture) = (ChecksView::default(), busy());
    let state = &fixture.state;
    view.sync(state, Rect::new(0, 0, 120, 38));
    let rule = |row: &Row| match row.thing(state) {
        Some(Thing::Finding(_, finding)) => finding.rule,
        _ => panic!("{row:?}"),
    };
    let order = |view: &ChecksView| view.rows.iter().map(rule).collect::<Vec<_>>();
    let selected = |view: &ChecksView| match &view.selected {
        Some(Selected::Finding(_, finding)) => finding.rule,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        order(&view),
        ["bind-missing", "port-taken", "env-unset", "profile-unknown", "image-latest", "compose-warning"]
    );
    view.handle(Action::MoveDown, state);
    let place = String::from("/srv/stacks/energy/docker-compose.prod.yml:104");
    assert_eq!(view.handle(Action::CopyLine, state), [Effect::Copy { what: "place".into(), text: place }]);
    view.handle(Action::Level, state);
    assert_eq!(order(&view).len(), 5);
    view.handle(Action::Level, state);
    assert_eq!(order(&view), ["bind-missing", "port-taken"]);
    // The selection stays with its finding.
    assert_eq!(selected(&view), "port-taken");
    view.handle(Action::Level, state);
    assert_eq!(selected(&view), "port-taken");
    view.handle(Action::Sort, state);
    assert_eq!(order(&view)[..2], ["env-unset", "profile-unknown"]);
    view.set_filter("nginx");
    view.sync(state, Rect::new(0, 0, 120, 38));
    assert_eq!(order(&view), ["bind-missing"]);
    assert_eq!(view.handle(Action::CopyAll, state).len(), 1);
    view.set_filter("nothing like it");
    view.sync(state, Rect::new(0, 0, 120, 38));
    assert!(matches!(&view.handle(Action::CopyLine, state)[..], [Effect::Toast(_)]));
}

#[test]
fn errors_join_what_is_wrong_and_go_with_their_cause() {
    let mut fixture = busy();
    let problems = fixture.state.attention.problems();
    assert_eq!(problems.len(), 1);
    assert_eq!((&*problems[0].name, problems[0].word()), ("energy", "config"));
    let words = problems[0].verdict.reason.describe(fixture::now());
    assert_eq!(words, "2 errors, first: /srv/stacks/energy/nginx.conf does not exist on the host");
    fixture.apply(Event::Linted { stack: "energy".into(), result: Ok(Vec::new()) });
    assert!(fixture.state.attention.problems().is_empty());
}

#[test]
fn files_that_nobody_can_read_are_a_finding() {
    use crate::ports::ComposeError;
    let mut fixture = Fixture::new();
    fixture.state.findings.on = true;
    let project = ComposeProject { folder: "/srv/new".into(), ..ComposeProject::default() };
    let failed =
        || ComposeError::Failed(String::from("/srv/new/compose.yaml is a folder, not a compose file"));
    fixture.apply(Event::DefinitionRead { project: project.clone(), result: Err(failed()) });
    fixture.apply(Event::Linted { stack: "new".into(), result: Err(failed()) });
    fixture.apply(Event::Linted { stack: "energy".into(), result: Err(failed()) });
    let severity = |stack: &str| fixture.state.findings.of(stack).unwrap()[0].severity;
    assert_eq!(severity("new"), FindingSeverity::Error);
    // What runs goes on without its files.
    assert_eq!(severity("energy"), FindingSeverity::Info);
    let names: Vec<_> = fixture.state.attention.problems().iter().map(|problem| &*problem.name).collect();
    assert_eq!(names, ["new"]);
    // Corrected, it goes by its own name.
    let definition = Definition { name: "shop".into(), ..Definition::default() };
    fixture.apply(Event::DefinitionRead { project, result: Ok(definition) });
    assert!(fixture.state.findings.of("new").is_none() && fixture.state.attention.problems().is_empty());
}

/// Findings, probes, one of which fails, and a budget that is passed.
fn all_parts() -> Fixture {
    let mut fixture = Fixture::with_probes();
    fixture.state.findings.on = true;
    let finding =
        found(FindingSeverity::Warning, "env-unset", Some("agent"), "LLM_API_KEY is not set", Some(31));
    fixture.apply(Event::Linted { stack: "assistant".into(), result: Ok(vec![finding]) });
    fixture
}

#[test]
fn configuration_probes_and_budgets_have_their_titles() {
    for size in SIZES {
        let (mut view, fixture) = (ChecksView::default(), all_parts());
        drawn(&mut view, &fixture, size);
        view.handle(Action::MoveDown, &fixture.state);
        insta::assert_snapshot!(format!("parts_{}x{}", size.0, size.1 + 2), drawn(&mut view, &fixture, size));
    }
}

#[test]
fn titles_are_never_selected() {
    let (mut view, fixture) = (ChecksView::default(), all_parts());
    let state = &fixture.state;
    view.sync(state, Rect::new(0, 0, 120, 38));
    let at = |view: &ChecksView| view.rows[view.window.selected()].clone();
    let is_title = |view: &ChecksView| matches!(at(view), Row::Title(_));
    let mut seen = 0;
    for action in [Action::MoveDown, Action::MoveUp] {
        view.handle(if action == Action::MoveDown { Action::First } else { Action::Last }, state);
        for _ in 0..8 {
            assert!(!is_title(&view), "{:?}", at(&view));
            view.handle(action, state);
            seen += 1;
        }
    }
    assert_eq!(seen, 16);
    view.handle(Action::First, state);
    view.handle(Action::MoveUp, state);
    assert!(matches!(at(&view), Row::Finding(..)));
    view.handle(Action::MoveDown, state);
    let address = String::from("http://localhost:8000/health/ready");
    assert_eq!(
        view.handle(Action::CopyLine, state),
        [Effect::Copy { what: "address".into(), text: address }]
    );
    let again = view.handle(Action::ReadAgain, state);
    assert!(again.contains(&Effect::Run(Command::ProbeNow)), "{again:?}");
    // Of errors only the probe that fails is left.
    view.handle(Action::Level, state);
    view.handle(Action::Level, state);
    assert_eq!(view.rows.len(), 2);
}
