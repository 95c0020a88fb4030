//! `config show|schema|reference|metrics|jwks`: what holds, what may be set, and what it means.

use std::io::{self, Write};

use super::cli::{ConfigWhat, OK};
use super::lists::Lists;
use config::{Config, reference, schema};

/// Prints the effective config, and as comments what its lists hold and how old they are.
pub(super) fn show(config: &Config, lists: &Lists) -> anyhow::Result<u8> {
    let mut out = io::stdout();
    write!(out, "{}", config.to_toml())?;
    for line in &lists.lines {
        writeln!(out, "# {line}")?;
    }
    Ok(OK)
}

/// Prints the public keys of what signs security event tokens.
pub(super) fn jwks(lists: &Lists) -> anyhow::Result<u8> {
    let keys = lists.lists.signing.jwks();
    writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&keys)?)?;
    Ok(OK)
}

/// Prints the schema or a reference.
pub(super) fn describe(what: ConfigWhat) -> anyhow::Result<u8> {
    let text = match what {
        ConfigWhat::Reference => reference(),
        ConfigWhat::Metrics => telemetry::reference(),
        ConfigWhat::Show | ConfigWhat::Schema | ConfigWhat::Jwks => {
            serde_json::to_string_pretty(&schema())?
        }
    };
    writeln!(io::stdout(), "{}", text.trim_end())?;
    Ok(OK)
}
