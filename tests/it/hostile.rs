//! What a hostile container may write, and what may reach a terminal of all that.
//!
//! [`corpus`] is one list for the unit of the sanitizer, for names and for the live test; [`Inspector`]
//! reads the raw bytes that the program sent to its terminal.

/// Lines as a container could write them, each with a word that must stay readable.
pub fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    let mut lines: Vec<(&'static str, Vec<u8>)> = vec![
        ("title", b"title \x1b]0;EVIL-TITLE\x07 end".to_vec()),
        ("hyperlink", b"hyperlink \x1b]8;;http://evil.example/\x1b\\click\x1b]8;;\x1b\\ end".to_vec()),
        ("clipboard", b"clipboard \x1b]52;c;RVZJTA==\x07 end".to_vec()),
        ("clipst", b"clipst \x1b]52;c;RVZJTA==\x1b\\ end".to_vec()),
        ("notify", b"notify \x1b]9;EVIL\x07\x1b]777;notify;a;EVIL\x07 end".to_vec()),
        ("clear", b"clear \x1b[2J\x1b[3J\x1b[H end".to_vec()),
        ("moves", b"moves \x1b[10;10H\x1b[5A\x1b[5B\x1b[999C\x1b[99D\x1bM\x1bD\x1bE end".to_vec()),
        ("modes", b"modes \x1b[?1049l\x1b[?25h\x1b[?1000h\x1b[?2004h\x1b[4h\x1b[20h end".to_vec()),
        ("scroll", b"scroll \x1b[5;10r\x1b[3S\x1b[3T\x1b[3L\x1b[3M end".to_vec()),
        ("reset", b"reset \x1bc\x1b[!p\x1b[?5h end".to_vec()),
        ("query", b"query \x1b[6n\x1b[c\x1b[>c\x1b[5n\x1b[18t\x1bZ\x05 end".to_vec()),
        ("report", b"report \x1b[21t\x1b]10;?\x07\x1b]4;1;?\x07 end".to_vec()),
        ("dcs", b"dcs \x1bP$q\"p\x1b\\\x1bP+q544e\x1b\\ end".to_vec()),
        ("sixel", b"sixel \x1bPq#0;2;0;0;0#0~~@@vv\x1b\\ end".to_vec()),
        ("kitty", b"kitty \x1b_Gf=24,s=1,v=1;AAAA\x1b\\ end".to_vec()),
        ("pmsos", b"pmsos \x1b^private\x1b\\\x1bXstring\x1b\\ end".to_vec()),
        ("charset", b"charset \x1b(0lqqk\x1b(B\x0e\x0f\x1b)0\x1b%G end".to_vec()),
        ("csione", "csione \u{9b}2J\u{9d}0;text\u{9c}\u{90}q\u{9c}\u{85}\u{84} end".as_bytes().to_vec()),
        ("rawone", b"rawone \x9b2J\x9d0;text\x9c\x90q\x9c\x8d end".to_vec()),
        ("control", b"control \x00\x01\x07\x08\x08\x0b\x0c\x0e\x7f\x1a end".to_vec()),
        ("bidi", "bidi \u{202e}txt.exe\u{202c}\u{2066}a\u{2069}\u{200f}\u{61c} end".as_bytes().to_vec()),
        ("zero", "zero a\u{200b}\u{200d}\u{feff}\u{2060}\u{ad}b\u{fe0f} end".as_bytes().to_vec()),
        ("zalgo", format!("zalgo Z{} end", "\u{301}".repeat(500)).into_bytes()),
        ("tags", "tags \u{e0041}\u{e0042}\u{1d173}\u{fff9}a\u{fffa}b\u{fffb} end".as_bytes().to_vec()),
        ("separators", "separators a\u{2028}b\u{2029}c end".as_bytes().to_vec()),
        ("invalid", b"invalid \xff\xfe\xc0\xaf\xed\xa0\x80\xf5\x80 end".to_vec()),
        ("progress", b"10%\r20%\r30%\rprogress 100% end".to_vec()),
        ("tabs", b"tabs \t\ta\tb end".to_vec()),
        ("colors", b"colors \x1b[31mred\x1b[0m \x1b[38;2;1;2;3mrgb\x1b[48;5;9mbg\x1b[8mhidden\x1b[5mblink end".to_vec()),
        ("sgrflood", [b"sgrflood ".to_vec(), b"\x1b[31m".repeat(5000), b"end".to_vec()].concat()),
        ("sgrlong", [b"sgrlong \x1b[".to_vec(), b"1;".repeat(5000), b"m end".to_vec()].concat()),
        ("sgrprefix", b"sgrprefix \x1b[>4;2m\x1b[?4m\x1b[=1u end".to_vec()),
        ("unended", b"unended visible \x1b]0;never ends".to_vec()),
        ("halfcsi", b"halfcsi visible \x1b[12;".to_vec()),
        ("escape", b"escape visible \x1b".to_vec()),
        ("nested", b"nested \x1b]0;a\x1b]52;c;eA==\x07\x1b[2J end".to_vec()),
        ("jsoned", br#"{"level":"error","msg":"jsoned \u001b[2J\u001b]0;EVIL\u0007\u009b2J\u202e end","k\u001b[2J":"\u001b]52;c;eA==\u0007v"}"#.to_vec()),
        ("logfmted", b"level=warn msg=\"logfmted \x1b[2J \\x1b[2J end\" a=b".to_vec()),
    ];
    lines.push(("wide", "wide 日本語 👩‍👩‍👧‍👦 🏳️‍🌈 e\u{301} ｆｕｌｌ end".as_bytes().to_vec()));
    // Every control character alone.
    for byte in (0x00_u8..0x20).chain(0x7f..0xa0).filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        lines.push(("each", [b"each ".as_slice(), &[byte], b" end"].concat()));
    }
    lines
}

