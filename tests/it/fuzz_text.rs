//! The sanitizer against anything: bytes at random, and bytes made of what hurts.
//!
//! A moment of it runs with every test. `STACKDASH_FUZZ_SECONDS=600 cargo test --test it fuzz_text` goes on
//! for ten minutes; a failure prints the smallest input that still fails.

#![expect(clippy::print_stdout, reason = "figures are for whoever runs it by hand")]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use stackdash::model::logs::fields;
use stackdash::model::text::{StyledText, clean, clean_block, level_of, styled};

use crate::hostile::corpus;

/// Fragments that mean something to terminals.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<Vec<u8>> = [
        &b"\x1b"[..],
        b"\x1b[",
        b"\x1b]",
        b"\x1bP",
        b"\x1b_",
        b"\x1b^",
        b"\x1bX",
        b"\x1b\\",
        b"\x07",
        b"\x9b",
        b"\x9d",
        b"\xc2\x9b",
        b"\xc2\x9d",
        b"\x9c",
        b"m",
        b";",
        b":",
        b"31",
        b"38;5;",
        b"38:2::",
        b"?1049h",
        b"2J",
        b"0;",
        b"52;c;",
        b"\r",
        b"\t",
        b"\x00",
        b"\x08",
        b"\x7f",
        b"\xe2\x80\xae",
        b"\xe2\x80\x8b",
        b"\xcc\x81",
        b"\xef\xb8\x8f",
        b"\xff",
        b"\xf0\x9f\x91\xa9",
        b"\xe6\x97\xa5",
        b"\\u001b",
        b"{\"msg\":\"",
        b"\"}",
        b"a=",
        b"\"",
        b"level=",
    ]
    .iter()
    .map(|bytes| bytes.to_vec())
    .collect();
    let lines: Vec<Vec<u8>> =
        corpus().into_iter().map(|(_, line)| line).filter(|line| line.len() < 200).collect();
    prop_oneof![
        6 => proptest::sample::select(known),
        3 => proptest::collection::vec(any::<u8>(), 0..12),
        2 => "[ -~]{0,12}".prop_map(String::into_bytes),
        1 => proptest::sample::select(lines),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(fragment(), 0..40).prop_map(|fragments| fragments.concat())
}

fn is_printable(text: &str) -> Result<(), TestCaseError> {
    let odd = text.chars().find(|c| {
        c.is_control()
            || matches!(*c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{61c}' | '\u{ad}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
    });
    prop_assert!(odd.is_none(), "{odd:?} in {text:?}");
    Ok(())
}

fn is_whole(line: &StyledText) -> Result<(), TestCaseError> {
    is_printable(line.text())?;
    prop_assert!(line.text().len() <= 17 * 1024);
    let mut last = None;
    for run in line.runs() {
        prop_assert!(line.text().is_char_boundary(run.start as usize), "{run:?} in {:?}", line.text());
        prop_assert!(last <= Some(run.start));
        last = Some(run.start);
    }
    Ok(())
}

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let line = styled(bytes);
    is_whole(&line)?;
    level_of(line.text());
    let text = String::from_utf8_lossy(bytes);
    let once = clean(&text);
    is_printable(&once)?;
    prop_assert_eq!(clean(&once), once.as_str(), "cleaning again changes nothing");
    is_printable(&clean_block(&text).replace('\n', ""))?;
    if let Some(parts) = fields::parse(line.text(), jiff::Timestamp::UNIX_EPOCH, true) {
        is_printable(&parts.message.replace('\n', ""))?;
        for (key, value) in &parts.fields {
            is_printable(&key.replace('\n', ""))?;
            is_printable(&value.replace('\n', ""))?;
        }
    }
    Ok(())
}

#[test]
fn no_bytes_get_through() {
    let seconds = std::env::var("STACKDASH_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut rounds = 0_u64;
    loop {
        let mut runner =
            TestRunner::new(Config { cases: 2_000, failure_persistence: None, ..Config::default() });
        if let Err(error) = runner.run(&bytes(), |bytes| check(&bytes)) {
            match error {
                TestError::Fail(why, bytes) => panic!("{why}\n{:?}", String::from_utf8_lossy(&bytes)),
                TestError::Abort(why) => panic!("{why}"),
            }
        }
        rounds += 2_000;
        if end.is_none_or(|end| Instant::now() >= end) {
            break;
        }
    }
    if end.is_some() {
        println!("{rounds} inputs");
    }
}

#[test]
fn the_corpus_stays_readable_and_sends_nothing() {
    for (word, line) in corpus() {
        check(&line).unwrap();
        let text = styled(&line);
        assert!(text.text().contains(word), "{word}: {:?}", text.text());
        assert!(!text.text().contains("EVIL") || word == "jsoned", "{word}: {:?}", text.text());
    }
}

#[test]
fn a_line_of_ten_megabytes_is_cut_and_says_so() {
    let line = [b"start ".to_vec(), vec![b'x'; 10 << 20]].concat();
    let text = styled(&line);
    assert!(text.text().starts_with("start xxx") && text.text().ends_with(" bytes cut"));
    assert!(text.weight() < 20 << 10);
}
