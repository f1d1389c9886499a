//! Typing for a program without a terminal: a line is edited and echoed here, and goes when it is whole.

use unicode_width::UnicodeWidthChar;

/// Longest line that is taken.
const LONGEST: usize = 4096;
const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const CTRL_P: u8 = 0x10;
const CTRL_Q: u8 = 0x11;
const CTRL_U: u8 = 0x15;
const ESCAPE: u8 = 0x1b;

/// What became of some keys.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Took {
    /// For our own terminal.
    pub echo: Vec<u8>,
    /// For the program.
    pub send: Vec<u8>,
    /// Its input ends.
    pub end: bool,
    /// Back to the dashboard.
    pub leave: bool,
}

/// The line being typed.
#[derive(Debug, Default)]
pub struct Lines {
    line: Vec<u8>,
    /// Ctrl-p was pressed: Ctrl-q leaves now.
    leaving: bool,
    /// Inside an escape sequence (an arrow, a paste's bracket): how far.
    escape: Option<u8>,
}

impl Lines {
    /// Takes what was typed.
    pub fn take(&mut self, keys: &[u8]) -> Took {
        let mut took = Took::default();
        for key in keys {
            if self.is_escape(*key) {
                continue;
            }
            let leaving = std::mem::replace(&mut self.leaving, *key == CTRL_P);
            match *key {
                CTRL_Q if leaving => {
                    took.leave = true;
                    return took;
                }
                b'\r' | b'\n' => {
                    took.send.append(&mut self.line);
                    took.send.push(b'\n');
                    took.echo.extend(b"\r\n");
                }
                0x7f | 0x08 => self.erase(&mut took),
                CTRL_U => {
                    while !self.line.is_empty() {
                        self.erase(&mut took);
                    }
                }
                CTRL_C => {
                    self.line.clear();
                    took.echo.extend(b"^C\r\n");
                }
                CTRL_D if self.line.is_empty() => took.end = true,
                CTRL_D => took.send.append(&mut self.line),
                key if (key >= b' ' || key == b'\t') && self.line.len() < LONGEST => {
                    self.line.push(key);
                    took.echo.push(key);
                }
                _ => {}
            }
        }
        took
    }

    fn is_escape(&mut self, key: u8) -> bool {
        self.escape = match (self.escape, key) {
            (None, ESCAPE) => Some(ESCAPE),
            (None, _) => return false,
            (Some(ESCAPE), b'[' | b'O') => Some(b'['),
            (Some(ESCAPE), _) | (Some(_), 0x40..=0x7e) => None,
            (Some(within), _) => Some(within),
        };
        true
    }

    /// Takes the last character back.
    fn erase(&mut self, took: &mut Took) {
        let mut last = Vec::new();
        while let Some(byte) = self.line.pop() {
            last.insert(0, byte);
            if byte & 0xc0 != 0x80 {
                break;
            }
        }
        let columns: usize = String::from_utf8_lossy(&last).chars().filter_map(UnicodeWidthChar::width).sum();
        for _ in 0..columns {
            took.echo.extend(b"\x08 \x08");
        }
    }
}

/// Puts the carriage returns in that a terminal wants and a program without one does not write.
pub fn with_returns(bytes: &[u8]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(bytes.len() + 8);
    for byte in bytes {
        if *byte == b'\n' {
            shown.push(b'\r');
        }
        shown.push(*byte);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_here_and_goes_when_it_is_whole() {
        let mut lines = Lines::default();
        let took = lines.take("hä漢x\x7f\x7f".as_bytes());
        assert_eq!(took.send, b"");
        assert_eq!(String::from_utf8(took.echo).unwrap(), "hä漢x\x08 \x08\x08 \x08\x08 \x08");
        assert_eq!(lines.take(b"!\r").send, "hä!\n".as_bytes());
        assert_eq!(lines.take(b"abc\x15d\x03e\r").send, b"e\n");
        assert_eq!(lines.take(b"\x1b[A\x1b[200~pasted\x1b[201~\r").send, b"pasted\n");
        assert_eq!(lines.take(b"half\x04").send, b"half");
        assert!(lines.take(b"\x04").end);
    }

    #[test]
    fn both_keys_in_turn_lead_back() {
        let mut lines = Lines::default();
        assert!(!lines.take(b"\x11\x10x\x11").leave);
        assert!(!lines.take(b"\x10").leave);
        assert!(lines.take(b"\x11").leave, "also when they come one by one");
    }

    #[test]
    fn lines_end_where_a_terminal_wants_them() {
        assert_eq!(with_returns(b"a\nb\n"), b"a\r\nb\r\n");
    }
}
