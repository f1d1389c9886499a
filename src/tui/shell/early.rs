//! What is typed while a terminal in a container is being opened: it is meant for the program there.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Most that is kept, in bytes.
const MOST: usize = 16 << 10;

/// Bytes as a terminal would have sent them.
#[derive(Debug, Default)]
pub struct Early(Vec<u8>);

impl Early {
    /// Keeps what an event types; keys without a letter (arrows, function keys) type nothing.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.take_key(key),
            // Nobody knows yet whether the program tells a paste apart: one with line ends would run unread.
            Event::Paste(text) if !text.contains(char::is_control) => self.add(text.as_bytes()),
            _ => {}
        }
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn take_key(&mut self, key: &KeyEvent) {
        let mut letters = [0; 4];
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let bytes: &[u8] = match key.code {
            KeyCode::Char(letter) if control && letter.is_ascii_alphabetic() => {
                letters[0] = letter as u8 & 0x1f;
                &letters[..1]
            }
            KeyCode::Char(_) if control => return,
            KeyCode::Char(letter) => letter.encode_utf8(&mut letters).as_bytes(),
            KeyCode::Enter => b"\r",
            KeyCode::Tab => b"\t",
            KeyCode::Backspace => b"\x7f",
            _ => return,
        };
        if key.modifiers.contains(KeyModifiers::ALT) {
            self.add(b"\x1b");
        }
        self.add(bytes);
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.0.len() + bytes.len() <= MOST {
            self.0.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_the_bytes_of_a_terminal() {
        let mut early = Early::default();
        let plain = KeyModifiers::NONE;
        for (code, modifiers) in [
            (KeyCode::Char('l'), plain),
            (KeyCode::Char('Ü'), KeyModifiers::SHIFT),
            (KeyCode::Up, plain),
            (KeyCode::Backspace, plain),
            (KeyCode::Char('u'), KeyModifiers::CONTROL),
            (KeyCode::Char('5'), KeyModifiers::CONTROL),
            (KeyCode::Char('b'), KeyModifiers::ALT),
            (KeyCode::Enter, plain),
        ] {
            early.take(&Event::Key(KeyEvent::new(code, modifiers)));
        }
        early.take(&Event::Key(KeyEvent::new_with_kind(KeyCode::Char('x'), plain, KeyEventKind::Release)));
        for pasted in ["pasted", "rm x\n", "a\rb", "\x1b[A"] {
            early.take(&Event::Paste(String::from(pasted)));
        }
        early.take(&Event::Paste("x".repeat(MOST)));
        early.take(&Event::Resize(80, 24));
        assert_eq!(early.into_bytes(), "lÜ\x7f\x15\x1bb\rpasted".as_bytes());
    }
}
