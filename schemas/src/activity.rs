//! `agent.activity/1`: one thing an agent did. Texts borrow from the record's bytes where they can.
//! Lengths and enums are checked by the decoder (`ingest`); a value of this type is not checked again.

use std::borrow::Cow;

use serde::Serialize;

use crate::choice::{
    ActionType, ArgumentKind, ArgumentRef, Authority, CredentialType, Decision, Origin, OriginForm,
    Outcome, PrincipalType,
};
use crate::time::EventTime;

pub use place::{Endpoint, Geo, Resource};
pub use usage::Usage;

mod place;
mod usage;

/// A text, borrowed from the record where possible.
pub type Text<'a> = Cow<'a, str>;

/// The tenant of records that name none.
pub const DEFAULT_TENANT: &str = "default";
/// The `schema` constant of an activity.
pub const ACTIVITY_SCHEMA: &str = "agent.activity/1";

/// One activity of one agent.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename = "agent.activity/1")]
pub struct Activity<'a> {
    /// Always `agent.activity/1`.
    pub schema: &'static str,
    /// Idempotency key within the tenant.
    pub id: Text<'a>,
    /// When the agent acted.
    pub time: EventTime,
    /// When its producer saw it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_time: Option<EventTime>,
    /// The tenant; `default` where absent.
    pub tenant_id: Text<'a>,
    /// Who acted.
    pub agent: Agent<'a>,
    /// On whose behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegation: Option<Delegation<'a>>,
    /// With which credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential<'a>>,
    /// In which session or task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session<'a>>,
    /// What was done.
    pub action: Action<'a>,
    /// To what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource<'a>>,
    /// Towards where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<Endpoint<'a>>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Endpoint<'a>>,
    /// How much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Result<'a>>,
    /// Trace context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace<'a>>,
    /// Who reported it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub producer: Option<Producer<'a>>,
    /// Free attributes: at most 64 scalars.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_map")]
    #[cfg_attr(
        feature = "json-schema",
        schemars(with = "std::collections::BTreeMap<String, Scalar<'static>>")
    )]
    pub attributes: Vec<(Text<'a>, Scalar<'a>)>,
}

/// The acting agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Agent<'a> {
    /// Stable logical id: the baseline key.
    pub id: Text<'a>,
    /// Namespace of the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Text<'a>>,
    /// Run, pod or session instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<Text<'a>>,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// Version of the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Text<'a>>,
    /// Framework that runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub framework: Option<Text<'a>>,
    /// The agent that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Text<'a>>,
    /// Template it was made from: the default peer group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blueprint: Option<Text<'a>>,
    /// Accountable person or team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Principal<'a>>,
    /// Model that drives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Model<'a>>,
}

/// A person, agent, service, device or group.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Principal<'a> {
    /// Id within the issuer.
    pub id: Text<'a>,
    /// Namespace of the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Text<'a>>,
    /// What it is.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<PrincipalType>,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
}

/// A language model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Model<'a> {
    /// Who provides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Text<'a>>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Text<'a>>,
}

/// On whose behalf the agent acted.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Delegation<'a> {
    /// Authority of the actor; absent means unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Authority>,
    /// Id of the grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
    /// Id of the grant it derives from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Text<'a>>,
    /// The delegating principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Principal<'a>>,
    /// From the root subject to the acting agent; at most 32.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<Principal<'a>>,
    /// Opaque id of what the delegation is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Text<'a>>,
}

/// The credential that was used; never the secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Credential<'a> {
    /// Token id, key id or serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
    /// What kind it is.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<CredentialType>,
    /// Who issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Text<'a>>,
    /// Since when it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<EventTime>,
    /// Until when it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<EventTime>,
    /// Scopes; at most 256.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Text<'a>>,
    /// Audiences; at most 32.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<Text<'a>>,
    /// Thumbprint of the bound key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf_jkt: Option<Text<'a>>,
}

