//! Nearer wins: flag, environment (`STACKDASH_*`), file, default.
//!
//! Pure: the environment is a function, so tests bring their own.

use std::path::PathBuf;

use crate::config::file::FileConfig;
use crate::config::{Config, EndpointChoice, LogWay};

/// What the command line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    pub host: Option<String>,
    pub context: Option<String>,
    pub project: Option<String>,
    pub theme: Option<String>,
    pub read_only: bool,
    pub ascii: bool,
    pub no_color: bool,
    pub slow_link: bool,
    pub no_history: bool,
    pub log_file: Option<PathBuf>,
    pub verbosity: u8,
}

/// Looks up one variable; unset and empty are the same.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Merges the layers into what holds. An error says which variable or flags cannot be used.
pub fn merge(flags: Flags, environment: Environment<'_>, file: FileConfig) -> Result<Config, String> {
    let env = |name: &str| environment(name).filter(|value| !value.is_empty());
    let default = Config::default();
    Ok(Config {
        endpoint: endpoint(&flags, &env, &file)?,
        theme: flags.theme.or_else(|| env("STACKDASH_THEME")).or(file.theme).unwrap_or(default.theme),
        read_only: flags.read_only
            || switch("STACKDASH_READ_ONLY", &env)?.or(file.read_only).unwrap_or_default(),
        ascii: flags.ascii
            || switch("STACKDASH_ASCII", &env)?.or(file.ascii).unwrap_or_else(|| !is_utf8(&env)),
        no_color: flags.no_color || env("NO_COLOR").is_some(),
        slow_link: if flags.slow_link {
            Some(true)
        } else {
            switch("STACKDASH_SLOW_LINK", &env)?.or(file.slow_link)
        },
        keys: file.keys,
        key_preset: file.key_preset,
        notify: file.notify,
        history: !flags.no_history
            && switch("STACKDASH_HISTORY", &env)?.or(file.history).unwrap_or(default.history),
        project: flags.project.or_else(|| env("STACKDASH_PROJECT")),
        logs: log_way(env("STACKDASH_LOGS"))?,
        log_file: flags.log_file.or_else(|| env("STACKDASH_LOG_FILE").map(PathBuf::from)),
        verbosity: flags.verbosity,
    })
}

/// A layer that names an engine hides what lies below it, whether by address or by context.
fn endpoint(
    flags: &Flags,
    env: &impl Fn(&str) -> Option<String>,
    file: &FileConfig,
) -> Result<EndpointChoice, String> {
    if flags.host.is_some() && flags.context.is_some() {
        return Err(String::from("--host and --context both name an engine: give one of them"));
    }
    if flags.host.is_some() || flags.context.is_some() {
        return Ok(EndpointChoice { host: flags.host.clone(), context: flags.context.clone() });
    }
    let (host, context) = (env("STACKDASH_HOST"), env("STACKDASH_CONTEXT"));
    if host.is_some() && context.is_some() {
        return Err(String::from(
            "STACKDASH_HOST and STACKDASH_CONTEXT both name an engine: set one of them",
        ));
    }
    if host.is_some() || context.is_some() {
        return Ok(EndpointChoice { host, context });
    }
    // The environment is nearer than the file, also where it speaks Docker's words.
    if env("DOCKER_HOST").is_some() || env("DOCKER_CONTEXT").is_some() {
        return Ok(EndpointChoice::default());
    }
    Ok(EndpointChoice { host: file.host.clone(), context: file.context.clone() })
}

fn log_way(word: Option<String>) -> Result<LogWay, String> {
    match word.as_deref() {
        None | Some("auto") => Ok(LogWay::Auto),
        Some("api") => Ok(LogWay::Api),
        Some(other) => Err(format!("STACKDASH_LOGS is {other:?}: it wants api or auto")),
    }
}

/// Reads a variable that is on or off.
pub fn switch(name: &str, env: &impl Fn(&str) -> Option<String>) -> Result<Option<bool>, String> {
    match env(name).as_deref().map(str::to_lowercase).as_deref() {
        None | Some("") => Ok(None),
        Some("1" | "true" | "yes" | "on") => Ok(Some(true)),
        Some("0" | "false" | "no" | "off") => Ok(Some(false)),
        Some(other) => Err(format!("{name} is {other:?}: it wants 1 or 0")),
    }
}

