use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use super::*;

const ID: &str = "4f1d2c3b4a5968778695a4b3c2d1e0f04f1d2c3b4a5968778695a4b3c2d1e0f0";

/// A log as the engine writes it; what stands in its records is of no matter here.
struct Log {
    folder: PathBuf,
    _place: tempfile::TempDir,
}

impl Log {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join(ID);
        fs::create_dir(&folder).unwrap();
        let log = Self { folder, _place: place };
        fs::write(log.file(0), "").unwrap();
        log
    }

    fn file(&self, number: u32) -> PathBuf {
        let end = if number == 0 { String::new() } else { format!(".{number}") };
        self.folder.join(format!("{ID}-json.log{end}"))
    }

    fn write(&self, words: impl std::fmt::Display) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.file(0)).unwrap();
        file.write_all(words.to_string().as_bytes()).unwrap();
    }

    fn lines(&self, numbers: Range<u32>) {
        let lines: Vec<String> = numbers.map(|n| format!("record {n}\n")).collect();
        self.write(lines.concat());
    }

    fn rotate(&self, most: u32) {
        for number in (1..most).rev() {
            let _ = fs::rename(self.file(number - 1), self.file(number));
        }
        fs::write(self.file(0), "").unwrap();
    }

    fn open(&self, most: u32, tail: u32, follow: bool) -> Result<Chain, Doubt> {
        Chain::open(self.file(0).to_str().unwrap(), ID, most, tail, follow)
    }
}

/// Reads until there is nothing new; what else is told stands between the records.
fn read(chain: &mut Chain) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        match chain.read().unwrap() {
            Found::Records(part) => {
                let text = std::str::from_utf8(&chain.bytes()[part]).unwrap();
                assert!(text.ends_with('\n'));
                told.extend(text.lines().map(str::to_owned));
            }
            Found::Nothing => return told,
            other => told.push(format!("{other:?}")),
        }
    }
}

fn records(numbers: Range<u32>) -> Vec<String> {
    numbers.map(|n| format!("record {n}")).collect()
}

#[test]
fn a_log_is_opened_at_a_number_of_records_from_its_end() {
    let log = Log::new();
    log.lines(0..5_000);
    // Across several blocks, none, and more than there are; what has no end yet is not counted.
    log.write("half a rec");
    for (tail, first) in [(0, 5_000), (1, 4_999), (3_000, 2_000), (5_000, 0), (u32::MAX, 0)] {
        assert_eq!(read(&mut log.open(1, tail, false).unwrap()), records(first..5_000), "{tail}");
    }
    let mut chain = log.open(1, 0, true).unwrap();
    log.write("ord\nnext\n");
    assert_eq!(read(&mut chain), ["half a record", "next"]);
}

#[test]
fn more_than_a_gulp_comes_in_pieces_of_whole_records() {
    let log = Log::new();
    log.lines(0..60_000);
    let mut chain = log.open(1, u32::MAX, true).unwrap();
    let Found::Records(first) = chain.read().unwrap() else { panic!("records") };
    assert!(first.len() <= GULP && first.len() > GULP - 20);
    let mut rest = read(&mut chain);
    let first_of_rest: usize = rest[0].trim_start_matches("record ").parse().unwrap();
    assert_eq!(rest.len() + first_of_rest, 60_000);
    log.lines(60_000..60_001);
    rest = read(&mut chain);
    assert_eq!(rest, records(60_000..60_001));
}

#[test]
fn older_files_are_read_as_far_as_wanted() {
    let log = Log::new();
    for file in 0..3 {
        log.lines(file * 100..file * 100 + 100);
        if file < 2 {
            log.rotate(3);
        }
    }
    for (tail, first) in [(50, 250), (100, 200), (101, 199), (250, 50), (300, 0), (9_999, 0)] {
        assert_eq!(read(&mut log.open(3, tail, true).unwrap()), records(first..300), "{tail}");
    }
    assert_eq!(read(&mut log.open(2, 9_999, false).unwrap()), records(100..300), "those the engine reads");
    // What comes later is not wanted.
    let mut closed = log.open(3, 150, false).unwrap();
    log.lines(300..310);
    log.rotate(3);
    log.lines(310..320);
    assert_eq!(read(&mut closed), records(150..300));
    fs::rename(log.file(2), log.folder.join(format!("{ID}-json.log.2.gz"))).unwrap();
    assert!(log.open(3, 50, true).is_ok());
    assert_eq!(log.open(3, 9_999, true).unwrap_err().why, "older lines are compressed");
}

#[test]
fn rotations_are_followed_however_many_come_between_two_looks() {
    let log = Log::new();
    let mut chain = log.open(4, 0, true).unwrap();
    log.lines(0..10);
    assert_eq!(read(&mut chain), records(0..10));
    log.lines(10..20);
    log.rotate(4);
    assert_eq!(read(&mut chain), records(10..20), "the end of the old file");
    log.lines(20..30);
    assert_eq!(read(&mut chain), records(20..30));
    let mut next = 30;
    for rotations in 1..=3 {
        let first = next;
        for _ in 0..rotations {
            log.lines(next..next + 10);
            next += 10;
            log.rotate(4);
        }
        log.lines(next..next + 10);
        next += 10;
        assert_eq!(read(&mut chain), records(first..next), "{rotations} rotations");
    }
    // Between two renames there is no newest file, and no first older one.
    fs::rename(log.file(1), log.file(2)).unwrap();
    assert_eq!(read(&mut chain), records(0..0));
    fs::rename(log.file(0), log.file(1)).unwrap();
    assert_eq!(read(&mut chain), records(0..0));
    log.lines(next..next + 10);
    assert_eq!(read(&mut chain), records(next..next + 10));
}

