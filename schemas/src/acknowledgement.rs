//! `agent.revocation-ack/1`: what whoever acts on revocation requests says of one of them. It proves nothing by itself:
//! who may say it is decided at intake, what follows from it in the respond fold.

use serde::{Deserialize, Serialize};

use crate::time::EventTime;

/// The `schema` constant of an acknowledgement.
pub const ACKNOWLEDGEMENT_SCHEMA: &str = "agent.revocation-ack/1";

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Acknowledgement {
    /// Always `agent.revocation-ack/1`.
    pub schema: String,
    /// The request.
    pub request_id: String,
    /// When it was acted on.
    pub time: EventTime,
    /// The tenant.
    pub tenant_id: String,
    /// What became of it.
    pub status: AckStatus,
    /// Who acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What was done, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AckStatus {
    /// It was done.
    Acted,
    /// It was understood and will not be done.
    Rejected,
    /// It was tried and could not be done.
    Failed,
    /// It came too late.
    Expired,
}

impl AckStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acted => "acted",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }
}
