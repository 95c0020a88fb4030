//! How clients of Kafka are set up: what correctness asks for is fixed, what tunes may be set by the operator.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;

use crate::error::BusError;
use crate::kafka::admin::KafkaAdmin;
use crate::kafka::consume::{KafkaConsumer, Member};
use crate::kafka::failure;
use crate::kafka::produce::KafkaProducer;
use crate::kafka::read::KafkaReader;
use crate::kafka::voice;
use crate::record::{Isolation, TopicPartition};
use crate::traits::{Admin, Bus};

/// How to reach Kafka. It has no `Debug`: some properties are secrets.
#[derive(Clone)]
pub struct KafkaSettings {
    /// `host:port` of some brokers, separated by commas.
    pub brokers: String,
    /// Further properties, as librdkafka names them; they win over our defaults, but those that exactly-once
    /// depends on are refused. All go to every kind of client: librdkafka itself passes over what concerns
    /// another kind. What concerns the membership in a group (`group.instance.id`, `group.protocol`,
    /// `partition.assignment.strategy`, `session.timeout.ms`, ..) goes to members only. A static member
    /// (`group.instance.id`) keeps its place for a while when it is dropped, and the id serves one member alone.
    pub client: Vec<(String, String)>,
    /// Name of this instance: clients show it to the brokers.
    pub instance: String,
}

/// Apache Kafka as a log.
#[derive(Clone)]
pub struct Kafka {
    settings: Arc<KafkaSettings>,
}

/// What a client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Member,
    Producer,
    Reader(Isolation),
    /// Asks for offsets, never reads.
    Looker(Isolation),
    Admin,
}

/// Properties that no operator sets: exactly-once, or this crate, depends on them.
const OURS: &str = "bootstrap.servers metadata.broker.list client.id group.id transactional.id \
    enable.idempotence enable.auto.commit enable.auto.offset.store isolation.level auto.offset.reset \
    enable.partition.eof max.in.flight.requests.per.connection acks request.required.acks retries \
    message.send.max.retries log.connection.close log.queue";
/// Properties of a member of a group, which would be wrong or void elsewhere.
const MEMBERS: &str = "group.instance.id group.protocol group.remote.assignor session.timeout.ms \
    partition.assignment.strategy heartbeat.interval.ms max.poll.interval.ms";

const COMMON: &[(&str, &str)] = &[("reconnect.backoff.max.ms", "1000")];
const FETCH: &[(&str, &str)] = &[
    ("fetch.queue.backoff.ms", "2"),
    ("queued.min.messages", "10000"),
    ("queued.max.messages.kbytes", "32768"),
    ("fetch.wait.max.ms", "50"),
    ("check.crcs", "true"),
];
const MEMBER: &[(&str, &str)] = &[
    ("session.timeout.ms", "10000"),
    ("heartbeat.interval.ms", "3000"),
    ("max.poll.interval.ms", "300000"),
    ("partition.assignment.strategy", "cooperative-sticky"),
];
const PRODUCER: &[(&str, &str)] = &[
    ("transaction.timeout.ms", "10000"),
    ("linger.ms", "0"),
    ("compression.type", "lz4"),
    // A dead letter is a record of the input and what was wrong with it.
    ("message.max.bytes", "16777216"),
    ("retry.backoff.ms", "2"),
    ("retry.backoff.max.ms", "200"),
    ("queue.buffering.max.kbytes", "65536"),
    // Shorter than a message may wait, so that a missing topic says so.
    ("topic.metadata.propagation.max.ms", "5000"),
];

const NO_COMMITS: &[(&str, &str)] = &[
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
];

