//! What the doctor says: findings in order, then each source in figures, for people and as JSON. Nothing of a record
//! is shown but names of members.

use std::collections::BTreeMap;
use std::fmt::Write;

use bus::{Bus, BusError};
use config::Config;
use ingest::{Carrier, LogFile, file_limits, file_records};
use mapping::Reading;
use schemas::Rejection;
use serde_json::{Value, json};
use stream::{AHEAD_MS_MAX, BEHIND_MS_MAX, Topics, link};

use super::field::FIELDS;
use super::sample::{RECORDS_MAX, Survey, sample};
use super::topics::check;

/// The share of activities, in percent, from which on a missing field makes signals blind.
const BLIND_PERCENT: u64 = 90;
/// Unmapped members that are named.
const UNMAPPED_MAX: usize = 20;

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Good,
    /// Works, and should be looked at.
    Warning,
    /// Does not work.
    Fault,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What it is about: a topic, a file, the broker, the config.
    pub about: String,
    /// What was found.
    pub text: String,
}

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was found of config, broker and topics, then of each source.
    pub findings: Vec<Finding>,
    /// What was seen of each source.
    pub surveys: Vec<Survey>,
}

// === impl Level ===

impl Level {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

// === impl Finding ===

impl Finding {
    /// A finding.
    pub fn new(level: Level, about: &str, text: String) -> Self {
        Self { level, about: about.to_owned(), text }
    }
}

/// A share in percent, rounded down.
fn percent(part: u64, whole: u64) -> u64 {
    (part * 100).checked_div(whole).unwrap_or(0)
}

/// What a survey gives reason to say.
fn findings(survey: &Survey) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |level, text: String| found.push(Finding::new(level, &survey.source, text));
    if survey.records == 0 {
        say(Level::Warning, "holds no records".to_owned());
        return found;
    }
    let sum = |all: &BTreeMap<&str, u64>| all.values().sum::<u64>();
    let (skipped, rejected) = (sum(&survey.skipped), sum(&survey.rejected));
    if survey.activities < 2 * skipped {
        let rules = counted(&survey.skipped);
        say(
            Level::Warning,
            format!("most of it is skipped, {skipped} of {}: {rules}", survey.activities),
        );
    }
    if 0 < rejected {
        let codes = counted(&survey.rejected);
        let level = if survey.activities == rejected { Level::Fault } else { Level::Warning };
        say(level, format!("{rejected} of {} are refused: {codes}", survey.activities));
    }
    let other = survey.keys.get("other").copied().unwrap_or(0);
    let unkeyed = survey.keys.get("none").copied().unwrap_or(0);
    if 0 < other + unkeyed {
        let text = format!(
            "{} of {} records do not stand under `<tenant>|<agent.id>`: {unkeyed} have no key, {other} another one",
            other + unkeyed,
            survey.records
        );
        say(Level::Warning, text);
    }
    for (ms, bound_ms, side) in [
        (survey.ahead_ms_max, AHEAD_MS_MAX, "ahead of"),
        (survey.behind_ms_max, BEHIND_MS_MAX, "behind"),
    ] {
        if bound_ms < ms {
            let text = format!(
                "events lie up to {} s {side} the log: beyond {} s they are refused",
                ms / 1_000,
                bound_ms / 1_000
            );
            say(Level::Warning, text);
        }
    }
    for (field, filled) in FIELDS.iter().zip(survey.filled) {
        let lacking = percent(survey.mapped - filled, survey.mapped);
        if 0 < survey.mapped && BLIND_PERCENT <= lacking {
            let names: Vec<String> = field.blinds.iter().map(|id| format!("`{id}`")).collect();
            let verb = if names.len() == 1 { "is" } else { "are" };
            let text =
                format!("no {} in {lacking} %: {} {verb} blind here", field.name, joined(&names));
            say(Level::Warning, text);
        }
    }
    if found.is_empty() {
        let text = format!("{} activities, all mapped", survey.activities);
        found.push(Finding::new(Level::Good, &survey.source, text));
    }
    found
}

fn joined(names: &[String]) -> String {
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => names.concat(),
    }
}

fn counted(all: &BTreeMap<&str, u64>) -> String {
    let parts: Vec<String> = all.iter().map(|(name, n)| format!("{name} {n}")).collect();
    parts.join(", ")
}

// === impl Report ===

impl Report {
    /// A report on a config that holds.
    pub fn of(config: &Config) -> Self {
        let findings =
            vec![Finding::new(Level::Good, "config", format!("valid, {}", config.hash()))];
        Self { findings, ..Self::default() }
    }

