//! What stands beside the state of a partition: its progress, which is the truth over the group's offset, and the
//! marker of its owner.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::careful::Attempt;
use crate::fold::Counts;
use crate::frame::{FrameError, frame, unframe};

/// Key of the progress record.
pub const PROGRESS_KEY: &[u8] = b"__progress";
/// Key of the ownership marker.
pub const OWNER_KEY: &[u8] = b"__owner";

/// What was in force for a range of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// Next offset of the control topic that was not yet taken up.
    pub control_offset: u64,
    /// Hash of the config.
    pub config: String,
    /// Hash of the lists.
    pub lists: String,
    /// Version of the program.
    pub program: String,
}

/// One range of a partition's entries, as committed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// First offset of the range: the end of the range before.
    pub from: u64,
    /// Next offset to be read.
    pub to: u64,
    /// Number of the range, from 1.
    pub range: u64,
    /// Newest log time in milliseconds.
    pub stream_time_ms: i64,
    /// What became of the range's activities.
    pub counts: Counts,
    /// What became of all activities up to here.
    pub totals: Counts,
    /// Records written, by topic.
    pub written: BTreeMap<String, u64>,
    /// Hash of what was written, in hexadecimal.
    pub hash: String,
    /// What was in force.
    pub in_force: InForce,
    /// The range begins after entries that were lost, by an operator's leave: those from the end of the range before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_loss: bool,
    /// Entries that the owner was about to apply: it died of one of them where no progress follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// Offsets of entries that killed the process, which went to the dead letters undecoded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<u64>,
}

/// Who owns a partition: written at each takeover, and once more by who leaves in peace before it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Random, so that no two takeovers are alike.
    pub nonce: String,
    /// Name of the instance and lane.
    pub instance: String,
    /// Offset that the owner took for the next to be read. Where no progress stands, the oldest owner's is the truth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// It left in peace before it ran: its marker says nothing about entries.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

/// Why progress or owner cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ProgressError {
    /// The frame does not check.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The content does not decode.
    #[error("decode a progress record")]
    Content(#[from] serde_json::Error),
}

impl Progress {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        frame(self.to.saturating_sub(1), &serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads its bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProgressError> {
        Ok(serde_json::from_slice(unframe(bytes)?.1)?)
    }
}

impl Owner {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        frame(0, &serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads its bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProgressError> {
        Ok(serde_json::from_slice(unframe(bytes)?.1)?)
    }
}
