//! Reads `[notify]`.

use jiff::SignedDuration;
use toml::Spanned;
use toml::de::DeValue;

use crate::config::nearest::did_you_mean;
use crate::config::notify::{Desktop, NotifyChoice, WebhookAddress};
use crate::config::reader::{Reader, kind};
use crate::model::notify::Change;

const KEYS: [&str; 5] = ["bell", "desktop", "webhook", "on", "quiet"];

impl Reader<'_> {
    pub(super) fn notify_of(&mut self, value: &Spanned<DeValue<'_>>) -> NotifyChoice {
        let mut choice = NotifyChoice::default();
        let Some(table) = value.get_ref().as_table() else {
            let kind = kind(value.get_ref());
            self.fault(value.span().start, format!("notify wants a table, [notify], this is {kind}"));
            return choice;
        };
        for (key, value) in table {
            let at = value.span().start;
            match &**key.get_ref() {
                "bell" => choice.bell = self.bool_of(key.get_ref(), value).unwrap_or_default(),
                "desktop" => choice.desktop = self.desktop_of(value),
                "webhook" => {
                    // The address may be a key itself: no message repeats it.
                    if let Some(text) = self.text_of(key.get_ref(), value) {
                        match WebhookAddress::parse(&text) {
                            Ok(address) => choice.webhook = Some(address),
                            Err(why) => self.fault(at, format!("webhook cannot be used: {why}")),
                        }
                    }
                }
                "on" => choice.policy.on = self.changes_of(value),
                "quiet" => {
                    if let Some(text) = self.text_of(key.get_ref(), value) {
                        match text.parse::<SignedDuration>() {
                            Ok(quiet) if !quiet.is_negative() => choice.policy.quiet = quiet,
                            _ => self.fault(at, format!("quiet wants a time like \"5m\", this is {text:?}")),
                        }
                    }
                }
                unknown => {
                    let hint = did_you_mean(unknown, KEYS);
                    let known = KEYS.join(", ");
                    self.fault(
                        key.span().start,
                        format!("unknown key {unknown:?} in [notify]{hint} (known: {known})"),
                    );
                }
            }
        }
        choice
    }

    fn desktop_of(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Desktop> {
        let text = self.text_of("desktop", value)?;
        let found = Desktop::WORDS.into_iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words = Desktop::WORDS.map(|(word, _)| word);
            let hint = did_you_mean(&text, words);
            let known = words.join(", ");
            self.fault(value.span().start, format!("unknown desktop {text:?}{hint} (known: {known})"));
        }
        found.map(|(_, desktop)| desktop)
    }

    fn changes_of(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<Change> {
        let known = Change::ALL.map(Change::word);
        let Some(list) = value.get_ref().as_array() else {
            let kind = kind(value.get_ref());
            let what = format!("on wants a list of {}, this is {kind}", known.join(", "));
            self.fault(value.span().start, what);
            return Vec::new();
        };
        let mut changes = Vec::new();
        for item in list {
            let word = item.get_ref().as_str().unwrap_or_default();
            if let Some(change) = Change::parse(word) {
                changes.push(change);
            } else {
                let hint = did_you_mean(word, known);
                let what = format!("on has an unknown word {word:?}{hint} (known: {})", known.join(", "));
                self.fault(item.span().start, what);
            }
        }
        changes
    }
}
