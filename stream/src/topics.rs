//! The topics: names, partitions and settings as made here, and what must hold of topics that others made. Keys and
//! values stand with whoever writes them.

use std::collections::BTreeMap;

use bus::{Cleanup, TopicDetails, TopicInfo, TopicSpec};
use config::{Config, InputConfig, KafkaConfig, Mode};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// A dead letter is a record of the input and what was wrong with it: more than a record may be by default.
pub(super) const DEAD_LETTER_BYTES_MAX: u64 = 16 << 20;

/// What intake holds of a record, in its state: at most 1.5 MiB (`ingest::HELD_BYTES_MAX`), and its frame.
const HELD_BYTES_MAX: u64 = 2 << 20;

/// An activity under its agent's key is a record of at most 1 MiB, and its key and headers.
const REKEYED_BYTES_MAX: u64 = 2 << 20;

/// What is said from outside, by the ends of the topics' names: acknowledgements of requests, verdicts and commands, who is
/// registered.
const SAID: [&str; 3] = ["revocations.ack.v1", "feedback.v1", "inventory.v1"];
const N_SAID: u16 = 3;
/// Its place among them. It is compacted, and one partition: one order of all registrations.
const INVENTORY: u16 = 2;

/// A topic by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// What agents did, under their keys: what observe reads.
    Activity,
    /// What observe hands to respond.
    Findings,
    /// What respond tells every lane.
    Control,
    /// The agents' state, progress and ownership.
    State,
    /// The cases' state, progress and ownership.
    Cases,
    /// Alerts.
    Alerts,
    /// Incidents.
    Incidents,
    /// The trust of actors.
    Trust,
    /// Revocation requests.
    Revocations,
    /// Signed security event tokens.
    Sets,
    /// Decisions, for the audit.
    Decisions,
    /// Records that were refused.
    DeadLetters,
    /// What mode `shadow` keeps back.
    Shadow,
    /// What intake reads: acknowledgements, verdicts and commands, who is registered, then the sources of the config.
    Source(u16),
    /// What intake over that source holds, its progress and ownership.
    Intake(u16),
}

/// The topics of a deployment, as wanted.
#[derive(Clone, Debug)]
pub struct Topics {
    specs: BTreeMap<Topic, TopicSpec>,
    ids: BTreeMap<Topic, String>,
    n_sources: u16,
    accept_create_time: bool,
    /// Whether anything leaves by the topics of alerts, trust and requests.
    speaks: bool,
    /// What is read of them here: trust for the decision point, tokens for receivers with an address.
    reads: Vec<Topic>,
}

// === impl Topic ===

impl Topic {
    /// Every topic that is there once, and none of intake's.
    const OWN: [Self; 13] = [
        Self::Activity,
        Self::Findings,
        Self::Control,
        Self::State,
        Self::Cases,
        Self::Alerts,
        Self::Incidents,
        Self::Trust,
        Self::Revocations,
        Self::Sets,
        Self::Decisions,
        Self::DeadLetters,
        Self::Shadow,
    ];

    /// Its name after the prefix.
    fn suffix(self) -> &'static str {
        match self {
            Self::Activity => "activity.v1",
            Self::Findings => "findings.v1",
            Self::Control => "control.v1",
            Self::State => "state.v1",
            Self::Cases => "cases.v1",
            Self::Alerts => "alerts.v1",
            Self::Incidents => "incidents.v1",
            Self::Trust => "trust.v1",
            Self::Revocations => "revocations.v1",
            Self::Sets => "revocations.set.v1",
            Self::Decisions => "decisions.v1",
            Self::DeadLetters => "activity.dlq.v1",
            Self::Shadow => "shadow.v1",
            Self::Source(_) | Self::Intake(_) => "intake.",
        }
    }

    /// The topic whose partitions it shares one by one.
    fn follows(self) -> Option<Self> {
        match self {
            Self::State | Self::Trust => Some(Self::Activity),
            Self::Cases => Some(Self::Findings),
            Self::Intake(source) => Some(Self::Source(source)),
            _ => None,
        }
    }

    /// Whether another number of partitions than wanted would part state from its input.
    fn is_bound(self) -> bool {
        let is_inventory = self == Self::Source(INVENTORY);
        is_inventory || matches!(self, Self::State | Self::Cases | Self::Control | Self::Intake(_))
    }

    fn cleanup(self) -> Cleanup {
        match self {
            Self::Control
            | Self::State
            | Self::Cases
            | Self::Trust
            | Self::Intake(_)
            | Self::Source(INVENTORY) => Cleanup::Compact,
            Self::Source(..N_SAID) => Cleanup::Delete(30 * DAY_MS),
            Self::Activity
            | Self::Source(_)
            | Self::Findings
            | Self::Revocations
            | Self::Sets
            | Self::Shadow => Cleanup::Delete(7 * DAY_MS),
            Self::DeadLetters => Cleanup::Delete(14 * DAY_MS),
            Self::Alerts | Self::Incidents => Cleanup::Delete(30 * DAY_MS),
            Self::Decisions => Cleanup::Delete(365 * DAY_MS),
        }
    }

    fn settings(self) -> Vec<(&'static str, String)> {
        // Compaction keeps a restore short; tombstones outlive the longest one.
        let state = |lag_ms_max: u64, tombstones_ms: u64| {
            vec![
                ("segment.bytes", (256_u64 << 20).to_string()),
                ("min.cleanable.dirty.ratio", "0.3".to_owned()),
                ("max.compaction.lag.ms", lag_ms_max.to_string()),
                ("delete.retention.ms", tombstones_ms.to_string()),
            ]
        };
        let log_append_time = ("message.timestamp.type", "LogAppendTime".to_owned());
        // What was in force is needed for a day by whoever checks a run; the longest lag must exceed it.
        let checked = |tombstones_ms: u64| {
            let mut settings = state(2 * DAY_MS, tombstones_ms);
            settings.push(("min.compaction.lag.ms", DAY_MS.to_string()));
            settings
        };
        match self {
            Self::Source(INVENTORY) => {
                // A null that is gone before it was read leaves its agent registered: it outlives a long stop of ours.
                let mut settings = checked(30 * DAY_MS);
                settings.push(log_append_time);
                settings
            }
            Self::Activity | Self::Source(_) => vec![log_append_time],
            Self::State | Self::Cases | Self::Intake(..N_SAID) => state(6 * HOUR_MS, DAY_MS),
            Self::Intake(_) => {
                let mut settings = state(6 * HOUR_MS, DAY_MS);
                settings.push(("max.message.bytes", HELD_BYTES_MAX.to_string()));
                settings
            }
            Self::Control => checked(DAY_MS),
            Self::Trust => vec![("delete.retention.ms", (7 * DAY_MS).to_string())],
            Self::DeadLetters | Self::Shadow => {
                vec![("max.message.bytes", DEAD_LETTER_BYTES_MAX.to_string())]
            }
            Self::Findings
            | Self::Alerts
            | Self::Incidents
            | Self::Revocations
            | Self::Sets
            | Self::Decisions => Vec::new(),
        }
    }
}

