//! `validate`, and loading the config for every other verb: all mistakes at once, exit code 78.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::cli::{BAD_CONFIG, FINDINGS, Misuse, OK, ValidateArgs};
use super::lists;
use config::{Config, Severity, parse, render};

/// Loads the config, or prints its mistakes and gives the exit code.
pub(super) fn load(path: Option<&Path>) -> anyhow::Result<Result<Config, u8>> {
    let Some(path) = path else { return Ok(Ok(Config::default())) };
    let (config, _) = check(path)?;
    Ok(config.ok_or(BAD_CONFIG))
}

/// Checks a file; prints every mistake and warning to stderr.
fn check(path: &Path) -> anyhow::Result<(Option<Config>, usize)> {
    let name = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            writeln!(io::stderr(), "error: failed to read {name}: {error}")?;
            return Ok((None, 0));
        }
    };
    let (config, problems) = parse(&text);
    for problem in &problems {
        writeln!(io::stderr(), "{}\n", render(problem, &text, &name))?;
    }
    let config = config.map(|config| with_hash_key(config, path)).transpose()?.flatten();
    let warnings = problems.iter().filter(|problem| problem.severity == Severity::Warning).count();
    let folder = path.parent().unwrap_or(Path::new(""));
    Ok((config.map(|config| config.beside(folder)), warnings))
}

/// Gives the config the key of hashes that it names, beside its file; prints what is wrong with it.
fn with_hash_key(mut config: Config, path: &Path) -> anyhow::Result<Option<Config>> {
    let Some(file) = config.hash_key_file().map(str::to_owned) else { return Ok(Some(config)) };
    let read = fs::read(path.with_file_name(&file)).map_err(|error| format!("read it: {error}"));
    let Err(why) = read.and_then(|text| config.set_hash_key(&text)) else {
        return Ok(Some(config));
    };
    writeln!(io::stderr(), "error: identity.hash_key_file: {file}: failed to {why}")?;
    Ok(None)
}

/// Runs `validate`.
pub(super) fn run(path: Option<&Path>, args: &ValidateArgs) -> anyhow::Result<u8> {
    let none = || Misuse("find a config: name one, or set HABITUS_CONFIG".to_owned());
    let path = path.ok_or_else(none)?;
    let (config, warnings) = check(path)?;
    let Some(config) = config else { return Ok(BAD_CONFIG) };
    let Some(lists) = lists::load(&config, Some(path), true)? else { return Ok(BAD_CONFIG) };
    for line in &lists.lines {
        writeln!(io::stdout(), "{line}")?;
    }
    writeln!(io::stdout(), "{}: valid, {}", path.display(), config.hash())?;
    Ok(if args.deny_warnings && warnings > 0 { FINDINGS } else { OK })
}
