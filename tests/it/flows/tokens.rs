//! A token's life under the operator's hands: it runs out, is refreshed, is refused, recovers.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use stackdash::adapters::scenario::CALM;
use stackdash::model::stack_file::StackFile;
use stackdash::model::tokens::{
    Buffer, RefreshFailure, Refreshed, TokenId, TokenProblem, TokenRead, TokenReading, TokenReadings,
    TokenRefresh, TokenRequest, TokenRule, TokenState,
};
use stackdash::ports::{BoxFuture, Ports, StackFiles, TokenSource};

use crate::support::{BEGINNING, Stage, TestApp};

/// One token of one stack, and an endpoint that renews it or refuses.
#[derive(Debug)]
struct Cloud(Mutex<Token>);

#[derive(Debug)]
struct Token {
    expires_at: Timestamp,
    serial: u32,
    refuses: bool,
}

impl StackFiles for Cloud {
    fn read<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<StackFile, String>> {
        let rule = TokenRule {
            name: String::from("cloud"),
            service: Some("web".into()),
            read: TokenRead::File(String::from("/data/config.json")),
            expires: Some(String::from("expires_at")),
            issued: None,
            value: None,
            each: None,
            label: None,
            buffer: Buffer::Fixed(Duration::from_mins(1)),
            refresh: Some(TokenRefresh::Restart),
            auto_refresh: false,
            authorize: None,
        };
        let tokens = if folder.ends_with("blog") { vec![rule] } else { Vec::new() };
        Box::pin(async { Ok(StackFile { tokens, ..StackFile::default() }) })
    }
}

impl TokenSource for Cloud {
    fn read<'a>(&'a self, _: &'a TokenRequest) -> BoxFuture<'a, Result<TokenReadings, TokenProblem>> {
        let token = self.0.lock().unwrap();
        let reading = TokenReading {
            label: None,
            expires_at: Some(token.expires_at),
            issued_at: None,
            fingerprint: format!("{:08x}", token.serial),
            buffer: None,
            facts: Vec::new(),
        };
        Box::pin(async { Ok(TokenReadings { tokens: vec![reading], clock_ahead: None }) })
    }

    fn refresh<'a>(
        &'a self,
        _: &'a TokenRequest,
        _: &'a TokenId,
    ) -> BoxFuture<'a, Result<Refreshed, RefreshFailure>> {
        let mut token = self.0.lock().unwrap();
        if token.refuses {
            let words = String::from("invalid_grant: revoked (HTTP 400)");
            return Box::pin(async { Err(RefreshFailure { words, rejected: true }) });
        }
        token.serial += 1;
        token.expires_at += SignedDuration::from_hours(2);
        Box::pin(async { Ok(Refreshed::Answered(String::from("HTTP 200"))) })
    }
}

async fn stage(columns: u16, rows: u16, read_only: bool) -> (Stage, Arc<Cloud>) {
    let beginning: Timestamp = BEGINNING.parse().unwrap();
    let expires_at = beginning + SignedDuration::from_mins(2);
    let cloud = Arc::new(Cloud(Mutex::new(Token { expires_at, serial: 1, refuses: false })));
    let (files, source) = (cloud.clone(), cloud.clone());
    let plug = |ports: Ports| Ports { stack_files: files, tokens: source, ..ports };
    let app = TestApp::plugged(CALM, read_only, plug).await;
    (Stage::over(app, columns, rows).await, cloud)
}

fn state(stage: &Stage) -> TokenState {
    stage.app.state().tokens.iter().next().expect("the stack has a token").state
}

#[tokio::test(start_paused = true)]
async fn a_token_runs_out_before_the_eyes_and_one_key_renews_it() {
    let (mut stage, _) = stage(120, 40, false).await;
    stage.keys("3").await;
    stage.assert_shows("● valid      blog/cloud");
    stage.seconds(62).await;
    stage.assert_shows("◔ expiring   blog/cloud");
    let before = stage.screen();
    stage.seconds(1).await;
    assert_ne!(before, stage.screen(), "the seconds are counted");
    stage.keys("r").await;
    stage.seconds(3).await;
    assert_eq!(state(&stage), TokenState::Valid);
    stage.assert_shows("by operator: HTTP 200");
    stage.assert_shows("fingerprint 00000002");
}

#[tokio::test(start_paused = true)]
async fn a_refused_refresh_is_told_everywhere_and_is_over_when_it_works_again() {
    let (mut stage, cloud) = stage(120, 40, false).await;
    cloud.0.lock().unwrap().refuses = true;
    stage.keys("3 r").await;
    stage.seconds(2).await;
    stage.assert_shows("✗ rejected   blog/cloud");
    stage.assert_shows("invalid_grant: revoked (HTTP 400)");
    stage.keys("1").await;
    stage.assert_shows("✗ token cloud rejected");
    stage.assert_shows("web ✗ token");
    let told = stage.app.timeline_since(BEGINNING.parse().unwrap()).join("\n");
    assert!(told.contains("refresh (operator) failed: invalid_grant"), "{told}");
    cloud.0.lock().unwrap().refuses = false;
    stage.keys("T").await;
    stage.assert_shows("Refresh the token blog/cloud now?");
    stage.keys("y").await;
    stage.seconds(3).await;
    assert_eq!(state(&stage), TokenState::Valid);
    assert!(!stage.screen().contains("✗ token"), "{}", stage.screen());
}

#[tokio::test(start_paused = true)]
async fn read_only_leaves_the_token_alone() {
    let (mut stage, cloud) = stage(80, 24, true).await;
    stage.keys("3 r").await;
    stage.assert_shows("Read-only");
    stage.keys("T y").await;
    stage.seconds(3).await;
    assert_eq!(cloud.0.lock().unwrap().serial, 1);
}
