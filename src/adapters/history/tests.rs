//! What is kept comes back: once, in order, and from whatever state a crash left the file in.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::*;
use crate::model::containers::ContainerId;
use crate::model::health::Health;
use crate::model::timeline::{EntryKind, Severity};
use crate::model::tokens::{KeptRefresh, Refresh, RefreshCause};

const ENGINE: &str = "unix:///var/run/docker.sock";

fn entry(second: i64, text: &str) -> TimelineEntry {
    TimelineEntry {
        at: Timestamp::from_second(second).unwrap(),
        kind: EntryKind::Health,
        severity: Severity::Error,
        stack: Some("shop".into()),
        service: Some("web".into()),
        container: Some(ContainerId::new("0123456789ab")),
        health: Some(Health::Unhealthy),
        refresh: None,
        text: text.to_owned(),
    }
}

fn place(folder: &Path, generation: u64) -> Place {
    Place { folder: folder.join("state/stackdash"), engine: ENGINE.to_owned(), generation }
}

fn texts(place: &Place) -> Vec<String> {
    place.read(None).unwrap().into_iter().map(|entry| entry.text).collect()
}

#[test]
fn what_was_kept_comes_back_whole_and_since_a_moment() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path(), GENERATION);
    assert_eq!(place.read(None).unwrap(), []);
    assert!(!place.folder.exists(), "reading makes nothing");
    place.append(&[entry(2, "became unhealthy"), entry(1, "earlier")]).unwrap();
    place.append(&[entry(3, "later")]).unwrap();
    assert_eq!(
        place.read(None).unwrap(),
        [entry(1, "earlier"), entry(2, "became unhealthy"), entry(3, "later")]
    );
    assert_eq!(place.read(Some(Timestamp::from_second(3).unwrap())).unwrap(), [entry(3, "later")]);
}

#[test]
fn a_refresh_is_kept_without_what_is_secret_in_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path(), GENERATION);
    let at = Timestamp::from_second(4).unwrap();
    let refresh = |detail: &str| KeptRefresh {
        token: "utec".into(),
        refresh: Refresh { at, by: RefreshCause::Auto, ok: false, detail: detail.to_owned() },
    };
    let told = |detail: &str| TimelineEntry { refresh: Some(refresh(detail)), ..entry(4, "refreshed") };
    place.append(&[told("HTTP 200"), told("password=hunter2")]).unwrap();
    let kept = place.read(None).unwrap();
    assert_eq!(kept[0].refresh, Some(refresh("HTTP 200")));
    assert!(!fs::read_to_string(place.file("jsonl")).unwrap().contains("hunter2"));
}

#[test]
fn only_its_owner_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path(), GENERATION);
    fs::create_dir_all(&place.folder).unwrap();
    fs::set_permissions(&place.folder, fs::Permissions::from_mode(0o755)).unwrap();
    place.append(&[entry(1, "a")]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.folder), 0o700);
    for end in ["jsonl", "lock"] {
        assert_eq!(mode(&place.file(end)), 0o600, "{end}");
    }
}

#[test]
fn a_torn_line_costs_itself_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path(), GENERATION);
    place.append(&[entry(1, "whole")]).unwrap();
    let path = place.file("jsonl");
    let mut text = fs::read(&path).unwrap();
    let torn = text[..text.len() / 2].to_vec();
    text.extend(torn);
    fs::write(&path, &text).unwrap();
    assert_eq!(texts(&place), ["whole"]);
    place.append(&[entry(2, "after the crash")]).unwrap();
    assert_eq!(texts(&place), ["whole", "after the crash"]);
    // A lost page is full of zeros; a line without end is not ours.
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&[0; 4096]).unwrap();
    file.write_all(&vec![b'x'; 100_000]).unwrap();
    assert_eq!(texts(&place), ["whole", "after the crash"]);
}

#[test]
fn two_generations_bound_the_size() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path(), 2_000);
    for second in 0..100 {
        place.append(&[entry(second, &format!("number {second}"))]).unwrap();
    }
    let size = |end: &str| fs::metadata(place.file(end)).unwrap().len();
    assert!(size("jsonl") + size("old.jsonl") < 5_000);
    let kept = texts(&place);
    assert_eq!(kept.last().unwrap(), "number 99");
    assert!(kept.len() >= 10, "{kept:?}");
}

#[test]
fn two_of_us_at_once_lose_nothing_and_tell_each_thing_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                let place = place(folder, 8_000);
                for second in 0..20 {
                    place.append(&[entry(second, &format!("number {second}"))]).unwrap();
                }
            });
        }
    });
    let wanted: Vec<String> = (0..20).map(|second| format!("number {second}")).collect();
    assert_eq!(texts(&place(folder, 8_000)), wanted);
}

#[test]
fn a_link_in_its_place_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("precious");
    fs::write(&target, "mine").unwrap();
    let place = place(folder.path(), GENERATION);
    make_folder(&place.folder).unwrap();
    symlink(&target, place.file("jsonl")).unwrap();
    assert!(place.append(&[entry(1, "a")]).is_err());
    assert_eq!(fs::read_to_string(&target).unwrap(), "mine");

    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::remove_dir_all(&place.folder).unwrap();
    symlink(&elsewhere, &place.folder).unwrap();
    let error = place.append(&[entry(1, "a")]).unwrap_err();
    assert!(error.to_string().contains("no plain folder"), "{error}");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn engines_do_not_mix_and_foreign_lines_are_cleaned() {
    let folder = tempfile::tempdir().unwrap();
    let here = place(folder.path(), GENERATION);
    here.append(&[entry(1, "token=hunter2hunter2hunter2")]).unwrap();
    let written = fs::read_to_string(here.file("jsonl")).unwrap();
    assert!(!written.contains("hunter2"), "{written}");
    let other = Place { engine: String::from("ssh://ops@lab01"), ..place(folder.path(), GENERATION) };
    assert_ne!(here.file("jsonl"), other.file("jsonl"));
    let hostile = written.replace("token=", r"\u001b]0;owned\u0007\u202e");
    fs::write(here.file("jsonl"), &hostile).unwrap();
    for text in texts(&here) {
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
    }
    fs::write(other.file("lock"), "").unwrap();
    fs::write(other.file("jsonl"), &hostile).unwrap();
    assert_eq!(other.read(None).unwrap(), [], "lines of another engine are skipped");
}

#[tokio::test]
async fn an_unwritable_folder_says_why_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("state"), "a file in the way").unwrap();
    let history = FileHistory::new(folder.path().join("state/stackdash"), ENGINE);
    let error = history.append(vec![entry(1, "a")]).await.unwrap_err();
    assert!(error.starts_with("the timeline is not kept: "), "{error}");
    assert!(error.ends_with("--no-history goes without"), "{error}");
}
