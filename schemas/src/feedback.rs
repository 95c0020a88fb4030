//! `agent.feedback/1`: an analyst's verdict on what an agent did, bounded in scope and time. It changes nothing by
//! itself: what follows from it is decided in the respond fold.

use serde::{Deserialize, Serialize};

use crate::choice::Authority;
use crate::time::EventTime;

/// The `schema` constant of a verdict of an analyst.
pub const FEEDBACK_SCHEMA: &str = "agent.feedback/1";

/// An analyst's verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Feedback {
    /// Always `agent.feedback/1`.
    pub schema: String,
    /// Its id; the same one again changes nothing.
    pub id: String,
    /// When it was given.
    pub time: EventTime,
    /// The tenant.
    pub tenant_id: String,
    /// The verdict.
    pub verdict: FeedbackVerdict,
    /// The alert that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<String>,
    /// What it holds for.
    pub scope: Scope,
    /// Until when it holds.
    pub expires_at: EventTime,
    /// Who says it.
    pub author: String,
    /// Why.
    pub comment: String,
}

/// What an analyst says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FeedbackVerdict {
    /// It was meant to happen.
    Expected,
    /// It was an attack, or part of one.
    Malicious,
    /// Nobody knows.
    Unsure,
}

/// What something holds for: all that is named must match; at least one must be named.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Scope {
    /// The agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The authority it acts with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Authority>,
    /// The template it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blueprint: Option<String>,
    /// The signal that leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// The destination, resource, .. that is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl FeedbackVerdict {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Malicious => "malicious",
            Self::Unsure => "unsure",
        }
    }
}
