//! What the program says about itself, on stderr: text on a terminal, JSON otherwise.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::EnvFilter;

use crate::render::plain;

/// Starts the subscriber; `HABITUS_LOG` overrides the level.
pub(super) fn start(verbose: u8, quiet: bool, color: bool) {
    let level = match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    // What the Kafka client says of each connection is for `-vv`; what it means for a run is said by the run.
    let level = if verbose < 2 { format!("{level},kafka=error") } else { level.to_owned() };
    let filter = EnvFilter::try_from_env("HABITUS_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let terminal = io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || Plain(terminal))
        .with_target(false);
    let started = if terminal {
        builder.with_ansi(color).without_time().try_init()
    } else {
        builder.json().try_init()
    };
    // A second start in one process, as in tests, keeps the first subscriber.
    drop(started);
}

/// Standard error, with what events brought made safe: as text on a terminal, else as JSON. A line is written at once.
struct Plain(bool);

impl Write for Plain {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let safe = if self.0 { operator::log_line(&text).into() } else { plain(&text) };
        io::stderr().write_all(safe.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
