//! What every partition's fold is made with: settings, names of topics, and where outputs go in each mode.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use alerting::intake::Authors;
use bus::{TopicPartition, TopicSpec};
use config::{Config, Mode, Start as ConfigStart};
use detector::Inventory;
use ingest::{Class, Format, Principals};
use lane::{Emit, InForce, Input, Layout, Start};
use mapping::Reading;
use networks::Networks;
use schemas::EventTime;
use schemas::finding::Finding;
use schemas::time::TIME_MS_MIN;
use sinks::{Algorithm, Signing};

use super::authors;
use super::fold::StreamFold;
use super::sets;
use super::topics::{Topic, Topics};
use telemetry::{Metrics, Stage};

/// What is read from files beside the config.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    /// They fill what events leave open.
    pub networks: Arc<Networks>,
    /// Who is registered.
    pub inventory: Arc<Inventory>,
    /// What signs security event tokens.
    pub signing: Arc<Signing>,
    /// Who may say what, and their secrets.
    pub authors: Arc<Authors>,
}

impl Lists {
    /// Puts them into the settings, and their hash into the versions in force.
    pub fn settle(&self, settings: &mut config::Settings) {
        settings.observe.inventory = Arc::clone(&self.inventory);
        let hashes = [self.networks.hash(), self.inventory.hash().to_owned()];
        let named: Vec<String> = hashes.into_iter().filter(|hash| !hash.is_empty()).collect();
        settings.observe.versions.lists = named.join("+");
    }
}

/// Names of the topics.
#[derive(Clone, Debug)]
pub struct Names {
    /// Activities under their agents' keys: what observe reads.
    pub activity: Arc<str>,
    /// What comes from outside: the topics that intake reads, or else that of the activities.
    pub sources: Vec<Arc<str>>,
    /// Acknowledgements of revocation requests, from outside.
    pub acknowledgements: Arc<str>,
    /// Verdicts of analysts and commands of operators, from outside.
    pub feedback: Arc<str>,
    /// Who is registered, from outside; empty where a file says it.
    pub inventory: Arc<str>,
    /// What observe hands to respond.
    pub findings: Arc<str>,
    /// What respond tells every lane.
    pub control: Arc<str>,
    /// Alerts.
    pub alerts: Arc<str>,
    /// Incidents.
    pub incidents: Arc<str>,
    /// Trust of actors.
    pub trust: Arc<str>,
    /// Revocation requests.
    pub revocations: Arc<str>,
    /// Signed security event tokens; empty where nobody is told.
    pub sets: Arc<str>,
    /// Decisions, for the audit.
    pub decisions: Arc<str>,
    /// Refused records.
    pub dead_letters: Arc<str>,
    /// What shadow mode keeps back, where it has a topic.
    pub shadow: Option<Arc<str>>,
}

/// What folds are made with.
pub struct Setup {
    pub(super) observe: Arc<detector::Settings>,
    pub(super) respond: alerting::Settings,
    pub(super) names: Names,
    pub(super) mode: Mode,
    /// Id of the topic of activities.
    pub(super) input_id: Arc<str>,
    /// Ids of what is said from outside.
    pub(super) ids: BTreeMap<Arc<str>, String>,
    /// Whether intake hands the activities on under their agents' keys.
    pub(super) rekeys: bool,
    pub(super) group: String,
    /// The earliest time there is: stands where no log time is known.
    pub(super) epoch: EventTime,
    pub(super) layout: Layout,
    pub(super) lists: Lists,
    /// Who may say what.
    pub(super) authors: Authors,
    /// How tokens for each receiver are signed.
    pub(super) algorithms: BTreeMap<String, Option<Algorithm>>,
    /// How the records of each topic are read that holds activities.
    readings: BTreeMap<Arc<str>, Reading>,
    in_force: InForce,
    metrics: Option<Arc<Metrics>>,
}

/// The name of a topic; empty where it has none.
fn name_of(topics: &Topics, topic: Topic) -> Arc<str> {
    Arc::from(topics.get(topic).map_or("", |spec| spec.name.as_str()))
}

// === impl Names ===

impl Names {
    fn of(topics: &Topics) -> Self {
        let name = |topic: Topic| name_of(topics, topic);
        let mut sources: Vec<Arc<str>> = topics.sources().map(|(source, _)| name(source)).collect();
        if sources.is_empty() {
            sources.push(name(Topic::Activity));
        }
        Self {
            activity: name(Topic::Activity),
            sources,
            acknowledgements: name(topics.said()[0].0),
            feedback: name(topics.said()[1].0),
            inventory: topics.inventory().map(|(topic, _)| name(topic)).unwrap_or_default(),
            findings: name(Topic::Findings),
            control: name(Topic::Control),
            alerts: name(Topic::Alerts),
            incidents: name(Topic::Incidents),
            trust: name(Topic::Trust),
            revocations: name(Topic::Revocations),
            sets: name(Topic::Sets),
            decisions: name(Topic::Decisions),
            dead_letters: name(Topic::DeadLetters),
            shadow: topics.get(Topic::Shadow).map(|spec| Arc::from(spec.name.as_str())),
        }
    }

    /// The topics that others write.
    pub fn from_outside(&self) -> Vec<Arc<str>> {
        let said = [&self.acknowledgements, &self.feedback, &self.inventory].map(Arc::clone);
        let said = said.into_iter().filter(|topic| !topic.is_empty());
        self.sources.iter().cloned().chain(said).collect()
    }
}

