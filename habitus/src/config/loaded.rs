//! A valid config, and what it means for the folds.

use std::collections::BTreeMap;
use std::fmt::Write;

use detector::SignalMode;
use schemas::finding::Versions;
use sha2::{Digest, Sha256};

use super::fields::{FIELDS, signal_ids};
use super::read::default_values;
use crate::local::Settings;

/// How binding what leaves is.
pub use alerting::Mode;

/// One value as read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Integer(i64),
    Number(f64),
    Word(String),
    Size(u64),
    Texts(Vec<String>),
}

/// A valid config.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    values: BTreeMap<String, Value>,
}

impl Default for Config {
    fn default() -> Self {
        Self::from_values(default_values())
    }
}

impl Config {
    /// Takes a value for every setting.
    pub(super) fn from_values(values: BTreeMap<String, Value>) -> Self {
        Self { values }
    }

    fn number(&self, path: &str) -> f64 {
        match self.values.get(path) {
            Some(Value::Number(number)) => *number,
            _ => 0.0,
        }
    }

    fn integer(&self, path: &str) -> i64 {
        match self.values.get(path) {
            Some(Value::Integer(number)) => *number,
            _ => 0,
        }
    }

    fn word(&self, path: &str) -> &str {
        match self.values.get(path) {
            Some(Value::Word(word)) => word,
            _ => "",
        }
    }

    /// How binding what leaves is.
    pub fn mode(&self) -> Mode {
        match self.word("mode") {
            "alert" => Mode::Alert,
            "enforce" => Mode::Enforce,
            _ => Mode::Shadow,
        }
    }

    /// Threads: as set, or one a core.
    pub fn lanes(&self) -> usize {
        let set = usize::try_from(self.integer("engine.lanes")).unwrap_or(0);
        if set > 0 {
            set
        } else {
            std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
        }
    }

    /// The settings of both folds.
    pub fn settings(&self) -> Settings {
        let versions = Versions {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            config: self.hash(),
            ..Versions::default()
        };
        let signal_modes = signal_ids()
            .into_iter()
            .filter(|id| self.word(&format!("signal.{id}.mode")) == "shadow");
        let alerts = self.number("budget.alerts_per_actor_month");
        let memory = match self.values.get("memory.cap") {
            Some(Value::Size(bytes)) => usize::try_from(*bytes).unwrap_or(usize::MAX),
            _ => 0,
        };
        let protected = match self.values.get("response.protected") {
            Some(Value::Texts(texts)) => texts.clone(),
            _ => Vec::new(),
        };
        Settings {
            observe: detector::Settings {
                seed: self.integer("engine.seed").cast_unsigned(),
                alerts_per_actor_month: alerts,
                trust_levels: ["trusted", "watch", "restricted"]
                    .map(|level| self.number(&format!("trust.{level}"))),
                signal_modes: signal_modes.map(|id| (id.to_owned(), SignalMode::Shadow)).collect(),
                versions,
                ..detector::Settings::default()
            },
            respond: alerting::Settings {
                mode: self.mode(),
                alerts_per_actor_month: alerts,
                revocations_per_actor_month: self.number("budget.revocations_per_actor_month"),
                protected,
                breaker: alerting::BreakerSettings {
                    agents_per_hour: u32::try_from(
                        self.integer("response.breaker_agents_per_hour"),
                    )
                    .unwrap_or(0),
                    share_per_hour: self.number("response.breaker_share_per_hour"),
                },
                ..alerting::Settings::default()
            },
            memory_bytes_max: memory,
        }
    }

    /// The effective config as TOML, every default included.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        let mut section = "";
        for field in FIELDS {
            let (here, key) = field.path.split_once('.').unwrap_or(("", field.path));
            if here != section {
                section = here;
                let _infallible = writeln!(out, "\n[{section}]");
            }
            if let Some(value) = self.values.get(field.path) {
                let _infallible = writeln!(out, "{key} = {}", toml_of(value));
            }
        }
        for id in signal_ids() {
            if let Some(value) = self.values.get(&format!("signal.{id}.mode")) {
                let _infallible = writeln!(out, "\n[signal.{id}]\nmode = {}", toml_of(value));
            }
        }
        out
    }

    /// Hash of the effective config, as verdicts name it.
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(self.to_toml().as_bytes());
        let hex: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    }
}

fn toml_of(value: &Value) -> String {
    let text = |text: &str| toml_edit::Value::from(text).to_string();
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => format!("{number:?}"),
        Value::Word(word) => text(word),
        Value::Size(bytes) => text(&size_of(*bytes)),
        Value::Texts(texts) => {
            let items: Vec<String> = texts.iter().map(|item| text(item)).collect();
            format!("[{}]", items.join(", "))
        }
    }
}

/// A size in the largest unit that divides it, so that equal sizes read and hash the same.
fn size_of(bytes: u64) -> String {
    let (shift, unit) = [(30, "GiB"), (20, "MiB"), (10, "KiB")]
        .into_iter()
        .find(|(shift, _)| bytes.trailing_zeros() >= *shift)
        .unwrap_or((0, "B"));
    format!("{}{unit}", bytes >> shift)
}
