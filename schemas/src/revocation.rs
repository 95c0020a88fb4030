//! `agent.revocation/1`: a request to act on an agent's credentials, sessions or autonomy. It asks;
//! Habitus revokes nothing itself. Consumers are idempotent on `request_id` and stop at `expires_at`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::choice::Authority;
use crate::time::EventTime;
use crate::trust::{PolicyRef, RiskLevel};

/// The `schema` constant of a revocation request.
pub const REVOCATION_SCHEMA: &str = "agent.revocation/1";

/// A request to act on an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct RevocationRequest {
    /// Always `agent.revocation/1`.
    pub schema: String,
    /// Idempotency key.
    pub request_id: String,
    /// When it was made.
    pub time: EventTime,
    /// From when on it is to be ignored.
    pub expires_at: EventTime,
    /// The tenant.
    pub tenant_id: String,
    /// What is asked for.
    pub action: RevocationAction,
    /// How binding it is.
    pub mode: RevocationMode,
    /// How soon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    /// Whom it concerns.
    pub subject: RevocationSubject,
    /// What of the subject it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<RevocationTargets>,
    /// Why.
    pub cause: RevocationCause,
    /// Who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiating_entity: Option<InitiatingEntity>,
    /// The policy that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyRef>,
    /// The earlier request that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<String>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RevocationAction {
    /// Revoke the named credentials.
    RevokeCredentials,
    /// End the sessions.
    RevokeSessions,
    /// Suspend the agent.
    SuspendAgent,
    /// Take scopes away.
    ReduceScopes,
    /// Issue shorter tokens.
    ShortenTokenLifetime,
    /// Authenticate again.
    RequireReauthentication,
    /// Let a person approve.
    RequireHumanApproval,
    /// Undo an earlier request.
    Restore,
}

/// How binding a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RevocationMode {
    /// To be done.
    Enforce,
    /// A proposal.
    Recommend,
    /// To be logged only.
    DryRun,
}

/// How soon a request is to be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// At once.
    Immediate,
    /// In due course.
    Normal,
}

/// Who decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum InitiatingEntity {
    /// An administrator.
    Admin,
    /// The user.
    User,
    /// A policy.
    Policy,
    /// The system.
    System,
}

/// How far down the delegation a request reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cascade {
    /// Not at all.
    None,
    /// To what was delegated from it.
    Descendants,
    /// To everything connected.
    All,
}

/// Whom a request concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct RevocationSubject {
    /// The agent.
    pub agent_id: String,
    /// Namespace of its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_issuer: Option<String>,
    /// The actor concerned; absent = the whole agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Authority>,
    /// Run, pod or session instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// The subject as security event tokens name it.
    pub sub_id: SubjectId,
}

/// A subject identifier of RFC 9493 or SSF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(tag = "format", rename_all = "snake_case")]
pub enum SubjectId {
    /// Issuer and subject.
    IssSub {
        /// The issuer.
        iss: String,
        /// The subject at the issuer.
        sub: String,
    },
    /// An id without structure.
    Opaque {
        /// The id.
        id: String,
    },
    /// A URI.
    Uri {
        /// The URI.
        uri: String,
    },
    /// A mail address.
    Email {
        /// The address.
        email: String,
    },
    /// A token.
    JwtId {
        /// The issuer.
        iss: String,
        /// The token's id.
        jti: String,
    },
    /// Members that together name one principal.
    Complex {
        /// Who it is.
        user: Box<SubjectId>,
        /// One of its sessions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<Box<SubjectId>>,
        /// Its tenant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant: Option<Box<SubjectId>>,
    },
}

/// What of a subject a request concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct RevocationTargets {
    /// Credentials; at most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<CredentialTarget>,
    /// Sessions; at most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<String>,
    /// Scopes to take away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_remove: Vec<String>,
    /// Scopes to keep.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_keep: Vec<String>,
    /// Longest life of a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_token_lifetime_seconds: Option<u32>,
    /// The delegation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation_id: Option<String>,
    /// How far down the delegation it reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cascade: Option<Cascade>,
}

/// A credential by name; never the secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct CredentialTarget {
    /// Its id.
    pub id: String,
    /// Its kind.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Who issued it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Until when it is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<EventTime>,
}

/// Why a request was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct RevocationCause {
    /// Joins everything with one cause: the alert id.
    pub txn: String,
    /// The alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<String>,
    /// The `finding_info.uid` of the alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding_uid: Option<String>,
    /// Signal ids; at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<String>,
    /// Trust of the actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_score: Option<f64>,
    /// Risk level of the actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_level: Option<RiskLevel>,
    /// When the agent acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<EventTime>,
    /// For administrators, by language.
    pub reason_admin: BTreeMap<String, String>,
    /// For users, by language.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reason_user: BTreeMap<String, String>,
}

// === impl RevocationAction ===

impl RevocationAction {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RevokeCredentials => "revoke_credentials",
            Self::RevokeSessions => "revoke_sessions",
            Self::SuspendAgent => "suspend_agent",
            Self::ReduceScopes => "reduce_scopes",
            Self::ShortenTokenLifetime => "shorten_token_lifetime",
            Self::RequireReauthentication => "require_reauthentication",
            Self::RequireHumanApproval => "require_human_approval",
            Self::Restore => "restore",
        }
    }
}

// === impl RevocationMode ===

impl RevocationMode {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Recommend => "recommend",
            Self::DryRun => "dry_run",
        }
    }
}
