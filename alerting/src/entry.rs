//! What the fold takes in, read from the bytes of the findings log. What cannot be read is a typed error for the
//! caller and changes nothing; it never stops the fold.

use schemas::Rejection;
use schemas::acknowledgement::Acknowledgement;
use schemas::command::Command;
use schemas::feedback::Feedback;
use schemas::finding::{Body, Epoch, FINDING_SCHEMA, Finding, LevelChange, Verdict};
use schemas::rule::is_tenant;
use schemas::time::TIME_MS_MIN;
use serde::Deserialize;

use crate::text::clean;

/// Milliseconds of an epoch.
pub(crate) const EPOCH_MS: i64 = 300_000;
/// Most parts of an epoch.
const PARTS_MAX: u32 = 4_096;
/// Longest agent id, in characters.
const AGENT_CHARS_MAX: usize = 2_048;
const KINDS: [&str; 7] =
    ["verdict", "level", "epoch", "acknowledgement", "feedback", "command", "tick"];

/// What the fold takes in; closed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry<'a> {
    /// An activity past the finding floor.
    Verdict(&'a Verdict),
    /// A change of trust level.
    Level(&'a LevelChange),
    /// Increments of the shared tables.
    Epoch(&'a Epoch),
    /// What became of a revocation request.
    Acknowledgement(&'a Acknowledgement),
    /// An analyst's verdict.
    Feedback(&'a Feedback),
    /// An operator's command.
    Command(&'a Command),
    /// Log time reached a deadline.
    Tick,
}

/// Why bytes are no finding that can be applied.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Not JSON, or a field is missing or of the wrong kind.
    #[error("decode a finding")]
    Json(#[source] serde_json::Error),
    /// Another schema, or another major version of it.
    #[error("understand a finding of schema {0:?}")]
    Schema(String),
    /// A kind that this version does not know.
    #[error("understand a finding of kind {0:?}")]
    Kind(String),
    /// A value that no finding has.
    #[error("accept {0} of a finding")]
    Value(&'static str),
}

/// As much as tells apart what is not ours and what is broken.
#[derive(Deserialize)]
struct Outline {
    schema: String,
    body: Option<OutlineBody>,
}

#[derive(Deserialize)]
struct OutlineBody {
    kind: Option<String>,
}

// === impl Entry ===

impl<'a> Entry<'a> {
    /// The entry that a finding is.
    pub fn of(finding: &'a Finding) -> Self {
        match &finding.body {
            Body::Verdict(verdict) => Self::Verdict(verdict),
            Body::Level(change) => Self::Level(change),
            Body::Epoch(epoch) => Self::Epoch(epoch),
            Body::Acknowledgement(said) => Self::Acknowledgement(said),
            Body::Feedback(said) => Self::Feedback(said),
            Body::Command(said) => Self::Command(said),
            Body::Tick {} => Self::Tick,
        }
    }
}

/// Reads and checks a finding.
pub fn read(bytes: &[u8]) -> Result<Finding, EntryError> {
    let finding: Finding = serde_json::from_slice(bytes).map_err(|error| wrong(bytes, error))?;
    if finding.schema != FINDING_SCHEMA {
        return Err(EntryError::Schema(clean(&finding.schema)));
    }
    check(&finding)?;
    Ok(finding)
}

fn wrong(bytes: &[u8], error: serde_json::Error) -> EntryError {
    match serde_json::from_slice::<Outline>(bytes) {
        Ok(outline) if outline.schema != FINDING_SCHEMA => {
            EntryError::Schema(clean(&outline.schema))
        }
        Ok(Outline { body: Some(OutlineBody { kind: Some(kind) }), .. })
            if !KINDS.contains(&kind.as_str()) =>
        {
            EntryError::Kind(clean(&kind))
        }
        _ => EntryError::Json(error),
    }
}

fn check(finding: &Finding) -> Result<(), EntryError> {
    let tenant = &finding.tenant_id;
    if !is_tenant(tenant) {
        return Err(EntryError::Value("the tenant"));
    }
    let actor = match Entry::of(finding) {
        Entry::Verdict(verdict) => &verdict.actor,
        Entry::Level(change) => &change.actor,
        Entry::Epoch(epoch) => return check_epoch(finding, epoch),
        Entry::Acknowledgement(said) => {
            return outside(said::check_acknowledgement(said), &said.tenant_id, tenant);
        }
        Entry::Feedback(said) => {
            return outside(said::check_feedback(said), &said.tenant_id, tenant);
        }
        Entry::Command(said) => {
            return outside(said::check_command(said), &said.tenant_id, tenant);
        }
        Entry::Tick => return Ok(()),
    };
    let length = actor.agent_id.chars().take(AGENT_CHARS_MAX + 1).count();
    if length == 0 || length > AGENT_CHARS_MAX {
        return Err(EntryError::Value("the agent"));
    }
    if actor.tenant_id == *tenant { Ok(()) } else { Err(EntryError::Value("the actor's tenant")) }
}

/// Whether what intake should have checked is checked.
fn outside(
    checked: Result<(), Rejection>,
    said_of: &str,
    tenant_id: &str,
) -> Result<(), EntryError> {
    if checked.is_err() {
        return Err(EntryError::Value("what was said from outside"));
    }
    if said_of == tenant_id { Ok(()) } else { Err(EntryError::Value("the tenant it was said of")) }
}

/// Whether an epoch's numbers can be: its part is one of its parts, and it lies in the past of its log.
pub(crate) fn check_epoch(finding: &Finding, epoch: &Epoch) -> Result<(), EntryError> {
    if epoch.parts == 0 || epoch.parts > PARTS_MAX || epoch.part >= epoch.parts {
        return Err(EntryError::Value("the part"));
    }
    let epochs = TIME_MS_MIN / EPOCH_MS..=finding.log_time.millis() / EPOCH_MS;
    if epochs.contains(&epoch.epoch) { Ok(()) } else { Err(EntryError::Value("the epoch")) }
}
