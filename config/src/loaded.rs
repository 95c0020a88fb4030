//! A valid config, and what it means for the folds and for whoever drives them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use alerting::policy::Policy;
use alerting::set::SetSettings;
use detector::SignalMode;
use ingest::HoldLimits;
use schemas::EventTime;
use schemas::finding::Versions;
use sha2::{Digest, Sha256};

use super::access::AccessConfig;
use super::author::AuthorConfig;
use super::fields::{FIELDS, signal_ids};
use super::kind::Value;
use super::local::LOCAL;
use super::policy;
use super::read::{HASH_KEY_FILE, default_values};
use super::receiver::ReceiverConfig;
use super::security::{HttpConfig, SecurityConfig, beside};
use super::sources::Sources;
use super::stream::{BatchConfig, InputConfig, KafkaConfig, Start};

/// The shortest key of hashes in bytes.
const HASH_KEY_BYTES_MIN: usize = 16;

/// How binding what leaves is.
pub use alerting::Mode;

/// Settings of both folds.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Of observe; the partition's memory is set from `memory_bytes_max`.
    pub observe: detector::Settings,
    /// Of respond.
    pub respond: alerting::Settings,
    /// Memory of all agents, in bytes.
    pub memory_bytes_max: usize,
}

/// A valid config.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    values: BTreeMap<String, Value>,
    pub(super) sources: Sources,
    /// What tells the key of mappings from another one, and does not tell the key; empty without one.
    key_mark: Vec<u8>,
}

impl Default for Config {
    fn default() -> Self {
        Self::from_values(default_values(), Sources::default())
    }
}

// === impl Config: what it means ===

impl Config {
    /// How binding what leaves is.
    pub fn mode(&self) -> Mode {
        match self.text("mode") {
            "alert" => Mode::Alert,
            "enforce" => Mode::Enforce,
            _ => Mode::Shadow,
        }
    }

    /// Threads as set; 0 is one a core.
    pub fn lanes(&self) -> usize {
        self.whole("engine.lanes")
    }

    /// Name of this process in its transactional ids.
    pub fn instance(&self) -> &str {
        self.text("engine.instance")
    }

    /// The cluster, and the topics on it.
    pub fn kafka(&self) -> KafkaConfig {
        KafkaConfig {
            brokers: self.text("kafka.brokers").to_owned(),
            group: self.text("kafka.group").to_owned(),
            prefix: self.text("kafka.prefix").to_owned(),
            partitions: self.count("kafka.partitions"),
            findings_partitions: self.count("kafka.findings_partitions"),
            replicas: self.count("kafka.replicas"),
            create_topics: self.flag("kafka.create_topics"),
            security: SecurityConfig::of(&self.values),
        }
    }

    /// The topics of activities.
    pub fn input(&self) -> InputConfig {
        let topic = match self.text("input.topic") {
            "" => format!("{}activity.v1", self.text("kafka.prefix")),
            topic => topic.to_owned(),
        };
        let start = match self.text("input.start") {
            "" => None,
            "earliest" => Some(Start::Earliest),
            "latest" => Some(Start::Latest),
            time => EventTime::parse(time).ok().map(|time| Start::At(time.millis())),
        };
        let client = match self.values.get("input.client") {
            Some(Value::Client(properties)) => properties.clone(),
            _ => BTreeMap::new(),
        };
        let accept_create_time = self.flag("input.accept_create_time");
        let sources = match self.text("input.key") {
            "any" => self.source_topics(&topic, !self.text("input.topic").is_empty()),
            _ => Vec::new(),
        };
        InputConfig { topic, sources, start, accept_create_time, client }
    }

    /// How long and how much is held of what lacks only its agent.
    pub(super) fn hold(&self) -> HoldLimits {
        HoldLimits {
            hold_ms: i64::try_from(self.measure("input.hold")).unwrap_or(i64::MAX),
            bytes_max: usize::try_from(self.measure("input.hold_bytes_max")).unwrap_or(usize::MAX),
        }
    }

