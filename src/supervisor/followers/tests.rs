use super::*;

fn line(millisecond: i64, text: &str) -> LogLine {
    LogLine {
        at: Timestamp::from_millisecond(millisecond).unwrap(),
        source: ContainerId::new("a").into(),
        stream: LogStream::Stdout,
        level: None,
        text: StyledText::plain(text),
    }
}

#[test]
fn what_was_sent_is_known_again_also_out_of_order() {
    let mut seen = Seen::default();
    for (at, text) in [(1_000, "one"), (1_020, "three"), (1_010, "two")] {
        assert!(seen.note(&line(at, text)));
    }
    assert!(!seen.note(&line(1_000, "one")), "an engine tells lines again when a log rotates");
    assert_eq!(seen.last, Some(Timestamp::from_millisecond(1_020).unwrap()));
    assert!(seen.has(&line(1_010, "two")) && !seen.has(&line(1_010, "other")));
    assert!(!seen.has(&line(1_011, "two")), "the same words at another moment are another line");
    assert!(seen.note(&line(9_000, "much later")));
    assert!(!seen.has(&line(1_010, "two")), "what cannot come again is forgotten");
}
