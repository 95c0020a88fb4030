//! Reads the lists of networks that the config names, beside its file: what each holds and how old it is, or what is
//! wrong with it, at the place that names it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use config::{Config, Problem, Settings, Severity, place_of, render};
use ingest::{List, Networks};
use schemas::choice::Anonymizer;

/// The lists in force.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) networks: Arc<Networks>,
    /// A line for each: what it holds, how old it is.
    pub(super) lines: Vec<String>,
}

impl Lists {
    /// The settings, with the lists in their versions.
    pub(super) fn settings(&self, config: &Config) -> Settings {
        let mut settings = config.settings();
        settings.observe.versions.lists = self.networks.hash();
        settings
    }

    /// Says what is in force.
    pub(super) fn log(&self) {
        for line in &self.lines {
            tracing::info!("{line}");
        }
    }
}

/// Reads every list; prints what is wrong with any of them and gives nothing then.
pub(super) fn load(config: &Config, path: Option<&Path>) -> anyhow::Result<Option<Lists>> {
    let folder = path.and_then(Path::parent).unwrap_or(Path::new(""));
    let (mut networks, mut lines, mut broken) = (Networks::default(), Vec::new(), Vec::new());
    for (setting, index, file) in config.network_lists() {
        match take(&mut networks, kind(setting), &folder.join(file)) {
            Ok((what, age)) => lines.push(format!("{setting}: {file}, {what}, {}", old(age))),
            Err(why) => {
                broken.push((setting, index, format!("{setting}: {file}: failed to {why}")))
            }
        }
    }
    if broken.is_empty() {
        return Ok(Some(Lists { networks: Arc::new(networks), lines }));
    }
    let text = path.map(fs::read_to_string).transpose()?.unwrap_or_default();
    let name = path.map(|path| path.display().to_string()).unwrap_or_default();
    for (setting, index, message) in broken {
        let span = place_of(&text, setting, index);
        let problem = Problem { severity: Severity::Error, message, span, help: None };
        writeln!(io::stderr(), "{}\n", render(&problem, &text, &name))?;
    }
    Ok(None)
}

fn take(networks: &mut Networks, list: List, path: &Path) -> Result<(String, Duration), String> {
    let read = |error: io::Error| format!("read it: {error}");
    let bytes = fs::read(path).map_err(read)?;
    let written = fs::metadata(path).and_then(|data| data.modified()).map_err(read)?;
    let taken = networks.add(list, bytes).map_err(|error| error.to_string())?;
    let built = taken.built_s.map(Duration::from_secs);
    let built = built.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
    // A time to come is no age: the clock or the file is wrong, the list is not.
    Ok((taken.what, built.unwrap_or(written).elapsed().unwrap_or_default()))
}

fn kind(setting: &str) -> List {
    let word = setting.strip_prefix("networks.").unwrap_or(setting);
    match Anonymizer::from_wire(word) {
        Some(route) => List::Route(route),
        None if word == "egress" => List::Egress,
        None => List::Database,
    }
}

fn old(age: Duration) -> String {
    match age.as_secs() / 3_600 {
        hours if hours < 48 => format!("{hours} h old"),
        hours => format!("{} d old", hours / 24),
    }
}
