//! How a command ends: exit codes, and errors as people read them.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use crate::ports::EngineError;

/// Done.
pub const OK: u8 = 0;
/// Tried and failed.
pub const FAILED: u8 = 1;
/// The command line, a file or a variable cannot be used.
pub const USAGE: u8 = 2;
/// No engine answers.
pub const UNREACHABLE: u8 = 3;
/// It took longer than it was given, as `timeout` says it.
pub const TIMED_OUT: u8 = 124;

/// Why a command ends without having done its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Whoever read our output has read enough: a quiet success.
    PipeClosed,
    Told {
        code: u8,
        /// What was tried and what happened.
        what: String,
        /// What to do now; may be empty.
        next_step: String,
    },
}

impl Failure {
    pub fn failed(what: impl Into<String>) -> Self {
        Self::Told { code: FAILED, what: what.into(), next_step: String::new() }
    }

    pub fn usage(what: impl Into<String>) -> Self {
        Self::Told { code: USAGE, what: what.into(), next_step: String::new() }
    }

    /// Says that no engine answers; an endpoint that makes no sense is a fault of whoever named it.
    pub fn unreachable(host: &str, error: &EngineError) -> Self {
        let words = error.to_string();
        let code = if matches!(error, EngineError::BadEndpoint(_)) { USAGE } else { UNREACHABLE };
        let what =
            if words.contains(host) { words } else { format!("cannot reach the engine at {host}: {words}") };
        Self::Told { code, what, next_step: error.advice().to_owned() }
    }

    /// Adds what to do now.
    pub fn next_step(self, words: impl Into<String>) -> Self {
        match self {
            Self::PipeClosed => self,
            Self::Told { code, what, .. } => Self::Told { code, what, next_step: words.into() },
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PipeClosed => f.write_str("the reader of the output went away"),
            Self::Told { what, next_step, .. } if next_step.is_empty() => f.write_str(what),
            Self::Told { what, next_step, .. } => write!(f, "{what}\n{next_step}"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::BrokenPipe {
            Self::PipeClosed
        } else {
            Self::failed(format!("cannot write the output: {error}"))
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast_ref::<EngineError>() {
            Some(error) => Self::unreachable("", error),
            None => Self::failed(format!("{error:#}")),
        }
    }
}

/// Says on standard error what went wrong and returns the code to end with.
pub fn report(result: Result<u8, Failure>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(Failure::PipeClosed) => ExitCode::from(OK),
        Err(failure @ Failure::Told { code, .. }) => {
            // Nobody is left to hear it when this fails.
            let _ = writeln!(io::stderr(), "stackdash: {failure}");
            ExitCode::from(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(failure: Failure) -> (u8, String) {
        match failure {
            Failure::Told { code, .. } => (code, failure.to_string()),
            Failure::PipeClosed => panic!("a pipe was closed"),
        }
    }

    #[test]
    fn an_engine_out_of_reach_is_named_once_with_what_to_do() {
        let refused = EngineError::Unreachable(String::from("cannot open /run/x.sock: no such socket"));
        let (code, words) = told(Failure::unreachable("unix:///run/x.sock", &refused));
        assert_eq!(code, UNREACHABLE);
        assert!(words.starts_with("cannot reach the engine at unix:///run/x.sock: cannot open"), "{words}");
        assert!(words.lines().nth(1).is_some_and(|line| line.contains("--host URL")), "{words}");
        let refused = EngineError::Unreachable(String::from("cannot reach tcp://a:1: refused"));
        let (_, words) = told(Failure::unreachable("tcp://a:1", &refused));
        assert!(words.starts_with("cannot reach tcp://a:1: refused\n"), "{words}");
    }

    #[test]
    fn an_endpoint_that_makes_no_sense_is_a_usage_error() {
        let error = EngineError::BadEndpoint(String::from("no context \"lab\""));
        let (code, words) = told(anyhow::Error::from(error).into());
        assert_eq!(code, USAGE);
        assert!(words.starts_with("no context \"lab\"\n"), "{words}");
    }

    #[test]
    fn a_closed_pipe_is_a_quiet_success() {
        let failure = Failure::from(io::Error::from(ErrorKind::BrokenPipe));
        assert_eq!(failure, Failure::PipeClosed);
        let failure = Failure::from(io::Error::from(ErrorKind::StorageFull));
        assert_eq!(told(failure).0, FAILED);
    }
}