    /// Refused activities of a minute in percent above which a lane stops reading; 100 never stops it.
    pub fn dead_letter_percent_max(&self) -> u64 {
        self.whole("input.dead_letter_percent_max") as u64
    }

    /// When a batch closes.
    pub fn batch(&self) -> BatchConfig {
        BatchConfig {
            max_age: Duration::from_millis(self.measure("batch.max_age")),
            max_records: self.whole("batch.max_records"),
            max_bytes: usize::try_from(self.measure("batch.max_bytes")).unwrap_or(usize::MAX),
        }
    }

    /// Files of lists of networks, in the order in which they are taken: the setting, the place in it, the path.
    pub fn network_lists(&self) -> Vec<(&'static str, usize, &str)> {
        let settings = FIELDS.iter().filter(|field| field.path.starts_with("networks."));
        let files = settings.flat_map(|field| {
            let texts = match self.values.get(field.path) {
                Some(Value::Texts(texts)) => texts.as_slice(),
                _ => &[],
            };
            texts.iter().enumerate().map(|(at, file)| (field.path, at, file.as_str()))
        });
        files.collect()
    }

    /// The file of registered agents.
    pub fn inventory_path(&self) -> Option<&str> {
        Some(self.text("inventory.path")).filter(|path| !path.is_empty())
    }

    /// Whether agents are registered on a topic.
    pub fn inventory_topic(&self) -> bool {
        self.flag("inventory.topic")
    }

    /// The file of the key that mappings hash with.
    pub fn hash_key_file(&self) -> Option<&str> {
        Some(self.text(HASH_KEY_FILE)).filter(|path| !path.is_empty())
    }

    /// Gives mappings the key that they hash with: what its file holds, but for blanks around it. Fails where it is too
    /// short to keep anything secret.
    pub fn set_hash_key(&mut self, text: &[u8]) -> Result<(), String> {
        let key = text.trim_ascii();
        if key.len() < HASH_KEY_BYTES_MIN {
            return Err(format!("find a key of at least {HASH_KEY_BYTES_MIN} bytes in it"));
        }
        self.key_mark =
            Sha256::new_with_prefix("key of mappings").chain_update(key).finalize().to_vec();
        self.sources.set_key(key);
        Ok(())
    }

    /// Whether what mode `shadow` keeps back goes to a topic of its own.
    pub fn output_shadow(&self) -> bool {
        self.flag("output.shadow")
    }

    /// Where HTTP is served, and to whom.
    pub fn http(&self) -> HttpConfig {
        HttpConfig::of(&self.values)
    }

    /// The same config with the files of certificates and secrets looked for in the folder of its own.
    #[must_use]
    pub fn beside(mut self, folder: &Path) -> Self {
        beside(&mut self.values, folder);
        self
    }

    /// The decision point; `None` where it does not listen.
    pub fn access(&self) -> Option<AccessConfig> {
        AccessConfig::of(&self.values)
    }

    /// Who is told by security event tokens.
    pub fn receivers(&self) -> &[ReceiverConfig] {
        match self.values.get("receiver") {
            Some(Value::Receivers(receivers)) => receivers,
            _ => &[],
        }
    }

    /// Who may say what; empty where the brokers alone decide.
    pub fn authors(&self) -> &[AuthorConfig] {
        match self.values.get("author") {
            Some(Value::Authors(authors)) => authors,
            _ => &[],
        }
    }

