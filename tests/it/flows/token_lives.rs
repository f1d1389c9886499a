//! The demo's tokens: one that its service renews, one that stackdash refreshes, one that is refused, and a
//! certificate.

use std::sync::Arc;

use stackdash::adapters::scenario::DEMO;
use stackdash::command::Command;
use stackdash::model::tokens::{RefreshCause, TokenId, TokenState};
use stackdash::state::tokens::Token;

use crate::support::{Stage, TestApp};

fn id(stack: &str, name: &str) -> TokenId {
    TokenId { stack: Arc::from(stack), name: Arc::from(name) }
}

fn token<'a>(app: &'a TestApp, id: &TokenId) -> &'a Token {
    app.state().tokens.get(id).unwrap_or_else(|| panic!("no token {id:?}"))
}

#[tokio::test(start_paused = true)]
async fn each_token_of_the_demo_lives_its_own_life() {
    let mut app = TestApp::scenario(DEMO).await;
    let (utec, work) = (id("uteclocal", "utec"), id("personal-assistant", "work"));
    let (private, certificate) = (id("personal-assistant", "private"), id("energy-dashboard", "certificate"));
    assert_eq!(token(&app, &utec).state, TokenState::Valid);
    assert_eq!(token(&app, &certificate).state, TokenState::Expiring);
    app.seconds(10).await;
    let refused = token(&app, &private);
    assert_eq!(refused.state, TokenState::Rejected);
    assert!(refused.reason().is_some_and(|why| why.contains("invalid_grant")));
    app.seconds(110).await;
    let last = |app: &TestApp, id| token(app, id).last_refresh().map(|last| (last.by, last.ok));
    assert_eq!(last(&app, &work), Some((RefreshCause::Auto, true)), "half into its buffer");
    assert_eq!(last(&app, &utec), Some((RefreshCause::Service, true)), "the gateway did it by itself");
    let before = token(&app, &utec).expires_at();
    app.seconds(60).await;
    app.submit(Command::RefreshToken { token: utec.clone(), by: RefreshCause::Operator });
    app.seconds(3).await;
    assert_eq!(last(&app, &utec), Some((RefreshCause::Operator, true)));
    assert!(token(&app, &utec).expires_at() > before);
}

#[tokio::test(start_paused = true)]
async fn a_lost_engine_leaves_what_was_known() {
    let mut app = TestApp::scenario(DEMO).await;
    let utec = id("uteclocal", "utec");
    let known = token(&app, &utec).expires_at();
    assert!(known.is_some());
    app.scenario.cut();
    app.seconds(30).await;
    assert_eq!(token(&app, &utec).expires_at(), known);
}

#[tokio::test(start_paused = true)]
async fn one_that_was_refused_is_authorized_anew_by_somebody_with_a_browser() {
    let mut stage = Stage::over(TestApp::scenario(DEMO).await, 120, 40).await;
    stage.seconds(10).await;
    stage.keys("3 / p r i v a t e Enter a").await;
    stage.assert_shows("Authorize personal-assistant/private anew?");
    stage.keys("y").await;
    stage.seconds(2).await;
    stage.assert_shows("https://accounts.example/o/oauth2/auth?client_id=");
    stage.assert_shows("Waits for approval, 4m 5");
    stage.seconds(15).await;
    stage.assert_shows("Authorized: there is a new token");
    stage.keys("Enter").await;
    stage.assert_shows("authorized anew");
    let private = id("personal-assistant", "private");
    assert_eq!(token(&stage.app, &private).state, TokenState::Valid);
    let told = stage.app.timeline_since(crate::support::BEGINNING.parse().unwrap()).join("\n");
    assert!(told.contains("token private authorized anew") && !told.contains("state=demo"), "{told}");
    // Esc gives up; what comes later is for nobody.
    stage.keys("a y").await;
    stage.seconds(2).await;
    stage.assert_shows("gives up");
    stage.keys("Esc").await;
    assert!(token(&stage.app, &private).authorization().is_none());
    assert!(!stage.screen().contains("accounts.example/o/oauth2"), "{}", stage.screen());
}
