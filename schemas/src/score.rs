//! Scores and what explains them. A score is an integer number of micro-nats and is exactly the sum of its
//! contributions: nothing is rounded twice.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A millionth of a nat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct MicroNats(pub i64);

/// Own evidence from which a signal's family is one of the two keys: 4.6 nats, odds of a hundred.
pub const KEY_MICRONATS: MicroNats = MicroNats(4_600_000);

impl fmt::Display for MicroNats {
    /// Nats with six decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:06}", size / 1_000_000, size % 1_000_000)
    }
}

/// What one signal adds to a score, in words an analyst can check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Contribution {
    /// Signal id.
    pub signal: String,
    /// Share of the score.
    pub micronats: MicroNats,
    /// The signal's own calibrated evidence Z in micro-nats.
    #[serde(default)]
    pub evidence_micronats: MicroNats,
    /// What was seen.
    pub observed: String,
    /// What was expected.
    pub expected: String,
    /// How many observations the expectation rests on.
    pub support: u64,
    /// What the peers do.
    pub peers: String,
    /// The smallest change that would have kept the signal silent.
    pub normal: String,
}
