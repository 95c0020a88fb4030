//! Trust levels, and `agent.trust/1`: the trust of one actor.

use serde::{Deserialize, Serialize};

/// Band of the trust score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Below 40.
    Untrusted,
    /// 40 to 60.
    Restricted,
    /// 60 to 80.
    Watch,
    /// Fewer than 24 clean active hours and a score of at least 60.
    #[default]
    Unknown,
    /// At least 80.
    Trusted,
}

impl Level {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::Restricted => "restricted",
            Self::Watch => "watch",
            Self::Unknown => "unknown",
            Self::Trusted => "trusted",
        }
    }
}