/// Whether the locale is UTF-8. One that was never set says nothing: nearly every terminal is.
fn is_utf8(env: &impl Fn(&str) -> Option<String>) -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(env).is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(flags: Flags, env: &[(&str, &str)], file: FileConfig) -> Result<Config, String> {
        let lookup =
            |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        merge(flags, &lookup, file)
    }

    fn some<T: From<&'static str>>(word: &'static str) -> Option<T> {
        Option::from(T::from(word))
    }

    #[test]
    fn a_flag_beats_the_environment_and_that_beats_the_file() {
        let file = FileConfig { theme: some("file"), ..FileConfig::default() };
        let env = [("STACKDASH_THEME", "env")];
        let flags = Flags { theme: some("flag"), ..Flags::default() };
        assert_eq!(merged(flags, &env, file.clone()).unwrap().theme, "flag");
        assert_eq!(merged(Flags::default(), &env, file.clone()).unwrap().theme, "env");
        assert_eq!(merged(Flags::default(), &[], file).unwrap().theme, "file");
        assert_eq!(merged(Flags::default(), &[], FileConfig::default()).unwrap().theme, "dark");
    }

    #[test]
    fn the_way_to_logs_is_auto_or_api() {
        let way = |word| merged(Flags::default(), &[("STACKDASH_LOGS", word)], FileConfig::default());
        assert_eq!(way("").unwrap().logs, LogWay::Auto);
        assert_eq!(way("auto").unwrap().logs, LogWay::Auto);
        assert_eq!(way("api").unwrap().logs, LogWay::Api);
        assert_eq!(way("file").unwrap_err(), "STACKDASH_LOGS is \"file\": it wants api or auto");
    }

    #[test]
    fn a_switch_of_the_file_can_be_turned_off_by_the_environment() {
        let file = FileConfig { read_only: Some(true), ..FileConfig::default() };
        assert!(merged(Flags::default(), &[], file.clone()).unwrap().read_only);
        assert!(!merged(Flags::default(), &[("STACKDASH_READ_ONLY", "0")], file.clone()).unwrap().read_only);
        let error = merged(Flags::default(), &[("STACKDASH_READ_ONLY", "maybe")], file).unwrap_err();
        assert_eq!(error, "STACKDASH_READ_ONLY is \"maybe\": it wants 1 or 0");
    }

    #[test]
    fn the_nearest_layer_that_names_an_engine_hides_the_others() {
        let file = FileConfig { context: some("from-file"), ..FileConfig::default() };
        let flags = Flags { host: some("tcp://a"), ..Flags::default() };
        let chosen = merged(flags, &[("STACKDASH_CONTEXT", "b")], file.clone()).unwrap().endpoint;
        assert_eq!(chosen, EndpointChoice { host: some("tcp://a"), context: None });
        let chosen =
            merged(Flags::default(), &[("STACKDASH_HOST", "tcp://c")], file.clone()).unwrap().endpoint;
        assert_eq!(chosen, EndpointChoice { host: some("tcp://c"), context: None });
        let chosen = merged(Flags::default(), &[("DOCKER_HOST", "tcp://d")], file.clone()).unwrap().endpoint;
        assert_eq!(chosen, EndpointChoice::default());
        let chosen = merged(Flags::default(), &[], file).unwrap().endpoint;
        assert_eq!(chosen, EndpointChoice { host: None, context: some("from-file") });
    }

    #[test]
    fn two_names_for_an_engine_are_refused() {
        let flags = Flags { host: some("tcp://a"), context: some("b"), ..Flags::default() };
        assert!(merged(flags, &[], FileConfig::default()).unwrap_err().contains("--host and --context"));
        let env = [("STACKDASH_HOST", "tcp://a"), ("STACKDASH_CONTEXT", "b")];
        assert!(merged(Flags::default(), &env, FileConfig::default()).is_err());
    }

    #[test]
    fn marks_are_ascii_where_the_locale_is_not_utf8() {
        let ascii =
            |env: &[(&str, &str)]| merged(Flags::default(), env, FileConfig::default()).unwrap().ascii;
        assert!(!ascii(&[]));
        assert!(!ascii(&[("LANG", "en_US.UTF-8")]));
        assert!(ascii(&[("LANG", "C")]));
        assert!(ascii(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "POSIX")]));
        assert!(!ascii(&[("LANG", "C"), ("STACKDASH_ASCII", "0")]));
    }
}
