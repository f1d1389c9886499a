//! What watching costs, side by side: stackdash and its peers in turns on a real engine, with idle containers
//! and then with one that floods. Prints a table; asserts nothing. `tests/bench.sh` runs it.
//!
//! Everything it makes carries the labels `stackdash.test=1` and the stack `stackdash-bench`, and goes with it.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made ends the run")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table goes out, words beside it")]

mod cost;
mod crowd;
mod engine;
mod measure;
mod peers;
mod table;
mod terminal;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;

use crate::crowd::{Crowd, Flood};
use crate::measure::{Figures, Physical};
use crate::peers::Peer;

/// Measures what watching containers costs: stackdash and what else is installed (oxker, dtop, lazydocker).
#[derive(Parser)]
struct Arguments {
    /// How many idle containers, one table each
    #[arg(long, value_delimiter = ',', default_values_t = [10, 50, 100])]
    containers: Vec<usize>,

    /// How long each window of rest is
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,

    /// How often each program has its turn
    #[arg(long, default_value_t = 2)]
    rounds: usize,

    /// Columns and rows of the terminal
    #[arg(long, default_value = "120x40")]
    size: String,

    /// The stackdash that is measured
    #[arg(long, env = "STACKDASH_BENCH_PROGRAM", default_value = "target/release/stackdash")]
    program: PathBuf,

    /// Only these programs, by name
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,

    /// Leave out the flood
    #[arg(long)]
    no_flood: bool,

    /// Print what is on the screen at each step, to see whether a peer was understood
    #[arg(long)]
    show: bool,

    /// Cargo says this to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let arguments = Arguments::parse();
    let (columns, rows) = arguments
        .size
        .split_once('x')
        .and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)))
        .expect("--size 120x40");
    let mut peers = peers::installed(&arguments.program);
    peers.retain(|peer| arguments.only.is_empty() || arguments.only.iter().any(|name| name == peer.name));
    assert!(!peers.is_empty(), "nothing to measure: build stackdash with `cargo build --release` first");
    let window = Duration::from_secs_f64(arguments.seconds);
    let stage = measure::Stage { columns, rows, window, show: arguments.show };

    let begin = Instant::now();
    crowd::sweep();
    let mut crowd = Crowd::default();
    for count in &arguments.containers {
        eprintln!("bench: {count} containers");
        crowd.grow(*count);
        let physical = Physical::measure();
        let mut figures: Vec<Figures> = peers.iter().map(|_| Figures::default()).collect();
        let first = arguments.containers.first() == Some(count);
        for (peer, figures) in peers.iter().zip(&mut figures).filter(|_| first) {
            eprintln!("bench: {count} containers that are young, {}", peer.name);
            stage.with_young_ones(peer, figures);
        }
        for round in 1..=arguments.rounds {
            // The flood first: what was started just now counts its age by the second, which is no rest.
            if !arguments.no_flood {
                let _flood = Flood::start();
                let mut baseline = stage.baseline();
                for (peer, figures) in peers.iter().zip(&mut figures) {
                    eprintln!("bench: {count} containers and a flood, round {round}, {}", peer.name);
                    baseline = stage.in_a_flood(peer, baseline, figures);
                }
            }
            crowd.wait_until_old();
            let mut baseline = stage.baseline();
            for (peer, figures) in peers.iter().zip(&mut figures) {
                eprintln!("bench: {count} containers, round {round}, {}", peer.name);
                baseline = stage.at_rest(peer, baseline, figures);
            }
        }
        let names: Vec<&str> = peers.iter().map(|peer: &Peer| peer.name).collect();
        println!("{}", table::written(*count, &stage, &names, &figures, &physical));
    }
    eprintln!("bench: took {:.1} minutes", begin.elapsed().as_secs_f64() / 60.0);
}
