//! The pictures of the README, drawn from rendered screens of the demo.
//!
//! `STACKDASH_PICTURES=1 TZ=UTC cargo test --test it picture` writes them to `fixtures/pictures`; without
//! the variable the same screens are only looked at.

use std::path::Path;

use stackdash::adapters::scenario;
use stackdash::tui::picture::svg;

use crate::support::Stage;

fn keep(name: &str, stage: &Stage) {
    let picture = svg(&stage.frame());
    assert!(picture.starts_with("<svg") && picture.ends_with("</svg>\n"));
    if std::env::var_os("STACKDASH_PICTURES").is_some() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pictures");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), picture).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_pictures_of_the_readme_can_be_drawn() {
    let mut stage = Stage::scenario(scenario::DEMO, 120, 36).await;
    // Long enough for charts, and the backend is unhealthy just then.
    stage.seconds(60).await;
    stage.assert_shows("unhealthy");
    keep("stacks.svg", &stage);
    stage.keys("l").await;
    stage.seconds(20).await;
    keep("logs.svg", &stage);
}

#[test]
fn the_readme_shows_pictures_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let first = readme.lines().next().unwrap();
    let (_, rest) = first.split_once("](").expect("the README opens with a picture");
    let path = rest.trim_end_matches(')');
    assert!(root.join(path).is_file(), "{path} is missing");
}
