//! Parses arguments, calls the front door, turns the result into an exit code. Nothing else.

use std::process::ExitCode;

use clap::Parser;
use stackdash::cli::{self, args::Arguments, exit};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Two workers: almost everything is waiting, and the screen is drawn by the main thread.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(cli::run(arguments));
            // A call that still hangs on the engine must not keep us from ending.
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(exit::Failure::failed(format!("cannot start the async runtime: {error}"))),
    };
    exit::report(result)
}
