//! What was done, how it ended, and what authorisation decided. It maps words, it judges none.

use serde::{Deserialize, Serialize};

/// What kind of thing an agent did.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ActionType {
    /// `tool_call`.
    ToolCall,
    /// `api_call`.
    ApiCall,
    /// `http_request`.
    HttpRequest,
    /// `network_connection`.
    NetworkConnection,
    /// `dns_query`.
    DnsQuery,
    /// `data_read`.
    DataRead,
    /// `data_write`.
    DataWrite,
    /// `data_delete`.
    DataDelete,
    /// `data_list`.
    DataList,
    /// `data_share`.
    DataShare,
    /// `code_execution`.
    CodeExecution,
    /// `agent_invoke`.
    AgentInvoke,
    /// `agent_spawn`.
    AgentSpawn,
    /// `model_call`.
    ModelCall,
    /// `authentication`.
    Authentication,
    /// `token_issue`.
    TokenIssue,
    /// `token_exchange`.
    TokenExchange,
    /// `permission_change`.
    PermissionChange,
    /// `message_send`.
    MessageSend,
    /// `other`.
    #[default]
    Other,
}

impl ActionType {
    /// Reads a word of the wire; `None` where it is not one of ours.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "tool_call" => Self::ToolCall,
            "api_call" => Self::ApiCall,
            "http_request" => Self::HttpRequest,
            "network_connection" => Self::NetworkConnection,
            "dns_query" => Self::DnsQuery,
            "data_read" => Self::DataRead,
            "data_write" => Self::DataWrite,
            "data_delete" => Self::DataDelete,
            "data_list" => Self::DataList,
            "data_share" => Self::DataShare,
            "code_execution" => Self::CodeExecution,
            "agent_invoke" => Self::AgentInvoke,
            "agent_spawn" => Self::AgentSpawn,
            "model_call" => Self::ModelCall,
            "authentication" => Self::Authentication,
            "token_issue" => Self::TokenIssue,
            "token_exchange" => Self::TokenExchange,
            "permission_change" => Self::PermissionChange,
            "message_send" => Self::MessageSend,
            "other" => Self::Other,
            _ => return None,
        })
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToolCall => "tool_call",
            Self::ApiCall => "api_call",
            Self::HttpRequest => "http_request",
            Self::NetworkConnection => "network_connection",
            Self::DnsQuery => "dns_query",
            Self::DataRead => "data_read",
            Self::DataWrite => "data_write",
            Self::DataDelete => "data_delete",
            Self::DataList => "data_list",
            Self::DataShare => "data_share",
            Self::CodeExecution => "code_execution",
            Self::AgentInvoke => "agent_invoke",
            Self::AgentSpawn => "agent_spawn",
            Self::ModelCall => "model_call",
            Self::Authentication => "authentication",
            Self::TokenIssue => "token_issue",
            Self::TokenExchange => "token_exchange",
            Self::PermissionChange => "permission_change",
            Self::MessageSend => "message_send",
            Self::Other => "other",
        }
    }
}

/// How an action ended.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// `success`.
    Success,
    /// `failure`.
    Failure,
    /// `denied`.
    Denied,
    /// `unknown`.
    #[default]
    Unknown,
}

impl Outcome {
    /// Reads a word of the wire; `None` where it is not one of ours.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "success" => Self::Success,
            "failure" => Self::Failure,
            "denied" => Self::Denied,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Denied => "denied",
            Self::Unknown => "unknown",
        }
    }
}

/// What an authorisation decided.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// `allow`.
    Allow,
    /// `deny`.
    Deny,
    /// `ask`.
    Ask,
    /// `none`.
    #[default]
    None,
}

impl Decision {
    /// Reads a word of the wire; `None` where it is not one of ours.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "allow" => Self::Allow,
            "deny" => Self::Deny,
            "ask" => Self::Ask,
            "none" => Self::None,
            _ => return None,
        })
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Ask => "ask",
            Self::None => "none",
        }
    }
}
