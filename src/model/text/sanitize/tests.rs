use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use super::*;

/// Whether a terminal may get this text.
fn is_fit(text: &str) -> bool {
    text.chars()
        .all(|character| !character.is_control() && !is_forbidden(character) && character.width().is_some())
}

fn foreground(color: u8) -> TextStyle {
    TextStyle { foreground: Some(TextColor::Indexed(color)), ..TextStyle::default() }
}

#[test]
fn attacks_leave_only_their_text() {
    let table: &[(&[u8], &str)] = &[
        (b"a\x1b]0;evil title\x07b", "ab"),
        (b"a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        (b"a\x1b]52;c;ZXZpbA==\x07b", "ab"),
        (b"a\x1b[2J\x1b[1;1H\x1b[10Ab", "ab"),
        (b"a\x1b[?1049h\x1b[?25l\x1b[?2004hb", "ab"),
        (b"a\x1bP+q544e\x1b\\b", "ab"),
        (b"a\x1b_apc\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\d", "abcd"),
        (b"a\x1bcb\x1b7c\x1b(0d", "abcd"),
        (b"a\x00b\x07c\x08d\x0be\x0cf\x7fg", "abcdefg"),
        (b"a\x1b[>4;1mb", "ab"),
        (b"a\x1b[6nb\x1b[cc\x1b[18td", "abcd"),
        // Eight-bit controls, raw and as UTF-8.
        (b"a\x9b31mb", "a\u{fffd}31mb"),
        ("a\u{9b}2Jb\u{9d}0;x\u{9c}".as_bytes(), "a2Jb0;x"),
        ("a\u{202e}b\u{2066}c\u{2069}d\u{200f}e\u{61c}f".as_bytes(), "abcdef"),
        ("a\u{200b}b\u{200d}c\u{feff}d\u{2060}e\u{ad}f".as_bytes(), "abcdef"),
        ("⚠\u{fe0f} x\u{e0041}\u{e007f}".as_bytes(), "⚠ x"),
        (b"a\x1b]0;never ends", "a"),
        (b"a\x1b[31", "a"),
        (b"a\x1b", "a"),
        (b"a\xff\xfeb\xe2\x82", "a\u{fffd}\u{fffd}b\u{fffd}"),
        (b"\x1b[1ma\xe2\x82", "a\u{fffd}"),
        ("a\u{2028}b".as_bytes(), "a b"),
    ];
    for (attack, expected) in table {
        let line = styled(attack);
        assert_eq!(line.text(), *expected, "styled {attack:?}");
        if let Ok(text) = std::str::from_utf8(attack) {
            assert_eq!(clean(text), *expected, "clean {attack:?}");
        }
    }
}

#[test]
fn towers_of_accents_are_cut_and_ordinary_ones_stay() {
    assert_eq!(clean("e\u{301}le\u{300}ve"), "e\u{301}le\u{300}ve");
    assert_eq!(clean(&format!("a{}b", "\u{301}".repeat(50))), format!("a{}b", "\u{301}".repeat(4)));
    assert_eq!(clean("\u{301}a"), "a");
}

#[test]
fn line_ends_become_spaces_or_stay() {
    assert_eq!(clean("one\r\ntwo\nthree\tfour"), "one two three four");
    assert_eq!(clean_block("one\r\ntwo\n\n\tthree"), "one\ntwo\n\n three");
    assert_eq!(clean_block("a\x1b]0;never ends\nb\x1b[31mc"), "a\nbc");
}

#[test]
fn clean_text_is_not_copied() {
    assert!(matches!(clean_cow("api-1 zażółć 日本"), Cow::Borrowed(_)));
    assert!(matches!(clean_cow("a\tb"), Cow::Owned(_)));
}

#[test]
fn colors_are_kept_as_runs() {
    let line = styled(b"\x1b[32mok\x1b[0m plain \x1b[1;91mbad\x1b[22;39m!");
    assert_eq!(line.text(), "ok plain bad!");
    assert_eq!(
        line.runs(),
        [
            Run { start: 0, style: foreground(2) },
            Run { start: 2, style: TextStyle::default() },
            Run { start: 9, style: TextStyle { bold: true, ..foreground(9) } },
            Run { start: 12, style: TextStyle::default() },
        ]
    );
}

