//! The log: records, offsets, transactions, consumer groups. It knows bytes, not agents. Three implementations
//! stand behind one contract: Apache Kafka, a deterministic in-process simulator, and a journal file.
#![deny(unsafe_code)]

mod error;
#[cfg(feature = "kafka")]
pub mod kafka;
mod partition;
mod record;
mod traits;

pub use error::BusError;
pub use partition::partition;
pub use record::{Header, Isolation, Outgoing, Record, TopicPartition};
pub use traits::{
    Admin, Bus, Cleanup, Consumer, GroupEvent, Producer, Reader, TopicInfo, TopicSpec,
};
