//! From a key to its meaning: key and contexts in, [`Action`] out. Pure.
//!
//! Starts from the table in [`crate::tui::action`]; the operator's own keys replace an action's keys in
//! all its contexts. Knows no screen and no state.

mod presets;

use std::collections::{HashMap, HashSet};
use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

pub use presets::Preset;

use crate::config::KeyChoice;
use crate::tui::action::{ACTIONS, Action, KeyContext};

/// A key with its modifiers, in one spelling: `G` has no Shift, Shift-Tab is a Tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
    shift: bool,
}

/// Names of keys without a character, as the configuration file spells them.
const NAMED: &[(&str, KeyCode)] = &[
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("Space", KeyCode::Char(' ')),
    ("Backspace", KeyCode::Backspace),
    ("Delete", KeyCode::Delete),
    ("Insert", KeyCode::Insert),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
];

impl Key {
    /// Reads the notation of the configuration file: `j`, `G`, `Ctrl-d`, `Shift-Tab`, `PgDn`, `F5`, `Space`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let mut modifiers = KeyModifiers::NONE;
        loop {
            let (modifier, tail) = if let Some(tail) = rest.strip_prefix("Ctrl-") {
                (KeyModifiers::CONTROL, tail)
            } else if let Some(tail) = rest.strip_prefix("Alt-") {
                (KeyModifiers::ALT, tail)
            } else if let Some(tail) = rest.strip_prefix("Shift-") {
                (KeyModifiers::SHIFT, tail)
            } else {
                break;
            };
            modifiers |= modifier;
            rest = tail;
        }
        let code = if let Some((_, code)) = NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(rest)) {
            *code
        } else if let Some(number) = rest.strip_prefix('F').and_then(|n| n.parse::<u8>().ok())
            && (1..=12).contains(&number)
        {
            KeyCode::F(number)
        } else {
            let mut characters = rest.chars();
            match (characters.next(), characters.next()) {
                (Some(only), None) => KeyCode::Char(only),
                _ => {
                    return Err(format!(
                        "`{text}` is not a key; keys are written j, G, Ctrl-d, Alt-x, Shift-Tab, PgDn, F5, Space"
                    ));
                }
            }
        };
        Ok(Self::from(KeyEvent::new(code, modifiers)))
    }

    /// Returns the character it types, if it types one.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(character) if !self.ctrl && !self.alt => Some(character),
            _ => None,
        }
    }

    pub fn code(self) -> KeyCode {
        self.code
    }

    pub fn is_ctrl(self) -> bool {
        self.ctrl
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.contains(KeyModifiers::ALT);
        let mut shift = event.modifiers.contains(KeyModifiers::SHIFT);
        let code = match event.code {
            KeyCode::BackTab => {
                shift = true;
                KeyCode::Tab
            }
            // The character says it already; terminals with the kitty protocol say it twice.
            KeyCode::Char(character) => {
                let upper = shift && !ctrl && character.is_ascii_lowercase();
                shift = false;
                KeyCode::Char(if upper { character.to_ascii_uppercase() } else { character })
            }
            code => code,
        };
        Self { code, ctrl, alt, shift }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "Ctrl-"), (self.alt, "Alt-"), (self.shift, "Shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(character) => write!(f, "{character}"),
            KeyCode::F(number) => write!(f, "F{number}"),
            other => write!(f, "{other}"),
        }
    }
}

/// Every binding, resolved.
#[derive(Clone, Debug)]
pub struct Keymap {
    bindings: HashMap<(KeyContext, Key), Action>,
    /// In the order they were named; the first is the one shown.
    keys: HashMap<Action, Vec<Key>>,
}

impl Keymap {
    /// Lays the operator's keys over the defaults.
    pub fn new(choices: &[KeyChoice]) -> Result<Self, Vec<String>> {
        Self::with_preset(None, choices)
    }

    /// Lays the operator's keys over those of a preset, and both over the defaults. A key that a layer
    /// takes is lost to the actions below that had it; two wishes of one layer for the same key, unknown
    /// names and unknown keys are errors, all of them told at once, each with its place.
    pub fn with_preset(preset: Option<&Preset>, choices: &[KeyChoice]) -> Result<Self, Vec<String>> {
        let mut map = Self { bindings: HashMap::new(), keys: HashMap::new() };
        let mut errors = Vec::new();
        let mut chosen = HashSet::new();
        let preset = preset.map(Preset::choices).unwrap_or_default();
        for layer in [choices, &preset] {
            chosen.extend(map.lay(layer, &chosen, &mut errors));
        }
        for info in ACTIONS {
            for context in info.contexts.iter().filter(|context| !chosen.contains(&(info.action, **context)))
            {
                for key in info.keys.iter().filter_map(|key| Key::parse(key).ok()) {
                    map.offer(*context, key, info.action);
                }
            }
        }
        if errors.is_empty() {
            return Ok(map);
        }
        errors.sort();
        Err(errors.into_iter().map(|(_, words)| words).collect())
    }

