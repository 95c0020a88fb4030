//! The log as Apache Kafka keeps it, through librdkafka: one member of a group, one transactional producer, one
//! reader of a partition, one look at topics. Nothing of Kafka leaves this folder but its settings.

mod admin;
mod consume;
mod failure;
mod produce;
mod raw;
mod read;
mod refusal;
mod settings;
mod voice;

pub use admin::KafkaAdmin;
pub use consume::{KafkaConsumer, Member};
pub use produce::KafkaProducer;
pub use read::KafkaReader;
pub use settings::{Kafka, KafkaSettings};
