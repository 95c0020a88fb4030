//! Trust levels, and `agent.trust/1`: the trust of one actor as consumers see it. How trust falls and
//! recovers is not decided here.

use serde::{Deserialize, Serialize};

use crate::choice::Authority;
use crate::time::EventTime;

/// The `schema` constant of a trust record.
pub const TRUST_SCHEMA: &str = "agent.trust/1";

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

/// The three-valued risk level of CAEP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RiskLevel {
    /// Trust of at least 60.
    Low,
    /// Trust from 40 to 60.
    Medium,
    /// Trust below 40.
    High,
}

/// Why a trust record was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TrustReason {
    /// The actor was met for the first time.
    Bootstrap,
    /// Evidence lowered it.
    Evidence,
    /// Idle time moved it.
    Decay,
    /// Clean active time raised it.
    Recovery,
    /// A person set it.
    Override,
    /// The config changed.
    ConfigChange,
}

/// Whether habits are learnt well enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HabitState {
    /// Below 24 active hours.
    Learning,
    /// At least 24 active hours.
    Ready,
    /// Idle for long.
    Stale,
}

/// The trust of one actor; the newest record of an actor holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct TrustRecord {
    /// Always `agent.trust/1`.
    pub schema: String,
    /// The tenant.
    pub tenant_id: String,
    /// The agent.
    pub agent_id: String,
    /// Namespace of the agent's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_issuer: Option<String>,
    /// The authority of the actor.
    pub authority: Authority,
    /// When it was computed.
    pub time: EventTime,
    /// Strictly increasing per actor.
    pub sequence: u64,
    /// From 0 to 100; 100 is fully trusted.
    pub score: f64,
    /// Band of the score.
    pub level: Level,
    /// 100 minus the score, rounded.
    pub risk_score: u8,
    /// The level in CAEP's words.
    pub risk_level: RiskLevel,
    /// The next upward step if nothing happens; absent where none comes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_level: Option<NextLevel>,
    /// The record before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousTrust>,
    /// Why it was written.
    pub reason: TrustReason,
    /// What moved it; at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contributors: Vec<TrustContributor>,
    /// How much was seen of the actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<TrustBaseline>,
    /// Until when it may be relied on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<EventTime>,
    /// The policy in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyRef>,
    /// What a consumer may do of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommended: Option<Recommended>,
}

/// The next upward step of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct NextLevel {
    /// The level it would be.
    pub level: Level,
    /// Not before then.
    pub not_before: EventTime,
}

/// What the record before said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct PreviousTrust {
    /// Its score.
    pub score: f64,
    /// Its level.
    pub level: Level,
    /// Its time.
    pub time: EventTime,
}

/// A signal that moved trust.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct TrustContributor {
    /// Signal id.
    pub signal: String,
    /// By how much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<f64>,
    /// In which alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<String>,
    /// Because of which activities; at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_ids: Vec<String>,
}

/// How much was seen of an actor when its trust was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct TrustBaseline {
    /// Whether habits are learnt well enough.
    pub state: HabitState,
    /// Activities seen.
    pub events: u64,
    /// First activity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<EventTime>,
    /// Newest activity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<EventTime>,
}

/// A policy by name and version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct PolicyRef {
    /// Its id.
    pub id: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What a consumer of trust may do of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Recommended {
    /// Longest life of a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_token_lifetime_seconds: Option<u32>,
    /// Whether a person should approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_human_approval: Option<bool>,
}

// === impl Level ===

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

// === impl RiskLevel ===

impl RiskLevel {
    /// The risk level of a trust score.
    pub fn of_trust(score: f64) -> Self {
        if 60.0 <= score {
            Self::Low
        } else if 40.0 <= score {
            Self::Medium
        } else {
            Self::High
        }
    }

    /// The risk level of a trust level.
    pub fn of_level(level: Level) -> Self {
        match level {
            Level::Untrusted => Self::High,
            Level::Restricted => Self::Medium,
            Level::Watch | Level::Unknown | Level::Trusted => Self::Low,
        }
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
        }
    }
}

/// The risk score of a trust score: 100 minus it, rounded, within 0 to 100.
pub fn risk_score(trust: f64) -> u8 {
    let risk = (100.0 - trust).round();
    (0..=100u8).rev().find(|&step| f64::from(step) <= risk).unwrap_or(0)
}
