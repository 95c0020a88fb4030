//! `agent.command/1`: what an operator wants done about requests and silences, with who and why. It does nothing by
//! itself: who may is decided at intake, what follows from it in the respond fold.

use serde::{Deserialize, Serialize};

use crate::feedback::Scope;
use crate::time::EventTime;

/// The `schema` constant of a command.
pub const COMMAND_SCHEMA: &str = "agent.command/1";

/// An operator's command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Command {
    /// Always `agent.command/1`.
    pub schema: String,
    /// Its id; the id of the silence that it makes.
    pub id: String,
    /// When it was given.
    pub time: EventTime,
    /// The tenant.
    pub tenant_id: String,
    /// What is to be done.
    pub action: CommandAction,
    /// What it is to be done to: a request; to be restored also all requests of a fleet's alert, by its id; to be
    /// unsilenced a silence. Absent for `silence`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What is to be silent; only for `silence`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Until when; only for `silence`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<EventTime>,
    /// Who wants it.
    pub author: String,
    /// Why.
    pub comment: String,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CommandAction {
    /// A request that waits for a person is to be done.
    Approve,
    /// A request that waits for a person is not to be done, nor asked for again soon.
    Deny,
    /// What a request did is to be undone.
    Restore,
    /// Alerts of a scope are to be silent.
    Silence,
    /// A silence is to end.
    Unsilence,
}

impl CommandAction {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
            Self::Restore => "restore",
            Self::Silence => "silence",
            Self::Unsilence => "unsilence",
        }
    }
}
