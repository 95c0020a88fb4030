//! Closed vocabularies of the wire. An unknown word falls back to the least specific one and is counted by
//! the decoder: it is never a rejection. Names on the wire are snake case.

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

/// On whose authority an agent acts; absent or unknown is `Unknown`, never guessed.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// `delegated`.
    Delegated,
    /// `autonomous`.
    Autonomous,
    /// `unknown`.
    #[default]
    Unknown,
}

impl Authority {
    /// Reads a word of the wire; `None` where it is not one of ours.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "delegated" => Self::Delegated,
            "autonomous" => Self::Autonomous,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delegated => "delegated",
            Self::Autonomous => "autonomous",
            Self::Unknown => "unknown",
        }
    }
}

/// What a principal is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PrincipalType {
    /// `user`.
    User,
    /// `ai_agent`.
    AiAgent,
    /// `service`.
    Service,
    /// `device`.
    Device,
    /// `group`.
    Group,
    /// `unknown`.
    #[default]
    Unknown,
}

impl PrincipalType {
    /// Reads a word of the wire; `None` where it is not one of ours.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "user" => Self::User,
            "ai_agent" => Self::AiAgent,
            "service" => Self::Service,
            "device" => Self::Device,
            "group" => Self::Group,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::AiAgent => "ai_agent",
            Self::Service => "service",
            Self::Device => "device",
            Self::Group => "group",
            Self::Unknown => "unknown",
        }
    }
}

/// What kind of credential was used.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CredentialType {
    /// `oauth_access_token`.
    OauthAccessToken,
    /// `oauth_refresh_token`.
    OauthRefreshToken,
    /// `jwt_svid`.
    JwtSvid,
    /// `x509_svid`.
    X509Svid,
    /// `x509`.
    X509,
    /// `transaction_token`.
    TransactionToken,
    /// `aauth_token`.
    AauthToken,
    /// `api_key`.
    ApiKey,
    /// `session_cookie`.
    SessionCookie,
    /// `cloud_role_session`.
    CloudRoleSession,
    /// `password`.
    Password,
    /// `unknown`.
    #[default]
    Unknown,
}

impl CredentialType {
    /// Reads a word of the wire; `None` where it is not one of ours.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "oauth_access_token" => Self::OauthAccessToken,
            "oauth_refresh_token" => Self::OauthRefreshToken,
            "jwt_svid" => Self::JwtSvid,
            "x509_svid" => Self::X509Svid,
            "x509" => Self::X509,
            "transaction_token" => Self::TransactionToken,
            "aauth_token" => Self::AauthToken,
            "api_key" => Self::ApiKey,
            "session_cookie" => Self::SessionCookie,
            "cloud_role_session" => Self::CloudRoleSession,
            "password" => Self::Password,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OauthAccessToken => "oauth_access_token",
            Self::OauthRefreshToken => "oauth_refresh_token",
            Self::JwtSvid => "jwt_svid",
            Self::X509Svid => "x509_svid",
            Self::X509 => "x509",
            Self::TransactionToken => "transaction_token",
            Self::AauthToken => "aauth_token",
            Self::ApiKey => "api_key",
            Self::SessionCookie => "session_cookie",
            Self::CloudRoleSession => "cloud_role_session",
            Self::Password => "password",
            Self::Unknown => "unknown",
        }
    }
}

/// How sensitive a resource is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Classification {
    /// `public`.
    Public,
    /// `internal`.
    Internal,
    /// `confidential`.
    Confidential,
    /// `restricted`.
    Restricted,
    /// `unknown`.
    #[default]
    Unknown,
}

impl Classification {
    /// Reads a word of the wire; `None` where it is not one of ours.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "public" => Self::Public,
            "internal" => Self::Internal,
            "confidential" => Self::Confidential,
            "restricted" => Self::Restricted,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Confidential => "confidential",
            Self::Restricted => "restricted",
            Self::Unknown => "unknown",
        }
    }
}

/// What hides the origin of a route.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Anonymizer {
    /// `none`.
    None,
    /// `proxy`.
    Proxy,
    /// `vpn`.
    Vpn,
    /// `tor`.
    Tor,
    /// `relay`.
    Relay,
    /// `hosting`.
    Hosting,
    /// `unknown`.
    #[default]
    Unknown,
}

impl Anonymizer {
    /// Reads a word of the wire; `None` where it is not one of ours.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "none" => Self::None,
            "proxy" => Self::Proxy,
            "vpn" => Self::Vpn,
            "tor" => Self::Tor,
            "relay" => Self::Relay,
            "hosting" => Self::Hosting,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Proxy => "proxy",
            Self::Vpn => "vpn",
            Self::Tor => "tor",
            Self::Relay => "relay",
            Self::Hosting => "hosting",
            Self::Unknown => "unknown",
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
