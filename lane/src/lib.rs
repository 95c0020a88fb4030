//! Lanes: threads that own partitions and drive folds over them. They know entries and folds, not agents.
#![forbid(unsafe_code)]

mod fold;
mod local;
mod partition;

pub use fold::{Fold, LoadError, Record};
pub use local::drive;
pub use partition::{PARTITIONS, partition};