/// Reads the bytes a terminal got and notes everything that no part of ours sends.
#[cfg(feature = "live")]
#[derive(Default)]
pub struct Inspector {
    pub odd: Vec<String>,
    /// Whether the cursor has moved down, and by nothing but line feeds and backspaces since.
    is_stepping: bool,
}

#[cfg(feature = "live")]
impl Inspector {
    pub fn inspect(raw: &[u8]) -> Self {
        let mut inspector = Self::default();
        vte::Parser::new().advance(&mut inspector, raw);
        // An inspection is JSON: there the escape is written out, and is no escape any more.
        let text = String::from_utf8_lossy(raw).replace(r"\u001b]0;EVIL", "");
        if text.contains("EVIL") {
            let at = text.find("EVIL").unwrap_or_default();
            let from = text[..at].char_indices().rev().nth(60).map_or(0, |(i, _)| i);
            let around: String = text[from..].chars().take(90).collect();
            inspector.odd.push(format!("the text of a swallowed sequence was sent: {around:?}"));
        }
        inspector
    }
}

#[cfg(feature = "live")]
impl vte::Perform for Inspector {
    fn print(&mut self, character: char) {
        self.is_stepping = false;
        let is_odd = matches!(character, '\u{80}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}' | '\u{ad}' | '\u{e0000}'..='\u{e0fff}');
        if is_odd {
            self.odd.push(format!("{character:?}"));
        }
    }

    fn execute(&mut self, byte: u8) {
        self.is_stepping = byte == b'\n' || self.is_stepping && byte == 8;
        if byte != b'\r' && !self.is_stepping {
            self.odd.push(format!("control {byte:#04x}"));
        }
    }

    fn csi_dispatch(&mut self, params: &vte::Params, intermediates: &[u8], _: bool, action: char) {
        self.is_stepping = false;
        let numbers: Vec<u16> = params.iter().map(|param| param[0]).collect();
        let is_ours = match (intermediates, action) {
            // Colors, places, erasing of a line's rest.
            ([], 'm' | 'H' | 'K') => true,
            ([], 'J') => true,
            // To the right within a row; the corpus wants further than any terminal is wide.
            ([], 'C') => numbers[0] < 300,
            // The alternate screen, the cursor, the mouse, pasting, focus, synchronized updates, wrapping.
            (b"?", 'h' | 'l') => numbers
                .iter()
                .all(|number| [7, 25, 1000, 1002, 1003, 1004, 1006, 1015, 1049, 2004, 2026].contains(number)),
            _ => false,
        };
        if !is_ours {
            self.odd.push(format!("CSI {intermediates:?} {numbers:?} {action}"));
        }
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _: bool) {
        self.odd.push(format!("OSC {:?}", params.first().map(|first| String::from_utf8_lossy(first))));
    }

    fn hook(&mut self, _: &vte::Params, _: &[u8], _: bool, action: char) {
        self.odd.push(format!("DCS {action}"));
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _: bool, byte: u8) {
        self.odd.push(format!("ESC {intermediates:?} {}", char::from(byte)));
    }
}
