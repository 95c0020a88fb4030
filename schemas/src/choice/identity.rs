//! Who acts, on which authority, with which credential. It maps words, it judges none.

use serde::{Deserialize, Serialize};

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
