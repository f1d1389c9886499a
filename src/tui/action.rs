//! What a key can mean: one table with names, one-line docs, default keys and contexts.
//!
//! Help, footer hints, the palette, the key table of the README and the user's overrides all read it.

/// Where a binding holds. The innermost context is asked first, `Global` last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyContext {
    Global,
    /// Any list or tree.
    List,
    /// Any scrollable text (logs, inspect, diagnostics).
    Text,
    /// The tree of stacks, services and containers.
    Tree,
    Logs,
    Tokens,
    Watch,
    Events,
    Host,
    Checks,
    Diagnostics,
    /// A question with yes and no.
    Confirm,
    /// A list to choose from (menu, palette, themes, sort).
    Menu,
    /// A line being typed (filter, search, palette).
    Input,
}

impl KeyContext {
    pub const ALL: [Self; 14] = [
        Self::Global,
        Self::List,
        Self::Text,
        Self::Tree,
        Self::Logs,
        Self::Tokens,
        Self::Watch,
        Self::Events,
        Self::Host,
        Self::Checks,
        Self::Diagnostics,
        Self::Confirm,
        Self::Menu,
        Self::Input,
    ];

    /// Returns the name used in the configuration file: `[keys.tree]`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::List => "list",
            Self::Text => "text",
            Self::Tree => "tree",
            Self::Logs => "logs",
            Self::Tokens => "tokens",
            Self::Watch => "watch",
            Self::Events => "events",
            Self::Host => "host",
            Self::Checks => "checks",
            Self::Diagnostics => "diagnostics",
            Self::Confirm => "confirm",
            Self::Menu => "menu",
            Self::Input => "input",
        }
    }
}

/// One row of the table.
pub struct ActionInfo {
    pub action: Action,
    /// Kebab-case, for the configuration file and the palette.
    pub name: &'static str,
    /// One line, sentence case, no dot.
    pub doc: &'static str,
    /// One or two words for the footer.
    pub short: &'static str,
    pub contexts: &'static [KeyContext],
    /// Default keys, in the notation of the configuration file: `j`, `Ctrl-d`, `PgDn`, `Shift-Tab`.
    pub keys: &'static [&'static str],
}

macro_rules! actions {
    ($($variant:ident, $name:literal, $short:literal, $doc:literal, [$($context:ident),*], [$($key:literal),*];)*) => {
        /// What a key means on a screen. Never leaves `tui`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action {
            $(#[doc = $doc] $variant,)*
        }

        /// The table.
        pub const ACTIONS: &[ActionInfo] = &[
            $(ActionInfo {
                action: Action::$variant,
                name: $name,
                short: $short,
                doc: $doc,
                contexts: &[$(KeyContext::$context),*],
                keys: &[$($key),*],
            },)*
        ];
    };
}

