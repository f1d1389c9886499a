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
    // Somebody has worked on a service for a while, and its build runs just now.
    let mut stage = Stage::scenario(scenario::DEMO, 120, 40).await;
    stage.keys("4 w").await;
    stage.seconds(203).await;
    stage.assert_shows("building: web/api/routes/energy.js");
    keep("watch.svg", &stage);
    // A stack on its way up: most of it waits for its database.
    let mut stage = Stage::scenario(scenario::DEMO, 120, 44).await;
    stage.keys("/ p e r s o n a l Enter g Enter ] R j Enter y").await;
    stage.seconds(9).await;
    stage.assert_shows("Waiting");
    keep("graph.svg", &stage);
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
