//! `agent.alert/1`: what only Habitus knows of an alert. It travels as `unmapped.habitus` of an OCSF
//! Detection Finding; the finding around it is composed elsewhere.

use serde::{Deserialize, Serialize};

use crate::cause::SharedCause;
use crate::choice::Authority;
use crate::finding::{MetKind, Support, Versions};
use crate::inventory::Criticality;
use crate::score::{Contribution, MicroNats};
use crate::trust::Level;

/// The `schema` constant of an alert.
pub const ALERT_SCHEMA: &str = "agent.alert/1";

/// The part of an alert that OCSF has no place for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct HabitusAlert {
    /// Always `agent.alert/1`.
    pub schema: String,
    /// The tenant.
    pub tenant_id: String,
    /// The agent; empty where the alert is one of a fleet.
    pub agent_id: String,
    /// Run, pod or session instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_instance_id: Option<String>,
    /// Version of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// Blueprint of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blueprint: Option<String>,
    /// Accountable person or team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// How much depends on the agent, where an inventory says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criticality: Option<Criticality>,
    /// The authority the agent acted with.
    pub authority: Authority,
    /// Ids from the root subject to the agent.
    #[serde(default)]
    pub chain: Vec<String>,
    /// What the delegation was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Trust after.
    pub trust_score: f64,
    /// Trust before.
    pub trust_score_previous: f64,
    /// Level after.
    pub trust_level: Level,
    /// Trust of the least trusted link of the chain.
    pub trust_effective: f64,
    /// The score; the sum of the contributions.
    pub score_micronats: MicroNats,
    /// Shares that add up to the score, largest first.
    pub contributions: Vec<Contribution>,
    /// Signals in shadow: in no sum.
    #[serde(default)]
    pub shadow_contributions: Vec<Contribution>,
    /// Once in that many actor-months in this peer group; of a fleet's alert, in months of the tenant.
    pub return_period_actor_months: f64,
    /// How well supported the return period is.
    pub return_period_support: Support,
    /// How much was seen of the actor.
    pub baseline: AlertBaseline,
    /// What was in force for this event.
    pub versions: Versions,
    /// OWASP agentic risks of the signals.
    #[serde(default)]
    pub owasp_agentic: Vec<String>,
    /// Trace id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The revocation request that this alert led to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_request_id: Option<String>,
    /// Whether it was made in shadow mode.
    pub shadow: bool,
    /// Of many agents at once: what they met, and which they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet: Option<FleetAlert>,
    /// Of the response itself: which requests it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseAlert>,
    /// Of what is new to a blueprint: what it is, and which others joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedCause>,
}

/// What makes an alert one about the response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct ResponseAlert {
    /// `unacknowledged`, `failed` or `breaker`.
    pub kind: String,
    /// The requests; of the breaker none: `restore` takes the id of the alert.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_ids: Vec<String>,
    /// What whoever acted said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Agents that the breaker spared, at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<String>,
    /// Revocations that the breaker held back.
    #[serde(default)]
    pub held: u64,
    /// Revocations of the hour before and since.
    #[serde(default)]
    pub revoked: u64,
}

/// What makes an alert one of many agents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct FleetAlert {
    /// What kind of thing they met.
    pub kind: MetKind,
    /// What it is called.
    pub name: String,
    /// Keyed hash of it, 16 hex digits.
    pub key: String,
    /// Ids of members, at most 32; where there are more, those with the least keyed hashes.
    pub members: Vec<String>,
    /// How many members there are.
    pub members_count: u64,
    /// Whether that number is exact.
    pub members_exact: bool,
    /// Most new agents within one window.
    pub window_agents: u64,
    /// New agents expected within it.
    pub window_expected: f64,
    /// Length of the window in seconds.
    pub window_seconds: u64,
    /// Of a flood: what its agents did that else had alerted by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<FloodJoined>,
}

/// What agents of a flood did that else had alerted by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct FloodJoined {
    /// How many agents did.
    pub agents_count: u64,
    /// Whether that number is exact.
    pub agents_exact: bool,
    /// Their events.
    pub events: u64,
    /// The agents with the rarest events, at most 16, the rarest first.
    pub rarest: Vec<FloodMember>,
}

/// An agent of a flood, by the rarest that it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct FloodMember {
    /// The agent.
    pub agent_id: String,
    /// The activity.
    pub activity_id: String,
    /// The signal that leads.
    pub signal: String,
    /// Once in that many actor-months.
    pub return_period_actor_months: f64,
}

/// How much was seen of an actor when an alert was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct AlertBaseline {
    /// `learning` or `ready`.
    pub state: String,
    /// Activities seen.
    pub events: u64,
    /// Active hours seen.
    pub active_hours: u64,
}
