//! Which logs a lane reads, where their state goes, and when a batch is closed.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::{TopicPartition, partition};

/// Where the first start of a partition begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the oldest record.
    Earliest,
    /// After the newest record.
    Latest,
    /// At the first record that is not older than this time in milliseconds.
    At(i64),
    /// Nowhere: a first start is an error.
    Unset,
}

/// A log that a lane reads.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its topic.
    pub topic: Arc<str>,
    /// The compacted topic of its state; as many partitions.
    pub state: Arc<str>,
    /// Where a first start begins.
    pub start: Start,
    /// The breaker watches what is refused of it, and nothing of it is read while that is too much.
    pub guarded: bool,
}

/// The logs of a lane and the partitions of what it writes to.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// What it reads.
    pub inputs: Vec<Input>,
    /// Partitions of each topic that it writes to, state topics included.
    pub partitions: BTreeMap<Arc<str>, u32>,
}

/// When a batch is closed: at the first of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Milliseconds since its first entry.
    pub age_ms: i64,
    /// Entries.
    pub records: usize,
    /// Bytes of what it writes.
    pub bytes: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { age_ms: 5, records: 8_192, bytes: 4 << 20 }
    }
}

impl Layout {
    /// The input that a topic is.
    pub fn input(&self, topic: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| &*input.topic == topic)
    }

    /// Whether the breaker watches a topic.
    pub fn is_guarded(&self, topic: &str) -> bool {
        self.input(topic).is_some_and(|input| input.guarded)
    }

    /// The state partition of an input's partition.
    pub fn state_of(&self, at: &TopicPartition) -> Option<TopicPartition> {
        let input = self.input(&at.topic)?;
        Some(TopicPartition::new(Arc::clone(&input.state), at.partition))
    }

    /// Every partition of a topic.
    pub fn partitions_of(&self, topic: &str) -> impl Iterator<Item = TopicPartition> + use<> {
        let count = self.partitions.get(topic).copied().unwrap_or(0);
        let topic: Arc<str> = Arc::from(topic);
        (0..count).map(move |partition| TopicPartition::new(Arc::clone(&topic), partition))
    }

    /// Every partition that is read, of all inputs.
    pub fn all_inputs(&self) -> impl Iterator<Item = TopicPartition> {
        self.inputs.iter().flat_map(|input| self.partitions_of(&input.topic))
    }

    /// The partition of a topic that these bytes choose.
    pub fn partition_by(&self, topic: &Arc<str>, by: &[u8]) -> TopicPartition {
        let partitions = self.partitions.get(topic).copied().unwrap_or(1);
        TopicPartition::new(Arc::clone(topic), partition(by, partitions))
    }
}
