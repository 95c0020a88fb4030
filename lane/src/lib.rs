//! Lanes: what drives folds over partitions of a log, with and without a broker. They know entries, bytes and
//! folds, not agents.
#![forbid(unsafe_code)]

mod fold;
mod local;

pub use fold::{Applied, Counts, Emit, Fold, LoadError, LogFold, Record};
pub use local::drive;