actions! {
    MoveDown, "move-down", "down", "Move down", [List, Text, Menu], ["j", "Down"];
    MoveUp, "move-up", "up", "Move up", [List, Text, Menu], ["k", "Up"];
    First, "first", "top", "Go to the first line", [List, Text, Menu], ["g", "Home"];
    Last, "last", "end", "Go to the last line", [List, Text, Menu], ["G", "End"];
    HalfPageDown, "half-page-down", "", "Move down half a page", [List, Text], ["Ctrl-d"];
    HalfPageUp, "half-page-up", "", "Move up half a page", [List, Text], ["Ctrl-u"];
    PageDown, "page-down", "", "Move down a page", [List, Text, Menu], ["PgDn"];
    PageUp, "page-up", "", "Move up a page", [List, Text, Menu], ["PgUp"];
    Right, "right", "unfold", "Unfold in the tree, go to the pane at the right, scroll text right", [List, Text, Confirm], ["Right"];
    Left, "left", "fold", "Fold in the tree, go to the pane at the left, scroll text left", [List, Text, Confirm], ["Left"];
    NextPane, "next-pane", "pane", "Go to the next pane, to the next line of a dialog", [Global, Confirm, Input], ["Tab"];
    PreviousPane, "previous-pane", "", "Go to the previous pane, to the previous line of a dialog", [Global, Confirm, Input], ["Shift-Tab"];
    ShowStacks, "show-stacks", "stacks", "Show the Stacks screen", [Global], ["1"];
    ShowLogs, "show-logs", "logs", "Show the Logs screen", [Global], ["2"];
    ShowTokens, "show-tokens", "tokens", "Show the Tokens screen", [Global], ["3"];
    ShowWatch, "show-watch", "watch", "Show the Watch screen", [Global], ["4"];
    ShowEvents, "show-events", "events", "Show the Events screen", [Global], ["5"];
    ShowHost, "show-host", "host", "Show the Host screen", [Global], ["6"];
    ShowChecks, "show-checks", "checks", "Show the Checks screen: findings of the configuration, probes, budgets", [Global], ["7"];
    ShowDiagnostics, "show-diagnostics", "diagnostics", "Show the Diagnostics screen: stackdash's own log", [Global], ["0"];
    PreviousTab, "previous-tab", "", "Go to the previous tab of the details", [Global], ["[", "<"];
    NextTab, "next-tab", "tab", "Go to the next tab of the details", [Global], ["]", ">"];
    Open, "open", "open", "Drill in; in logs: show the line with one field a row", [List, Menu, Confirm, Input, Logs], ["Enter"];
    Back, "back", "back", "Go back, cancel, clear the filter", [Global, Menu, Confirm, Input], ["Esc"];
    Filter, "filter", "filter", "Filter a list, search a text (regex, smart case)", [Global], ["/"];
    NextMatch, "next-match", "next", "Go to the next match", [Text, Logs, Events, Checks], ["n"];
    PreviousMatch, "previous-match", "", "Go to the previous match", [Text, Logs, Events, Checks], ["N"];
    Palette, "palette", "palette", "Open the palette: every action by name", [Global], [":", "Ctrl-p"];
    Help, "help", "help", "Show the keys of what has focus", [Global], ["?", "F1"];
    Quit, "quit", "quit", "Go back, at the top quit", [Global], ["q"];
    QuitNow, "quit-now", "", "Quit at once", [Global, Menu, Confirm, Input], ["Ctrl-c"];
    NextEntry, "next-entry", "", "Go to the next entry or line while typing", [Input], ["Down", "Ctrl-n"];
    PreviousEntry, "previous-entry", "", "Go to the previous entry or line, to the command of before", [Input], ["Up", "Ctrl-p"];
    CursorLeft, "cursor-left", "", "Go one character to the left", [Input], ["Left", "Ctrl-b"];
    CursorRight, "cursor-right", "", "Go one character to the right", [Input], ["Right", "Ctrl-f"];
    CursorStart, "cursor-start", "", "Go to the start of the line", [Input], ["Home", "Ctrl-a"];
    CursorEnd, "cursor-end", "", "Go to the end of the line", [Input], ["End", "Ctrl-e"];
    DeleteBefore, "delete-before", "", "Delete the character before the cursor", [Input], ["Backspace", "Ctrl-h"];
    DeleteAfter, "delete-after", "", "Delete the character at the cursor", [Input], ["Delete", "Ctrl-d"];
    DeleteWord, "delete-word", "", "Delete the word before the cursor", [Input], ["Ctrl-w"];
    DeleteToStart, "delete-to-start", "", "Delete all before the cursor", [Input], ["Ctrl-u"];
    DeleteToEnd, "delete-to-end", "", "Delete all after the cursor", [Input], ["Ctrl-k"];
    Yes, "yes", "yes", "Yes, do it", [Confirm], ["y"];
    No, "no", "no", "No, leave it", [Confirm], ["n"];
    OpenLogs, "open-logs", "logs", "Open the logs of the selection", [Tree, Watch, Events], ["l", "m"];
    OpenShell, "open-shell", "shell", "Open a shell in the container", [Tree], ["e", "E"];
    ShellAs, "shell-as", "", "Open a shell as another user (asks which)", [Tree], [];
    ShellIn, "shell-in", "", "Open a shell in another folder (asks which)", [Tree], [];
    RunCommand, "run-command", "run", "Run a command in the container (asks which)", [Tree], [];
    CustomActions, "custom-actions", "actions", "Show the stack's own actions", [Tree], ["c"];
    Attach, "attach", "", "Attach to the container's own process (Ctrl-p Ctrl-q comes back)", [Tree], [];
    OpenDetails, "open-details", "details", "Open the details of the selection", [Tree, Tokens, Watch, Events], ["d"];
    Restart, "restart", "restart", "Restart the selection (asks)", [Tree], ["r"];
    Stop, "stop", "stop", "Stop the selection (asks)", [Tree], ["s"];
    Start, "start", "start", "Start the selection", [Tree], ["S"];
    Up, "up", "up", "Bring the selection up with Compose (asks)", [Tree], ["u"];
    UpStack, "up-stack", "up stack", "Bring up the whole stack (asks)", [Tree], ["U"];
    Down, "down", "down", "Take the selection down (lists what goes, asks)", [Tree], ["D"];
    Renew, "renew", "renew", "Update, recreate, rebuild, pull or scale: choose", [Tree], ["R"];
    Update, "update", "update", "Update: pull, build, bring up, wait until healthy (asks)", [Tree], [];
    GoBack, "go-back", "go back", "Go back to the image from before the update (asks)", [Tree], [];
    Recreate, "recreate", "recreate", "Recreate its containers (asks)", [Tree], [];
    Rebuild, "rebuild", "rebuild", "Rebuild its image and containers (asks)", [Tree], [];
    RebuildClean, "rebuild-without-cache", "", "Rebuild its image without cache, and its containers (asks)", [Tree], [];
    Pull, "pull", "pull", "Pull its image", [Tree], [];
    Variant, "variant", "variant", "Choose a variant: which compose files the next up uses", [Tree], [];
    Scale, "scale", "scale", "Scale: how many containers (asks)", [Tree], [];
    Profiles, "profiles", "profiles", "Profiles: what each adds; bring up or take down one or several", [Tree], ["p"];
    ShowOutput, "show-output", "output", "Show what the running or failed job has printed", [Tree], ["O"];
    Pause, "pause", "pause", "Pause the selection (asks)", [Tree], [];
    Unpause, "unpause", "unpause", "Let it go on after a pause", [Tree], [];
    Kill, "kill", "kill", "Send a signal: choose which (asks)", [Tree], [];
    Remove, "remove", "remove", "Remove what is stopped (asks)", [Tree], [];
    Rename, "rename", "rename", "Give the container another name", [Tree], [];
    CopyOut, "copy-out", "copy out", "Copy a file out of the container", [Tree], [];
    CopyIn, "copy-in", "copy in", "Copy a file into the container", [Tree], [];
    NextProblem, "next-problem", "next problem", "Go to the next thing that is wrong", [Tree], ["n"];
    PreviousProblem, "previous-problem", "", "Go to the previous thing that is wrong", [Tree], ["N"];
    CancelJob, "cancel-job", "cancel", "Cancel what is under way on the selection", [Tree, Watch], ["X"];
    Menu, "menu", "menu", "Show every action on the selection", [Tree], ["x"];
    Mark, "mark", "mark", "Mark the selection", [Tree], ["Space"];
    Bulk, "bulk", "bulk", "Show the actions on everything marked", [Tree], ["b"];
    ShowAbsent, "show-absent", "all", "Show what is absent, stopped or completed too", [Tree], ["a"];
    Sort, "sort", "sort", "Choose the order of the list", [Tree, Tokens, Checks], ["o"];
    RefreshToken, "refresh-token", "refresh", "Refresh the token now", [Tokens], ["r"];
    RefreshWorst, "refresh-worst-token", "refresh token", "Refresh the token that needs it most (asks, names it)", [Global], ["T"];
    Authorize, "authorize-token", "authorize", "Authorize the token anew: an address for a browser (asks)", [Tokens], ["a"];
    AutoRefresh, "auto-refresh", "auto", "Let stackdash refresh the token by itself, or leave it", [Tokens], ["A"];
    ToggleWatch, "watch", "watch", "Watch its sources: what is saved is synced or rebuilt; or no more", [Tree, Watch], ["w"];
    TriggerWatch, "rebuild-now", "rebuild", "Do now what waits for its saved files; where nothing waits, rebuild it (asks)", [Tree, Watch], ["t"];
    PauseWatch, "pause-watch", "pause", "Pause the watching: what is saved meanwhile waits", [Watch], ["p"];
    ManualWatch, "manual-watch", "manual", "Manual mode: what is saved waits until it is asked for", [Watch], ["M"];
    Follow, "follow", "follow", "Follow the newest line", [Logs, Events, Diagnostics], ["f"];
    Level, "level", "level", "Show only lines from a level on", [Logs, Events, Checks, Diagnostics], ["L"];
    Kind, "kind", "kind", "Show only one kind of event: containers, health, actions, the engine", [Events], ["K"];
    OnlyMatching, "only-matching", "only", "Show only lines that match, or with ! before it all but these", [Logs], ["&"];
    Fields, "fields", "fields", "Show structured lines as message and fields, or as written", [Logs], ["J"];
    JumpToTime, "jump-to-time", "time", "Go to a time: 14:05, or 5m ago", [Logs], ["@"];
    MarkBlock, "mark-block", "block", "Begin a block at this line; copying takes all of it", [Logs], ["v"];
    Wrap, "wrap", "wrap", "Wrap long lines", [Logs, Text], ["w"];
    Timestamps, "timestamps", "times", "Change the timestamps: local, UTC, relative, off", [Logs, Events], ["t"];
    CopyLine, "copy-line", "copy", "Copy the line or the id", [Global], ["y"];
    CopyAll, "copy-all", "", "Copy what is shown", [Global], ["Y"];
    Save, "save", "save", "Save what is shown to a file", [Global], ["Ctrl-s"];
    Larger, "larger", "", "Give the focused pane more room", [Global], ["+"];
    Smaller, "smaller", "", "Give the focused pane less room", [Global], ["_"];
    Redraw, "redraw", "", "Draw the whole screen again", [Global], ["Ctrl-l"];
    Suspend, "suspend", "", "Suspend to the shell", [Global], ["Ctrl-z"];
    ToggleMouse, "toggle-mouse", "", "Give the mouse to the terminal, for its own selection", [Global], ["F12"];
    Themes, "themes", "themes", "Choose a theme", [Global], ["F2"];
    ReadAgain, "read-again", "refresh", "Read again what is read on demand", [Host, Checks], ["r"];
    Reconnect, "reconnect", "retry", "Try the engine now", [Global], ["F5"];
}

