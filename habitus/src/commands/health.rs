//! `health`: asks the running process of this machine whether it is ready, as a container's health check does.

use std::io::{self, Write};

use config::Config;

use super::cli::{Misuse, OK, UNAVAILABLE};
use crate::render;
use telemetry::{Role, Tokens};

/// Runs `health`.
pub(super) fn run(config: &Config) -> anyhow::Result<u8> {
    let misuse = |why: &str| Misuse(format!("ask: {why}"));
    let http = config.http();
    let address = http.listen.ok_or_else(|| misuse("`http.listen` is off"))?;
    if http.identity.is_some() {
        return Err(misuse(
            "`http.listen` has TLS: ask `/readyz` from outside, as one of its readers",
        )
        .into());
    }
    let file = http.token_file.as_deref().map(|file| (Role::Reader, file));
    let tokens = Tokens::load(file.as_slice())?;
    match operator::ask_ready(address, tokens.first(Role::Reader)) {
        Ok((is_ready, said)) => {
            writeln!(io::stdout(), "{}", render::clean(&said))?;
            Ok(if is_ready { OK } else { UNAVAILABLE })
        }
        Err(error) => {
            tracing::error!("failed to ask {address}: {error}");
            Ok(UNAVAILABLE)
        }
    }
}
