use insta::assert_snapshot;

use super::*;
use crate::event::Event;
use crate::model::tokens::{Authorize as Way, HttpCall, OpenAddress};
use crate::tui::fixture::tokens::{add, id};
use crate::tui::fixture::{Stage, ago, now, well};
use crate::tui::ui::Request;

const SHORT: &str = "https://auth.example/device?state=s3cret";

fn long() -> String {
    let scopes = "https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcalendar+".repeat(4);
    format!("https://accounts.google.com/o/oauth2/auth?access_type=offline&scope={scopes}&state=s3cret")
}

/// The Tokens screen, with one that is waited for.
fn stage(width: u16, height: u16, address: &str) -> Stage {
    let mut stage = Stage::new(width, height).connected(well());
    add(&mut stage.state);
    let mut stage = stage.keys("3");
    let token = id("personal-assistant", "google-work");
    stage.state.apply(ago(20), Event::AuthorizationStarted(token.clone()));
    let invitation =
        Invitation { address: OpenAddress::parse(address).unwrap(), code: None, lasts: None, every: None };
    stage.state.apply(ago(19), Event::InvitationRead { token, result: Ok(invitation) });
    stage.state.apply(now(), Event::Tick);
    stage.sync();
    stage
}

#[test]
fn the_address_is_shown_at_every_size() {
    for (width, height) in [(60, 20), (80, 24), (120, 40), (200, 50)] {
        assert_snapshot!(format!("short_{width}x{height}"), stage(width, height, SHORT).screen());
        assert_snapshot!(format!("long_{width}x{height}"), stage(width, height, &long()).screen());
    }
}

fn requests(stage: &mut Stage, key: &str) -> Vec<Request> {
    let key = crate::tui::keymap::Key::parse(key).unwrap();
    let requests = stage.ui.handle(crate::tui::ui::Input::Key(key), &stage.state, now());
    stage.sync();
    requests
}

#[test]
fn tab_gives_the_code_the_whole_screen_where_it_fits_alone() {
    let address = format!("https://auth.example/device?state={}", "a1".repeat(120));
    assert_snapshot!("code_alone_80x24", stage(80, 24, SHORT).keys("Tab").screen());
    let mut stage = stage(80, 24, &address).keys("Tab");
    let screen = stage.text();
    assert!(screen.contains("QR code needs") && screen.contains(&address[..40]), "{screen}");
}

#[test]
fn what_would_be_refused_again_leads_to_the_tokens_instead() {
    let http = HttpCall {
        method: String::from("GET"),
        url: String::from("http://localhost:8000/oauth/initiate"),
        headers: std::collections::BTreeMap::new(),
        body: None,
    };
    let hint = |way: Option<Way>| {
        let mut stage = Stage::new(120, 40).connected(well());
        crate::tui::fixture::tokens::add_with(&mut stage.state, way);
        let text = stage.text();
        text.lines().find(|line| line.contains("rejected  ")).unwrap_or_default().to_owned()
    };
    assert!(hint(None).contains("T refresh"), "{}", hint(None));
    let line = hint(Some(Way { http, url: String::from("url"), status: None }));
    assert!(line.contains("google-work") && line.contains("3 tokens"), "{line}");
}

#[test]
fn the_address_is_copied_whole_and_given_up_with_esc() {
    let mut stage = stage(80, 24, &long());
    let copied = vec![Request::Copy { what: String::from("address"), text: long() }];
    assert_eq!(requests(&mut stage, "y"), copied);
    assert_eq!(stage.ui.popups.len(), 1);
    let token = id("personal-assistant", "google-work");
    assert_eq!(requests(&mut stage, "Esc"), [Request::Run(Command::DropAuthorization(token.clone()))]);
    stage.state.apply(now(), Event::AuthorizationDropped(token));
    stage.sync();
    assert!(stage.ui.popups.is_empty(), "it does not come back");
}

#[test]
fn the_cells_of_the_link_hold_the_address_and_nothing_else() {
    for (width, height) in [(60, 20), (80, 24), (120, 40), (200, 50)] {
        let mut stage = stage(width, height, &long());
        let link = stage.ui.link().unwrap();
        let buffer = stage.buffer();
        let cells = link.lines.iter().flat_map(|line| line.positions());
        let shown: String = cells.map(|at| buffer[at].symbol().to_owned()).collect();
        assert!(long().starts_with(&shown) && shown.len() > 60, "{width}: {shown}");
        assert_eq!(link.address, long());
    }
}

#[test]
fn its_end_is_told_and_a_click_beside_it_gives_nothing_up() {
    let token = id("personal-assistant", "google-work");
    let mut stage = stage(80, 24, SHORT).click(0, 0);
    assert_eq!(stage.ui.popups.len(), 1);
    let why = String::from("localhost:8000/status says: the owner said no");
    let result = Ok(crate::model::tokens::Approval::Refused(why));
    stage.state.apply(now(), Event::ApprovalRead { token, result });
    stage.sync();
    assert!(stage.ui.link().is_none());
    let screen = stage.text();
    assert!(screen.contains("✗ Not authorized: localhost:8000/status says: the owner said no"), "{screen}");
    assert!(!screen.contains("s3cret"), "{screen}");
    assert!(matches!(&requests(&mut stage, "Enter")[..], [Request::Run(Command::DropAuthorization(_))]));
}

#[test]
fn in_ascii_it_is_ascii() {
    let mut stage = stage(200, 60, SHORT);
    stage.ui.theme.ascii = true;
    let screen = stage.text();
    assert!(screen.is_ascii(), "{screen}");
}
