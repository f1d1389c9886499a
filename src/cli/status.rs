//! `status`: one snapshot, as a table or as JSON.

pub mod table;

use crate::cli::args::{DocumentFormat, StatusArguments};
use crate::cli::exit::{self, Failure};
use crate::cli::headless::Measure;
use crate::cli::json::status::{Extras, status};
use crate::cli::meant;
use crate::cli::output::Output;
use crate::cli::select;
use crate::cli::settings::Setup;

pub async fn run(setup: &Setup, arguments: StatusArguments, output: &mut Output) -> Result<u8, Failure> {
    let measure = if arguments.no_usage { Measure::Nothing } else { Measure::Rates };
    let json = arguments.format.format == DocumentFormat::Json;
    let ports = if json { setup.ports_with_linter()? } else { setup.ports()? };
    let mut headless = meant::connect(setup, ports, measure).await?;
    // A wrong name should not have to wait for figures.
    select::stacks(headless.state(), &setup.config)?;
    headless.definitions().await;
    let mut extras = Extras { figures: headless.figures(measure).await, ..Extras::default() };
    if json {
        headless.findings().await;
        headless.tokens().await;
        headless.recall_refreshes(&setup.config).await;
        headless.probes().await;
        extras.image_sizes = headless.image_sizes().await;
    }
    let now = headless.supervisor.now();
    let state = headless.state();
    let stacks = select::stacks(state, &setup.config)?;
    select::tell_faults(state, &stacks);
    match arguments.format.format {
        DocumentFormat::Json => output.document(&status(state, &stacks, &extras, now))?,
        DocumentFormat::Table => table::print(state, &stacks, &extras.figures, now, output)?,
    }
    Ok(exit::OK)
}
