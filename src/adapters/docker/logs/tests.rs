use proptest::prelude::*;

use super::*;

const STAMP: &str = "2026-11-20T16:00:00.000000001Z";

fn frame(stream: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![stream, 0, 0, 0];
    bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

fn stamped(stream: u8, text: &str) -> Vec<u8> {
    frame(stream, format!("{STAMP} {text}").as_bytes())
}

/// Decodes bytes that arrive in chunks of these sizes, round and round.
fn decode(bytes: &[u8], tty: bool, sizes: &[usize]) -> Vec<(LogStream, String)> {
    let mut decoder = Decoder::new(tty, Timestamp::UNIX_EPOCH);
    let mut lines = Vec::new();
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at((*size).clamp(1, rest.len()));
        decoder.push(chunk, &mut lines);
        rest = after;
    }
    decoder.finish(&mut lines);
    lines.into_iter().map(|line| (line.stream, String::from_utf8_lossy(&line.text).into_owned())).collect()
}

fn words(lines: &[(LogStream, String)]) -> Vec<&str> {
    lines.iter().map(|(_, text)| text.as_str()).collect()
}

#[test]
fn both_streams_are_told_apart_and_stamped() {
    let bytes = [stamped(1, "out\n"), stamped(2, "err\n")].concat();
    let mut decoder = Decoder::new(false, Timestamp::UNIX_EPOCH);
    let mut lines = Vec::new();
    decoder.push(&bytes, &mut lines);
    let seen: Vec<_> = lines.iter().map(|line| (line.stream, &line.text[..])).collect();
    assert_eq!(seen, [(LogStream::Stdout, &b"out"[..]), (LogStream::Stderr, &b"err"[..])]);
    assert!(lines.iter().all(|line| line.at == STAMP.parse().unwrap()));
}

#[test]
fn pieces_of_a_long_line_are_joined_and_their_stamps_removed() {
    let (first, second) = ("a".repeat(PIECE), "b".repeat(100));
    // The other stream speaks in between.
    let bytes = [
        stamped(1, &first),
        stamped(2, "meanwhile\n"),
        stamped(1, &format!("{second}\n")),
        stamped(1, "next\n"),
    ]
    .concat();
    let lines = decode(&bytes, false, &[4096]);
    assert_eq!(words(&lines), ["meanwhile", &format!("{first}{second}"), "next"]);
}

#[test]
fn a_line_without_end_is_cut() {
    let piece = "x".repeat(PIECE);
    let mut bytes: Vec<u8> = (0..8).flat_map(|_| stamped(1, &piece)).collect();
    bytes.extend(stamped(1, "\n"));
    bytes.extend(stamped(1, "after\n"));
    let lines = decode(&bytes, false, &[9999]);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0].1.len(), LONGEST_LINE + CUT.len());
    assert!(lines[0].1.ends_with("… cut"));
    assert_eq!(lines[1].1, "after");
}

#[test]
fn the_last_line_needs_no_newline_and_an_empty_line_is_one() {
    let bytes = [stamped(1, "\n"), stamped(1, "last")].concat();
    assert_eq!(words(&decode(&bytes, false, &[7])), ["", "last"]);
    assert_eq!(words(&decode(format!("{STAMP} prompt> ").as_bytes(), true, &[3])), ["prompt> "]);
}

#[test]
fn a_connection_cut_inside_a_frame_keeps_what_came() {
    let whole = stamped(2, "half a sentence\n");
    let lines = decode(&whole[..whole.len() - 5], false, &[5]);
    assert_eq!(lines, [(LogStream::Stderr, String::from("half a sent"))]);
    assert!(decode(&whole[..5], false, &[5]).is_empty());
}

#[test]
fn a_terminal_has_no_frames_and_carriage_returns() {
    let bytes = format!("{STAMP} one\r\n{STAMP} two\r\n");
    assert_eq!(words(&decode(bytes.as_bytes(), true, &[11])), ["one", "two"]);
    // Said to have frames, yet has none.
    assert_eq!(words(&decode(bytes.as_bytes(), false, &[11])), ["one", "two"]);
}

#[test]
fn a_long_terminal_line_is_joined_too() {
    let (first, second) = ("a".repeat(PIECE), "b".repeat(PIECE));
    let bytes = format!("{STAMP} {first}{STAMP} {second}{STAMP} tail\r\n{STAMP} next\r\n");
    for size in [1000, 16_384, 40_000] {
        let lines = decode(bytes.as_bytes(), true, &[size]);
        assert_eq!(words(&lines), [format!("{first}{second}tail").as_str(), "next"], "chunks of {size}");
    }
}

#[test]
fn a_stamp_that_the_program_wrote_stays() {
    let bytes = stamped(1, "2020-01-01T00:00:00Z started\n");
    assert_eq!(words(&decode(&bytes, false, &[100])), ["2020-01-01T00:00:00Z started"]);
}

proptest! {
    #[test]
    fn chunks_may_end_anywhere(
        texts in proptest::collection::vec((1_u8..=2, "[a-z ]{0,40}"), 1..12),
        sizes in proptest::collection::vec(1_usize..60, 1..8),
    ) {
        let bytes: Vec<u8> = texts.iter().flat_map(|(stream, text)| stamped(*stream, &format!("{text}\n"))).collect();
        let whole = decode(&bytes, false, &[usize::MAX]);
        prop_assert_eq!(whole.len(), texts.len());
        prop_assert_eq!(decode(&bytes, false, &sizes), whole);
        let raw = texts.iter().map(|(_, text)| format!("{STAMP} {text}\r\n")).collect::<Vec<_>>().concat();
        let whole = decode(raw.as_bytes(), true, &[usize::MAX]);
        prop_assert_eq!(whole.len(), texts.len());
        prop_assert_eq!(decode(raw.as_bytes(), true, &sizes), whole);
    }

    #[test]
    fn no_bytes_make_it_fall(bytes in proptest::collection::vec(any::<u8>(), 0..300), tty: bool, size in 1_usize..50) {
        decode(&bytes, tty, &[size]);
    }
}
