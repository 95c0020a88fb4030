//! Security event tokens (RFC 8417, SSF 1.0, CAEP 1.0): the claims that are signed. Each token states one event for one
//! receiver; how it is signed and delivered is not said here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::revocation::{InitiatingEntity, SubjectId};
use crate::trust::RiskLevel;

/// Media type of a signed token.
pub const SET_MEDIA_TYPE: &str = "application/secevent+jwt";

/// The claims of one token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct SetClaims {
    /// Who states it.
    pub iss: String,
    /// Id of the token, the same on every delivery.
    pub jti: String,
    /// Log time of its cause, in seconds since 1970.
    pub iat: i64,
    /// The receiver.
    pub aud: String,
    /// Joins the tokens of one cause.
    pub txn: String,
    /// Whom it concerns.
    pub sub_id: SubjectId,
    /// The one event.
    pub events: SetEvent,
}

/// An event under its URI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub enum SetEvent {
    /// The risk of a subject is another one.
    #[serde(rename = "https://schemas.openid.net/secevent/caep/event-type/risk-level-change")]
    RiskLevelChange(RiskLevelChange),
    /// Sessions of a subject are to count as revoked.
    #[serde(rename = "https://schemas.openid.net/secevent/caep/event-type/session-revoked")]
    SessionRevoked(SessionRevoked),
    /// A credential of a subject is to count as revoked.
    #[serde(rename = "https://schemas.openid.net/secevent/caep/event-type/credential-change")]
    CredentialChange(CredentialChange),
}

/// Another risk level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct RiskLevelChange {
    /// When it happened, in seconds since 1970.
    pub event_timestamp: i64,
    /// What kind of subject it is, such as `USER`.
    pub principal: String,
    /// The level now.
    pub current_level: RiskLevel,
    /// The level before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_level: Option<RiskLevel>,
    /// Why, as a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_reason: Option<String>,
    /// Who brought it about.
    pub initiating_entity: InitiatingEntity,
    /// For administrators, by language.
    pub reason_admin: BTreeMap<String, String>,
}

/// Revoked sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct SessionRevoked {
    /// When it happened, in seconds since 1970.
    pub event_timestamp: i64,
    /// Who brought it about.
    pub initiating_entity: InitiatingEntity,
    /// For administrators, by language.
    pub reason_admin: BTreeMap<String, String>,
    /// For users, by language.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reason_user: BTreeMap<String, String>,
}

/// A revoked credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct CredentialChange {
    /// When it happened, in seconds since 1970.
    pub event_timestamp: i64,
    /// Kind of the credential: `x509`, or a word of `credential.type`.
    pub credential_type: String,
    /// What became of it.
    pub change_type: ChangeType,
    /// Its id, where it is no certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friendly_name: Option<String>,
    /// Issuer of a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x509_issuer: Option<String>,
    /// Serial number of a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x509_serial: Option<String>,
    /// Who brought it about.
    pub initiating_entity: InitiatingEntity,
    /// For administrators, by language.
    pub reason_admin: BTreeMap<String, String>,
}

/// What became of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChangeType {
    /// It was made.
    Create,
    /// It was revoked.
    Revoke,
    /// It was changed.
    Update,
    /// It was deleted.
    Delete,
}