impl Action {
    /// Returns its row of the table.
    pub fn info(self) -> &'static ActionInfo {
        ACTIONS.iter().find(|info| info.action == self).unwrap_or(&ACTIONS[0])
    }

    /// Whether it leads to a change outside stackdash: what is not offered under `--read-only`.
    pub fn changes_something(self) -> bool {
        matches!(
            self,
            Self::Start
                | Self::Stop
                | Self::Restart
                | Self::Up
                | Self::UpStack
                | Self::Down
                | Self::Renew
                | Self::Recreate
                | Self::Rebuild
                | Self::RebuildClean
                | Self::Update
                | Self::GoBack
                | Self::Scale
                | Self::Pull
                | Self::Profiles
                | Self::Pause
                | Self::Unpause
                | Self::Kill
                | Self::Remove
                | Self::Rename
                | Self::CopyOut
                | Self::CopyIn
                | Self::OpenShell
                | Self::ShellAs
                | Self::ShellIn
                | Self::Attach
                | Self::RunCommand
                | Self::CustomActions
                | Self::CancelJob
                | Self::Bulk
                | Self::RefreshToken
                | Self::RefreshWorst
                | Self::Authorize
                | Self::AutoRefresh
                | Self::ToggleWatch
                | Self::TriggerWatch
        )
    }

    pub fn by_name(name: &str) -> Option<Self> {
        ACTIONS.iter().find(|info| info.name == name).map(|info| info.action)
    }
}
