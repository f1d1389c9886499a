//! Parses arguments, calls the front door, turns the result into an exit code. Nothing else.

use std::process::ExitCode;
use std::time::Duration;

use stackdash::cli::{self, exit, parse};

/// How long threads that block may keep the program from ending.
const LAST_TASKS: Duration = Duration::from_millis(300);

/// How long a thread that reads files waits for the next one: longer than a beat, so that idling makes none anew.
const THREADS_REST: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let words: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let arguments = match parse::parse(&words) {
        Ok(arguments) => arguments,
        Err(misread) => return ExitCode::from(parse::report(&misread)),
    };
    // Two workers: almost everything is waiting, and the screen is drawn by the main thread.
    // Threads that wait are called in turn: with the usual patience of ten seconds each that a burst called for
    // would find something to do for ever.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_keep_alive(THREADS_REST)
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(cli::run(arguments));
            // Only this drops the tasks before we end, and with them the children they hold: Compose's
            // process group, a tunnel. A thread that still hangs must not keep us for longer.
            runtime.shutdown_timeout(LAST_TASKS);
            result
        }
        Err(error) => Err(exit::Failure::failed(format!("cannot start the async runtime: {error}"))),
    };
    exit::report(result)
}