    /// Files of the keys that sign security event tokens.
    pub fn signing_keys(&self) -> &[String] {
        self.texts("sets.keys")
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
            .filter(|id| self.text(&format!("signal.{id}.mode")) == "shadow");
        let coordination = self.text("signal.coordination.mode") != "shadow";
        let alerts = self.number("budget.alerts_per_actor_month");
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
                origin_handicaps: ["tool_text", "tool_field", "model", "user_request"]
                    .map(|origin| self.number(&format!("origin_handicaps.{origin}"))),
                signal_modes: signal_modes.map(|id| (id.to_owned(), SignalMode::Shadow)).collect(),
                versions,
                ..detector::Settings::default()
            },
            respond: alerting::Settings {
                mode: self.mode(),
                alerts_per_actor_month: alerts,
                revocations_per_actor_month: self.number("budget.revocations_per_actor_month"),
                fleet_alerts_per_month: self.number("budget.fleet_alerts_per_month"),
                coordination,
                protected,
                policies: self.policies().chain(alerting::policy::ladder()).collect(),
                fail: policy::fail(self.text("access.fail")),
                breaker: alerting::BreakerSettings {
                    agents_per_hour: self.count("response.breaker_agents_per_hour"),
                    share_per_hour: self.number("response.breaker_share_per_hour"),
                },
                repeat_ms: i64::try_from(self.measure("response.repeat_interval")).unwrap_or(0),
                sets: SetSettings {
                    issuer: self.text("sets.issuer").to_owned(),
                    receivers: self.receivers().iter().map(|known| known.set.clone()).collect(),
                },
                ..alerting::Settings::default()
            },
            memory_bytes_max: usize::try_from(self.measure("memory.cap")).unwrap_or(usize::MAX),
        }
    }

    /// The effective config as TOML, every default included; secrets stand in other files.
    pub fn to_toml(&self) -> String {
        self.toml_of(|_| true)
    }

    /// Hash of the effective config, as verdicts name it: with the key of mappings, by which ids differ, and without
    /// settings of one process.
    pub fn hash(&self) -> String {
        let text = self.toml_of(|path| !LOCAL.contains(&path));
        let digest = Sha256::new_with_prefix(text).chain_update(&self.key_mark).finalize();
        let hex: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    }
}

// === impl Config: its values ===

impl Config {
    /// Takes a value for every setting.
    pub(super) fn from_values(values: BTreeMap<String, Value>, sources: Sources) -> Self {
        Self { values, sources, key_mark: Vec::new() }
    }

    pub(super) fn texts(&self, path: &str) -> &[String] {
        match self.values.get(path) {
            Some(Value::Texts(texts)) => texts,
            _ => &[],
        }
    }

    fn policies(&self) -> impl Iterator<Item = Policy> {
        match self.values.get("policy") {
            Some(Value::Policies(policies)) => policies.clone().into_iter(),
            _ => Vec::new().into_iter(),
        }
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

    fn whole(&self, path: &str) -> usize {
        usize::try_from(self.integer(path)).unwrap_or(0)
    }

    fn count(&self, path: &str) -> u32 {
        u32::try_from(self.integer(path)).unwrap_or(0)
    }

    fn measure(&self, path: &str) -> u64 {
        match self.values.get(path) {
            Some(Value::Measure(_, value)) => *value,
            _ => 0,
        }
    }

    pub(super) fn flag(&self, path: &str) -> bool {
        self.values.get(path) == Some(&Value::Flag(true))
    }

    fn text(&self, path: &str) -> &str {
        match self.values.get(path) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    fn toml_of(&self, holds: impl Fn(&str) -> bool) -> String {
        let mut out = String::new();
        let mut section = "";
        for field in FIELDS.iter().filter(|field| holds(field.path)) {
            let (here, key) = field.path.split_once('.').unwrap_or(("", field.path));
            if here != section {
                section = here;
                let _infallible = writeln!(out, "\n[{section}]");
            }
            if let Some(value) = self.values.get(field.path) {
                let _infallible = writeln!(out, "{key} = {value}");
            }
        }
        for id in signal_ids() {
            if let Some(value) = self.values.get(&format!("signal.{id}.mode")) {
                let _infallible = writeln!(out, "\n[signal.{id}]\nmode = {value}");
            }
        }
        out.push_str(&self.sources.to_toml());
        out
    }
}
