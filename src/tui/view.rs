//! What every view is handed and what it may answer: the contract between `ui` and `views`.
//!
//! A view is a plain struct with its positions and its derived rows. It has these methods, by convention
//! and without a trait:
//!
//! - `sync(&mut self, state: &State, area: Rect)`: brings derived rows up to date; called before drawing
//!   when a revision moved or the area changed. The only place where a view may cache.
//! - `handle(&mut self, action: Action, state: &State) -> Vec<Effect>`: reacts to a key's meaning.
//! - `click(&mut self, column: u16, row: u16, state: &State) -> Vec<Effect>`.
//! - `draw(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>)`: a pure function of state and positions.
//! - `interest(&self, state: &State, interest: &mut Interest)`: adds what it shows.
//! - `set_filter(&mut self, text: &str)` and `filter(&self) -> &str`: what is typed after `/`, told with
//!   every key; an empty text clears it. The next `sync` filters or searches.
//! - `wheel(&mut self, column: u16, row: u16, down: bool, state: &State)`: scrolls what is under it.
//! - `contexts(&self) -> &'static [KeyContext]`: which keys hold, innermost first.

use jiff::Timestamp;

use crate::command::Command;
use crate::model::shells::ShellWish;
use crate::model::stacks::Target;
use crate::state::State;
use crate::tui::action::Action;
use crate::tui::keymap::Keymap;
use crate::tui::popups::profiles::Profiles;
use crate::tui::popups::prompt::Prompt;
use crate::tui::theme::Theme;

/// The screens by their key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Screen {
    #[default]
    Stacks,
    Logs,
    Tokens,
    Watch,
    Events,
    Host,
    Checks,
    Diagnostics,
}

/// What drawing needs beside positions.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub state: &'a State,
    pub theme: &'a Theme,
    /// For the words that name a key.
    pub keymap: &'a Keymap,
    /// The moment the frame shows; ages count to it.
    pub now: Timestamp,
    /// Whether this view gets the keys.
    pub focused: bool,
    /// Whether what is shown may be out of date (connection lost): draw it dimmed.
    pub stale: bool,
    /// Over a slow link: nothing that moves for its own sake.
    pub coarse: bool,
}

/// One line of a choice, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub label: String,
    pub hint: String,
    pub effects: Vec<Effect>,
}

/// What a view asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Run(Command),
    /// Ask first; the answer is "no" unless said otherwise.
    Confirm {
        question: String,
        lines: Vec<String>,
        commands: Vec<Command>,
    },
    /// Let one be chosen of some things to do.
    Choose {
        title: String,
        entries: Vec<Offer>,
    },
    /// Let something be typed.
    Ask(Prompt),
    /// Let profiles be chosen.
    Profiles(Profiles),
    /// Show these logs, merged, on the Logs screen.
    OpenLogs(Vec<Target>),
    /// Go to a target on the Stacks screen and open its details.
    OpenDetails {
        target: Target,
        tab: Option<DetailTab>,
    },
    GoTo(Screen),
    /// A short word at the foot.
    Toast(String),
    /// Text for the clipboard, with what it is ("container id").
    Copy {
        what: String,
        text: String,
    },
    /// Text for a file, with a name to begin with.
    Save {
        name: String,
        text: String,
    },
    /// A terminal in a container, in place of the screen.
    OpenShell(ShellWish),
}

/// Tabs of the details.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DetailTab {
    #[default]
    Overview,
    /// What a job has printed; there while there is something.
    Output,
    Health,
    Usage,
    Logs,
    Env,
    Mounts,
    Processes,
    Inspect,
    Graph,
    Profiles,
    Config,
}

impl DetailTab {
    /// Tabs of a service or a container.
    pub const OF_SERVICE: [Self; 9] = [
        Self::Overview,
        Self::Output,
        Self::Health,
        Self::Usage,
        Self::Logs,
        Self::Env,
        Self::Mounts,
        Self::Processes,
        Self::Inspect,
    ];

    /// Tabs of a stack as a whole.
    pub const OF_STACK: [Self; 7] =
        [Self::Overview, Self::Output, Self::Graph, Self::Profiles, Self::Config, Self::Usage, Self::Logs];

    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Output => "Output",
            Self::Health => "Health",
            Self::Usage => "Usage",
            Self::Logs => "Logs",
            Self::Env => "Env",
            Self::Mounts => "Mounts",
            Self::Processes => "Processes",
            Self::Inspect => "Inspect",
            Self::Graph => "Graph",
            Self::Profiles => "Profiles",
            Self::Config => "Config",
        }
    }
}

impl Screen {
    pub const ALL: [Self; 8] = [
        Self::Stacks,
        Self::Logs,
        Self::Tokens,
        Self::Watch,
        Self::Events,
        Self::Host,
        Self::Checks,
        Self::Diagnostics,
    ];

    /// Returns its title and the action that shows it.
    pub fn title(self) -> (&'static str, Action) {
        match self {
            Self::Stacks => ("Stacks", Action::ShowStacks),
            Self::Logs => ("Logs", Action::ShowLogs),
            Self::Tokens => ("Tokens", Action::ShowTokens),
            Self::Watch => ("Watch", Action::ShowWatch),
            Self::Events => ("Events", Action::ShowEvents),
            Self::Host => ("Host", Action::ShowHost),
            Self::Checks => ("Checks", Action::ShowChecks),
            Self::Diagnostics => ("Diagnostics", Action::ShowDiagnostics),
        }
    }
}
