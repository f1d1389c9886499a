//! Reads `[[probe]]`.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::service;
use crate::config::reader::{Reader, Table, kind};
use crate::model::probes::{ProbeRule, Stale};
use crate::model::text::clean;

pub const KEYS: [&str; 7] = ["service", "name", "http", "every", "timeout", "expect", "stale"];
/// How often a probe is made, where nothing else is said.
const EVERY: Duration = Duration::from_secs(10);
/// How long an answer may take, where nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(5);

pub fn probe(reader: &mut Reader<'_>, table: &Table<'_, '_>) -> Option<ProbeRule> {
    let service = service(reader, table);
    let name = table.needed(reader, "name");
    let url = table.needed(reader, "http");
    if let Some(url) =
        url.as_deref().filter(|url| !url.starts_with("http://") && !url.starts_with("https://"))
    {
        reader.fault(
            table.get("http").map_or(table.at, |value| value.span().start),
            format!("http wants an address that begins with http:// or https://, this is {url:?}"),
        );
    }
    let every = table.span(reader, "every").unwrap_or(EVERY);
    let timeout = table.span(reader, "timeout").unwrap_or(TIMEOUT);
    if every.is_zero() || timeout.is_zero() {
        reader.fault(table.at, String::from("every and timeout want more than no time"));
    }
    let expect = table.get("expect").map(|value| expected(reader, value)).unwrap_or_default();
    let stale = table.get("stale").and_then(|value| {
        let table = reader.table("stale", value, &["field", "after"])?;
        let field = table.needed(reader, "field");
        let after = table.needed(reader, "after").and_then(|_| table.span(reader, "after"));
        Some(Stale { field: field?, after: after? })
    });
    Some(ProbeRule {
        service: service?,
        name: clean(&name?),
        url: clean(&url?),
        every,
        timeout,
        expect,
        stale,
    })
}

/// Reads `204`, `"200-299"`, or a list of such.
fn expected(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>) -> Vec<RangeInclusive<u16>> {
    let Some(list) = value.get_ref().as_array() else {
        return codes(reader, value).into_iter().collect();
    };
    if list.is_empty() {
        reader.fault(value.span().start, String::from("expect names no code"));
    }
    list.iter().filter_map(|value| codes(reader, value)).collect()
}

fn codes(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>) -> Option<RangeInclusive<u16>> {
    let code = |text: &str| text.trim().parse().ok().filter(|code| (100..=599).contains(code));
    let found = if let Some(number) = value.get_ref().as_integer() {
        code(number.as_str()).map(|code| code..=code)
    } else if let Some(text) = value.get_ref().as_str() {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        code(from).zip(code(to)).filter(|(from, to)| from <= to).map(|(from, to)| from..=to)
    } else {
        None
    };
    if found.is_none() {
        let kind = kind(value.get_ref());
        reader.fault(
            value.span().start,
            format!("expect wants codes from 100 to 599, like 204 or \"200-299\", this is {kind}"),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::stack_file::parse;

    fn read(line: &str) -> Result<Vec<(u16, u16)>, String> {
        let text = format!("[[probe]]\nservice = \"a\"\nname = \"b\"\nhttp = \"http://a/\"\n{line}\n");
        let file = parse(Path::new("/s/stackdash.toml"), &text).map_err(|faults| faults.to_string())?;
        Ok(file.probes[0].expect.iter().map(|codes| (*codes.start(), *codes.end())).collect())
    }

    #[test]
    fn codes_are_numbers_ranges_and_lists_of_both() {
        assert_eq!(read(""), Ok(vec![]));
        assert_eq!(read("expect = 204"), Ok(vec![(204, 204)]));
        assert_eq!(read("expect = \"200-299\""), Ok(vec![(200, 299)]));
        assert_eq!(read("expect = [200, \"401 - 403\"]"), Ok(vec![(200, 200), (401, 403)]));
        for wrong in
            ["expect = 99", "expect = \"300-200\"", "expect = []", "expect = true", "expect = \"ok\""]
        {
            let words = read(wrong).unwrap_err();
            assert!(words.starts_with("/s/stackdash.toml:5: expect"), "{wrong}: {words}");
        }
    }
}
