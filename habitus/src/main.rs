//! The command line: arguments in, an exit code out. Data goes to stdout, everything else to stderr.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use habitus::commands::{Cli, run};

fn main() -> ExitCode {
    ExitCode::from(run(Cli::parse()))
}
