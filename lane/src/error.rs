//! Why a lane ends.

use bus::{BusError, TopicPartition};

/// What a lane cannot go on after.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    /// The log refuses for good, or fences this instance.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// A saved record cannot be read.
    #[error("restore {at} at offset {offset}: failed to {reason}")]
    State {
        /// The state partition.
        at: TopicPartition,
        /// Where the record stands.
        offset: u64,
        /// What failed.
        reason: String,
    },
    /// The activities of a record do not add up: a bug, which must not be committed.
    #[error("account for every activity of {at} at offset {offset}")]
    Unbalanced {
        /// The input's partition.
        at: TopicPartition,
        /// The record.
        offset: u64,
    },
    /// A partition was never read by this group, and the config does not say where to begin.
    #[error(
        "begin {at}: it was never read by this group; set `[input] start` to \"earliest\", \"latest\" or a time"
    )]
    NoStart {
        /// The input's partition.
        at: TopicPartition,
    },
    /// The group has no offset, yet there is state: going on would skip or repeat entries.
    #[error(
        "find the group's offset of {at}, whose state is at {to}; if offsets were deleted on purpose, start once with --accept-state-loss"
    )]
    OffsetLost {
        /// The input's partition.
        at: TopicPartition,
        /// Next offset by the progress in the log.
        to: u64,
    },
    /// Entries were gone before they were read: going on would pass over them.
    #[error(
        "read {at} from offset {offset}: the log begins at {start}; if what lay between is lost for good, start once with --accept-state-loss"
    )]
    EntriesLost {
        /// The input's partition.
        at: TopicPartition,
        /// The next entry to be read.
        offset: u64,
        /// The oldest that there is.
        start: u64,
    },
    /// Topics are not what they were at the start.
    #[error("go on: {0}")]
    Topics(String),
    /// A call on the log did not return: the process must end, and recovery is that of a crash.
    #[error("get an answer from the log within {millis} ms")]
    Hung {
        /// How long it was waited for.
        millis: u64,
    },
    /// A partition that was not given back in time is somebody else's.
    #[error("commit within the session's time before giving partitions back")]
    DrainTimeout,
}