// === impl Topics ===

impl Topics {
    /// The topics of a config; without those that it has no use for.
    pub fn new(config: &Config) -> Self {
        let (kafka, input) = (config.kafka(), config.input());
        let n_sources = u16::try_from(input.sources.len()).unwrap_or(u16::MAX - N_SAID) + N_SAID;
        let of_intake = (0..n_sources).flat_map(|n| [Topic::Source(n), Topic::Intake(n)]);
        let wanted = Topic::OWN.into_iter().chain(of_intake).filter(|topic| match topic {
            Topic::Shadow => config.output_shadow(),
            Topic::Sets => !config.receivers().is_empty(),
            Topic::Source(INVENTORY) | Topic::Intake(INVENTORY) => config.inventory_topic(),
            _ => true,
        });
        let specs = wanted.map(|topic| (topic, spec(topic, &kafka, &input)));
        Self {
            specs: specs.collect(),
            ids: BTreeMap::new(),
            n_sources,
            accept_create_time: input.accept_create_time,
            speaks: config.mode() != Mode::Shadow,
            reads: [
                (Topic::Trust, config.access().is_some()),
                (Topic::Sets, config.receivers().iter().any(|receiver| receiver.url.is_some())),
            ]
            .into_iter()
            .filter_map(|(topic, reads)| reads.then_some(topic))
            .collect(),
        }
    }

