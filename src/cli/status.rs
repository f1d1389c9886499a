//! `status`: one snapshot, as a table or as JSON.

pub mod table;

use crate::cli::args::{DocumentFormat, StatusArguments};
use crate::cli::exit::{self, Failure};
use crate::cli::headless::{Headless, Measure};
use crate::cli::json::{self, Extras};
use crate::cli::output::Output;
use crate::cli::select;
use crate::cli::settings::Setup;

pub async fn run(setup: &Setup, arguments: StatusArguments, output: &mut Output) -> Result<u8, Failure> {
    let measure = if arguments.no_usage { Measure::Nothing } else { Measure::Rates };
    let mut headless = Headless::connect(setup.ports()?, &setup.config, measure).await?;
    // A wrong name should not have to wait for figures.
    select::stacks(headless.state(), &setup.config)?;
    headless.definitions().await;
    let mut extras = Extras { figures: headless.figures(measure).await, ..Extras::default() };
    if arguments.format.format == DocumentFormat::Json {
        extras.image_sizes = headless.image_sizes().await;
    }
    let now = headless.supervisor.now();
    let state = headless.state();
    let stacks = select::stacks(state, &setup.config)?;
    match arguments.format.format {
        DocumentFormat::Json => output.document(&json::status(state, &stacks, &extras, now))?,
        DocumentFormat::Table => table::print(state, &stacks, &extras.figures, now, output)?,
    }
    Ok(exit::OK)
}
