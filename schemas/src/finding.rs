//! `agent.finding/1`: what observe hands to respond, and what intake checked for it. Findings are the only way from one
//! fold to the other.

use serde::{Deserialize, Serialize};

use crate::acknowledgement::Acknowledgement;
use crate::cause::Cause;
use crate::choice::Authority;
use crate::command::Command;
use crate::feedback::Feedback;
use crate::id::{ActorRef, Source};
use crate::inventory::Criticality;
use crate::newcomers::Newcomers;
use crate::score::{Contribution, MicroNats};
use crate::time::EventTime;
use crate::trust::Level;

/// The `schema` constant of a finding.
pub const FINDING_SCHEMA: &str = "agent.finding/1";

/// One finding, as it stands in the findings log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// Always `agent.finding/1`.
    pub schema: String,
    /// The tenant.
    pub tenant_id: String,
    /// Log time of the entry that caused it.
    pub log_time: EventTime,
    /// Where its cause stands.
    pub source: Source,
    /// What was in force.
    pub versions: Versions,
    /// Whether intake verified the signature of who said it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signed: bool,
    /// What was found.
    pub body: Body,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// An activity past the finding floor.
    Verdict(Box<Verdict>),
    /// A change of trust level.
    Level(LevelChange),
    /// Integer increments of the shared tables.
    Epoch(Epoch),
    /// What became of a revocation request.
    Acknowledgement(Box<Acknowledgement>),
    /// An analyst's verdict.
    Feedback(Box<Feedback>),
    /// An operator's command.
    Command(Box<Command>),
    /// Log time reached a deadline of the tenant.
    Tick {},
}

/// What was in force when a verdict was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Versions {
    /// Version of the program.
    pub program: String,
    /// Hash of the config.
    pub config: String,
    /// Hash of the lists.
    pub lists: String,
    /// Offset of the newest control record taken up.
    pub control_offset: u64,
}

/// What observe says of one activity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Verdict {
    /// The actor.
    pub actor: ActorRef,
    /// The activity.
    pub activity_id: String,
    /// When the agent acted.
    pub time: EventTime,
    /// The score; the sum of the contributions.
    pub score: MicroNats,
    /// Shares that add up to the score, largest first.
    pub contributions: Vec<Contribution>,
    /// Signals in shadow: in no sum.
    pub shadow_contributions: Vec<Contribution>,
    /// Once in that many actor-months in this peer group.
    pub return_period_actor_months: f64,
    /// How well supported the return period is.
    pub return_period_support: Support,
    /// The return period where all that was counted is chance, if that is shorter: the budget of revocations reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_actor_months: Option<f64>,
    /// Signal families whose own evidence reached 4.6 nats.
    pub keys: Vec<String>,
    /// A fact that is a key by itself.
    pub hard_indicator: Option<String>,
    /// What its signals are about, where others of the blueprint may be about the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// How much was seen of the actor.
    pub baseline: BaselineState,
    /// Trust before the activity.
    pub trust_before: f64,
    /// Trust after it.
    pub trust_after: f64,
    /// What it added to the evidence against the actor, in nats.
    #[serde(default)]
    pub trust_evidence: f64,
    /// Level before it.
    pub level_before: Level,
    /// Level after it.
    pub level_after: Level,
    /// The facts an analyst needs beside the score.
    pub facts: Facts,
}

/// How well supported a return period is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Support {
    /// Actor-hours behind the calibration.
    pub actor_hours: f64,
    /// Whether it lies beyond what was ever seen.
    pub extrapolated: bool,
}

/// How much was seen of an actor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct BaselineState {
    /// `learning` below 24 active hours, then `ready`.
    pub state: String,
    /// Activities seen.
    pub events: u64,
    /// Active hours seen.
    pub active_hours: u64,
    /// First activity.
    pub first_seen: Option<EventTime>,
    /// First activity of any actor of the agent, while none of them has habits to be judged by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newcomer_since: Option<EventTime>,
}

