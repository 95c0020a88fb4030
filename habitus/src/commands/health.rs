//! `health`: asks the running process of this machine whether it is ready, as a container's health check does.

use std::io::{self, Write};

use config::Config;

use super::cli::{Misuse, OK, UNAVAILABLE};
use crate::render;

/// Runs `health`.
pub(super) fn run(config: &Config) -> anyhow::Result<u8> {
    let address = config.http_listen();
    let address = address.ok_or_else(|| Misuse("ask anybody: `http.listen` is off".to_owned()))?;
    match operator::ask_ready(address) {
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
