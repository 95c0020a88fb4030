//! `config show|schema|reference`: what holds, what may be set, and what it means.

use std::io::{self, Write};

use super::cli::{ConfigWhat, OK};
use config::{Config, reference, schema};

/// Prints the effective config.
pub(super) fn show(config: &Config) -> anyhow::Result<u8> {
    write!(io::stdout(), "{}", config.to_toml())?;
    Ok(OK)
}

/// Prints the schema or the reference.
pub(super) fn describe(what: ConfigWhat) -> anyhow::Result<u8> {
    let text = match what {
        ConfigWhat::Reference => reference(),
        ConfigWhat::Show | ConfigWhat::Schema => serde_json::to_string_pretty(&schema())?,
    };
    writeln!(io::stdout(), "{}", text.trim_end())?;
    Ok(OK)
}