    /// What must be done with a topic and, as the brokers tell, may not be: `read`, `write to`.
    pub fn missing_rights(
        &self,
        topic: Topic,
        details: &TopicDetails,
    ) -> impl Iterator<Item = &'static str> + use<> {
        let (reads, writes) = match topic {
            Topic::Activity => (true, self.n_sources > N_SAID),
            Topic::Source(_) => (true, false),
            Topic::Intake(_) | Topic::Findings | Topic::Control | Topic::State | Topic::Cases => {
                (true, true)
            }
            Topic::DeadLetters | Topic::Shadow => (false, true),
            Topic::Alerts
            | Topic::Incidents
            | Topic::Trust
            | Topic::Revocations
            | Topic::Sets
            | Topic::Decisions => (self.speaks && self.reads.contains(&topic), self.speaks),
        };
        [(reads, details.may_read, "read"), (writes, details.may_write, "write to")]
            .into_iter()
            .filter_map(|(needed, told, verb)| (needed && told == Some(false)).then_some(verb))
    }

    /// What intake reads of activities, each with the topic of its progress; none where records stand under their agents'
    /// keys.
    pub fn sources(&self) -> impl Iterator<Item = (Topic, Topic)> {
        (N_SAID..self.n_sources).map(|n| (Topic::Source(n), Topic::Intake(n)))
    }

    /// What is said from outside, each with the topic of its progress: acknowledgements, then verdicts and commands.
    pub fn said(&self) -> [(Topic, Topic); 2] {
        [0, 1].map(|n| (Topic::Source(n), Topic::Intake(n)))
    }

    /// Who is registered, with the topic of its progress, where a topic says it.
    pub fn inventory(&self) -> Option<(Topic, Topic)> {
        let of = (Topic::Source(INVENTORY), Topic::Intake(INVENTORY));
        self.specs.contains_key(&of.0).then_some(of)
    }

    /// The id of a topic that was found; empty before.
    pub fn id(&self, topic: Topic) -> &str {
        self.ids.get(&topic).map_or("", String::as_str)
    }

    /// A name that two of them have: a source that is one of our own would be read for ever.
    pub fn twice(&self) -> Option<&str> {
        let mut names: Vec<&str> = self.specs.values().map(|spec| spec.name.as_str()).collect();
        names.sort_unstable();
        names
            .windows(2)
            .find_map(|pair| (pair.first() == pair.last()).then(|| pair.first())?.copied())
    }

    /// Every topic with what is wanted of it.
    pub fn all(&self) -> impl Iterator<Item = (Topic, &TopicSpec)> {
        self.specs.iter().map(|(topic, spec)| (*topic, spec))
    }

    /// What is wanted of a topic; `None` for one that it has no use for.
    pub fn get(&self, topic: Topic) -> Option<&TopicSpec> {
        self.specs.get(&topic)
    }

    /// Takes over the partitions of a topic that exists, for itself and for those that follow it. To be done with the
    /// input and the findings before anything is made or checked.
    pub fn found(&mut self, topic: Topic, info: &TopicInfo) {
        self.ids.insert(topic, info.id.clone());
        for (known, spec) in &mut self.specs {
            if *known == topic && !topic.is_bound() || known.follows() == Some(topic) {
                spec.partitions = info.partitions;
            }
        }
    }

    /// Whether an existing topic can be used; else why not, and what to do.
    pub fn check(&self, topic: Topic, info: &TopicInfo) -> Result<(), String> {
        let Some(spec) = self.specs.get(&topic) else { return Ok(()) };
        let name = &info.name;
        if topic.is_bound() && info.partitions != spec.partitions {
            let followed = topic.follows().and_then(|followed| self.specs.get(&followed));
            let as_many = followed
                .map_or_else(String::new, |followed| format!(", as many as {}", followed.name));
            return Err(format!(
                "{name} has {} partitions and needs {}{as_many}: the number of partitions is part of the state, so \
                 choose another `kafka.prefix` or delete the topic with what it knows",
                info.partitions, spec.partitions
            ));
        }
        if info.compacted != (spec.cleanup == Cleanup::Compact) {
            let (why, policy) = match spec.cleanup {
                Cleanup::Compact => ("would lose what was learned", "compact"),
                Cleanup::Delete(_) => ("would lose records of the same key", "delete"),
            };
            return Err(format!("{name} {why}: set its `cleanup.policy` to `{policy}`"));
        }
        let is_ours = topic == Topic::Activity && self.n_sources > N_SAID;
        let is_timed = matches!(topic, Topic::Activity | Topic::Source(_));
        if is_timed && !info.log_append_time && (is_ours || !self.accept_create_time) {
            let or = if is_ours { "" } else { ", or `input.accept_create_time = true`" };
            return Err(format!(
                "{name} carries its producers' timestamps, so one wrong clock could move log time: set its \
                 `message.timestamp.type` to `LogAppendTime`{or}"
            ));
        }
        Ok(())
    }
}

fn spec(topic: Topic, kafka: &KafkaConfig, input: &InputConfig) -> TopicSpec {
    let mut settings = topic.settings();
    if kafka.replicas > 1 {
        settings.push(("min.insync.replicas", "2".to_owned()));
    }
    let own = |name: &str| format!("{}{name}", kafka.prefix);
    let said = |n: u16| SAID.get(usize::from(n)).copied();
    let source = |n: u16| {
        let of_config = input.sources.get(usize::from(n.saturating_sub(N_SAID))).cloned();
        said(n).map(own).or(of_config).unwrap_or_default()
    };
    let rekeyed = topic == Topic::Activity && !input.sources.is_empty();
    if rekeyed {
        settings.push(("max.message.bytes", REKEYED_BYTES_MAX.to_string()));
    }
    TopicSpec {
        name: match topic {
            Topic::Activity if rekeyed => own("activity.by-agent.v1"),
            Topic::Activity => input.topic.clone(),
            Topic::Source(n) => source(n),
            Topic::Intake(n) => {
                let name = said(n).map_or_else(|| source(n), str::to_owned);
                own(&format!("{}{name}", topic.suffix()))
            }
            topic => own(topic.suffix()),
        },
        partitions: match topic {
            Topic::Control | Topic::Source(INVENTORY) | Topic::Intake(INVENTORY) => 1,
            Topic::Source(..N_SAID) | Topic::Intake(..N_SAID) => kafka.findings_partitions,
            Topic::Activity | Topic::State | Topic::Trust | Topic::Source(_) | Topic::Intake(_) => {
                kafka.partitions
            }
            _ => kafka.findings_partitions,
        },
        replicas: kafka.replicas,
        cleanup: if rekeyed { Cleanup::Delete(DAY_MS) } else { topic.cleanup() },
        settings: settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}
