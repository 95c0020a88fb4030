//! What a signal is about: the thing that was new. Actors of one blueprint whose verdicts are about the same thing have
//! one cause.

use serde::{Deserialize, Serialize};

/// What kind of thing a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// A destination.
    Destination,
    /// A resource or a place that holds resources.
    Resource,
    /// A tool.
    Tool,
    /// A tool for one purpose.
    PurposeTool,
    /// A step from one tool to another.
    Step,
    /// A network or route.
    Network,
    /// Somebody on whose behalf it acts.
    Delegator,
    /// A credential, or a kind of credential.
    Credential,
    /// A version of the agent.
    Version,
    /// A model.
    Model,
    /// A server of tools.
    ToolServer,
}

impl CauseKind {
    /// Its word in sentences.
    pub fn words(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::Resource => "resource",
            Self::Tool => "tool",
            Self::PurposeTool => "tool for this purpose",
            Self::Step => "next step",
            Self::Network => "network",
            Self::Delegator => "delegator",
            Self::Credential => "credential",
            Self::Version => "version",
            Self::Model => "model",
            Self::ToolServer => "tool server",
        }
    }
}

/// A thing that a signal of a verdict is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Cause {
    /// The signal.
    pub signal: String,
    /// What kind of thing it is.
    pub kind: CauseKind,
    /// What people call it.
    pub name: String,
    /// Keyed hash of it within the blueprint.
    pub key: u64,
    /// Whether it is new to the actors of the blueprint, as far as they are counted.
    pub fresh: bool,
}

/// What an alert is about and which other agents of the blueprint joined it for that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct SharedCause {
    /// What kind of thing it is.
    pub kind: CauseKind,
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
}