impl Kafka {
    /// A log behind these brokers. It checks the properties; nothing is connected yet.
    pub fn new(settings: KafkaSettings) -> Result<Self, BusError> {
        let ours = settings.client.iter().find(|(name, _)| has(OURS, name));
        if let Some((name, _)) = ours {
            return Err(BusError::Refused(format!("{name} is not for the operator to set")));
        }
        let kafka = Self { settings: Arc::new(settings) };
        for kind in [Kind::Member, Kind::Producer] {
            kafka.config(kind).create_native_config().map_err(|error| failure::of(&error))?;
        }
        Ok(kafka)
    }

    /// The log for one of several members in a process: a static member's id (`group.instance.id`) serves one alone.
    #[must_use]
    pub fn for_member(&self, index: usize) -> Self {
        let mut settings = KafkaSettings::clone(&self.settings);
        for (name, value) in &mut settings.client {
            if name == "group.instance.id" {
                value.push_str(&format!("-{index}"));
            }
        }
        Self { settings: Arc::new(settings) }
    }

    /// Settings of one client.
    pub(super) fn config(&self, kind: Kind) -> ClientConfig {
        let member = kind == Kind::Member;
        let mut config = ClientConfig::new();
        config.set_log_level(voice::level(kind == Kind::Admin));
        let (defaults, fixed): (&[_], &[_]) = match kind {
            Kind::Member => (&[COMMON, FETCH, MEMBER], NO_COMMITS),
            Kind::Producer => (&[COMMON, PRODUCER], &[("log.connection.close", "true")]),
            Kind::Reader(_) => (&[COMMON, FETCH], NO_COMMITS),
            Kind::Looker(_) | Kind::Admin => (&[COMMON], &[]),
        };
        for (name, value) in defaults.iter().copied().flatten() {
            config.set(*name, *value);
        }
        for (name, value) in self.settings.client.iter().filter(|(n, _)| member || !has(MEMBERS, n))
        {
            config.set(name, value);
        }
        // The newer protocol leaves these to the brokers, and librdkafka refuses them.
        if config.get("group.protocol") == Some("consumer") {
            let asked = |name: &str| self.settings.client.iter().any(|(n, _)| n == name);
            for name in
                ["session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"]
            {
                if !asked(name) {
                    config.remove(name);
                }
            }
        }
        for (name, value) in fixed {
            config.set(*name, *value);
        }
        if let Kind::Reader(isolation) | Kind::Looker(isolation) = kind {
            config.set("isolation.level", isolation_level(isolation));
        }
        if member {
            config.set("isolation.level", isolation_level(Isolation::ReadCommitted));
        }
        if matches!(kind, Kind::Reader(_)) {
            // librdkafka asks for a group wherever partitions are assigned; this one never commits.
            config.set("group.id", format!("{}-reader", self.settings.instance));
            config.set("enable.partition.eof", "true");
        }
        config.set("bootstrap.servers", &self.settings.brokers);
        config.set("client.id", &self.settings.instance);
        config
    }
}

fn has(list: &str, name: &str) -> bool {
    list.split_whitespace().any(|item| item == name)
}

fn isolation_level(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::ReadCommitted => "read_committed",
        Isolation::ReadUncommitted => "read_uncommitted",
    }
}

impl Bus for Kafka {
    type Consumer = KafkaConsumer;
    type Producer = KafkaProducer;
    type Reader = KafkaReader;
    type Group = Member;

    fn consumer(&self, group: &str, topics: &[&str]) -> Result<KafkaConsumer, BusError> {
        KafkaConsumer::join(self, group, topics)
    }

    fn producer(
        &self,
        transactional_id: &str,
        timeout: Duration,
    ) -> Result<KafkaProducer, BusError> {
        KafkaProducer::take_over(self, transactional_id, timeout)
    }

    fn reader(
        &self,
        at: &TopicPartition,
        from: u64,
        isolation: Isolation,
    ) -> Result<KafkaReader, BusError> {
        KafkaReader::open(self, at, from, isolation)
    }

    fn admin(&self) -> Result<Box<dyn Admin>, BusError> {
        Ok(Box::new(KafkaAdmin::open(self)?))
    }
}
