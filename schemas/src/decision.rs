//! `agent.decision/1`: what was decided about an actor, a request or a silence, by a policy or a person, for the audit.
//! It tells what was decided and by whom, never asks for anything: requests are records of their own.

use serde::{Deserialize, Serialize};

use crate::feedback::Scope;
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
    /// Whom it concerns; absent where it is no one actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorRef>,
    /// The policy that decided; absent where none holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyRef>,
    /// The action that it calls for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<RevocationAction>,
    /// How binding that is.
    pub mode: RevocationMode,
    /// Whether the decision point would permit access; told of a policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permit: Option<bool>,
    /// What must be kept to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obligations: Option<DecisionObligations>,
    /// Why automatic revocation was held back: `one_key`, `protected`, `budget`, `breaker`,
    /// `cool_down`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// Policies whose condition needed what was not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<PolicyRef>,
    /// Trust that it was decided on; told of a policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<DecisionTrust>,
    /// The alert that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<String>,
    /// The request that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What became of the request, command or verdict: `acted`, `resent`, `refused`, ..
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// What a person said, word for word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<DecisionSaid>,
}

/// What kind of decision it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// A policy's, on an alerting activity.
    Policy,
    /// What became of a request.
    Request,
    /// What an operator wanted done.
    Command,
    /// What an analyst said.
    Feedback,
    /// A silence that ended by itself.
    Silence,
}

/// What a person said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct DecisionSaid {
    /// Id of the record that said it; empty where it has none.
    pub id: String,
    /// What was wanted: the action, verdict or status.
    pub word: String,
    /// Who said it.
    pub author: String,
    /// Why.
    pub comment: String,
    /// What it was said of: a request, alert or silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What it holds for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Until when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<EventTime>,
    /// Alerts that it kept silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<u64>,
    /// Whether the author's signature was verified.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signed: bool,
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
