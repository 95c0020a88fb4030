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

    /// Restores one record.
    fn load(&mut self, record: &Record) -> Result<(), LoadError>;
}
