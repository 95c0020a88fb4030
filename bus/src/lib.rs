//! The log: records, offsets, transactions, consumer groups. It knows bytes, not agents. Three implementations
//! stand behind one contract: Apache Kafka, a deterministic in-process simulator, and a journal file.
#![deny(unsafe_code)]

#[cfg(feature = "contract")]
pub mod contract;
mod error;
pub mod file;
#[cfg(feature = "kafka")]
pub mod kafka;
mod local;
pub mod memory;
mod partition;
mod record;
mod traits;

pub use error::BusError;
pub use local::{LocalConsumer, LocalGroup, LocalProducer, LocalReader};
pub use partition::partition;
pub use record::{Header, Isolation, Outgoing, Record, TopicPartition};
pub use traits::{
    Admin, Bus, Cleanup, Consumer, GroupEvent, Producer, Reader, TopicDetails, TopicInfo, TopicSpec,
};
