//! Identity of records and actors. An id of a produced record is a function of where its cause stands in
//! the log: first 128 bits of SHA-256(topic id, partition, offset, ordinal, rule). No randomness.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::choice::Authority;

/// Where an activity stands in its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Source {
    /// Id of the topic; `file:k` for the k-th file.
    pub topic_id: String,
    /// Partition of the topic.
    pub partition: u32,
    /// Offset in the partition, or line in the file.
    pub offset: u64,
    /// Ordinal of the activity in the record.
    pub ordinal: u32,
}

impl Source {
    /// The id of the record that `rule` makes of this entry: 32 lower-case hex digits.
    pub fn derive(&self, rule: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(u64::try_from(self.topic_id.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(self.topic_id.as_bytes());
        hash.update(self.partition.to_le_bytes());
        hash.update(self.offset.to_le_bytes());
        hash.update(self.ordinal.to_le_bytes());
        hash.update(rule.as_bytes());
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// An actor by name: agent and authority within a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct ActorRef {
    /// The tenant.
    pub tenant_id: String,
    /// The agent.
    pub agent_id: String,
    /// The authority it acts with.
    pub authority: Authority,
}
