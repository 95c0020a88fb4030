//! The contract that every log keeps. The feature `contract` states it as checks.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::BusError;
use crate::record::{Isolation, Outgoing, Record, TopicPartition};

/// A log: makes consumers, producers and readers, and manages topics.
pub trait Bus: Clone + Send + 'static {
    /// A member of a consumer group.
    type Consumer: Consumer<Group = Self::Group>;
    /// A transactional producer.
    type Producer: Producer<Group = Self::Group> + Send;
    /// A reader of single partitions, outside any group.
    type Reader: Reader;
    /// A member's identity and generation: what fences a zombie.
    type Group: Clone + Send + 'static;

    /// Joins a group as a new member, subscribed to topics. It reads `read_committed`; dropped, it leaves the group.
    fn consumer(&self, group: &str, topics: &[&str]) -> Result<Self::Consumer, BusError>;

    /// Takes over a transactional id: an older producer of the same id is fenced and its open transaction aborted.
    /// Blocks until the log answers or the timeout passes.
    fn producer(
        &self,
        transactional_id: &str,
        timeout: Duration,
    ) -> Result<Self::Producer, BusError>;

    /// Reads one partition from an offset on; `from` below the first offset starts there.
    fn reader(
        &self,
        at: &TopicPartition,
        from: u64,
        isolation: Isolation,
    ) -> Result<Self::Reader, BusError>;

    /// Manages topics.
    fn admin(&self) -> Result<Box<dyn Admin>, BusError>;
}

/// What a consumer hears; of partitions, never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupEvent {
    /// A record of an assigned, resumed partition.
    Record(Record),
    /// The group gave these partitions: answer with `assign`.
    Assigned(Vec<TopicPartition>),
    /// The group wants these partitions back: commit what is open, then answer with `release`.
    Revoked(Vec<TopicPartition>),
    /// These partitions belong to another member already: drop what is open, then answer with `release`.
    Lost(Vec<TopicPartition>),
}

/// A member of a consumer group. All calls come from one thread; rebalances move only within `poll`.
pub trait Consumer {
    /// A member's identity and generation.
    type Group;

    /// Waits for the next event, at most `timeout`. Must be called even when all partitions are paused.
    fn poll(&mut self, timeout: Duration) -> Result<Option<GroupEvent>, BusError>;

    /// Answers `Assigned`, once and whole: the partitions start at these offsets, paused. Told again of an assigned
    /// partition, it moves there, paused.
    fn assign(&mut self, starts: &[(TopicPartition, u64)]) -> Result<(), BusError>;

    /// Answers `Revoked` or `Lost`, once and whole.
    fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError>;

    /// Stops the records of these partitions.
    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError>;

    /// Lets the records of these partitions come.
    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError>;

    /// The stable committed offsets of the group: waits for transactions that hold them pending. `None` where the
    /// group has none.
    fn committed(
        &mut self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<Option<u64>>, BusError>;

    /// This member and its generation, now.
    fn group(&self) -> Result<Self::Group, BusError>;

    /// Whether the group has answered: until then a member without partitions does not know of them yet.
    fn has_joined(&self) -> bool {
        true
    }
}

/// A transactional producer. After `Abortable`, `abort` makes it usable again; after any other error it is dropped.
pub trait Producer {
    /// A member's identity and generation.
    type Group;

    /// Opens a transaction.
    fn begin(&mut self) -> Result<(), BusError>;

    /// Adds a record; a full buffer is waited for.
    fn send(&mut self, record: &Outgoing) -> Result<(), BusError>;

    /// Adds consumed offsets (each the next to be read) under a member's generation.
    fn offsets(
        &mut self,
        offsets: &[(TopicPartition, u64)],
        group: &Self::Group,
    ) -> Result<(), BusError>;

    /// Commits. `Ok` means that it is committed; `Doubtful` that nobody knows.
    fn commit(&mut self) -> Result<(), BusError>;

    /// Aborts.
    fn abort(&mut self) -> Result<(), BusError>;

    /// Whether something happened since `begin` that makes a late commit possible: recycle even after `Ok`.
    fn is_doubtful(&self) -> bool;
}

/// A reader of one partition.
pub trait Reader {
    /// The next record; `None` where none came within `timeout`, or at once where the end was reached.
    fn next(&mut self, timeout: Duration) -> Result<Option<Record>, BusError>;

    /// Whether everything that was readable at the last look has been read.
    fn at_end(&self) -> bool;
}

/// What happens to old records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// Deleted after that many milliseconds.
    Delete(u64),
    /// The newest of each key is kept.
    Compact,
}

/// A topic as wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// Its partitions.
    pub partitions: u32,
    /// Its replicas; 0 is the broker's default.
    pub replicas: u32,
    /// What happens to old records.
    pub cleanup: Cleanup,
    /// Further settings, as the broker names them.
    pub settings: Vec<(String, String)>,
}

/// A topic as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    /// Its name.
    pub name: String,
    /// Id that changes when a topic is made anew; the name where the log has no ids.
    pub id: String,
    /// Its partitions.
    pub partitions: u32,
    /// Whether timestamps are those of the log (LogAppendTime), not the producer's.
    pub log_append_time: bool,
    /// Whether it is compacted.
    pub compacted: bool,
}

/// What else a log tells of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicDetails {
    /// Every setting, as the broker names it.
    pub settings: BTreeMap<String, String>,
    /// Replicas of the partition that has the fewest.
    pub replicas: Option<u32>,
    /// Whether we may read it; `None` where the log does not tell.
    pub may_read: Option<bool>,
    /// Whether we may write to it.
    pub may_write: Option<bool>,
}

/// Manages topics and looks at them.
pub trait Admin {
    /// The topics of these names that exist, in the order asked.
    fn describe(&mut self, names: &[&str]) -> Result<Vec<Option<TopicInfo>>, BusError>;

    /// What else is known of a topic that exists; a log without settings and rights tells nothing.
    fn details(&mut self, _name: &str) -> Result<TopicDetails, BusError> {
        Ok(TopicDetails::default())
    }

    /// Makes a topic; one that exists already is no error.
    fn create(&mut self, spec: &TopicSpec) -> Result<(), BusError>;

    /// First and next offset of a partition; the next one as `isolation` sees it.
    fn bounds(&mut self, at: &TopicPartition, isolation: Isolation)
    -> Result<(u64, u64), BusError>;

    /// The first offset whose record is not older than `time_ms`; the next offset where there is none.
    fn offset_at(&mut self, at: &TopicPartition, time_ms: i64) -> Result<u64, BusError>;
}