    /// Binds what one layer asks for where none above has spoken; returns where it has spoken itself.
    fn lay(
        &mut self,
        layer: &[KeyChoice],
        above: &HashSet<(Action, KeyContext)>,
        errors: &mut Vec<(usize, String)>,
    ) -> HashSet<(Action, KeyContext)> {
        let mut wishes = Vec::new();
        for choice in layer {
            match Wish::read(choice) {
                Ok(wish) => wishes.push(wish),
                Err(why) => errors.push((line_of(&choice.place), format!("{}: {why}", choice.place))),
            }
        }
        // What is said for one context wins over what is said for all.
        wishes.sort_by_key(|wish| wish.is_general);
        let mut spoken = HashSet::new();
        let mut holders: HashMap<(KeyContext, Key), &Wish<'_>> = HashMap::new();
        for wish in &wishes {
            let mut quarrels: Vec<(Key, &Wish<'_>)> = Vec::new();
            for context in &wish.contexts {
                if above.contains(&(wish.action, *context)) || spoken.contains(&(wish.action, *context)) {
                    continue;
                }
                for key in &wish.keys {
                    match holders.insert((*context, *key), wish) {
                        Some(other) if other.action != wish.action => quarrels.push((*key, other)),
                        _ => self.offer(*context, *key, wish.action),
                    }
                }
            }
            spoken.extend(wish.contexts.iter().map(|context| (wish.action, *context)));
            quarrels.dedup();
            for (key, other) in quarrels {
                let (first, second) =
                    if line_of(other.place) <= line_of(wish.place) { (other, wish) } else { (wish, other) };
                let words = format!(
                    "{}: `{key}` is asked for twice: by {} here and by {} at {}",
                    second.place,
                    second.action.info().name,
                    first.action.info().name,
                    first.place
                );
                errors.push((line_of(second.place), words));
            }
        }
        spoken
    }

    /// Binds a key, unless it is taken.
    fn offer(&mut self, context: KeyContext, key: Key, action: Action) {
        if *self.bindings.entry((context, key)).or_insert(action) == action {
            self.note(action, key);
        }
    }

    fn note(&mut self, action: Action, key: Key) {
        let keys = self.keys.entry(action).or_default();
        if !keys.contains(&key) {
            keys.push(key);
        }
    }

    /// Returns what a key means; the first context that knows it decides.
    pub fn resolve(&self, contexts: &[KeyContext], key: Key) -> Option<Action> {
        contexts.iter().find_map(|context| self.bindings.get(&(*context, key)).copied())
    }

    /// Returns the keys of an action.
    pub fn keys(&self, action: Action) -> &[Key] {
        self.keys.get(&action).map_or(&[], Vec::as_slice)
    }

    /// Writes the key to show for an action; empty where it has none.
    pub fn hint(&self, action: Action) -> String {
        self.keys(action).first().map(Key::to_string).unwrap_or_default()
    }

    /// Writes the key that means an action in these contexts; empty where none does.
    pub fn hint_in(&self, contexts: &[KeyContext], action: Action) -> String {
        let mut keys = self.keys(action).iter();
        keys.find(|key| self.resolve(contexts, **key) == Some(action)).map(Key::to_string).unwrap_or_default()
    }

    /// Writes the key for a sentence; an action without one is in the palette by its name.
    pub fn named(&self, action: Action) -> String {
        let key = self.hint(action);
        if key.is_empty() { format!("The action {}", action.info().name) } else { key }
    }
}

impl Default for Keymap {
    fn default() -> Self {
        Self::new(&[]).unwrap_or_else(|_| Self { bindings: HashMap::new(), keys: HashMap::new() })
    }
}

/// One line of a layer, understood.
#[derive(PartialEq, Eq)]
struct Wish<'a> {
    action: Action,
    contexts: Vec<KeyContext>,
    keys: Vec<Key>,
    /// Whether it was said for every context.
    is_general: bool,
    place: &'a str,
}

