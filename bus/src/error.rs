//! What can go wrong on the log, by what the caller can do about it.

use crate::record::TopicPartition;

/// Why a call on the log failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// The log cannot be reached now: wait and try again.
    #[error("reach the log: {0}")]
    Unavailable(String),
    /// The transaction did not happen: abort it, then it may be sent again.
    #[error("complete the transaction: {0}")]
    Abortable(String),
    /// It is not known whether the transaction happened, or the producer can do no more: recycle it and read in the
    /// log what became of the transaction.
    #[error("learn the outcome of the transaction: {0}")]
    Doubtful(String),
    /// Another instance took over the transactional id.
    #[error("keep the transactional id: {0}")]
    Fenced(String),
    /// The offset asked for does not exist (any more).
    #[error("read {partition} from offset {offset}: the log begins at {start}")]
    OutOfRange {
        /// Where.
        partition: TopicPartition,
        /// What was asked for.
        offset: u64,
        /// The oldest offset that exists.
        start: u64,
    },
    /// It will not work by trying again: a setting, a permission, a missing topic, a record that is too large.
    #[error("use the log: {0}")]
    Refused(String),
    /// The client is gone: in the simulator, its process was killed.
    #[error("go on: the client was killed")]
    Killed,
}
