//! `agent.incident/1`: what an incident says beyond OCSF: the cause that its alerts have in common, and who is in it.

use serde::{Deserialize, Serialize};

use crate::finding::Versions;
use crate::trust::Level;

/// The `schema` constant of Habitus's part of an incident.
pub const INCIDENT_SCHEMA: &str = "agent.incident/1";

/// What alerts have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// Their agents act for one root.
    Delegation,
    /// They are about one destination.
    Destination,
    /// They are about what is new to a whole blueprint.
    Blueprint,
}

/// Habitus's part of an incident; it stands in `unmapped.habitus`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct HabitusIncident {
    /// Always `agent.incident/1`.
    pub schema: String,
    /// The tenant.
    pub tenant_id: String,
    /// What its alerts have in common.
    pub kind: IncidentKind,
    /// Its name: the root of the chains, the destination, or what is new.
    pub name: String,
    /// Agents in it; at most 32.
    pub members: Vec<String>,
    /// How many there are.
    pub members_count: u64,
    /// Whether all of them are named, so that the number is exact.
    pub members_exact: bool,
    /// Alerts in it so far.
    pub alerts_count: u64,
    /// Trust of the least trusted member.
    pub trust_score: f64,
    /// Its level.
    pub trust_level: Level,
    /// What was in force when it opened.
    pub versions: Versions,
    /// Whether it was made in shadow mode.
    pub shadow: bool,
}

// === impl IncidentKind ===

impl IncidentKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Delegation, Self::Destination, Self::Blueprint];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delegation => "delegation",
            Self::Destination => "destination",
            Self::Blueprint => "blueprint",
        }
    }

    /// The kind of a word.
    pub fn from_wire(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}
