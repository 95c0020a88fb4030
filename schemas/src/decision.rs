//! `agent.decision/1`: what a policy decided about an actor, for the audit. It tells what was decided and by what,
//! never asks for anything: requests are records of their own.

use serde::{Deserialize, Serialize};

use crate::id::ActorRef;
use crate::revocation::{RevocationAction, RevocationMode};
use crate::time::EventTime;
use crate::trust::{Level, PolicyRef};

/// The `schema` constant of a decision.
pub const DECISION_SCHEMA: &str = "agent.decision/1";

/// A decision for the audit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct DecisionRecord {
    /// Always `agent.decision/1`.
    pub schema: String,
    /// Its id.
    pub id: String,
    /// When it was made.
    pub time: EventTime,
    /// The tenant.
    pub tenant_id: String,
    /// What kind of decision it is.
    pub kind: DecisionKind,
    /// Whom it concerns.
    pub actor: ActorRef,
    /// The policy that decided; absent where none holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyRef>,
    /// The action that it calls for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<RevocationAction>,
    /// How binding that is.
    pub mode: RevocationMode,
    /// Whether the decision point would permit access.
    pub permit: bool,
    /// What must be kept to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obligations: Option<DecisionObligations>,
    /// Why automatic revocation was held back: `one_key`, `protected`, `budget`, `breaker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// Policies whose condition needed what was not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<PolicyRef>,
    /// Trust that it was decided on.
    pub trust: DecisionTrust,
    /// The alert that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<String>,
    /// The request that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// What kind of decision it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// A policy's, on an alerting activity.
    Policy,
}

/// What whoever lets an actor go on is to keep to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct DecisionObligations {
    /// Longest life of a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_token_lifetime_seconds: Option<u32>,
    /// A person must approve.
    pub require_human_approval: bool,
    /// The actor must authenticate again.
    pub require_reauthentication: bool,
    /// Scopes to take away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_remove: Vec<String>,
}

/// Trust that a decision was made on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct DecisionTrust {
    /// The actor's own, from 0 to 100.
    pub score: f64,
    /// The actor's own level.
    pub level: Level,
    /// That of the least trusted link of the chain.
    pub effective: f64,
    /// Level of the least trusted link of the chain.
    pub effective_level: Level,
}
