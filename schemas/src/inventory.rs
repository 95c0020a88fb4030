//! `agent.inventory/1`: what the register of agents says of one of them, and the claim that it lists all agents of a
//! tenant. A file holds a record a line. What follows from it is decided elsewhere.

use serde::{Deserialize, Serialize};

use crate::choice::PrincipalType;
use crate::time::EventTime;

/// The `schema` constant of an entry.
pub const INVENTORY_SCHEMA: &str = "agent.inventory/1";
/// The `schema` constant of the claim to be complete.
pub const COMPLETE_SCHEMA: &str = "agent.inventory-complete/1";

/// One agent of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct InventoryEntry {
    /// Always `agent.inventory/1`.
    pub schema: String,
    /// The tenant.
    pub tenant_id: String,
    /// The id that the agent is known by.
    pub agent_id: String,
    /// Whether it is in use.
    pub state: AgentState,
    /// Its other ids: SPIFFE id, ARN, service account, ..
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Accountable person or team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Template it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blueprint: Option<String>,
    /// What it may be used for; none says nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<String>,
    /// How much depends on it.
    #[serde(default, skip_serializing_if = "Criticality::is_normal")]
    pub criticality: Criticality,
    /// Not in use before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<EventTime>,
    /// Not in use from then on: retired where the state says so, else expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<EventTime>,
    /// The version that it is meant to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// A change that its owner announces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced_change: Option<AnnouncedChange>,
}

/// The claim that every agent of a tenant is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct InventoryComplete {
    /// Always `agent.inventory-complete/1`.
    pub schema: String,
    /// The tenant.
    pub tenant_id: String,
}

/// Whether an agent is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// In use.
    Active,
    /// Out of use: from `valid_until` on, without one always.
    Retired,
}

/// How much depends on an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Criticality {
    /// Little.
    Low,
    /// As usual.
    #[default]
    Normal,
    /// Much.
    High,
}

impl Criticality {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    /// What serde asks for by reference.
    fn is_normal(&self) -> bool {
        *self == Self::Normal
    }
}

/// Who is accountable for an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Owner {
    /// Id within the issuer.
    pub id: String,
    /// Namespace of the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// What it is.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<PrincipalType>,
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A change that is announced: whatever begins between the two times while the agent runs the version belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct AnnouncedChange {
    /// The version that comes.
    pub version: String,
    /// When it may begin.
    pub from: EventTime,
    /// When it must have begun.
    pub until: EventTime,
}