/// What is read, and the partitions of everything.
fn layout_of(config: &Config, topics: &Topics) -> Layout {
    let start = match config.input().start {
        Some(ConfigStart::Earliest) => Start::Earliest,
        Some(ConfigStart::Latest) => Start::Latest,
        Some(ConfigStart::At(time_ms)) => Start::At(time_ms),
        None => Start::Unset,
    };
    let of_activities = |topic| topic == Topic::Activity || topics.sources().any(|s| s.0 == topic);
    let input = |topic: Topic, state: Topic, start| Input {
        topic: name_of(topics, topic),
        state: name_of(topics, state),
        start,
        guarded: of_activities(topic),
    };
    let mut inputs: Vec<Input> =
        topics.sources().map(|(source, progress)| input(source, progress, start)).collect();
    // What intake hands on is read from its beginning.
    let start = if inputs.is_empty() { start } else { Start::Earliest };
    let said = topics.said().into_iter().chain(topics.inventory());
    inputs.extend(said.map(|(source, progress)| input(source, progress, Start::Earliest)));
    inputs.push(input(Topic::Activity, Topic::State, start));
    inputs.push(input(Topic::Findings, Topic::Cases, Start::Earliest));
    let count = |(topic, spec): (Topic, &TopicSpec)| (name_of(topics, topic), spec.partitions);
    Layout { inputs, partitions: topics.all().map(count).collect() }
}

/// How the records of each topic are read that holds activities.
fn readings(config: &Config, names: &Names, rekeys: bool) -> BTreeMap<Arc<str>, Reading> {
    let of_source = |topic: &Arc<str>| (Arc::clone(topic), config.reading_of_topic(topic));
    let mut readings: BTreeMap<_, _> = names.sources.iter().map(of_source).collect();
    if rekeys {
        // Who is not scored was left out by intake.
        let principals = Principals { scored: Class::ALL.to_vec(), ..Principals::default() };
        let native = Reading::new(Some(Format::Native), None);
        let native = native.known_by(Arc::default(), Arc::new(principals));
        readings.insert(Arc::clone(&names.activity), native);
    }
    readings
}

impl Setup {
    /// Takes the settings of a config and the topics as they are; `input_id` is the id of the topic of activities.
    pub fn new(
        config: &Config,
        (topics, input_id): (&Topics, &str),
        metrics: Option<Arc<Metrics>>,
        lists: Lists,
    ) -> anyhow::Result<Self> {
        let mut settings = config.settings();
        lists.settle(&mut settings);
        let rekeys = topics.sources().next().is_some();
        let (names, layout) = (Names::of(topics), layout_of(config, topics));
        let partitions = layout.partitions.get(&names.activity).copied().unwrap_or(1).max(1);
        let observe = detector::Settings {
            partition_bytes_max: settings.memory_bytes_max / partitions as usize,
            ..settings.observe
        };
        let versions = &observe.versions;
        let in_force = InForce {
            control_offset: 0,
            config: versions.config.clone(),
            lists: versions.lists.clone(),
            program: versions.program.clone(),
        };
        Ok(Self {
            observe: Arc::new(observe),
            respond: alerting::Settings {
                publish_tables: true,
                shadow_output: config.output_shadow(),
                ..settings.respond
            },
            mode: config.mode(),
            input_id: Arc::from(input_id),
            ids: topics
                .said()
                .into_iter()
                .map(|(topic, _)| (name_of(topics, topic), topics.id(topic).to_owned()))
                .collect(),
            rekeys,
            readings: readings(config, &names, rekeys),
            names,
            group: config.kafka().group,
            epoch: EventTime::from_millis(TIME_MS_MIN)?,
            layout,
            authors: authors::known(config, &lists.authors),
            lists,
            algorithms: sets::algorithms(config),
            in_force,
            metrics,
        })
    }

    /// The logs.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Names of the topics.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// How the records of a topic of activities are read.
    pub fn reading_of(&self, topic: &str) -> Reading {
        self.readings.get(topic).cloned().unwrap_or_default()
    }

    /// What is in force with these control records taken up.
    pub fn in_force(&self, control_offset: u64) -> InForce {
        InForce { control_offset, ..self.in_force.clone() }
    }

    /// The fold of a partition.
    pub fn make(self: &Arc<Self>, at: &TopicPartition) -> StreamFold {
        StreamFold::new(self, at)
    }

    /// Where an output goes in this mode, and whether it is marked as shadow; `None` where it goes nowhere.
    pub(super) fn route(&self, topic: &Arc<str>) -> Option<(Arc<str>, bool)> {
        match self.mode {
            Mode::Shadow => self.names.shadow.clone().map(|shadow| (shadow, true)),
            Mode::Alert | Mode::Enforce => Some((Arc::clone(topic), false)),
        }
    }

    /// A finding under its tenant; `cause_ms` is where its latency is counted from, 0 where it has none.
    pub(super) fn finding(&self, finding: &Finding, cause_ms: i64) -> Emit {
        let tenant = finding.tenant_id.as_bytes().to_vec();
        Emit {
            topic: Arc::clone(&self.names.findings),
            by: tenant.clone(),
            key: Some(tenant),
            value: serde_json::to_vec(finding).ok(),
            headers: Vec::new(),
            cause_ms,
        }
    }

    /// Tells the metrics, where there are any.
    pub(super) fn tell(&self, say: impl FnOnce(&Metrics)) {
        if let Some(metrics) = &self.metrics {
            say(metrics);
        }
    }

    /// Does the work of a stage; tells the metrics how long it took, where there are any.
    #[expect(clippy::disallowed_methods, reason = "the edge measures; no result depends on it")]
    pub(super) fn timed<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let Some(metrics) = &self.metrics else { return work() };
        let begun = Instant::now();
        let done = work();
        metrics.stage(stage, begun.elapsed());
        done
    }
}
