//! What a lane tells of itself. It decides nothing by it.

use bus::TopicPartition;

use crate::batch::Transaction;
use crate::breaker::Turned;

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// A transaction was committed, so many milliseconds after it was sent.
    Committed(&'a Transaction, i64),
    /// A transaction was aborted and will be sent again.
    Aborted(&'a str),
    /// The outcome of a transaction is unknown: the producer is recycled and the log asked.
    Doubt(&'a str),
    /// Only the parts of these partitions were committed.
    Torn(&'a [TopicPartition]),
    /// A partition was restored: records, milliseconds.
    Restored(&'a TopicPartition, u64, i64),
    /// A partition was given back or lost.
    Released(&'a TopicPartition),
    /// Entries of a partition from this offset up to that one were gone before they were read: passed over by leave.
    Lost(&'a TopicPartition, u64, u64),
    /// The breaker of a lane broke or mended.
    Breaker(Turned),
    /// The log is away.
    Away(&'a str),
    /// The log is back, after so many milliseconds.
    Back(i64),
}

/// Takes notices in; must not block.
pub trait Meter: Send + Sync {
    /// Takes a notice in.
    fn note(&self, notice: &Notice<'_>);
}