/// Session, task, conversation, mission.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Session<'a> {
    /// Session id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
    /// Task id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<Text<'a>>,
    /// Conversation id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<Text<'a>>,
    /// Mission id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mission_id: Option<Text<'a>>,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Action<'a> {
    /// Kind of action.
    #[serde(rename = "type")]
    pub kind: ActionType,
    /// Low-cardinality name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<Text<'a>>,
    /// The tool that was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Tool<'a>>,
    /// Keyed hash of the parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters_hash: Option<Text<'a>>,
    /// Provenance of the arguments: `None` = not logged, empty = logged, no values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Vec<Argument<'a>>>,
    /// Keyed hash of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_hash: Option<Text<'a>>,
}

/// A tool.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Tool<'a> {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// Id of the call; activities that share it are one call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<Text<'a>>,
    /// Server that offers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Text<'a>>,
    /// Protocol or kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Text<'a>>,
}

/// Where an argument's value came from; keyed hashes, never values.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Argument<'a> {
    /// Name of the argument.
    pub name: Text<'a>,
    /// Where in the argument the value stood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ArgumentKind>,
    /// Keyed hash of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<Text<'a>>,
    /// Where the value first stood in the session.
    pub origin: Origin,
    /// The call whose result held it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_call_id: Option<Text<'a>>,
    /// The tool whose result held it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_tool: Option<Text<'a>>,
    /// Whole field or inside text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_form: Option<OriginForm>,
    /// What it names.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub names: Option<ArgumentRef>,
}

/// How an action ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Result<'a> {
    /// Success, failure or denied.
    pub result: Outcome,
    /// Code of the protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Text<'a>>,
    /// Reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text<'a>>,
    /// What authorisation decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The policy that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_id: Option<Text<'a>>,
}

/// W3C trace context.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Trace<'a> {
    /// 32 lower-case hex digits, not all zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<Text<'a>>,
    /// 16 lower-case hex digits, not all zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_id: Option<Text<'a>>,
    /// 16 lower-case hex digits, not all zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<Text<'a>>,
}

/// Who reported an activity.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Producer<'a> {
    /// Name of the gateway or collector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Text<'a>>,
    /// The format it was read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Text<'a>>,
    /// Its own id of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<Text<'a>>,
}

/// A scalar attribute.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "json-schema", schemars(untagged))]
pub enum Scalar<'a> {
    /// A text.
    Text(Text<'a>),
    /// A number.
    Number(f64),
    /// An integer.
    Integer(i64),
    /// A truth value.
    Bool(bool),
    /// Null.
    Null,
}

impl Serialize for Scalar<'_> {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => s.serialize_str(text),
            Self::Number(number) => s.serialize_f64(*number),
            Self::Integer(number) => s.serialize_i64(*number),
            Self::Bool(truth) => s.serialize_bool(*truth),
            Self::Null => s.serialize_unit(),
        }
    }
}

fn as_map<S: serde::Serializer>(
    pairs: &[(Text<'_>, Scalar<'_>)],
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}

// === impl Activity ===

impl<'a> Activity<'a> {
    /// An activity with the required fields only.
    pub fn new(id: Text<'a>, time: EventTime, agent: Agent<'a>, action: Action<'a>) -> Self {
        Self {
            schema: ACTIVITY_SCHEMA,
            id,
            time,
            observed_time: None,
            tenant_id: Text::Borrowed(DEFAULT_TENANT),
            agent,
            delegation: None,
            credential: None,
            session: None,
            action,
            resource: None,
            destination: None,
            source: None,
            usage: None,
            outcome: None,
            trace: None,
            producer: None,
            attributes: Vec::new(),
        }
    }

    /// The authority the agent acts with; absent is unknown.
    pub fn authority(&self) -> Authority {
        self.delegation.as_ref().and_then(|d| d.mode).unwrap_or_default()
    }

    /// What the delegation is for.
    pub fn purpose(&self) -> Option<&str> {
        self.delegation.as_ref().and_then(|d| d.purpose.as_deref())
    }

    /// The key by which the log is partitioned: `<tenant>|<agent.id>`.
    pub fn partition_key(&self) -> String {
        format!("{}|{}", self.tenant_id, self.agent.id)
    }
}
