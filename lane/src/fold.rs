//! What a lane drives: a pure state over one ordered log. Same log, same switches, same seed: same bytes.

/// A record of saved state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Key of the record in its compacted topic.
    pub key: Vec<u8>,
    /// Its bytes; empty is a tombstone.
    pub value: Vec<u8>,
}

/// Why a saved record was refused.
#[derive(Debug, thiserror::Error)]
#[error("load a state record: {0}")]
pub struct LoadError(pub String);

/// A fold over one partition of a log.
pub trait Fold {
    /// One entry of the log, with its stamp.
    type Entry<'a>;
    /// What the fold says of an entry.
    type Output;

    /// Takes in one entry.
    fn apply(&mut self, entry: Self::Entry<'_>) -> Self::Output;

    /// The records that changed since the last call, each once, in key order.
    fn touched(&mut self) -> Vec<Record>;

    /// Restores one record: the newest of its key, never a tombstone, in key order.
    fn load(&mut self, record: &Record) -> Result<(), LoadError>;
}

/// A fold that a lane drives over the records of a log.
pub trait LogFold: for<'a> Fold<Entry<'a> = &'a bus::Record, Output = Applied> {
    /// What is taken up between two transactions: shared tables, lists, config.
    type Switches: Clone + Send;

    /// Takes up switches; every progress record names the ones in force.
    fn take_up(&mut self, switches: &Self::Switches);

    /// Called after the last `load`, with the newest log time of the partition as its progress has it.
    fn resume(&mut self, stream_time_ms: i64);

    /// Refuses an entry that killed the process, without looking into it.
    fn quarantine(&mut self, record: &bus::Record) -> Applied;

    /// The newest log time of the partition in milliseconds; 0 before the first entry.
    fn stream_time_ms(&self) -> i64;

    /// The entry that the fold's own log needs where nothing else comes, and the wall time in milliseconds from which it
    /// does. Written twice, or late, it must change nothing more.
    fn due(&self) -> Option<(i64, Emit)> {
        None
    }

    /// Whether a record of the log is such an entry: no other entry leads to it.
    fn is_due(_record: &bus::Outgoing) -> bool {
        false
    }
}

/// What an entry led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Records to publish, in order.
    pub emits: Vec<Emit>,
    /// What became of the entry's activities.
    pub counts: Counts,
}

/// A record to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emit {
    /// Name of the topic.
    pub topic: std::sync::Arc<str>,
    /// What chooses the partition, by murmur2.
    pub by: Vec<u8>,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers.
    pub headers: Vec<bus::Header>,
    /// Timestamp of the record that began it, for latencies; 0 where none is measured.
    pub cause_ms: i64,
}

/// Sums that a fold may keep of its own.
pub const SUMS: usize = 8;

/// What became of the activities of records: every one ends as exactly one of scored, duplicate, skipped and
/// dead-lettered. One that is held has not ended yet: it is counted when it begins to wait and when that is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Records read.
    pub records: u64,
    /// Activities (or findings) in them.
    pub activities: u64,
    /// Scored; in respond, applied; in intake, handed on.
    pub scored: u64,
    /// Seen before.
    pub duplicate: u64,
    /// Left out by a named rule.
    pub skipped: u64,
    /// Sent to the dead letters.
    pub dead_lettered: u64,
    /// Began to wait, as what lacks only its agent does in intake.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held: u64,
    /// Waited, and ended here as one of the four.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub released: u64,
    /// What the fold sums up beside; what each means is its own affair.
    #[serde(default, skip_serializing_if = "are_zero")]
    pub sums: [u64; SUMS],
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn are_zero(sums: &[u64; SUMS]) -> bool {
    sums.iter().all(is_zero)
}

impl Counts {
    /// Adds the counts of other entries.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.activities += other.activities;
        self.scored += other.scored;
        self.duplicate += other.duplicate;
        self.skipped += other.skipped;
        self.dead_lettered += other.dead_lettered;
        self.held += other.held;
        self.released += other.released;
        self.sums.iter_mut().zip(other.sums).for_each(|(sum, more)| *sum += more);
    }

    /// Activities that ended.
    pub fn ended(&self) -> u64 {
        self.scored + self.duplicate + self.skipped + self.dead_lettered
    }

    /// Whether every activity ended as exactly one thing, or waits.
    pub fn balance(&self) -> bool {
        self.activities + self.released == self.ended() + self.held
    }
}
