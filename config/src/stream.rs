//! What the config says of the log, as plain data for whoever connects to it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::security::SecurityConfig;

/// The cluster, and the topics on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaConfig {
    /// `host:port`, with commas between them.
    pub brokers: String,
    /// The consumer group.
    pub group: String,
    /// What names of topics begin with.
    pub prefix: String,
    /// Partitions of topics made here that follow the input.
    pub partitions: u32,
    /// Partitions of the findings, if made here.
    pub findings_partitions: u32,
    /// Replicas of topics made here; 0 is the broker's default.
    pub replicas: u32,
    /// Whether missing topics are made.
    pub create_topics: bool,
    /// TLS, and who we are to the brokers; `None` where they are spoken to in the clear.
    pub security: Option<SecurityConfig>,
}

/// The topics of activities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputConfig {
    /// Its name.
    pub topic: String,
    /// The topics of records under any key, which intake hands on under their agents'; none where the records of `topic`
    /// stand under their agents' keys.
    pub sources: Vec<String>,
    /// Where a group without offsets starts; without it, such a group does not start.
    pub start: Option<Start>,
    /// Whether the producer's timestamps are accepted as log time.
    pub accept_create_time: bool,
    /// Properties for every Kafka client, as librdkafka names them.
    pub client: BTreeMap<String, String>,
}

/// Where a new group starts to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the oldest record.
    Earliest,
    /// After the newest record.
    Latest,
    /// At the first record that is not older than this, in milliseconds since 1970.
    At(i64),
}

/// When a batch closes: at the first of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchConfig {
    /// Age of its first record.
    pub max_age: Duration,
    /// Records read.
    pub max_records: usize,
    /// Bytes to be written.
    pub max_bytes: usize,
}
