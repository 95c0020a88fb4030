//! `doctor`: what is wrong with broker, topics and sources, and what each source leaves the signals blind to.

use std::io::{self, Write};

use config::Config;
use doctor::{Level, Report};

use super::cli::{DoctorArgs, FINDINGS, OK, UNAVAILABLE};
use crate::local::{files, unpack};
use crate::render::{self, plain};

/// Runs `doctor`.
pub(super) fn run(config: &Config, args: &DoctorArgs) -> anyhow::Result<u8> {
    let mut report = Report::of(config);
    for path in &args.input {
        for path in files(path)? {
            report.file(&path, unpack(&path)?, &args.reading.of(config, &path)?);
        }
    }
    let answers = !args.input.is_empty() || report.log(config);
    let mut out = io::stdout().lock();
    match args.json {
        true => writeln!(out, "{}", plain(&report.json().to_string()))?,
        false => {
            for line in report.text().lines() {
                writeln!(out, "{}", render::clean(line))?;
            }
        }
    }
    Ok(match report.worst() {
        _ if !answers => UNAVAILABLE,
        Level::Fault => FINDINGS,
        Level::Good | Level::Warning => OK,
    })
}