#[test]
fn files_that_were_rotated_away_unread_are_told() {
    let log = Log::new();
    let mut chain = log.open(2, 0, true).unwrap();
    log.lines(0..10);
    assert_eq!(read(&mut chain), records(0..10));
    log.lines(10..20);
    for file in 2..5 {
        log.rotate(2);
        log.lines(file * 10..file * 10 + 10);
    }
    // What is held is read to its end, and of the rest what is still there.
    let mut wanted = records(10..20);
    wanted.push(String::from("Missed"));
    wanted.extend(records(30..50));
    assert_eq!(read(&mut chain), wanted);
    log.lines(50..60);
    assert_eq!(read(&mut chain), records(50..60));
}

#[test]
fn a_file_that_was_emptied_is_read_from_its_front() {
    let log = Log::new();
    log.lines(0..100);
    let mut chain = log.open(1, 10, true).unwrap();
    assert_eq!(read(&mut chain), records(90..100));
    let file = OpenOptions::new().write(true).open(log.file(0)).unwrap();
    file.set_len(0).unwrap();
    assert_eq!(read(&mut chain), ["Cut"]);
    log.lines(100..105);
    assert_eq!(read(&mut chain), records(100..105));
    // Grown again beyond the place of reading before it was looked at.
    file.set_len(0).unwrap();
    log.lines(200..400);
    let mut wanted = vec![String::from("Cut")];
    wanted.extend(records(200..400));
    assert_eq!(read(&mut chain), wanted);
    // Before anything was read.
    let mut chain = log.open(1, 0, true).unwrap();
    file.set_len(0).unwrap();
    log.lines(500..900);
    assert_eq!(read(&mut chain)[..2], ["Cut", "record 500"]);
}

#[test]
fn a_log_whose_file_was_removed_goes_on_until_a_new_one_is_there() {
    let log = Log::new();
    let mut chain = log.open(1, 0, true).unwrap();
    let mut writer = OpenOptions::new().append(true).open(log.file(0)).unwrap();
    fs::remove_file(log.file(0)).unwrap();
    writer.write_all(b"still\n").unwrap();
    assert_eq!(read(&mut chain), ["still"]);
    log.write("another\n");
    assert_eq!(chain.read().unwrap_err().why, "its file was replaced");
}

#[test]
fn nothing_but_the_containers_own_regular_file_is_opened() {
    let log = Log::new();
    log.lines(0..3);
    let refused = |path: PathBuf| Chain::open(path.to_str().unwrap(), ID, 2, 10, true).unwrap_err().why;
    let elsewhere = log.folder.with_file_name("secrets");
    fs::create_dir(&elsewhere).unwrap();
    let name = format!("{ID}-json.log");
    fs::write(elsewhere.join(&name), "secret\n").unwrap();
    assert_eq!(refused(elsewhere.join(&name)), "its file has another name than usual");
    assert_eq!(refused(log.folder.join("other.log")), "its file has another name than usual");
    assert_eq!(refused(format!("{ID}/{name}").into()), "its file has another name than usual");
    assert_eq!(refused("".into()), "its file has another name than usual");
    // Links to somewhere else: the file, an older one, the folder.
    fs::remove_file(log.file(0)).unwrap();
    assert_eq!(refused(log.file(0)), "its file is missing");
    std::os::unix::fs::symlink(elsewhere.join(&name), log.file(0)).unwrap();
    assert!(refused(log.file(0)).contains("symbolic links"));
    fs::remove_file(log.file(0)).unwrap();
    log.lines(0..3);
    std::os::unix::fs::symlink(elsewhere.join(&name), log.file(1)).unwrap();
    assert!(refused(log.file(0)).contains("symbolic links"));
    fs::remove_file(log.file(1)).unwrap();
    let parent = elsewhere.join("link");
    fs::create_dir(&parent).unwrap();
    std::os::unix::fs::symlink(&log.folder, parent.join(ID)).unwrap();
    assert!(Chain::open(parent.join(ID).join(&name).to_str().unwrap(), ID, 1, 1, true).is_err());
    // A pipe would hold us up, a folder is none.
    fs::remove_file(log.file(0)).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(log.file(0)).status().unwrap().success());
    assert_eq!(refused(log.file(0)), "it is no regular file");
    fs::remove_file(log.file(0)).unwrap();
    fs::create_dir(log.file(0)).unwrap();
    assert_eq!(refused(log.file(0)), "it is no regular file");
}

#[test]
fn a_record_without_end_is_a_doubt() {
    let log = Log::new();
    log.write("x".repeat(GULP + 1));
    assert_eq!(log.open(1, 10, true).unwrap().read().unwrap_err().why, "a record has no end");
}