    /// Looks at the records of a file, or says that it cannot be unpacked.
    pub fn file(&mut self, path: &str, file: Result<LogFile, Rejection>, reading: &Reading) {
        let file = match file {
            Ok(file) => file,
            Err(refused) => {
                let text = format!("{}: failed to {}", refused.code.as_str(), refused.message);
                return self.findings.push(Finding::new(Level::Fault, path, text));
            }
        };
        let mut survey = Survey::new(path);
        for (_, record) in file_records(file.bytes()).take(RECORDS_MAX) {
            let limits = file_limits(file.bytes(), record);
            survey.look(record, None, (reading, &limits, &Carrier::default()));
        }
        self.add(survey);
    }

    /// Looks at the log that the config names; false where it does not answer.
    pub fn log(&mut self, config: &Config) -> bool {
        let looked = link(config).and_then(|kafka| self.bus(&kafka, Topics::new(config), config));
        if let Err(error) = &looked {
            let brokers = config.kafka().brokers;
            self.findings.push(Finding::new(Level::Fault, &brokers, error.to_string()));
        }
        looked.is_ok()
    }

    /// Checks the topics of a log, then samples what comes in.
    pub fn bus<B: Bus>(
        &mut self,
        bus: &B,
        mut topics: Topics,
        config: &Config,
    ) -> Result<(), BusError> {
        let (found, inputs) = check(bus, &mut topics)?;
        self.findings.extend(found);
        // Intake puts what it reads under its key itself.
        let keyed = topics.sources().next().is_none();
        for (name, partitions) in inputs {
            let reading = config.reading_of_topic(&name);
            self.add(sample(bus, (&name, partitions), (&reading, keyed))?);
        }
        Ok(())
    }

    /// Takes a survey, and what it gives reason to say.
    pub fn add(&mut self, survey: Survey) {
        self.findings.extend(findings(&survey));
        self.surveys.push(survey);
    }

    /// The worst of all findings.
    pub fn worst(&self) -> Level {
        self.findings.iter().map(|one| one.level).max().unwrap_or(Level::Good)
    }

    /// All of it for people.
    pub fn text(&self) -> String {
        text(&self.findings, &self.surveys)
    }

    /// All of it as one object.
    pub fn json(&self) -> Value {
        json(&self.findings, &self.surveys)
    }
}

fn text(found: &[Finding], surveys: &[Survey]) -> String {
    let mut out = String::new();
    for one in found {
        let _infallible = writeln!(out, "{:<8}{}: {}", one.level.as_str(), one.about, one.text);
    }
    for survey in surveys.iter().filter(|survey| 0 < survey.records) {
        let _infallible = writeln!(
            out,
            "\n{}: {} records, {} activities, {} mapped ({} %)",
            survey.source,
            survey.records,
            survey.activities,
            survey.mapped,
            percent(survey.mapped, survey.activities)
        );
        for (name, all) in [
            ("format", &survey.formats),
            ("skipped", &survey.skipped),
            ("rejected", &survey.rejected),
            ("keys", &survey.keys),
        ] {
            if !all.is_empty() {
                let _infallible = writeln!(out, "  {name:<20}{}", counted(all));
            }
        }
        for (field, filled) in FIELDS.iter().zip(survey.filled) {
            let share = percent(filled, survey.mapped);
            let _infallible =
                writeln!(out, "  {:<20}{share:>3} %  {}", field.name, field.blinds.join(", "));
        }
        let names: Vec<&str> =
            survey.unmapped.keys().map(String::as_str).take(UNMAPPED_MAX).collect();
        if !names.is_empty() {
            let _infallible = writeln!(out, "  {:<20}{}", "not mapped", names.join(", "));
        }
    }
    out
}

fn json(found: &[Finding], surveys: &[Survey]) -> Value {
    let findings: Vec<Value> = found
        .iter()
        .map(|one| json!({"level": one.level.as_str(), "about": one.about, "text": one.text}))
        .collect();
    let source = |survey: &Survey| {
        let coverage: serde_json::Map<String, Value> = FIELDS
            .iter()
            .zip(survey.filled)
            .map(|(field, filled)| {
                let value = json!({
                    "filled": filled, "percent": percent(filled, survey.mapped), "signals": field.blinds,
                });
                (field.name.to_owned(), value)
            })
            .collect();
        json!({
            "source": survey.source, "records": survey.records, "activities": survey.activities,
            "mapped": survey.mapped, "formats": survey.formats, "skipped": survey.skipped,
            "rejected": survey.rejected, "keys": survey.keys, "ahead_ms_max": survey.ahead_ms_max,
            "behind_ms_max": survey.behind_ms_max, "coverage": coverage, "unmapped": survey.unmapped,
        })
    };
    json!({"findings": findings, "sources": surveys.iter().map(source).collect::<Vec<_>>()})
}
