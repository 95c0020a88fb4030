//! Reads the lists of networks and the inventory that the config names, beside its file: what each holds and how old it
//! is, or what is wrong with it, at the place that names it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use config::{Config, Problem, Settings, Severity, place_of, read_inventory, render};
use detector::Inventory;
use networks::{List, Networks};
use schemas::choice::Anonymizer;

/// The setting that names the inventory.
const INVENTORY: &str = "inventory.path";

/// The lists in force.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) lists: stream::Lists,
    /// A line for each: what it holds, how old it is.
    pub(super) lines: Vec<String>,
}

impl Lists {
    /// The settings, with the lists in their versions.
    pub(super) fn settings(&self, config: &Config) -> Settings {
        let mut settings = config.settings();
        self.lists.settle(&mut settings);
        settings
    }

    /// Says what is in force.
    pub(super) fn log(&self) {
        for line in &self.lines {
            tracing::info!("{line}");
        }
    }
}

/// Reads every list, and the keys and secrets for who `signs`; prints what is wrong with any of them and gives nothing then.
pub(super) fn load(
    config: &Config,
    path: Option<&Path>,
    signs: bool,
) -> anyhow::Result<Option<Lists>> {
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
    let mut inventory = Inventory::default();
    if let Some(file) = config.inventory_path() {
        match register(&folder.join(file), file)? {
            Ok((read, what)) => {
                inventory = read;
                lines.push(format!("{INVENTORY}: {file}, {what}"));
            }
            Err(why) => {
                broken.push((INVENTORY, 0, format!("{INVENTORY}: {file}: failed to {why}")))
            }
        }
    }
    let (mut signing, mut authors) = Default::default();
    if signs {
        match stream::secrets(config, folder) {
            Ok(read) => (signing, authors) = read,
            Err(wrong) => broken.push(wrong),
        }
        let lacking = stream::lacking(config).into_iter();
        broken.extend(lacking.map(|(setting, why)| (setting, 0, format!("`{setting}` {why}"))));
    }
    if broken.is_empty() {
        let (networks, inventory) = (Arc::new(networks), Arc::new(inventory));
        let (signing, authors) = (Arc::new(signing), Arc::new(authors));
        let lists = stream::Lists { networks, inventory, signing, authors };
        return Ok(Some(Lists { lists, lines }));
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

/// The inventory and what it holds, or why it cannot be used; each mistake in it is printed with its place.
fn register(path: &Path, name: &str) -> anyhow::Result<Result<(Inventory, String), String>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Ok(Err(format!("read it: {error}"))),
    };
    let problems = match read_inventory(&text) {
        Ok(inventory) => {
            let tenants = inventory.complete().iter().map(String::as_str).collect::<Vec<_>>();
            let complete = match tenants.is_empty() {
                true => "complete for no tenant".to_owned(),
                false => format!("complete for {}", tenants.join(", ")),
            };
            let written = fs::metadata(path).and_then(|data| data.modified());
            let age = written.ok().and_then(|at| at.elapsed().ok()).unwrap_or_default();
            let (n_agents, hash) = (inventory.agents().len(), inventory.hash().to_owned());
            let what = format!("{n_agents} agents, {complete}, {hash}, {}", old(age));
            return Ok(Ok((inventory, what)));
        }
        Err(problems) => problems,
    };
    for problem in &problems {
        writeln!(io::stderr(), "{}\n", render(problem, &text, name))?;
    }
    Ok(Err(format!("read it: {} mistakes, see above", problems.len())))
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