#[test]
fn every_way_to_write_a_color_is_understood() {
    let table: [(&[u8], Option<TextColor>); 9] = [
        (b"\x1b[38;5;208mx", Some(TextColor::Indexed(208))),
        (b"\x1b[38:5:208mx", Some(TextColor::Indexed(208))),
        (b"\x1b[38;2;1;2;3mx", Some(TextColor::Rgb(1, 2, 3))),
        (b"\x1b[38:2:1:2:3mx", Some(TextColor::Rgb(1, 2, 3))),
        (b"\x1b[38:2::1:2:3mx", Some(TextColor::Rgb(1, 2, 3))),
        (b"\x1b[58;5;3;31mx", Some(TextColor::Indexed(1))),
        (b"\x1b[38;2;999;2;3mx", None),
        (b"\x1b[38;5mx", None),
        (b"\x1b[38mx", None),
    ];
    for (line, color) in table {
        let line = styled(line);
        assert_eq!(line.runs().first().and_then(|run| run.style.foreground), color, "{line:?}");
        assert_eq!(line.text(), "x");
    }
    let line = styled(b"\x1b[48;5;4;2;3;4:3;7mx\x1b[4:0;23;27my\x1b[mz");
    assert_eq!(
        line.runs()[0].style,
        TextStyle {
            background: Some(TextColor::Indexed(4)),
            dim: true,
            italic: true,
            underline: true,
            reversed: true,
            ..TextStyle::default()
        }
    );
    assert_eq!(
        line.runs()[1].style,
        TextStyle { background: Some(TextColor::Indexed(4)), dim: true, ..TextStyle::default() }
    );
    assert_eq!(line.runs()[2].style, TextStyle::default());
}

#[test]
fn of_a_progress_bar_the_last_state_is_kept() {
    assert_eq!(styled(b"10%\r50%\r100% done\r\n").text(), "100% done");
    assert_eq!(styled(b"10%\r\x1b[K").text(), "10%");
    let line = styled(b"\x1b[31m10%\r\x1b[2K\x1b[32m100%");
    assert_eq!((line.text(), line.runs()), ("100%", &[Run { start: 0, style: foreground(2) }][..]));
}

#[test]
fn tabs_reach_the_next_stop() {
    assert_eq!(styled(b"a\tb\t\tc").text(), "a       b               c");
    assert_eq!(styled("日本\tx".as_bytes()).text(), "日本    x");
}

#[test]
fn a_very_long_line_is_cut_with_a_remark() {
    let line = styled(&vec![b'x'; LINE_BYTES + 10]);
    assert_eq!(&line.text()[LINE_BYTES - 1..], "x… 10 bytes cut");
    assert_eq!(line.runs().last().map(|run| run.start as usize), Some(LINE_BYTES));
    let line = styled("日".repeat(LINE_BYTES).as_bytes());
    assert!(line.text().len() < LINE_BYTES + 30);
    // Cut text that a carriage return takes back was never shown.
    let mut bar = vec![b'x'; LINE_BYTES + 10];
    bar.extend_from_slice(b"\rdone");
    assert_eq!(styled(&bar).text(), "done");
}

#[test]
fn a_line_that_changes_color_all_the_time_stays_small() {
    let line = styled("\x1b[31ma\x1b[32mb".repeat(8000).as_bytes());
    assert_eq!(line.runs().len(), LINE_RUNS);
    assert_eq!(line.text().len(), 16_000);
}

proptest! {
    #[test]
    fn any_bytes_become_a_fit_line(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let line = styled(&bytes);
        check(&line)?;
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(is_fit(&clean(&text)));
        prop_assert!(clean_block(&text).split('\n').all(is_fit));
    }

    #[test]
    fn any_mix_of_sequences_becomes_a_fit_line(parts in proptest::collection::vec(piece(), 0..40)) {
        let bytes: Vec<u8> = parts.concat();
        check(&styled(&bytes))?;
        prop_assert!(is_fit(&clean(&String::from_utf8_lossy(&bytes))));
    }

    #[test]
    fn cleaning_twice_changes_nothing(text in "\\PC{0,40}|.{0,40}") {
        let once = clean(&text);
        prop_assert_eq!(&clean(&once), &once);
        prop_assert!(matches!(clean_cow(&once), Cow::Borrowed(_)));
    }
}

fn check(line: &StyledText) -> Result<(), TestCaseError> {
    let text = line.text();
    prop_assert!(is_fit(text), "{text:?}");
    prop_assert!(text.width() <= 2 * text.len());
    let starts: Vec<usize> = line.runs().iter().map(|run| run.start as usize).collect();
    prop_assert!(starts.windows(2).all(|pair| pair[0] < pair[1]), "{starts:?}");
    prop_assert!(
        starts.iter().all(|&start| start < text.len() && text.is_char_boundary(start)),
        "{starts:?}"
    );
    Ok(())
}

/// Pieces that meet in hostile logs more often than in random bytes.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-z ]{0,8}".prop_map(String::into_bytes),
        Just(b"\x1b".to_vec()),
        Just(b"\x1b[".to_vec()),
        Just(b"\x1b]0;".to_vec()),
        Just(b"\x1b]52;c;".to_vec()),
        Just(b"\x1bP".to_vec()),
        Just(b"\x1b\\".to_vec()),
        Just(b"\x07".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\t".to_vec()),
        "\x1b\\[[0-9;:?>]{0,12}[a-zA-Z]".prop_map(String::into_bytes),
        any::<char>().prop_map(|character| character.to_string().into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..4),
    ]
}