/// Facts of the activity that travel with a verdict.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Facts {
    /// Instance of the agent.
    pub agent_instance_id: Option<String>,
    /// Issuer of the agent's id.
    pub agent_issuer: Option<String>,
    /// Display name of the agent.
    pub agent_name: Option<String>,
    /// Version of the agent.
    pub agent_version: Option<String>,
    /// Blueprint of the agent.
    pub blueprint: Option<String>,
    /// Owner: name, else id.
    pub owner: Option<String>,
    /// How much depends on the agent, where an inventory says it.
    pub criticality: Option<Criticality>,
    /// The delegating principal: id.
    pub subject: Option<String>,
    /// The delegating principal: display name.
    pub subject_name: Option<String>,
    /// Ids from the root subject to the agent.
    pub chain: Vec<String>,
    /// Purpose of the delegation.
    pub purpose: Option<String>,
    /// Id of the delegation.
    pub delegation_id: Option<String>,
    /// Credential id.
    pub credential_id: Option<String>,
    /// Session or task.
    pub session: Option<String>,
    /// Kind of action.
    pub action: String,
    /// Operation or tool.
    pub operation: Option<String>,
    /// Tool server.
    pub tool_server: Option<String>,
    /// Resource id.
    pub resource: Option<String>,
    /// Classification of the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classification: Option<String>,
    /// Destination host or address.
    pub destination: Option<String>,
    /// Destination IP.
    pub destination_ip: Option<String>,
    /// Source IP or host.
    pub source: Option<String>,
    /// Bytes sent.
    pub bytes_out: Option<u64>,
    /// Bytes received.
    pub bytes_in: Option<u64>,
    /// How it ended.
    pub outcome: Option<String>,
    /// Trace id.
    pub trace_id: Option<String>,
}

/// A change of trust level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct LevelChange {
    /// The actor.
    pub actor: ActorRef,
    /// Level before.
    pub before: Level,
    /// Level after.
    pub after: Level,
    /// Trust score.
    pub score: f64,
    /// When.
    pub time: EventTime,
}

/// Increments of the shared tables that one partition made in one epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Epoch {
    /// Number of the epoch: log time / 5 min.
    pub epoch: i64,
    /// Part of the epoch's findings, from 0.
    pub part: u32,
    /// How many parts the epoch has.
    pub parts: u32,
    /// The increments.
    pub increments: Vec<Increment>,
    /// What agents met for the first time in the epoch, in order of kind and key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub met: Vec<Meeting>,
    /// First meetings that are not told, because there were too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub met_cut: u64,
}

/// What serde asks for by reference.
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Something that agents met for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Meeting {
    /// What kind of thing it is.
    pub kind: MetKind,
    /// Keyed hash of it.
    pub key: u64,
    /// What people call it; a long name is cut.
    pub name: String,
    /// The agents.
    pub by: Newcomers,
}

/// What an agent can meet for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MetKind {
    /// A destination.
    Destination,
    /// A resource.
    Resource,
    /// Somebody on whose behalf it acts.
    Delegator,
    /// The tenant itself: the agent is new to it.
    Tenant,
}

impl MetKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Destination, Self::Resource, Self::Delegator, Self::Tenant];

    /// Its word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::Resource => "resource",
            Self::Delegator => "delegator",
            Self::Tenant => "tenant",
        }
    }

    /// The kind of a word.
    pub fn from_wire(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One integer increment of one cell of a shared table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Increment {
    /// Which table.
    pub table: u8,
    /// Which scope of it (tenant or blueprint), hashed.
    pub scope: u64,
    /// Which sub-scope (purpose), hashed; 0 for none.
    pub group: u64,
    /// Which cell, hashed or by index.
    pub cell: u64,
    /// What is added.
    pub add: i64,
}

impl Verdict {
    /// The signal with the largest share; ties go to the first.
    pub fn leading_signal(&self) -> &str {
        self.contributions.first().map_or("", |c| c.signal.as_str())
    }

    /// The authority of the actor.
    pub fn authority(&self) -> Authority {
        self.actor.authority
    }
}
