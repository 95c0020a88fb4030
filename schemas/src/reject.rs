//! Why a record or activity is refused. A rejection is an output like any other: it goes to the
//! dead-letter topic with typed headers and never carries payload.

use serde::{Deserialize, Serialize};

/// The typed reason of a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The record is empty.
    EmptyValue,
    /// The record, a text or a list is longer than its limit.
    TooLarge,
    /// Nested deeper than the limit.
    TooDeep,
    /// Not UTF-8.
    InvalidUtf8,
    /// Not JSON.
    InvalidJson,
    /// Not the expected Protobuf message.
    InvalidProtobuf,
    /// No format recognises it.
    UnsupportedFormat,
    /// A schema or major version that is not ours.
    UnsupportedSchema,
    /// A schema-registry encoding that cannot be read.
    SchemaRegistryUnsupported,
    /// A required field is absent.
    MissingField,
    /// A field has the wrong type or value.
    InvalidField,
    /// No agent can be named.
    MissingAgentId,
    /// The record's key is not that of its agent.
    Miskeyed,
    /// The time lies outside what is accepted.
    TimeOutOfRange,
    /// No signature of its author, where authors sign.
    BadSignature,
    /// Its author may not say that.
    NotPermitted,
    /// The process died of the record three times, alone.
    Quarantined,
    /// A receiver refused it for good.
    ReceiverRefused,
    /// A fault of ours.
    Internal,
}

impl ErrorCode {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EmptyValue => "empty_value",
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidJson => "invalid_json",
            Self::InvalidProtobuf => "invalid_protobuf",
            Self::UnsupportedFormat => "unsupported_format",
            Self::UnsupportedSchema => "unsupported_schema",
            Self::SchemaRegistryUnsupported => "schema_registry_unsupported",
            Self::MissingField => "missing_field",
            Self::InvalidField => "invalid_field",
            Self::MissingAgentId => "missing_agent_id",
            Self::Miskeyed => "miskeyed",
            Self::TimeOutOfRange => "time_out_of_range",
            Self::BadSignature => "bad_signature",
            Self::NotPermitted => "not_permitted",
            Self::Quarantined => "quarantined",
            Self::ReceiverRefused => "receiver_refused",
            Self::Internal => "internal",
        }
    }
}

/// The step at which a record was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Bytes to text.
    Decode,
    /// Text to structure.
    Parse,
    /// Structure to a valid activity.
    Validate,
    /// Normalisation.
    Normalize,
    /// The fold.
    Process,
    /// Sending.
    Produce,
}

/// A refused record or activity: why, where, and in which words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The typed reason.
    pub code: ErrorCode,
    /// The step that refused it.
    pub stage: Stage,
    /// JSON pointer to the offending field; empty for the whole record.
    pub path: String,
    /// A sentence for people; never payload.
    pub message: String,
}
