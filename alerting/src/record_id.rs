//! Names of what a tenant saves: one record for each thing that changes by itself, so that a finding writes little.
//! What the records hold stands with their owners.

use baseline::shared::TableKey;
use schemas::Authority;
use schemas::finding::MetKind;
use schemas::incident::IncidentKind;
use serde::{Deserialize, Serialize};

use crate::incidents::CauseKey;
use crate::swarm::ThingKey;

/// An actor within its tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ActorKey {
    /// The agent.
    pub(crate) agent_id: String,
    /// Its authority.
    pub(crate) authority: Authority,
}

/// One partition's epoch on its way: the parts of one carry the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EpochId {
    /// Number of the epoch.
    pub(crate) epoch: i64,
    /// Partition of its cause.
    pub(crate) partition: u32,
    /// Offset of its cause.
    pub(crate) offset: u64,
    /// Topic of its cause.
    pub(crate) topic_id: String,
}

/// A partition whose epochs are merged.
pub(crate) type Lane = (u32, String);

/// A record of a tenant. No authority begins with `~`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RecordId {
    /// What concerns the whole tenant and is small.
    Tenant,
    /// When an agent was revoked automatically.
    Breaker(String),
    /// What is known of an actor.
    Case(ActorKey),
    /// An open alert of an actor, by leading signal and id.
    Alert(ActorKey, String, String),
    /// An alert that others of its blueprint may join, by id.
    Cause(String),
    /// What a tenant's things usually get.
    Usual,
    /// A thing that agents met for the first time.
    Thing(ThingKey),
    /// When the shared tables were published, and up to which merge.
    Control,
    /// Up to where a partition's epochs are merged.
    Mark(Lane),
    /// A part of an epoch that waits for the others.
    Part(EpochId, u32),
    /// A shared table.
    Table(TableKey),
    /// A request, by id.
    Request(String),
    /// What the breaker holds back.
    Wave,
    /// A silence, by id.
    Silence(String),
    /// What an alert added to the evidence against its actor, by its id.
    Past(String),
    /// Evidence of people about an agent.
    Outside(String),
    /// What people expected, by id.
    Expected(String),
    /// Alerts with one cause.
    Incident(CauseKey),
    /// A link between delegator and delegate.
    Link(u64),
}

// === impl RecordId ===

impl RecordId {
    /// The key of the record.
    pub(crate) fn key(&self, tenant_id: &str) -> String {
        match self {
            Self::Tenant => format!("{tenant_id}|~tenant"),
            Self::Breaker(agent_id) => format!("{tenant_id}|~breaker/{agent_id}"),
            Self::Case(actor) => {
                format!("{tenant_id}|{}|{}", actor.authority.as_str(), actor.agent_id)
            }
            Self::Alert(_, _, id) => format!("{tenant_id}|~alert/{id}"),
            Self::Cause(id) => format!("{tenant_id}|~cause/{id}"),
            Self::Usual => format!("{tenant_id}|~usual"),
            Self::Thing((kind, key)) => format!("{tenant_id}|~met/{}/{key:016x}", kind.as_str()),
            Self::Control => format!("{tenant_id}|~control"),
            Self::Mark((partition, topic_id)) => {
                format!("{tenant_id}|~mark/{partition}/{topic_id}")
            }
            Self::Part(id, part) => format!(
                "{tenant_id}|~part/{}/{}/{}/{part}/{}",
                id.epoch, id.partition, id.offset, id.topic_id
            ),
            Self::Table(key) => format!("{tenant_id}|{key}"),
            Self::Request(id) => format!("{tenant_id}|~request/{id}"),
            Self::Wave => format!("{tenant_id}|~wave"),
            Self::Silence(id) => format!("{tenant_id}|~silence/{id}"),
            Self::Past(id) => format!("{tenant_id}|~past/{id}"),
            Self::Outside(agent_id) => format!("{tenant_id}|~outside/{agent_id}"),
            Self::Expected(id) => format!("{tenant_id}|~expected/{id}"),
            Self::Incident((kind, key)) => {
                format!("{tenant_id}|~incident/{}/{key}", kind.as_str())
            }
            Self::Link(id) => format!("{tenant_id}|~link/{id:016x}"),
        }
    }

    /// Reads a key, but for those of alerts, whose record says whose they are.
    pub(crate) fn of_key(key: &str) -> Option<(&str, Self)> {
        let (tenant_id, rest) = key.split_once('|')?;
        let id = match rest.strip_prefix('~').map(|rest| rest.split_once('/').unwrap_or((rest, "")))
        {
            Some(("tenant", "")) => Self::Tenant,
            Some(("control", "")) => Self::Control,
            Some(("usual", "")) => Self::Usual,
            Some(("wave", "")) => Self::Wave,
            Some(("request", id)) => Self::Request(id.to_owned()),
            Some(("silence", id)) => Self::Silence(id.to_owned()),
            Some(("past", id)) => Self::Past(id.to_owned()),
            Some(("outside", agent_id)) => Self::Outside(agent_id.to_owned()),
            Some(("expected", id)) => Self::Expected(id.to_owned()),
            Some(("incident", cause)) => {
                let (kind, key) = cause.split_once('/')?;
                Self::Incident((IncidentKind::from_wire(kind)?, key.to_owned()))
            }
            Some(("link", id)) => Self::Link(u64::from_str_radix(id, 16).ok()?),
            Some(("met", thing)) => {
                let (kind, key) = thing.split_once('/')?;
                Self::Thing((MetKind::from_wire(kind)?, u64::from_str_radix(key, 16).ok()?))
            }
            Some(("cause", id)) => Self::Cause(id.to_owned()),
            Some(("breaker", agent_id)) => Self::Breaker(agent_id.to_owned()),
            Some(("mark", lane)) => {
                let (partition, topic_id) = lane.split_once('/')?;
                Self::Mark((partition.parse().ok()?, topic_id.to_owned()))
            }
            Some(("part", part)) => {
                let mut words = part.splitn(5, '/');
                let mut word = || words.next();
                let (epoch, partition, offset) = (word()?, word()?, word()?);
                let (part, topic_id) = (word()?.parse().ok()?, word()?.to_owned());
                let id = EpochId {
                    epoch: epoch.parse().ok()?,
                    partition: partition.parse().ok()?,
                    offset: offset.parse().ok()?,
                    topic_id,
                };
                Self::Part(id, part)
            }
            Some(_) => Self::Table(TableKey::of_record(key)?),
            None => {
                let (authority, agent_id) = rest.split_once('|')?;
                let authority = Authority::from_wire(authority)?;
                Self::Case(ActorKey { agent_id: agent_id.to_owned(), authority })
            }
        };
        Some((tenant_id, id))
    }

    /// Whether a key is that of an alert's record.
    pub(crate) fn is_alert(key: &str) -> bool {
        key.split_once('|').is_some_and(|(_, rest)| rest.starts_with("~alert/"))
    }
}
