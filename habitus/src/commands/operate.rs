//! `revoke`, `trust`, `feedback` and `silence`: what an operator asks of a deployment, and says to it.

use std::io;

use config::Config;
use operator::{Console, ConsoleError, Verb};

use super::cli::{OK, misuse};

/// Runs one of them.
pub(super) fn run(config: &Config, verb: &Verb<'_>) -> anyhow::Result<u8> {
    let console = Console::of(config)?;
    match operator::run(&console, verb, stream::clock(), &mut io::stdout().lock()) {
        Ok(()) => Ok(OK),
        Err(ConsoleError::Misuse(why)) => Err(misuse(why)),
        Err(error) => Err(error.into()),
    }
}