impl<'a> Wish<'a> {
    fn read(choice: &'a KeyChoice) -> Result<Self, String> {
        let action = Action::by_name(&choice.action)
            .ok_or_else(|| format!("no action is called `{}`; the palette lists them all", choice.action))?;
        let all = action.info().contexts;
        let contexts = match &choice.context {
            None => all.to_vec(),
            Some(name) => {
                let context =
                    KeyContext::ALL.into_iter().find(|context| context.name() == name).ok_or_else(|| {
                        format!("no context is called `{name}`; known: {}", names(&KeyContext::ALL))
                    })?;
                if !all.contains(&context) {
                    return Err(format!(
                        "`{}` means nothing in {name}, only in {}",
                        choice.action,
                        names(all)
                    ));
                }
                vec![context]
            }
        };
        let keys = choice.keys.iter().map(|text| Key::parse(text)).collect::<Result<_, _>>()?;
        Ok(Self { action, contexts, keys, is_general: choice.context.is_none(), place: &choice.place })
    }
}

/// Returns the line of a place, to tell faults from top to bottom.
fn line_of(place: &str) -> usize {
    place.rsplit(':').next().and_then(|line| line.parse().ok()).unwrap_or_default()
}

fn names(contexts: &[KeyContext]) -> String {
    contexts.iter().map(|context| context.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    #[test]
    fn every_key_reads_back_as_it_is_written() {
        for text in ["j", "G", "Ctrl-d", "Shift-Tab", "PgDn", "F5", "Space", "?", "Alt-x", "-", "Ctrl--"] {
            assert_eq!(key(text).to_string(), text);
        }
        assert!(Key::parse("Hyper-x").is_err());
        assert!(Key::parse("F13").is_err());
        assert!(Key::parse("").is_err());
    }

    #[test]
    fn terminals_agree_on_one_spelling() {
        let shifted = KeyEvent::new(KeyCode::Char('g'), KeyModifiers::SHIFT);
        assert_eq!(Key::from(shifted), key("G"));
        assert_eq!(Key::from(KeyEvent::new(KeyCode::BackTab, KeyModifiers::NONE)), key("Shift-Tab"));
    }

    #[test]
    fn no_two_default_actions_want_the_same_key() {
        let mut seen: HashMap<(KeyContext, Key), &str> = HashMap::new();
        for info in ACTIONS {
            for text in info.keys {
                for context in info.contexts {
                    let other = seen.insert((*context, key(text)), info.name);
                    assert_eq!(other, None, "{text} in {context:?}: {}", info.name);
                }
            }
        }
    }

    #[test]
    fn the_innermost_context_decides() {
        let map = Keymap::default();
        let tree = [KeyContext::Tree, KeyContext::List, KeyContext::Global];
        assert_eq!(map.resolve(&tree, key("r")), Some(Action::Restart));
        assert_eq!(map.resolve(&[KeyContext::Host, KeyContext::Global], key("r")), Some(Action::ReadAgain));
        assert_eq!(map.resolve(&[KeyContext::Confirm], key("q")), None);
    }

    fn wish(context: Option<&str>, action: &str, keys: &[&str]) -> KeyChoice {
        KeyChoice {
            context: context.map(str::to_owned),
            action: action.to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            place: String::from("config.toml:4"),
        }
    }

    #[test]
    fn an_own_key_replaces_the_defaults_and_takes_the_key_from_others() {
        let map = Keymap::new(&[wish(None, "restart", &["s"])]).unwrap();
        assert_eq!(map.resolve(&[KeyContext::Tree], key("s")), Some(Action::Restart));
        assert_eq!(map.resolve(&[KeyContext::Tree], key("r")), None);
        assert!(map.keys(Action::Stop).is_empty());
    }

    #[test]
    fn a_context_of_its_own_leaves_the_others_alone() {
        let map = Keymap::new(&[wish(Some("text"), "move-down", &["z"]), wish(None, "stop", &[])]).unwrap();
        assert_eq!(map.resolve(&[KeyContext::Text], key("z")), Some(Action::MoveDown));
        assert_eq!(map.resolve(&[KeyContext::Text], key("j")), None);
        assert_eq!(map.resolve(&[KeyContext::List], key("j")), Some(Action::MoveDown));
        assert_eq!(map.resolve(&[KeyContext::Tree], key("s")), None);
    }

    #[test]
    fn conflicts_and_unknown_names_are_all_told_with_their_place() {
        let errors = Keymap::new(&[
            wish(None, "restart", &["z"]),
            wish(None, "stop", &["z"]),
            wish(None, "fly", &["f"]),
            wish(None, "sort", &["Foo"]),
            wish(Some("host"), "sort", &["o"]),
            wish(Some("moon"), "sort", &["o"]),
        ])
        .unwrap_err();
        assert_eq!(errors.len(), 5, "{errors:#?}");
        assert!(errors.iter().all(|error| error.starts_with("config.toml:4: ")));
    }

    #[test]
    fn a_conflict_names_both_places_once() {
        let at = |line: u32, wish: KeyChoice| KeyChoice { place: format!("config.toml:{line}"), ..wish };
        let errors = Keymap::new(&[
            at(3, wish(None, "move-down", &["z"])),
            at(5, wish(None, "move-up", &["z"])),
            at(9, wish(Some("logs"), "wrap", &["v"])),
            at(2, wish(None, "follow", &["v"])),
        ])
        .unwrap_err();
        assert_eq!(
            errors,
            [
                "config.toml:5: `z` is asked for twice: by move-up here and by move-down at config.toml:3",
                "config.toml:9: `v` is asked for twice: by wrap here and by follow at config.toml:2",
            ]
        );
    }

    #[test]
    fn one_context_wins_over_all_of_them() {
        let map = Keymap::new(&[wish(None, "wrap", &["F9"]), wish(Some("logs"), "wrap", &["z"])]).unwrap();
        assert_eq!(map.resolve(&[KeyContext::Logs], key("z")), Some(Action::Wrap));
        assert_eq!(map.resolve(&[KeyContext::Logs], key("F9")), None);
        assert_eq!(map.resolve(&[KeyContext::Text], key("F9")), Some(Action::Wrap));
        assert_eq!(map.hint_in(&[KeyContext::Logs], Action::Wrap), "z");
        assert_eq!(map.hint_in(&[KeyContext::Text], Action::Wrap), "F9");
    }

    #[test]
    fn presets_lie_between_the_defaults_and_the_operators_keys() {
        let tree = [KeyContext::Tree, KeyContext::List, KeyContext::Global];
        let k9s = Keymap::with_preset(Preset::by_name("k9s"), &[]).unwrap();
        assert_eq!(k9s.resolve(&tree, key("s")), Some(Action::OpenShell));
        assert_eq!(k9s.resolve(&tree, key("Ctrl-k")), Some(Action::Stop));
        assert_eq!(k9s.resolve(&tree, key("e")), None);
        assert_eq!(k9s.resolve(&tree, key("j")), Some(Action::MoveDown));
        let own = [wish(None, "restart", &["s"]), wish(None, "open-shell", &["F6"])];
        let mixed = Keymap::with_preset(Preset::by_name("k9s"), &own).unwrap();
        assert_eq!(mixed.resolve(&tree, key("s")), Some(Action::Restart));
        assert_eq!(mixed.resolve(&tree, key("F6")), Some(Action::OpenShell));
        assert_eq!(mixed.resolve(&tree, key("Ctrl-k")), Some(Action::Stop));
    }

    #[test]
    fn every_preset_holds_what_it_says_and_leaves_a_way_out() {
        for preset in Preset::ALL {
            let map = Keymap::with_preset(Some(preset), &[]).unwrap_or_else(|errors| panic!("{errors:#?}"));
            for choice in preset.choices() {
                let action = Action::by_name(&choice.action).unwrap();
                for text in &choice.keys {
                    assert!(map.keys(action).contains(&key(text)), "{}: {text}", preset.name);
                }
            }
            for action in [Action::Quit, Action::Help, Action::Back, Action::Open, Action::Palette] {
                assert!(!map.hint(action).is_empty(), "{}: {action:?}", preset.name);
            }
        }
        let lazydocker = Keymap::with_preset(Preset::by_name("lazydocker"), &[]).unwrap();
        let tree = [KeyContext::Tree, KeyContext::List, KeyContext::Global];
        for (text, action) in [
            ("m", Action::OpenLogs),
            ("E", Action::OpenShell),
            ("e", Action::ShowAbsent),
            ("l", Action::Right),
            ("h", Action::Left),
        ] {
            assert_eq!(lazydocker.resolve(&tree, key(text)), Some(action), "{text}");
        }
    }
}
