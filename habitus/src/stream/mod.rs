//! What surrounds the lanes on a broker: which topics there are. The lanes know bytes and folds, not topics.

mod topics;

pub use topics::{Topic, Topics};
