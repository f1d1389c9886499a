//! Our own log: filtered, masked, cut to size, kept for the Diagnostics screen and, if asked for, a file.
//!
//! Container logs are data and live in `state`; nothing of them passes here. There is no thread behind
//! it: a record goes into a bounded buffer that [`collect`] empties when the screen is drawn, and each
//! second by whoever owns the loop.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use log::{LevelFilter, Log, Metadata, Record};

use crate::model::{redact, text};

/// Bytes of one message that are kept: memory is records times their length.
const MESSAGE_BYTES: usize = 4 * 1024;
/// Bytes that are looked at for secrets; what is longer is cut before.
const INPUT_BYTES: usize = 4 * MESSAGE_BYTES;
/// A log file of this size is put aside at the next start.
const FILE_BYTES: u64 = 8 * 1024 * 1024;

/// Counts records kept: equal to the one drawn means nothing to draw.
static REVISION: AtomicU64 = AtomicU64::new(0);

/// What is kept, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// Of our own modules; libraries are heard from warnings on.
    pub level: LevelFilter,
    /// `--log-file`: made readable for its owner only, and appended to.
    pub file: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { level: LevelFilter::Info, file: None }
    }
}

/// Starts logging. The error is one line for people.
pub fn init(options: Options) -> Result<(), String> {
    let file = options.file.as_deref().map(open).transpose()?;
    tui_logger::set_default_level(options.level);
    log::set_max_level(options.level);
    let logger = Logger { level: options.level, file: Mutex::new(file), drain: tui_logger::Drain::new() };
    // A second start (in tests) keeps the first logger: there is nothing to do about it, or to say.
    let _ = log::set_boxed_logger(Box::new(logger));
    Ok(())
}

/// Returns a count that changes with every record kept.
pub fn revision() -> u64 {
    REVISION.load(Ordering::Relaxed)
}

/// Moves new records to where the Diagnostics screen reads them.
pub fn collect() {
    tui_logger::move_events();
}

/// The receiver of all records.
pub(crate) struct Logger {
    pub(crate) level: LevelFilter,
    pub(crate) file: Mutex<Option<File>>,
    pub(crate) drain: tui_logger::Drain,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let is_ours = metadata.target().split("::").next() == Some("stackdash");
        // bollard and hyper write whole requests at debug, and nobody here can act on them.
        let cap = if is_ours { self.level } else { self.level.min(LevelFilter::Warn) };
        metadata.level() <= cap
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let message = fit(&record.args().to_string());
        // The file and line of a library would only be noise, so they stay behind.
        self.drain.log(
            &Record::builder()
                .level(record.level())
                .target(record.target())
                .args(format_args!("{message}"))
                .build(),
        );
        REVISION.fetch_add(1, Ordering::Relaxed);
        // A full disk must not take the program with it.
        if let Ok(mut file) = self.file.lock()
            && let Some(file) = file.as_mut()
        {
            let (now, level, target) = (Timestamp::now(), record.level(), record.target());
            let _ = writeln!(file, "{now:.3} {level:<5} {target} {message}");
        }
    }

    fn flush(&self) {
        if let Ok(mut file) = self.file.lock()
            && let Some(file) = file.as_mut()
        {
            let _ = file.flush();
        }
    }
}

/// Makes a message fit to be shown: one line, printable, without secrets, bounded.
fn fit(message: &str) -> String {
    let looked_at = cut(message, INPUT_BYTES);
    let clean = redact::text(&text::clean(looked_at));
    let kept = cut(&clean, MESSAGE_BYTES);
    let lost = message.len() - looked_at.len() + clean.len() - kept.len();
    if lost == 0 { clean } else { format!("{kept} ({lost} bytes more)") }
}

fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// Opens a log file for its owner only; a large one of an earlier run is put aside first.
fn open(path: &Path) -> Result<File, String> {
    let name = path.display();
    if let Ok(meta) = fs::metadata(path) {
        if !meta.is_file() {
            return Err(format!("the log file {name} is no plain file"));
        }
        if meta.len() > FILE_BYTES {
            let mut aside = path.as_os_str().to_owned();
            aside.push(".old");
            fs::rename(path, &aside)
                .map_err(|error| format!("the log file {name} could not be put aside: {error}"))?;
        }
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file =
        options.open(path).map_err(|error| format!("the log file {name} could not be opened: {error}"))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // It may be older than we are, and made by a more generous hand.
        file.set_permissions(fs::Permissions::from_mode(0o600))
            .map_err(|error| format!("the log file {name} could not be made private: {error}"))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logger(file: Option<File>) -> Logger {
        Logger { level: LevelFilter::Debug, file: Mutex::new(file), drain: tui_logger::Drain::new() }
    }

    fn is_enabled(target: &str, level: log::Level) -> bool {
        logger(None).enabled(&Metadata::builder().target(target).level(level).build())
    }

    #[test]
    fn libraries_are_heard_from_warnings_on() {
        assert!(is_enabled("stackdash::supervisor", log::Level::Debug));
        assert!(!is_enabled("stackdash::supervisor", log::Level::Trace));
        assert!(is_enabled("bollard::docker", log::Level::Warn));
        assert!(!is_enabled("hyper_util::client", log::Level::Info));
        assert!(!is_enabled("stackdashing", log::Level::Info));
    }

    #[test]
    fn messages_are_one_clean_line_without_secrets() {
        let text = fit("asked\nfor \u{1b}[31mhttp://user:hunter2hunter2@host/\u{7}");
        assert!(!text.contains(['\n', '\u{1b}', '\u{7}']), "{text:?}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn long_messages_are_cut_at_a_character() {
        let text = fit(&"é ".repeat(20_000));
        assert!(text.len() < MESSAGE_BYTES + 40, "{}", text.len());
        assert!(text.ends_with(" bytes more)"), "{}", &text[text.len() - 30..]);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_private_even_if_it_was_not_before_and_large_ones_go_aside() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        fs::write(&path, "old\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let logger = logger(Some(open(&path).unwrap()));
        let before = revision();
        logger.log(
            &Record::builder()
                .level(log::Level::Warn)
                .target("stackdash::x")
                .args(format_args!("new"))
                .build(),
        );
        assert!(revision() > before);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("old\n") && text.ends_with("WARN  stackdash::x new\n"), "{text}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, vec![b'x'; FILE_BYTES as usize + 1]).unwrap();
        open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
        assert!(folder.path().join("x.log.old").exists());
        assert!(open(folder.path()).unwrap_err().contains("no plain file"));
    }
}
