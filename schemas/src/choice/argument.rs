//! Where an argument's value came from, and what it names. It maps words, it judges none.

use serde::{Deserialize, Serialize};

/// Where a value was found in an argument.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ArgumentKind {
    /// `value`.
    #[default]
    Value,
    /// `address`.
    Address,
    /// `url`.
    Url,
    /// `account`.
    Account,
}

impl ArgumentKind {
    /// Reads a word of the wire; `None` where it is not one of ours.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "value" => Self::Value,
            "address" => Self::Address,
            "url" => Self::Url,
            "account" => Self::Account,
            _ => return None,
        })
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Address => "address",
            Self::Url => "url",
            Self::Account => "account",
        }
    }
}

/// Where an argument's value first stood in its session.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// `user_request`.
    UserRequest,
    /// `tool_result`.
    ToolResult,
    /// `model`.
    Model,
    /// `unknown`.
    #[default]
    Unknown,
}

impl Origin {
    /// Reads a word of the wire; `None` where it is not one of ours.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "user_request" => Self::UserRequest,
            "tool_result" => Self::ToolResult,
            "model" => Self::Model,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserRequest => "user_request",
            Self::ToolResult => "tool_result",
            Self::Model => "model",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether the value was a whole field of a result or inside longer text.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OriginForm {
    /// `field`.
    Field,
    /// `text`.
    #[default]
    Text,
}

impl OriginForm {
    /// Reads a word of the wire; `None` where it is not one of ours.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "field" => Self::Field,
            "text" => Self::Text,
            _ => return None,
        })
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Text => "text",
        }
    }
}

/// What an argument names.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ArgumentRef {
    /// `destination`.
    Destination,
    /// `resource`.
    #[default]
    Resource,
}

impl ArgumentRef {
    /// Reads a word of the wire; `None` where it is not one of ours.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "destination" => Self::Destination,
            "resource" => Self::Resource,
            _ => return None,
        })
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::Resource => "resource",
        }
    }
}
